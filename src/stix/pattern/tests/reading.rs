//! Lexical rules, checks and warnings, each from both sides.

use super::{codes, parse, refused};
use crate::stix::timestamp::StixTime;

#[test]
fn looser_spellings_are_accepted_with_a_warning_and_tidied() {
    for (pattern, code, canonical) in [
        ("/* a */ [x-a:a = 1] // b", "pattern.comment", "[x-a:a = 1]"),
        ("[x-a:a == 1]", "pattern.operator", "[x-a:a = 1]"),
        ("[x-a:a <> 1]", "pattern.operator", "[x-a:a != 1]"),
        ("[x-a:a = +5]", "pattern.number", "[x-a:a = 5]"),
        ("[x-a:a > +.5]", "pattern.number", "[x-a:a > .5]"),
        ("[x-a:a = h'4D5A']", "pattern.constant", "[x-a:a = h'4d5a']"),
        ("[x-a:a = b'dGV\r\nzdA==']", "pattern.constant", "[x-a:a = b'dGVzdA==']"),
        ("[x-a:a = h'']", "pattern.constant", "[x-a:a = h'']"),
        ("[x-a:a = b'']", "pattern.constant", "[x-a:a = b'']"),
    ] {
        assert!(codes(pattern).contains(&code), "{pattern}");
        assert_eq!(parse(pattern).to_string(), canonical);
    }
    assert_eq!(codes("[x-a:a = 5 AND x-a:b != h'4d' AND x-a:c = b'dGVzdA==']"), [""; 0]);
}

#[test]
fn comments_start_only_where_a_token_may() {
    assert_eq!(parse("[x-a:a = 'http://x/*y*/']").to_string(), "[x-a:a = 'http://x/*y*/']");
    assert_eq!(codes("[x-a:a = 'http://x/*y*/']"), [""; 0]);
    assert_eq!(parse("[x-a:a = 1 // c\n AND x-a:b = 2]").to_string(), "[x-a:a = 1 AND x-a:b = 2]");
}

#[test]
fn tests_joined_by_and_must_share_an_object_type() {
    for good in [
        "[file:name = 'a' OR process:pid = 5]",
        "[file:name = 'a' AND (file:size = 1 OR process:pid = 5)]",
        "[(file:name = 'a' OR process:pid = 5) AND (process:pid = 6 OR url:value = 'x')]",
        "[file:name = 'a' AND file:size = 1 OR process:pid = 5]",
        "[file:name = 'a'] AND [process:pid = 5]",
    ] {
        parse(good);
    }
    for bad in [
        "[file:name = 'a' AND process:pid = 5]",
        "[file:name = 'a' AND (url:value = 'x' OR process:pid = 5)]",
        "[(file:a = 1 OR url:a = 1) AND (url:a = 1 OR process:a = 1) AND (process:a = 1 OR file:a = 1)]",
        "[url:value = 'x' OR file:name = 'a' AND EXISTS process:pid]",
    ] {
        assert!(refused(bad).contains("joined by AND inside one pair of brackets"), "{bad}");
    }
}

#[test]
fn lists_hold_constants_of_one_type() {
    for good in ["(1, 2.5, -3)", "('a', 'b')", "(true, false)", "(h'00', h'01')", "()", "( 1 )"] {
        parse(&format!("[x-a:a IN {good}]"));
    }
    for bad in ["(1, 'a')", "(1, true)", "('a', h'61')", "(h'61', b'YQ==')", "(t'2020-01-01T00:00:00Z', 'a')"]
    {
        assert!(refused(&format!("[x-a:a IN {bad}]")).contains("one type"), "{bad}");
    }
}

