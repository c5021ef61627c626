//! Mistakes often seen, each with what to write instead.

use super::{Pattern, parse, refused};

#[test]
fn every_mistake_names_what_to_write_instead() {
    for (pattern, offset, advice) in MISTAKES {
        let error = Pattern::parse(pattern).expect_err(pattern);
        assert_eq!(error.offset(), offset, "{pattern}: {error}");
        assert!(error.to_string().contains(advice), "{pattern}: {error}");
    }
}

#[test]
fn what_looks_odd_but_is_valid_is_accepted() {
    for pattern in [
        "[file : name = 'x']",
        "[x:'LIKE' = 5]",
        "[x:and = 5]",
        "[file:name MATCHES '']",
        "([x:a = 1] REPEATS 2 TIMES) REPEATS 2 TIMES",
        "[x:a NOT != 1]",
        "[x:s = 'say \"hi\"']",
        "[x:s = 'a]b AND c']",
        "[file:hashes.MD5 IN ('79054025255fb1a26e4bc422aef54eb4','79054025255fb1a26e4bc422aef54eb5')]",
        "[file:hashes.MD5 LIKE '7905%']",
        "[file:hashes.MD5 MATCHES '^7905']",
        "[file:hashes.MD5 != '79054025255FB1A26E4BC422AEF54EB4']",
        "[x:a='x'AND x:b=1AND x:c=2]REPEATS 1TIMES",
        "\u{a0}[x:a\u{3000}=\t1]\u{2028}",
        "[x:a = 'line\nbreak']",
        "[x:a = .5 OR x:a = -.5 OR x:a = 007.50 OR x:a = -0]",
        "[x:seconds = 1 AND x:Within = 2]",
        "[x:'' = 1]",
        "[_x-:a = 1]",
    ] {
        parse(pattern);
    }
}

#[test]
fn messages_show_only_the_start_of_long_texts() {
    let error = refused(&format!("[x:a = {}]", "y".repeat(60_000)));
    assert!(error.len() < 300, "{error}");
    let error = refused(&format!("[file:hashes.MD5 = '{}']", "y".repeat(60_000)));
    assert!(error.len() < 300 && error.contains("60000 characters"), "{error}");
}

