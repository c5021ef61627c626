//! The canonical form, atoms and plain words.

use super::parse;
use crate::stix::pattern::Atom;

#[test]
fn one_form_for_all_spellings() {
    for (pattern, canonical) in [
        ("[ file:name='a' ]", "[file:name = 'a']"),
        ("[file:'name' NOT='a']", "[file:name NOT = 'a']"),
        ("[file:'hashes'.'SHA-256' LIKE 'a%']", "[file:hashes.'SHA-256' LIKE 'a%']"),
        ("[x-a:'LIKE'.'a b'.'1'[ 0 ][*] = 1]", "[x-a:'LIKE'.'a b'.'1'[0][*] = 1]"),
        (r"[x-a:a = 'it\'s \\ \'']", r"[x-a:a = 'it\'s \\ \'']"),
        ("[x-a:a IN(1,2.50 ,-3)]", "[x-a:a IN (1, 2.50, -3)]"),
        ("[NOT EXISTS x-a:a AND EXISTS x-a:b]", "[NOT EXISTS x-a:a AND EXISTS x-a:b]"),
        ("[x-a:a = 1.50 OR x-a:a = .5 OR x-a:a = true]", "[x-a:a = 1.50 OR x-a:a = .5 OR x-a:a = true]"),
        ("[x-a:a = t'2020-01-01T00:00:00.50Z']", "[x-a:a = t'2020-01-01T00:00:00.50Z']"),
        ("[x-a:a MATCHES '^C:\\\\\\\\x']", "[x-a:a MATCHES '^C:\\\\\\\\x']"),
        (
            "[x-a:a ISSUBSET '1.2.3.4/8' OR x-a:a NOT ISSUPERSET '::1']",
            "[x-a:a ISSUBSET '1.2.3.4/8' OR x-a:a NOT ISSUPERSET '::1']",
        ),
    ] {
        assert_eq!(parse(pattern).to_string(), canonical);
        assert_eq!(parse(canonical).to_string(), canonical);
    }
}

#[test]
fn only_needed_parentheses_stay() {
    let (a, b, c) = ("[x-a:a = 1]", "[x-b:a = 1]", "[x-c:a = 1]");
    let w = "WITHIN 1 SECONDS";
    for (pattern, canonical) in [
        (format!("(({a}))"), a.to_owned()),
        (format!("(({a} AND {b}) AND {c})"), format!("{a} AND {b} AND {c}")),
        (format!("{a} AND ({b} AND {c})"), format!("{a} AND {b} AND {c}")),
        (format!("({a} AND {b}) OR {c}"), format!("{a} AND {b} OR {c}")),
        (format!("{a} AND ({b} OR {c})"), format!("{a} AND ({b} OR {c})")),
        (format!("{a} FOLLOWEDBY ({b} OR {c})"), format!("{a} FOLLOWEDBY {b} OR {c}")),
        (format!("({a} FOLLOWEDBY {b}) OR {c}"), format!("({a} FOLLOWEDBY {b}) OR {c}")),
        (format!("({a} FOLLOWEDBY {b}) AND {c}"), format!("({a} FOLLOWEDBY {b}) AND {c}")),
        (format!("({a}) {w}"), format!("{a} {w}")),
        (format!("({a} AND {b}) {w}"), format!("({a} AND {b}) {w}")),
        (format!("{a} AND ({b} {w})"), format!("{a} AND {b} {w}")),
        (format!("({a} {w}) {w}"), format!("({a} {w}) {w}")),
        (format!("({a} {w}) REPEATS 2 TIMES"), format!("{a} {w} REPEATS 2 TIMES")),
        (format!("(({a} {w}) REPEATS 2 TIMES) {w}"), format!("({a} {w} REPEATS 2 TIMES) {w}")),
        (format!("(({a} {w}) {w}) REPEATS 2 TIMES"), format!("({a} {w}) {w} REPEATS 2 TIMES")),
        ("[(x-a:a = 1)]".to_owned(), "[x-a:a = 1]".to_owned()),
        (
            "[(x-a:a = 1 AND x-a:b = 2) OR x-a:c = 3]".to_owned(),
            "[x-a:a = 1 AND x-a:b = 2 OR x-a:c = 3]".to_owned(),
        ),
        (
            "[(x-a:a = 1 OR x-a:b = 2) AND x-a:c = 3]".to_owned(),
            "[(x-a:a = 1 OR x-a:b = 2) AND x-a:c = 3]".to_owned(),
        ),
    ] {
        assert_eq!(parse(&pattern).to_string(), canonical, "{pattern}");
        assert_eq!(parse(&canonical).to_string(), canonical);
    }
}

#[test]
fn qualifiers_bind_to_the_operand_directly_before_them() {
    let pattern = parse("[x-a:a = 1] FOLLOWEDBY [x-b:a = 1] REPEATS 5 TIMES");
    assert_eq!(pattern.to_string(), "[x-a:a = 1] FOLLOWEDBY [x-b:a = 1] REPEATS 5 TIMES");
    assert!(pattern.explain().contains("2. 5 times"));
}

#[test]
fn atoms_are_single_equalities_or_such_joined_by_or() {
    for (pattern, expected) in [
        ("[domain-name:value = 'a.example']", vec![("domain-name", "value", "a.example")]),
        (
            "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
            vec![(
                "file",
                "hashes.'SHA-256'",
                "aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f",
            )],
        ),
        (
            "[url:value = 'a' OR (url:value = 'b' OR ipv4-addr:value ISSUBSET '10.0.0.0/8')]",
            vec![("url", "value", "a"), ("url", "value", "b"), ("ipv4-addr", "value", "10.0.0.0/8")],
        ),
        (
            "[ipv4-addr:value IN ('10.0.0.1', '10.0.0.2')]",
            vec![("ipv4-addr", "value", "10.0.0.1"), ("ipv4-addr", "value", "10.0.0.2")],
        ),
        ("[autonomous-system:number = 64496]", vec![("autonomous-system", "number", "64496")]),
    ] {
        let expected: Vec<Atom> = expected
            .into_iter()
            .map(|(object_type, path, value)| Atom {
                object_type: object_type.into(),
                path: path.into(),
                value: value.into(),
            })
            .collect();
        assert_eq!(parse(pattern).atoms(), expected, "{pattern}");
    }
}

#[test]
fn anything_else_yields_no_atom_at_all() {
    for pattern in [
        "[url:value = 'a' AND url:defanged = true]",
        "[url:value = 'a' OR url:value LIKE 'b%']",
        "[url:value = 'a' OR (url:value = 'b' AND url:value = 'c')]",
        "[url:value NOT = 'a']",
        "[url:value NOT != 'a']",
        "[url:value != 'a']",
        "[url:value MATCHES 'a']",
        "[url:value IN ('a')]",
        "[EXISTS url:value]",
        "[file:size > 5]",
        "[url:value ISSUBSET '10.0.0.0/8']",
        "[ipv4-addr:value ISSUPERSET '10.0.0.0/8']",
        "[ipv4-addr:value ISSUBSET 'x']",
        "[url:value = 'a'] WITHIN 5 SECONDS",
        "[url:value = 'a'] OR [url:value = 'b']",
        "[url:value = 'a'] FOLLOWEDBY [url:value = 'b']",
    ] {
        assert_eq!(parse(pattern).atoms(), [], "{pattern}");
    }
}