#[test]
fn hashes_are_checked_only_where_they_are_compared_whole() {
    let md5 = "79054025255fb1a26e4bc422aef54eb4";
    for good in [
        format!("[file:hashes.MD5 = '{md5}']"),
        format!("[file:hashes.'md5' IN ('{md5}', '{}')]", md5.to_uppercase()),
        "[file:hashes.MD5 < 'b']".to_owned(),
        "[file:hashes.'x-own' = 'b']".to_owned(),
        "[file:hashes.SSDEEP = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']".to_owned(),
        format!("[file:hashes.TLSH = 'T1{}']", "A0".repeat(35)),
        "[file:name = 'MD5']".to_owned(),
    ] {
        parse(&good);
    }
    for bad in [
        format!("[file:hashes.MD5 = '{}']", &md5[1..]),
        format!("[file:hashes.MD5 IN ('{md5}', 'b')]"),
        format!("[file:hashes.MD5 NOT != '{}g']", &md5[1..]),
        "[x-a:hashes.'SHA-512' = 'b']".to_owned(),
        "[file:extensions.'windows-pebinary-ext'.file_header_hashes.MD5 = 'b']".to_owned(),
        "[file:hashes.TLSH = 'T2A0']".to_owned(),
        "[file:hashes.SSDEEP = '3:a']".to_owned(),
    ] {
        assert!(refused(&bad).contains("hash"), "{bad}");
    }
}

#[test]
fn object_types_outside_the_standard_are_warned_of() {
    for good in ["file", "x-misp-object", "x509-certificate"] {
        assert_eq!(codes(&format!("[EXISTS {good}:type]")), [""; 0], "{good}");
    }
    let message = |pattern| parse(pattern).warnings()[0].message.to_string();
    assert!(message("[win-registry-key:key = 'a']").contains("write windows-registry-key"));
    assert!(message("[ipv4addr:value = 'a']").contains("write ipv4-addr"));
    assert!(message("[emailaddr:value = 'a']").contains("write email-addr"));
    assert!(message("[indicator:name = 'a']").contains("no observable"));
    assert!(message("[app:id = 'a']").contains("custom types start with x-"));
    assert!(message("[x-Own:id = 'a']").contains("lower case"));
}

#[test]
fn unknown_properties_are_warned_of_along_the_whole_path() {
    for good in [
        "EXISTS file:name",
        "EXISTS file:'hashes'.'SHA-256'",
        "EXISTS file:extensions.'windows-pebinary-ext'.sections[*].entropy",
        "EXISTS file:extensions.'windows-pebinary-ext'.optional_header.magic_hex",
        "EXISTS network-traffic:src_ref.resolves_to_refs[0].value",
        "EXISTS file:contains_refs[*].anything",
        "EXISTS process:environment_variables.PATH",
        "EXISTS email-message:additional_header_fields.'Reply-To'[0]",
        "EXISTS process:parent_ref.parent_ref.image_ref.name",
        "EXISTS file:id AND EXISTS file:defanged",
        "EXISTS x-own:what.ever[3]",
        "EXISTS file:extensions.'extension-definition--1'.x",
    ] {
        assert_eq!(codes(&format!("[{good}]")), [""; 0], "{good}");
    }
    for (bad, words) in [
        ("file:path", "file has no property path"),
        ("file:hashes.MD5.x", "hashes.MD5 has no property x"),
        ("file:parent_directory_ref.name", "parent_directory_ref has no property name"),
        ("windows-registry-key:values.data", "write values[*]"),
        ("file:hashes[*]", "hashes is no list"),
        ("file:name[0]", "name is no list"),
        ("file:hashes.SHA256", "'SHA-256' in the standard"),
        ("file:extensions.'windows-pebinary-ext'.entropy", "has no property entropy"),
    ] {
        let warnings = parse(&format!("[EXISTS {bad}]")).warnings();
        assert_eq!(warnings[0].code, "pattern.property", "{bad}");
        assert!(warnings[0].message.contains(words), "{bad}: {warnings:?}");
    }
}

