//! Values against constants.

use super::{holds, matches, observing};
use serde_json::{Value, json};

fn all(rows: &[(&str, Value, bool)]) {
    for (test, value, expected) in rows {
        assert_eq!(holds(test, value.clone()), *expected, "{value} {test}");
    }
}

/// As `holds`, for the bytes of a `_hex` property.
fn bytes_hold(test: &str, hex: &str) -> bool {
    let object = json!({"type": "x-a", "p_hex": hex});
    matches(&format!("[x-a:p_hex {test}]"), &[observing(&[object])])
}

#[test]
fn numbers_compare_by_value_and_exactly() {
    all(&[
        ("= 10.0", json!(10), true),
        ("= 10", json!(10.0), true),
        ("= 1", json!(1.5), false),
        ("< 1", json!(0.5), true),
        (">= -1", json!(-1), true),
        ("> 9007199254740992", json!(9_007_199_254_740_993_i64), true),
        ("= 9007199254740993.0", json!(9_007_199_254_740_993_i64), true),
        ("= 9007199254740993", json!(9_007_199_254_740_992.0), false),
        ("= 18446744073709551615", json!(u64::MAX), true),
        ("< 99999999999999999999999999999999999999999999", json!(u64::MAX), true),
        ("> -99999999999999999999999999999999999999999999", json!(-1.5), true),
        ("< 1", json!(-1e300), true),
        ("> 1", json!(1e300), true),
        ("= -0", json!(0), true),
        ("= 0.1", json!(0.1), true),
        ("= 1", json!("1"), false),
        ("= 1", json!(true), false),
        ("!= 1", json!(true), true),
        ("IN (1, 2)", json!(true), false),
        ("IN (1, 2.0)", json!(2), true),
    ]);
}

#[test]
fn booleans_equal_only_booleans() {
    all(&[
        ("= true", json!(true), true),
        ("= true", json!(false), false),
        ("= true", json!(1), false),
        ("= true", json!("true"), false),
        ("!= false", json!(true), true),
    ]);
}

#[test]
fn strings_compare_by_code_point_without_normalisation() {
    all(&[
        ("= 'a'", json!("a"), true),
        ("= 'A'", json!("a"), false),
        ("< 'ab'", json!("a"), true),
        ("> 'a'", json!("ab"), true),
        ("< 'a'", json!("Z"), true),
        ("> '\u{ffff}'", json!("\u{10000}"), true),
        ("= '\u{e9}'", json!("e\u{301}"), false),
        ("<= 'a'", json!("a"), true),
        ("< 'a'", json!(""), true),
    ]);
}

#[test]
fn incompatible_types_are_unequal_and_unordered() {
    for value in [json!(null), json!([]), json!({}), json!([1]), json!("x")] {
        assert!(!holds("= 1", value.clone()));
        assert!(holds("!= 1", value.clone()));
        assert!(holds("NOT = 1", value.clone()));
        assert!(!holds("NOT != 1", value.clone()));
        assert!(!holds("< 1", value.clone()) && !holds(">= 1", value.clone()));
        assert!(holds("NOT < 1", value.clone()) && holds("NOT >= 1", value.clone()));
        assert!(holds("NOT IN (1)", value.clone()));
    }
    assert!(holds("NOT LIKE 'a'", json!(1)) && !holds("LIKE '%'", json!(1)));
    assert!(holds("NOT MATCHES 'a'", json!(1)) && !holds("MATCHES ''", json!(1)));
    assert!(holds("NOT ISSUBSET '::/0'", json!(1)) && !holds("ISSUPERSET '::1'", json!(null)));
}

#[test]
fn absent_values_fail_every_test() {
    let object = [observing(&[json!({"type": "x-a", "q": 1})])];
    for test in
        ["= 1", "!= 1", "NOT = 1", "NOT != 1", "NOT IN (1)", "NOT LIKE 'a'", "NOT MATCHES 'a'", "NOT < 1"]
    {
        assert!(!matches(&format!("[x-a:p {test}]"), &object), "{test}");
    }
    assert!(!matches("[EXISTS x-a:p]", &object) && matches("[NOT EXISTS x-a:p]", &object));
    assert!(matches("[EXISTS x-a:q]", &object) && !matches("[NOT EXISTS x-a:q]", &object));
    assert!(
        holds("!= 1", json!(null))
            && matches("[EXISTS x-a:p]", &[observing(&[json!({"type": "x-a", "p": null})])])
    );
    assert!(!matches("[NOT EXISTS x-b:p]", &object), "there is no object that could lack it");
}

