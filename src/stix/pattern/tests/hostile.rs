//! Limits, and texts made to hurt.

use super::{Pattern, parse, refused};
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[test]
fn nesting_is_limited_not_followed() {
    let nested = |depth: usize| format!("{}[x-a:a = 1]{}", "(".repeat(depth), ")".repeat(depth));
    let inside = |depth: usize| format!("[{}x-a:a = 1{}]", "(".repeat(depth), ")".repeat(depth));
    for good in [nested(60), nested(127), inside(127)] {
        parse(&good);
    }
    for bad in [nested(128), nested(30_000), inside(128), inside(30_000), "(".repeat(60_000)] {
        assert!(refused(&bad).contains("over the limit of 128"));
    }
    assert!(refused(&nested(100_000)).contains("bytes over the limit of 65536"));
}

#[test]
fn counts_are_limited() {
    let brackets = |count: usize| vec!["[x:a = 1]"; count].join(" OR ");
    parse(&brackets(1_000));
    assert!(refused(&brackets(1_001)).contains("observation expressions over the limit of 1000"));
    let tests = |count: usize| format!("[{}]", vec!["a:b=1"; count].join("OR "));
    parse(&tests(7_000));
    assert!(tests(7_000).len() < 65_536);
    let text = |length: usize| format!("[x:a = '{}']", "y".repeat(length - 10));
    parse(&text(65_536));
    assert!(refused(&text(65_537)).contains("bytes over the limit"));
    parse("([x:a = 1] REPEATS 100 TIMES) REPEATS 1000 TIMES");
    assert!(
        refused("([x:a = 1] REPEATS 100 TIMES) REPEATS 1001 TIMES").contains("product of nested REPEATS")
    );
    assert!(refused("[x:a = 1] REPEATS 100001 TIMES").contains("over the limit of 100000"));
    assert!(refused("[x:a = 1] REPEATS 99999999999999999999 TIMES").contains("over the limit of 100000"));
    let deep = format!("{}[x:a = 1]{}", "(".repeat(100), " REPEATS 100000 TIMES)".repeat(100));
    assert!(refused(&deep).contains("product of nested REPEATS"));
}

