use super::*;
use crate::stix::Tlp;
use crate::stix::marking::Pap;
use crate::submission::{Record, name};
use proptest::prelude::*;

/// As PyMISP 2.5 writes them: `tests/python/make_misp.py`.
const WRAPPED: &str = include_str!("fixtures/event.json");
const BARE: &str = include_str!("fixtures/bare.json");
const RESPONSE: &str = include_str!("fixtures/response.json");
const FEED: &str = include_str!("fixtures/feed.json");

fn draft() -> Draft {
    read(WRAPPED.as_bytes()).unwrap()
}

fn found<'a>(draft: &'a Draft, text: &str) -> &'a Record {
    draft.records.iter().find(|record| record.what.text() == text).unwrap_or_else(|| panic!("no {text}"))
}

#[test]
fn every_kind_of_value_is_taken_with_what_is_said_of_it() {
    let draft = draft();
    for (text, kind, for_detection) in [
        ("198.51.100.7", "ipv4-addr", true),
        ("203.0.113.0/24", "ipv4-addr", true),
        ("2001:db8::66", "ipv6-addr", true),
        ("198.51.100.8", "ipv4-addr", true),
        ("evil.example", "domain-name", true),
        ("pair.evil.example", "domain-name", true),
        ("198.51.100.9", "ipv4-addr", true),
        ("gate.evil.example", "domain-name", true),
        ("http://c2.evil.example/gate.php", "url", true),
        ("http://c2.evil.example/uri", "url", true),
        ("ceo@bad-login.example", "email-addr", true),
        ("cfo@bad-login.example", "email-addr", false),
        ("reply@bad-login.example", "email-addr", true),
        ("d41d8cd98f00b204e9800998ecf8427e", "file:hashes.MD5", true),
        ("invoice.exe", "file:name", true),
        ("dropper.exe", "file:name", false),
        (&"a".repeat(64), "file:hashes.'SHA-256'", true),
        ("sample.exe", "file:name", false),
        (&"b".repeat(32), "file:hashes.MD5", true),
        (&"c".repeat(40), "x509-certificate:hashes.'SHA-1'", true),
        ("64496", "autonomous-system", false),
        ("00:00:5e:00:53:01", "mac-addr", false),
        ("Global\\evil-mutex", "mutex", true),
        ("HKEY_LOCAL_MACHINE\\Software\\Evil", "windows-registry-key", true),
        ("Evil/1.0 (it's)", "user-agent", true),
        ("GB33BUKB20201555555555", "bank-account", true),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "cryptocurrency-wallet", true),
        ("+15555550100", "phone-number", true),
        ("CVE-2026-1234", "vulnerability", false),
        ("object.exe", "file:name", false),
        (&"1".repeat(32), "file:hashes.MD5", true),
        ("object.evil.example", "domain-name", true),
    ] {
        let record = found(&draft, text);
        assert_eq!(
            (name(&record.what).as_str(), record.details.for_detection),
            (kind, for_detection),
            "{text}"
        );
    }
    assert_eq!(draft.records.len(), 45, "{:#?}", draft.records);
    let first = &draft.records[0];
    assert_eq!(first.place, "Event.Attribute[0]");
    assert_eq!(first.details.description.as_deref(), Some("from ip-src"));
    assert_eq!(first.details.confidence, Some(75));
    assert_eq!(
        first.details.labels,
        ["rsit:malicious-code=\"c2-server\"", "misp-galaxy:threat-actor=\"Example Bear\""]
    );
    let port = found(&draft, "198.51.100.8").details.description.clone();
    assert_eq!(port.as_deref(), Some("from ip-dst|port\nport 443"));
    assert_eq!(found(&draft, "object.exe").details.description.as_deref(), Some("the dropper"));
}

#[test]
fn the_event_names_the_whole() {
    let draft = draft();
    assert_eq!(draft.title.as_deref(), Some("Wave 7 against ports"));
    assert_eq!(draft.published.unwrap().as_str(), "2026-11-23T00:00:00.000Z");
    assert_eq!((draft.tlp, draft.pap), (Some(Tlp::Amber), None));
    assert_eq!(draft.description.as_deref(), Some("Words about wave 7.\nMore words."));
    assert_eq!(draft.references[0].url, "https://press.example/report");
    assert_eq!(draft.references[0].source_name, "press.example");
}

#[test]
fn what_an_attribute_says_counts_before_the_event() {
    let draft = draft();
    let details = &found(&draft, "strict.evil.example").details;
    assert_eq!((details.tlp, details.pap), (Some(Tlp::AmberStrict), Some(Pap::Red)));
    assert_eq!(details.confidence, Some(50));
    assert_eq!(details.valid_from.as_ref().unwrap().as_str(), "2026-11-01T08:00:00.123Z");
    assert_eq!(details.valid_until.as_ref().unwrap().as_str(), "2026-12-01T10:00:00.000Z");
    let past = &found(&draft, "past.evil.example").details;
    assert_eq!(past.valid_until, None, "it was seen before the event was written");
    assert_eq!(past.description.as_deref(), Some("last seen 2026-10-02T00:00:00.000Z"));
}

#[test]
fn everything_else_is_left_out_with_the_reason() {
    let draft = draft();
    let reason = |text: &str| {
        let found = draft.left_out.iter().find(|out| out.text == text).unwrap_or_else(|| panic!("{text}"));
        assert!(found.place.starts_with("Event."), "{}", found.place);
        found.reason.clone()
    };
    for (text, expected) in [
        ("rule x { condition: true }", "is a rule"),
        ("victim@alphaland.example", "names a victim"),
        ("some words", "no kind of value"),
        (&"f".repeat(32), "imphash is no kind"),
        ("a note", "no kind of value"),
        ("gone.evil.example", "deleted"),
        ("4096", "size-in-bytes is no kind"),
        (&"2".repeat(32), "a part of a file"),
        ("HKCU\\Software\\Run|evil.exe", "a key of the registry together with a value"),
    ] {
        assert!(reason(text).contains(expected), "{text}: {}", reason(text));
    }
    assert_eq!(draft.left_out.len(), 9, "{:#?}", draft.left_out);
}