#[test]
fn bytes_and_text_meet_below_u_0100() {
    for (test, hex, expected) in [
        ("= h'4d5a'", "4d5a", true),
        ("= h'4d5a'", "4D5A", true),
        ("= b'TVo='", "4d5a", true),
        ("= 'MZ'", "4d5a", true),
        ("= '\u{e9}'", "e9", true),
        ("= '\u{20ac}'", "e282ac", false),
        ("!= '\u{20ac}'", "e282ac", true),
        ("< h'4d5b'", "4d5a", true),
        ("> h'4d'", "4d5a", true),
        ("> h'7f'", "80", true),
        ("IN (h'00', h'4d5a')", "4d5a", true),
        ("IN ('MZ')", "4d5a", true),
        ("= 1", "31", false),
        ("= h'4d5a'", "4d5", false),
        ("!= h'4d5a'", "xx", true),
        ("LIKE 'M_'", "4d5a", true),
        ("LIKE '\u{e9}'", "c3a9", true),
        ("LIKE '\u{e9}'", "e9", true),
        ("LIKE '%'", "zz", false),
    ] {
        assert_eq!(bytes_hold(test, hex), expected, "{hex} {test}");
    }
    all(&[
        ("= h'4d5a'", json!("MZ"), true),
        ("= b'6Q=='", json!("\u{e9}"), true),
        ("= h'e9'", json!("e\u{301}"), false),
        ("> h'4d'", json!("MZ"), true),
        ("< h'ff'", json!("\u{20ac}"), false),
        ("!= h'ff'", json!("\u{20ac}"), true),
    ]);
    let object = json!({"type": "artifact", "payload_bin": "dGhpcyBpcyBhIHRlc3Q="});
    assert!(matches("[artifact:payload_bin = 'this is a test']", &[observing(&[object])]));
}

#[test]
fn timestamps_compare_as_instants() {
    all(&[
        ("= t'2020-01-01T00:00:00Z'", json!("2020-01-01T00:00:00.000Z"), true),
        ("< t'2020-01-01T00:00:00.0000001Z'", json!("2020-01-01T00:00:00Z"), true),
        ("> t'2020-01-01T00:00:00Z'", json!("2020-01-01T00:00:00.5Z"), true),
        ("= t'2020-01-01T00:00:00Z'", json!("yesterday"), false),
        ("!= t'2020-01-01T00:00:00Z'", json!("yesterday"), true),
        ("NOT < t'2020-01-01T00:00:00Z'", json!("yesterday"), true),
        ("IN (t'2020-01-01T00:00:00Z')", json!("2020-01-01T00:00:00.0Z"), true),
        ("= '2020-01-01T00:00:00Z'", json!("2020-01-01T00:00:00.0Z"), false),
        ("= t'2020-01-01T00:00:00Z'", json!(1_577_836_800), false),
    ]);
}

#[test]
fn like_fits_the_whole_value_and_has_no_escape() {
    all(&[
        ("LIKE 'a%'", json!("abc"), true),
        ("LIKE 'a%'", json!("ba"), false),
        ("LIKE '%'", json!(""), true),
        ("LIKE ''", json!(""), true),
        ("LIKE ''", json!("a"), false),
        ("LIKE 'a_c'", json!("a\nc"), true),
        ("LIKE 'a_c'", json!("ac"), false),
        ("LIKE 'a%c'", json!("a\n\nc"), true),
        ("LIKE '%b%b%'", json!("abab"), true),
        ("LIKE '%b%b%'", json!("ab"), false),
        ("LIKE '%aab'", json!("aaaab"), true),
        ("LIKE '%ab'", json!("acb"), false),
        ("LIKE 'a.c'", json!("abc"), false),
        ("LIKE 'A'", json!("a"), false),
        (r"LIKE 'a\\%'", json!(r"a\b"), true),
        (r"LIKE 'a\\%'", json!("a%"), false),
        ("LIKE '_'", json!("e\u{301}"), true),
        ("LIKE 'e\u{301}'", json!("\u{e9}"), true),
        ("LIKE '_'", json!("\u{1f600}"), true),
        ("NOT LIKE 'a%'", json!("b"), true),
    ]);
}

