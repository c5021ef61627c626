//! Input made to be slow: each kind at one size and at ten times that. Time for each byte must not
//! grow, so a ratio far above 1 tells that cost grows faster than the input.

use liaison::stix::content::{self, Options, Profile};
use liaison::stix::json;
use liaison::stix::pattern::Pattern;
use std::time::Instant;

/// Prints the table; true if nothing grows faster than its input.
pub(crate) fn measure() -> bool {
    println!(
        "\n| hostile input | bytes | time, ms | ten times the bytes | time, ms | time for each byte, ratio | linear |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    let mut all_linear = true;
    for (name, make, judge) in KINDS {
        let (small, large) = (make(SMALL), make(SMALL * 10));
        let (one, ten) = (seconds(*judge, &small), seconds(*judge, &large));
        let ratio = (ten / large.len() as f64) / (one / small.len() as f64);
        // Limits make the larger one cheaper; caches and noise make it somewhat dearer.
        let linear = ratio < 2.5 || ten < 0.002;
        all_linear &= linear;
        println!(
            "| {name} | {} | {:.3} | {} | {:.3} | {ratio:.2} | {} |",
            small.len(),
            one * 1e3,
            large.len(),
            ten * 1e3,
            if linear { "yes" } else { "NO" }
        );
    }
    all_linear
}

/// The best of several: noise only ever makes it slower.
fn seconds(judge: fn(&str), text: &str) -> f64 {
    let once = || {
        let started = Instant::now();
        judge(text);
        started.elapsed().as_secs_f64()
    };
    (0..5).map(|_| once()).fold(f64::MAX, f64::min)
}

fn object(text: &str) {
    for profile in [Profile::Strict, Profile::Permissive] {
        let options = Options { profile, advise: true, ..Options::default() };
        let judged = json::read(text.as_bytes().to_vec(), |seen| content::judge(seen, options).is_valid());
        std::hint::black_box(judged.is_ok());
    }
}

fn pattern(text: &str) {
    let parsed = Pattern::parse(text);
    std::hint::black_box(parsed.is_ok_and(|parsed| parsed.warnings().is_empty()));
}

type Kind = (&'static str, fn(usize) -> String, fn(&str));

const KINDS: &[Kind] = &[
    (
        "a type of many letters",
        |n| with(&format!(r#""type":"{}""#, "abcdefghijklmnopqrstuvwxyz".repeat(n / 26))),
        object,
    ),
    ("a type of many hyphenated parts", |n| with(&format!(r#""type":"{}""#, "a-".repeat(n / 2))), object),
    ("an id of many letters", |n| with(&format!(r#""id":"{}""#, "a".repeat(n))), object),
    ("deep lists", |n| with(&format!(r#""x_deep":{}"#, "[".repeat(n))), object),
    ("a long list of numbers", |n| with(&format!(r#""x_list":[{}0]"#, "0,".repeat(n / 2))), object),
    (
        "many properties",
        |n| with(&(0..n / 16).map(|at| format!(r#""x_{at:08}":0"#)).collect::<Vec<_>>().join(",")),
        object,
    ),
    (
        "names with escapes",
        |n| with(&(0..n / 16).map(|at| format!(r#""\u0078_{at:06}":0"#)).collect::<Vec<_>>().join(",")),
        object,
    ),
    ("labels that repeat", |n| with(&format!(r#""labels":[{}"x"]"#, r#""x","#.repeat(n / 4))), object),
    (
        "selectors of many steps",
        |n| {
            with(&format!(r#""granular_markings":[{{"lang":"en","selectors":["a{}"]}}]"#, ".a".repeat(n / 2)))
        },
        object,
    ),
    (
        "many selectors",
        |n| {
            with(&format!(
                r#""labels":[{}"x"],"granular_markings":[{{"lang":"en","selectors":[{}"labels"]}}]"#,
                r#""x","#.repeat(n / 8),
                r#""labels.[900]","#.repeat(n / 32)
            ))
        },
        object,
    ),
    ("references inside a container", |n| container(n / 2), object),
    ("a hash of many digits", |n| with(&format!(r#""hashes":{{"SHA-256":"{}"}}"#, "a".repeat(n))), object),
    ("a URL of many parts", |n| value("url", &format!("http://example.com{}", "/%41".repeat(n / 4))), object),
    ("a domain of many labels", |n| value("domain-name", &"a.".repeat(n / 2)), object),
    ("a domain in other letters", |n| value("domain-name", &"é.".repeat(n / 3)), object),
    ("an address of many parts", |n| value("ipv6-addr", &"1:".repeat(n / 2)), object),
    (
        "a mail address of many dots",
        |n| value("email-addr", &format!("{}@example.com", "a.".repeat(n / 2))),
        object,
    ),
    (
        "a time of many digits",
        |n| with(&format!(r#""created":"2026-01-01T00:00:00.{}Z""#, "1".repeat(n))),
        object,
    ),
    ("a string of escapes", |n| with(&format!(r#""x_text":"{}""#, r"\u00e9".repeat(n / 6))), object),
    (
        "nested parentheses in a pattern",
        |n| format!("{}[a:b=1]{}", "(".repeat(n / 2), ")".repeat(n / 2)),
        pattern,
    ),
    (
        "parentheses inside brackets",
        |n| format!("[{}a:b=1{}]", "(".repeat(n / 2), ")".repeat(n / 2)),
        pattern,
    ),
    ("a chain of AND", |n| format!("[{}a:b=1]", "a:b=1 AND ".repeat(n / 10)), pattern),
    (
        "a chain of OR over types",
        |n| format!("[{}a:b=1]", (0..n / 16).map(|at| format!("x-{at:06}:b=1 OR ")).collect::<String>()),
        pattern,
    ),
    ("a chain of FOLLOWEDBY", |n| format!("{}[a:b=1]", "[a:b=1] FOLLOWEDBY ".repeat(n / 19)), pattern),
    ("a long IN list", |n| format!("[a:b IN ({}1)]", "1,".repeat(n / 2)), pattern),
    ("a path of many steps", |n| format!("[a:b{} = 1]", ".c".repeat(n / 2)), pattern),
    (
        "a MATCHES of nested repeats",
        |n| format!("[a:b MATCHES '{}a{}']", "(".repeat(n / 4), "+)+".repeat(n / 4)),
        pattern,
    ),
    ("a MATCHES of counted repeats", |n| format!("[a:b MATCHES '{}']", "a{1000}".repeat(n / 7)), pattern),
    ("a MATCHES of alternatives", |n| format!("[a:b MATCHES '{}b']", "a|".repeat(n / 2)), pattern),
    ("a long string in a pattern", |n| format!("[a:b = '{}']", "x".repeat(n)), pattern),
];

/// An otherwise good indicator with these members in the place of its own.
fn with(members: &str) -> String {
    let mut text = format!("{{{members}");
    for (name, value) in [
        ("type", r#""indicator""#),
        ("id", r#""indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f""#),
        ("spec_version", r#""2.1""#),
        ("created", r#""2026-01-01T00:00:00.000Z""#),
        ("modified", r#""2026-01-01T00:00:00.000Z""#),
    ] {
        if !members.starts_with(&format!("\"{name}\"")) {
            text.push_str(&format!(",\"{name}\":{value}"));
        }
    }
    text.push('}');
    text
}

/// Observed data whose observables refer to each other.
fn container(bytes: usize) -> String {
    let objects: String =
        (0..bytes / 40).map(|at| format!(r#""{at}":{{"type":"url","value":"http://a.b"}},"#)).collect();
    let refs: String = (0..bytes / 8).map(|at| format!(r#""{}","#, at % (bytes / 40))).collect();
    let last = format!(r#""x":{{"type":"file","name":"a","contains_refs":[{refs}"0"]}}"#);
    with(&format!(r#""type":"observed-data","objects":{{{objects}{last}}}"#))
}

fn value(object_type: &str, value: &str) -> String {
    format!(
        r#"{{"type":"{object_type}","id":"{object_type}--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"{value}"}}"#
    )
}

const SMALL: usize = 20_000;