#[test]
fn a_key_with_a_value_is_context_and_never_looked_for_alone() {
    let of = |to_ids: bool, text: &str| {
        let event = serde_json::json!({"Event": {"info": "x", "Attribute": [
            {"type": "regkey|value", "value": text, "to_ids": to_ids}]}});
        read(event.to_string().as_bytes()).unwrap()
    };
    let context = of(false, r"HKCU\Software\Run|evil.exe");
    let [record] = &context.records[..] else { panic!("{context:?}") };
    assert_eq!(record.what.text(), r"HKEY_CURRENT_USER\Software\Run");
    assert_eq!(record.details.description.as_deref(), Some("value evil.exe"));
    assert!(!record.details.for_detection && context.left_out.is_empty());
    for text in [r"HKCU\Software\Run|evil.exe", r"HKCU\Software\Run"] {
        let draft = of(true, text);
        assert_eq!((draft.records.len(), draft.left_out.len()), (0, 1), "{draft:?}");
        assert!(draft.left_out[0].text == text && draft.left_out[0].reason.contains("the key alone"));
    }
}

#[test]
fn a_link_that_is_to_be_looked_for_is_a_reference_and_told() {
    let of = |to_ids: bool, text: &str| {
        let attribute = serde_json::json!({"type": "link", "value": text, "to_ids": to_ids});
        let event = serde_json::json!({"Event": {"info": "x", "Attribute": [attribute, attribute]}});
        read(event.to_string().as_bytes()).unwrap()
    };
    for (to_ids, told) in [(false, 0), (true, 2)] {
        let draft = of(to_ids, "https://press.example/report");
        assert_eq!((draft.records.len(), draft.references.len(), draft.left_out.len()), (0, 1, told));
        assert!(draft.left_out.iter().all(|left| left.reason.contains("kept as a reference")));
    }
    let broken = of(true, "press.example");
    assert!(broken.references.is_empty() && broken.left_out.len() == 2, "{broken:?}");
    assert!(broken.left_out.iter().all(|left| left.reason == "a link that is no URL"));
}

#[test]
fn the_forms_of_a_file_say_the_same() {
    let without_left_out = |text: &str| {
        let mut draft = read(text.as_bytes()).unwrap();
        draft.left_out.clear();
        draft
    };
    let whole = without_left_out(WRAPPED);
    assert_eq!(without_left_out(RESPONSE), whole);
    assert_eq!(without_left_out(BARE), whole);
    // A feed has fewer fields, and no deleted attributes.
    let texts = |draft: &Draft| draft.records.iter().map(|record| record.what.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&without_left_out(FEED)), texts(&whole));
    let two = format!("[{BARE},{WRAPPED}]");
    let two = read(two.as_bytes()).unwrap();
    assert_eq!(two.records.len(), 2 * whole.records.len());
    assert_eq!(two.records.last().unwrap().place, "Event[1].Object[2].Attribute[1]");
}

#[test]
fn what_is_no_event_is_refused() {
    for text in ["", "7", "[]", "{}", "{\"Event\"", "{\"response\":7}", "[7]", "{\"type\":\"bundle\"}"] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn broken_values_are_told() {
    let text = r#"{"Event":{"info":7,"date":"yesterday","Tag":"tlp:red","Attribute":[
        {"type":"domain|ip","value":"x.example"},{"type":"ip-dst","value":"300.1.1.1"},{"value":"x"},7,null,
        {"type":"domain","value":"a.example","first_seen":"soon"},{"type":"domain","value":["a"]},
        {"type":"domain","value":"b.example","to_ids":"1","Tag":[{"name":"tlp:red","local":true},7,"x"]}],
        "Object":[{"deleted":"1","name":"file"},{"Attribute":{}}],"ShadowAttribute":[{"value":"p.example"}]}}"#;
    let draft = read(text.as_bytes()).unwrap();
    let [record] = &draft.records[..] else { panic!("{:?}", draft.records) };
    assert!(record.details.for_detection && record.details.labels == ["x"] && record.details.tlp.is_none());
    assert_eq!((draft.title.as_deref(), &draft.published, draft.tlp), (Some("7"), &None, None));
    assert_eq!(draft.left_out.len(), 9, "{:#?}", draft.left_out);
}

fn json() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(vec![
        "type",
        "value",
        "Event",
        "Attribute",
        "Object",
        "Tag",
        "name",
        "info",
        "ip-dst|port",
        "domain",
        "link",
        "filename|md5",
        "malware-sample",
        "first_seen",
        "tlp:red",
        "response",
        "|",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics(json in json()) {
        let _ = read(json.to_string().as_bytes());
        let _ = read(serde_json::json!({"Event": {"info": "x", "Attribute": [json.clone(), {"type": json, "value": "a|b"}]}}).to_string().as_bytes());
    }

    #[test]
    fn every_attribute_is_taken_or_told(kind in "(domain|ip-dst|md5|domain\\|ip|regkey\\|value|filename\\|sha1|port|x)", value in "[ -~]{1,20}") {
        let event = serde_json::json!({"Event": {"Attribute": [{"type": kind, "value": value}]}});
        let draft = read(event.to_string().as_bytes()).unwrap();
        prop_assert!(draft.records.len() + draft.left_out.len() > 0);
    }
}
