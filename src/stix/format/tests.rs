//! What holds for every form: any text is answered, and the time grows no faster than the text.

use super::{
    Verdict, address, binary, cpe, domain, email, hash, identifier, language, name, reference, registry,
};
use super::{selector, time, url};
use proptest::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Calls every check of the folder.
fn check_all(text: &str) {
    let _ = black_box((time::timestamp(text), time::milliseconds(text), time::whole_seconds(text)));
    let _ = black_box((identifier::identifier(text), binary::hex(text), binary::base64(text)));
    let _ = black_box((address::ipv4(text), address::ipv6(text), address::mac(text)));
    let _ = black_box((domain::domain_name(text), email::email_address(text), url::url(text)));
    let _ = black_box((cpe::cpe23(text), language::language_tag(text), reference::registry_key(text)));
    let _ = black_box((reference::external_id(text, text), reference::external_id("cve", text)));
    let _ = black_box((name::object_type(text), name::property(text), name::extension_property(text)));
    let _ =
        black_box((name::dictionary_key(text), name::relationship_type(text), name::legacy_extension(text)));
    let _ = black_box((name::vocabulary_term(text), name::kill_chain(text), name::product(text)));
    let _ = black_box((registry::charset(text), registry::media_type(text), registry::protocol(text)));
    let _ = black_box((registry::ipfix_element(text), registry::country(text), registry::http_header(text)));
    let _ = black_box((registry::socket_option(text), registry::pdf_info_key(text), hash::algorithm(text)));
    for algorithm in ["MD5", "SSDEEP", "TLSH", "x"] {
        let _ = black_box(hash::value(algorithm, text));
    }
    let _ = black_box(selector::steps(text).count());
}

/// Good values of every form, to be cut and joined.
const SEEDS: &[&str] = &[
    "2016-01-20T12:31:12.123Z",
    "url--be22e93a-5e33-5678-b19f-8b4ea06df0bd",
    "http://user:pw@[::1]:80/a%20b?q#f",
    "cpe:2.3:a:v\\:w:p?:1:*:*:en-US:*:*:*:*",
    "zh-cmn-Hans-CN-1996-a-bb-x-y",
    "xn--mnchen-3ya.example.",
    "münchen.example",
    "\"a\\\"b\"@[192.0.2.1]",
    "2001:db8::192.0.2.1/64",
    "external_references.[0].source_name",
    "96:abc:def",
    "CVE-2014-0160",
    "HKLM\\Software",
    "VGVzdA==",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check_all(&text);
    }

    #[test]
    fn damaged_good_values_are_answered(
        first in prop::sample::select(SEEDS), second in prop::sample::select(SEEDS),
        cut in 0_usize..60, from in 0_usize..60, between in any::<Option<char>>()
    ) {
        let head: String = first.chars().take(cut).collect();
        let tail: String = second.chars().skip(from).collect();
        check_all(&format!("{head}{}{tail}", between.map(String::from).unwrap_or_default()));
    }

    #[test]
    fn values_that_std_writes_are_good(v4 in any::<[u8; 4]>(), v6 in any::<[u16; 8]>(), bits in 0_u8..=32) {
        let (v4, v6) = (std::net::Ipv4Addr::from(v4), std::net::Ipv6Addr::from(v6));
        let block = format!("{v4}/{bits}");
        prop_assert_eq!(address::ipv4(&block), Ok(()));
        prop_assert_eq!(address::ipv6(&v6.to_string()), Ok(()));
        prop_assert_eq!(url::url(&format!("http://[{v6}]:{bits}/")), Verdict::Good);
    }

    #[test]
    fn uuids_of_all_versions_are_read(bits in any::<u128>(), version in 1_u8..=8) {
        let mut bytes = bits.to_be_bytes();
        bytes[6] = (bytes[6] & 0x0f) | (version << 4);
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let text = format!("indicator--{}", uuid::Uuid::from_bytes(bytes));
        let found = identifier::identifier(&text).unwrap();
        prop_assert_eq!(found.version, version);
        prop_assert_eq!(found.advice.is_some(), version > 5);
    }
}

/// Generous: a check whose time grows with the square of the length needs minutes for such a text.
#[test]
fn long_texts_cost_no_more_than_their_length() {
    let repeated = [
        "a", "-", ".", "a.", "%41", "\\", "\\:", "[0].", "é", "xn--a.", ":", "?", "*", "a-bcdef", "-a-bb",
        "@", "\"", "1", "/", "=",
    ];
    let prefixes = [
        "",
        "http://",
        "http://[",
        "cpe:2.3:a:",
        "en-",
        "en-variant0-",
        "a.",
        "CVE-2014-",
        "2016-01-20T12:31:12.",
        "\"",
    ];
    for unit in repeated {
        let long = unit.repeat(LONG / unit.len());
        for prefix in prefixes {
            let start = Instant::now();
            check_all(&format!("{prefix}{long}"));
            assert!(start.elapsed() < Duration::from_secs(10), "{prefix}{unit}: {:?}", start.elapsed());
        }
    }
}

const LONG: usize = 100_000;