const MISTAKES: [(&str, usize, &str); 75] = [
    ("file:name = 'a'", 0, "put every comparison in square brackets"),
    ("[file:hashes.SHA-256 = 'aa']", 13, "put names with a hyphen in single quotes: 'SHA-256'"),
    ("[file:hashes.\"SHA-256\" = 'aa']", 13, "quote with the plain single quote"),
    ("[file:name = \"a\"]", 13, "quote with the plain single quote"),
    ("[file:name = ‘a’]", 13, "quote with the plain single quote"),
    ("[file.name = 'a']", 5, "object type and property are joined by `:`"),
    ("[file/name = 'a']", 5, "object type and property are joined by `:`"),
    (r"[file:name = 'C:\Windows']", 16, "double every backslash"),
    ("[file:hashes.MD5 = d41d8cd98f00b204e9800998ecf8427e]", 19, "put text in single quotes: 'd41d8"),
    ("[file:hashes.MD5 = 9e1d8cd98f00b204e9800998ecf8427e]", 20, "put text in single quotes"),
    ("[file:hashes.MD5 = 'abc']", 19, "32 hexadecimal digits"),
    ("[file:hashes.'SHA-1' != 'xc070645fe53ee3b3763059376134f058cc33724']", 24, "40 hexadecimal digits"),
    ("[file:hashes.sha256 IN ('a')]", 23, "64 hexadecimal digits"),
    ("[file:hashes.SSDEEP = 'abc']", 22, "block size"),
    ("[file:name = 'a' and file:size = 5]", 17, "write AND"),
    ("[a:b = 1] within 5 seconds", 10, "write WITHIN"),
    ("[a:b = 1] WITHIN 5 seconds", 19, "write SECONDS"),
    ("[a:b like 'x']", 5, "write LIKE"),
    ("[a:b = 1] WITHIN 5 MINUTES", 19, "write WITHIN 300 SECONDS"),
    ("[a:b = 1] WITHIN 5", 18, "write WITHIN 5 SECONDS"),
    ("[a:b = 1] WITHIN -5 SECONDS", 17, "greater than 0"),
    ("[a:b = 1] WITHIN 0 SECONDS", 17, "greater than 0"),
    ("[a:b = 1] WITHIN 0.0 SECONDS", 17, "greater than 0"),
    ("[a:b = 1] REPEATS 5", 19, "write REPEATS 5 TIMES"),
    ("[a:b = 1] REPEATED 5 TIMES", 10, "write REPEATS"),
    ("[a:b = 1] REPEATS 1.5 TIMES", 18, "whole number"),
    ("[a:b = 1] REPEATS 0 TIMES", 18, "1 or more"),
    ("[a:b = 1] START '2016-01-01T00:00:00Z' STOP t'2016-01-02T00:00:00Z'", 16, "t'2016-01-01T00:00:00Z'"),
    ("[a:b = 1] START t'2016-01-01T00:00:00Z'", 39, "START needs its STOP"),
    ("[x:t = t'2024-02-30T00:00:00Z']", 7, "check that date and time exist"),
    ("[x:t = t'2024-01-01']", 7, "add the time"),
    ("[x:t = t'2024-01-01T00:00:00+00:00']", 7, "end it with Z"),
    ("[x:t = t'2024-01-01t00:00:00z']", 7, "upper case"),
    ("[x:size > true]", 10, "have no order"),
    ("[x:name LIKE 5]", 13, "put it in single quotes: '5'"),
    ("[x:ip ISSUBSET 5]", 15, "put it in single quotes: '5'"),
    ("[x:a = NULL]", 7, "NOT EXISTS"),
    ("[x:a = True]", 7, "write true in lower case"),
    ("[x:a = null]", 7, "NOT EXISTS"),
    ("[NOT x:a = 1]", 5, "x:a NOT ="),
    ("[NOT (x:a = 1)]", 5, "put NOT into each comparison"),
    ("NOT [x:a = 1]", 0, "NOT stands inside the brackets"),
    ("[x:a = 1] [y:b = 2]", 10, "join observations by AND, OR or FOLLOWEDBY"),
    ("[x:a = 1]\n[y:b = 2]", 10, "two patterns do not fit into one string"),
    ("[x:a = 1] AND", 13, "add an observation"),
    ("([x:a = 1]", 10, "close the group with `)`"),
    ("[x:a = 1", 8, "close the brackets with `]`"),
    ("[x:a = 1])", 9, "remove it"),
    ("[[x:a = 1]]", 1, "brackets do not nest"),
    ("[x:a = 1 FOLLOWEDBY x:b = 2]", 9, "outside the brackets"),
    ("[x:a = 1 WITHIN 5 SECONDS]", 9, "after the closing bracket"),
    ("[ipv4-addr:value = '1.2.3.4' AND domain-name:value = 'x']", 33, "[ipv4-addr:…] AND [domain-name:…]"),
    ("[x:a IN (1, 'b')]", 12, "all constants of a list have one type"),
    ("[x:a IN 1,2]", 8, "IN (1, 2)"),
    ("[x:a IN [1,2]]", 8, "lists stand in parentheses"),
    ("[x:a IN (1,)]", 11, "remove the trailing comma"),
    ("[a:b = 1 /* open", 9, "close the comment"),
    ("", 0, "the empty text is no pattern"),
    ("[]", 1, "must hold a comparison"),
    ("()", 1, "empty group"),
    ("[x:a = 5.]", 8, "write 5.0"),
    ("[x:a = 1e5]", 8, "no exponent"),
    ("[x:a = - 5]", 7, "directly to its number"),
    ("[x:a = 007]", 7, "leading zeros"),
    ("[x:a = 'it's']", 11, r"write \'"),
    ("[x:a MATCHES /x/]", 13, "in single quotes"),
    ("[x:LIKE = 5]", 3, "quote it: 'LIKE'"),
    ("[LAST:a = 5]", 1, "reserved"),
    ("[x:a]", 4, "EXISTS before the path"),
    ("[x:a[-1] = 1]", 5, "counted from 0"),
    ("[x:a = h'0']", 7, "pairs of hexadecimal digits"),
    ("[x:a = b'abc']", 7, "groups of four"),
    ("[x:a = 1]\u{200b}", 9, "invisible character U+200B"),
    ("[x:a = 1] WITHIN 1 SECONDS REPEATS 2 TIMES WITHIN 2 SECONDS", 43, "WITHIN twice"),
    ("([x:a = 1]) REPEATS 2 TIMES REPEATS 2 TIMES", 28, "REPEATS twice"),
];
