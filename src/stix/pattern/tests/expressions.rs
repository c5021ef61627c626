//! Expressions of `MATCHES`: what is PCRE, what the engine lacks, what it finds.

use super::{codes, holds, parse, refused};
use crate::stix::pattern::Pattern;
use serde_json::json;

fn pattern(expression: &str) -> String {
    format!("[x-a:p MATCHES '{}']", expression.replace('\\', r"\\").replace('\'', r"\'"))
}

#[test]
fn what_cannot_be_pcre_is_refused() {
    for (expression, words) in [
        ("(", "a `(` is not closed"),
        ("a)", "a `)` closes nothing"),
        ("[a", "a `[` is not closed"),
        ("[]", "a `[` is not closed"),
        ("*a", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("(?:*)", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("a{3,1}", "out of order"),
        ("a{70000}", "above 65535"),
        ("[z-a]", "out of order"),
        ("a\\", "lone backslash"),
        ("\\x{110000}", "no character"),
        ("\\x{zz}", "no character"),
        ("(?z)", "no option"),
        ("(?<1>a)", "name is not well-formed"),
        ("(?#a", "comment is not closed"),
        ("(a)\\2", "group 2, which does not exist"),
        ("[[:foo:]]", "no POSIX class"),
        ("\\U41", "PCRE has no \\U"),
        ("\\N{NAME}", "PCRE has no \\N"),
        ("\\p{", "names no property"),
        ("[\\R]", "no meaning inside a class"),
    ] {
        let error = refused(&pattern(expression));
        assert!(error.contains(words), "{expression}: {error}");
    }
    assert!(refused(&pattern(&"(".repeat(251))).contains("250 groups"));
    parse(&pattern(&format!("{}a{}", "(".repeat(250), ")".repeat(250))));
}

#[test]
fn what_the_engine_lacks_is_warned_of() {
    for expression in [
        "(?=a)b",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?>a)",
        "a++",
        "a?+",
        "a{2}+",
        "(a)\\1",
        "(?<n>a)\\k<n>",
        "(a)\\g{1}",
        "(?P<n>a)(?P=n)",
        "(?R)",
        "(a)(?1)",
        "(?(1)a|b)(c)",
        "(*FAIL)",
        "(?C1)",
        "\\X",
        "\\p{Nope}",
        "(a{60001}){3}",
        "(((a{99}){99}){99}){99}",
    ] {
        assert_eq!(codes(&pattern(expression)), ["pattern.regex"], "{expression}");
    }
    for expression in ["a\\yb", "\\u00e9"] {
        let warnings = parse(&pattern(expression)).warnings();
        assert_eq!(warnings.len(), 1, "{expression}");
        assert!(warnings[0].message.contains("PCRE"), "{expression}");
    }
}

#[test]
fn pcre_syntax_is_read_as_pcre_means_it() {
    for (expression, value, expected) in [
        ("a{,2}b", "b", true),
        ("a{x}", "a{x}", true),
        ("a{", "a{", true),
        ("[]a]", "]", true),
        ("[^]a]", "]", false),
        ("[a&&b]", "&", true),
        ("[+--b]", ",", true),
        ("[a[b]", "[", true),
        ("[\\d-z]", "-", true),
        ("[a\\]b]", "]", true),
        ("[~#]", "#", true),
        ("^\\Qa.b\\E$", "a.b", true),
        ("^\\Qa.b\\E$", "axb", false),
        ("\\x41\\x{42}\\103\\o{104}", "ABCD", true),
        ("^\\h+$", " \t\u{a0}", true),
        ("^\\H\\V\\N$", "abc", true),
        ("^\\R$", "\r\n", true),
        ("a\\Kb", "ab", true),
        ("\\Aa\\z", "a", true),
        ("a\\Z", "a", true),
        ("\\Ga", "ba", false),
        ("(?i:A)b", "ab", true),
        ("(?i:A)b", "aB", false),
        ("(?i)a(?-i)b", "AB", false),
        ("(?x) a b # c", "ab", true),
        ("(?x)[ a]", " ", true),
        ("(?x: a )b c", "ab c", true),
        ("(?#c)a", "a", true),
        ("(?|a|b)c", "bc", true),
        ("(?<n>a)(?'m'b)(?P<o>c)", "abc", true),
        ("\\bfoo\\b", "a foo b", true),
        ("[[:alpha:]]", "\u{e9}", true),
        ("[[:^digit:]]", "5", false),
        ("\\p{Greek}\\pL\\P{Lu}\\p{^L}", "\u{3b1}aa1", true),
        ("\\<a\\>", "<a>", true),
        ("\\e\\a\\f\\cA", "\u{1b}\u{7}\u{c}\u{1}", true),
        ("x{2}{2}", "xxxx", true),
        ("(*UTF)a", "a", true),
        ("\\N{U+41}", "A", true),
        ("\\u0041", "A", true),
    ] {
        let test = pattern(expression).replace("[x-a:p ", "");
        let test = test.strip_suffix(']').unwrap();
        assert_eq!(holds(test, json!(value)), expected, "{expression} on {value:?}");
    }
}

#[test]
fn size_is_judged_without_compiling() {
    assert_eq!(codes(&pattern(r"[\w.-]{1,64}@(?:[\w-]{1,20}\.){1,3}[a-z]{2,}")), [""; 0]);
    assert_eq!(codes(&pattern(r"\w{400}")), ["pattern.regex"]);
    assert_eq!(codes(&pattern(&r"\w".repeat(400))), ["pattern.regex"]);
}

#[test]
fn a_clone_keeps_what_was_parsed() {
    let original = parse(&pattern("a+"));
    let copy: Pattern = original.clone();
    drop(original);
    assert_eq!(copy.to_string(), pattern("a+"));
}
