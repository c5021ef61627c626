//! Patterns in plain words.

use super::parse;

#[test]
fn explanation_tells_order_counts_and_tests() {
    let pattern = "([file:name = 'a' AND (file:size > 5 OR NOT EXISTS file:mime_type)] FOLLOWEDBY \
                   [url:value IN ('x', 'y')] REPEATS 2 TIMES) WITHIN 60 SECONDS";
    let expected = "\
Looks for
  all within 60 seconds:
    these one after the other, none before the one above it:
      1. an observation with one file object where
        all of these hold:
          file:name equals 'a'
          at least one of these holds:
            file:size is greater than 5
            file:mime_type is absent
      2. 2 times, each time observed anew:
        an observation with one url object where
          url:value is one of 'x', 'y'
Warnings
  none
Canonical form
  ([file:name = 'a' AND (file:size > 5 OR NOT EXISTS file:mime_type)] FOLLOWEDBY [url:value IN ('x', 'y')] \
                    REPEATS 2 TIMES) WITHIN 60 SECONDS
Atoms
  none
";
    assert_eq!(parse(pattern).explain(), expected);
}

#[test]
fn explanation_shows_warnings_and_atoms() {
    let text = parse("[file:path = 'a' OR url:value == 'b']").explain();
    assert!(text.contains("  byte 1: file has no property path"), "{text}");
    assert!(text.contains("[pattern.operator]"), "{text}");
    assert!(text.contains("  file:path a\n  url:value b\n"), "{text}");
}

#[test]
fn every_operator_has_words() {
    for (test, words) in [
        ("= 1", "equals 1"),
        ("NOT = 1", "is there and differs from 1"),
        ("!= 1", "is there and differs from 1"),
        ("NOT != 1", "equals 1"),
        ("< 1", "is less than 1"),
        (">= 1", "is at least 1"),
        ("NOT > 1", "is not greater than 1"),
        ("LIKE 'a%'", "looks like 'a%' (% any text, _ any character)"),
        ("NOT MATCHES 'a'", "does not match the expression a"),
        ("ISSUBSET '10.0.0.0/8'", "lies inside the network 10.0.0.0/8"),
        ("NOT ISSUPERSET '10.0.0.1'", "is no network that holds 10.0.0.1"),
        ("NOT IN (1, 2)", "is none of 1, 2"),
    ] {
        let text = parse(&format!("[x-a:a {test}]")).explain();
        assert!(text.contains(&format!("x-a:a {words}\n")), "{test}: {text}");
    }
}

#[test]
fn values_cannot_break_the_layout() {
    let text = parse("[x-a:a = 'b\nAtoms\n  x-a:a c\u{1b}[2J']").explain();
    assert_eq!(text.lines().filter(|line| line.starts_with("Atoms")).count(), 1);
    assert!(!text.contains('\u{1b}'));
}