#[test]
fn large_texts_take_linear_time() {
    let types: String = (0..4_000).map(|n| format!("t{n}:a=1 OR ")).collect();
    for text in [
        format!("[{types}x:a = 1]"),
        format!("[({types}x:a = 1) AND ({types}y:a = 1)]").chars().take(65_536).collect(),
        format!("[{}x:a = 1]", "x:a = 1 AND ".repeat(5_000)),
        format!("[x:a IN ({}1)]", "1,".repeat(32_000)),
        format!("[x:a{} = 1]", ".a".repeat(32_000)),
        format!("[x:a MATCHES '{}']", "(".repeat(65_000)),
        format!("[x:a MATCHES '{}']", "a{1".repeat(20_000)),
        format!("[x:a MATCHES '[{}']", "[:".repeat(30_000)),
        format!("[x:a MATCHES '{}']", r"\\w".repeat(20_000)),
        format!("[{}x:a = 1]", r"x:a MATCHES '\\pL{500}' AND ".repeat(2_000)),
        "/**/".repeat(16_000),
        "/*".repeat(32_000),
        format!("[x:a = '{}", r"\\".repeat(32_000)),
    ] {
        let start = Instant::now();
        if let Ok(pattern) = Pattern::parse(&text) {
            assert!(pattern.warnings().len() < 20_000);
            assert!(!pattern.explain().is_empty());
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{:?} {}", start.elapsed(), &text[..40]);
    }
}

/// Everything a caller may do with a text.
fn exercise(text: &str) -> Result<(), TestCaseError> {
    let start = Instant::now();
    match Pattern::parse(text) {
        Ok(pattern) => {
            let canonical = pattern.to_string();
            let again = parse(&canonical);
            prop_assert_eq!(again.to_string(), canonical);
            prop_assert_eq!(again.atoms(), pattern.atoms());
            prop_assert!(again.explain().len() >= pattern.atoms().len());
            prop_assert!(pattern.matches(&[]).is_ok() || !pattern.warnings().is_empty());
        }
        Err(error) => {
            prop_assert!(error.offset() <= text.len());
            prop_assert!(text.is_char_boundary(error.offset()));
            prop_assert!(error.to_string().len() < 1_000);
        }
    }
    prop_assert!(start.elapsed() < Duration::from_secs(1));
    Ok(())
}

const SEEDS: [&str; 9] = [
    "[file:name = 'a' AND (file:size > 5 OR NOT EXISTS file:mime_type)]",
    "([x-a:a IN (1, 2.5) OR x-a:b NOT LIKE '%a_']) WITHIN 5.5 SECONDS REPEATS 2 TIMES",
    "[x-a:p_ref.q_refs[*].'x y'[0] != t'2020-01-01T00:00:00.5Z'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
    r"[x-a:a MATCHES '^(?i:a[b-d]{2,3})\\w+?$' AND x-a:b ISSUBSET '10.0.0.0/8'] FOLLOWEDBY [x-b:c = h'00ff']",
    "[a:b = b'dGVzdA==' OR a:c = true] AND [d:e < -1.5] OR ([f:g >= 'it\\'s'] /* c */)",
    "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
    r"[x-a:a MATCHES '(?<n>a)\\k<n>[[:alpha:]\\d]\\p{L}\\Q*\\E']",
    "[x-a:a == +1 AND x-a:b <> h'4D'] // end",
    "[network-traffic:src_ref.value ISSUPERSET '::1'] REPEATS 3 TIMES",
];

proptest! {
    #[test]
    fn random_texts_never_panic(text in "\\PC{0,60}") {
        exercise(&text)?;
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        exercise(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn random_tokens_never_panic(words in prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..30)) {
        exercise(&words.join(" "))?;
        exercise(&words.concat())?;
    }

    #[test]
    fn mutated_patterns_never_panic(
        seed in 0..SEEDS.len(), other in 0..SEEDS.len(), cut in 0.0..1.0_f64, graft in 0.0..1.0_f64, noise in "\\PC{0,3}",
    ) {
        let boundary = |text: &str, share: f64| {
            let at = (text.len() as f64 * share) as usize;
            (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        let (a, b) = (SEEDS[seed], SEEDS[other]);
        exercise(&format!("{}{noise}{}", &a[..boundary(a, cut)], &b[boundary(b, graft)..]))?;
        exercise(&format!("{}{noise}{}", &a[..boundary(a, cut)], &a[boundary(a, cut)..]))?;
    }

    #[test]
    fn expressions_that_pass_the_check_are_taken_by_the_engine(
        parts in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..8)
    ) {
        let expression = parts.concat().replace('\\', r"\\").replace('\'', r"\'");
        for (name, value) in [("p", "abc"), ("p_hex", "616263")] {
            if let Ok(pattern) = Pattern::parse(&format!("[x-a:{name} MATCHES '{expression}']"))
                && pattern.warnings().is_empty()
            {
                let object = serde_json::json!({"type": "x-a", name: value});
                let answer = pattern.matches(&[super::observing(&[object])]);
                prop_assert!(answer.is_ok() || (name == "p_hex" && expression.contains("\\p")), "{}: {:?}", expression, answer);
            }
        }
    }
}

const TOKENS: [&str; 44] = [
    "[",
    "]",
    "(",
    ")",
    "a:b",
    "file:name",
    ":",
    ".",
    ",",
    "*",
    "=",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "==",
    "<>",
    "'x'",
    "5",
    "-1.5",
    "true",
    "h'00'",
    "b'AA=='",
    "t'2020-01-01T00:00:00Z'",
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "IN",
    "EXISTS",
    "ISSUBSET",
    "WITHIN",
    "SECONDS",
    "REPEATS",
    "TIMES",
    "START",
    "STOP",
    "[a:b = 1]",
    "/**/",
    "//",
    "\\",
];

const PIECES: [&str; 62] = [
    "a",
    "é",
    "€",
    ".",
    "^",
    "$",
    "\\d",
    "\\W",
    "\\b",
    "\\h",
    "\\V",
    "\\N",
    "\\R",
    "\\x41",
    "\\x{e9}",
    "\\x{20ac}",
    "\\101",
    "\\Qa.\\E",
    "\\pL",
    "\\P{Lu}",
    "[a-c]",
    "[^a]",
    "[]a]",
    "[é-€]",
    "[€]",
    "[^€]",
    "[\\H]",
    "[\\d-z]",
    "[[:alpha:]]",
    "[[:^alpha:]b]",
    "[a&&b]",
    "[\\Qa-\\E]",
    "(a)",
    "(?:a|b)",
    "(?i)",
    "(?-i)",
    "(?x) ",
    "(?m-s:a)",
    "(?^)",
    "(?<n>a)",
    "(?|a|b)",
    "(?#x)",
    "(",
    ")",
    "|",
    "*",
    "+?",
    "?",
    "{2}",
    "{1,3}",
    "{,2}",
    "{2",
    "}",
    "]",
    "\\K",
    "\\G",
    "\\Z",
    "\\-",
    "\\<",
    " ",
    "#",
    "\\0",
];