#[test]
fn constants_that_never_fit_their_property_are_warned_of() {
    for good in [
        "file:size > 1.5",
        "file:name = 'a'",
        "file:magic_number_hex = h'4d5a'",
        "file:magic_number_hex = 'MZ'",
        "file:name != h'4d5a'",
        "file:ctime > t'2020-01-01T00:00:00Z'",
        "process:is_hidden = true",
        "file:ctime LIKE '2020%'",
        "network-traffic:ipfix.minimumIpTotalLength = 32",
        "network-traffic:ipfix.octetDeltaCount = 'a'",
        "file:id = 'file--30038539-3eb6-44bc-a59e-d0d3fe84695a'",
    ] {
        assert_eq!(codes(&format!("[{good}]")), [""; 0], "{good}");
    }
    for (bad, code) in [
        ("file:size = '5'", "pattern.constant"),
        ("file:size IN ('5')", "pattern.constant"),
        ("file:ctime > '2020-01-01T00:00:00Z'", "pattern.constant"),
        ("file:name = 5", "pattern.constant"),
        ("file:name = true", "pattern.constant"),
        ("process:is_hidden = 'true'", "pattern.constant"),
        ("file:name = t'2020-01-01T00:00:00Z'", "pattern.constant"),
        ("file:size LIKE '5%'", "pattern.constant"),
        ("file:size MATCHES '5'", "pattern.constant"),
        ("email-message:received_lines = 'a'", "pattern.property"),
        ("network-traffic:src_ref = 'a'", "pattern.property"),
        ("file:hashes = 'a'", "pattern.property"),
    ] {
        assert_eq!(codes(&format!("[{bad}]")), [code], "{bad}");
    }
}

#[test]
fn networks_belong_to_addresses() {
    for good in [
        "ipv4-addr:value ISSUBSET '198.51.100.0/24'",
        "ipv6-addr:value ISSUPERSET '2001:db8::1'",
        "network-traffic:dst_ref.value ISSUBSET '198.51.100.0/24'",
        "x-own:ip ISSUBSET '198.51.100.0/24'",
    ] {
        assert_eq!(codes(&format!("[{good}]")), [""; 0], "{good}");
    }
    for bad in [
        "ipv4-addr:value ISSUBSET 'x'",
        "ipv4-addr:value ISSUBSET '1.2.3.4/33'",
        "url:value ISSUBSET '1.2.3.4'",
    ] {
        assert_eq!(codes(&format!("[{bad}]")), ["pattern.address"], "{bad}");
    }
}

#[test]
fn what_never_matches_is_warned_of() {
    assert_eq!(codes("[x-a:a IN ()]"), ["pattern.list"]);
    let interval =
        |stop| format!("[x-a:a = 1] START t'2020-01-01T00:00:01Z' STOP t'2020-01-01T00:00:{stop}Z'");
    assert_eq!(codes(&interval("01")), ["pattern.interval"]);
    assert_eq!(codes(&interval("00")), ["pattern.interval"]);
    assert_eq!(codes(&interval("01.1")), [""; 0]);
}

#[test]
fn intervals_lie_within_the_validity_of_the_indicator() {
    let pattern = parse("[x-a:a = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-02-01T00:00:00Z'");
    let time = |text: &str| StixTime::parse(text).unwrap();
    let within = |from: &str, until: Option<&str>| {
        pattern.warnings_of_validity(&time(from), until.map(time).as_ref()).is_empty()
    };
    assert!(within("2020-01-01T00:00:00Z", Some("2020-02-01T00:00:00Z")));
    assert!(within("2019-01-01T00:00:00Z", None));
    assert!(!within("2020-01-01T00:00:01Z", None));
    assert!(!within("2020-01-01T00:00:00Z", Some("2020-01-31T00:00:00Z")));
}

#[test]
fn warnings_come_in_the_order_of_the_text() {
    let found = codes("[foo:a == 1 OR file:nix = +2] /* end */");
    assert_eq!(
        found,
        ["pattern.type", "pattern.operator", "pattern.property", "pattern.number", "pattern.comment"]
    );
}