#[test]
fn networks_contain_addresses_and_each_other() {
    all(&[
        ("ISSUBSET '10.0.0.0/8'", json!("10.1.2.3"), true),
        ("ISSUBSET '10.0.0.0/8'", json!("10.1.0.0/16"), true),
        ("ISSUBSET '10.0.0.0/8'", json!("10.0.0.0/8"), true),
        ("ISSUBSET '10.0.0.0/8'", json!("0.0.0.0/0"), false),
        ("ISSUBSET '10.9.9.9/8'", json!("10.1.2.3"), true),
        ("ISSUBSET '10.1.2.3'", json!("10.1.2.3/32"), true),
        ("ISSUBSET '0.0.0.0/0'", json!("255.255.255.255"), true),
        ("ISSUBSET '0.0.0.0/0'", json!("::1"), false),
        ("ISSUBSET '::/0'", json!("10.1.2.3"), false),
        ("ISSUBSET '2001:db8::/32'", json!("2001:0db8:0000::1"), true),
        ("ISSUBSET '10.0.0.0/8'", json!("host.example"), false),
        ("ISSUBSET 'host.example'", json!("10.1.2.3"), false),
        ("ISSUBSET '10.0.0.0/33'", json!("10.1.2.3"), false),
        ("ISSUBSET '010.0.0.0/8'", json!("10.1.2.3"), false),
        ("ISSUPERSET '10.1.2.3'", json!("10.0.0.0/8"), true),
        ("ISSUPERSET '10.0.0.0/8'", json!("10.1.2.3"), false),
        ("ISSUPERSET '10.0.0.0/8'", json!("10.0.0.0/8"), true),
        ("NOT ISSUBSET '10.0.0.0/8'", json!("11.0.0.1"), true),
    ]);
}

#[test]
fn matches_searches_with_dotall_and_whole_value_anchors() {
    all(&[
        ("MATCHES 'b'", json!("abc"), true),
        ("MATCHES '^b'", json!("a\nb"), false),
        ("MATCHES '(?m)^b'", json!("a\nb"), true),
        ("MATCHES 'a.b'", json!("a\nb"), true),
        ("MATCHES '(?-s)a.b'", json!("a\nb"), false),
        ("MATCHES 'a$'", json!("a\n"), false),
        ("MATCHES ''", json!(""), true),
        (r"MATCHES '^C:\\\\x'", json!(r"C:\x"), true),
        (r"MATCHES '\\d'", json!("٣"), true),
        ("MATCHES '^.$'", json!("e\u{301}"), true),
        ("MATCHES 'e\u{301}'", json!("\u{e9}"), true),
        ("MATCHES '(?i)ABC'", json!("xabcx"), true),
        ("NOT MATCHES 'b'", json!("a"), true),
    ]);
    for (test, hex, expected) in [
        (r"MATCHES '^MZ'", "4d5a90", true),
        (r"MATCHES '\\xff\\xfe'", "00fffe", true),
        ("MATCHES '^.$'", "c3a9", false),
        ("MATCHES '^..$'", "c3a9", true),
        ("MATCHES '\u{e9}'", "e9", true),
        ("MATCHES '[\u{e8}-\u{20ac}]'", "e9", true),
        ("MATCHES '\u{20ac}'", "e282ac", false),
        ("MATCHES '[^\u{20ac}]'", "80", true),
        (r"MATCHES '\\w'", "e9", false),
        ("MATCHES 'a'", "6", false),
    ] {
        assert_eq!(bytes_hold(test, hex), expected, "{hex} {test}");
    }
}
