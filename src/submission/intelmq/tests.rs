use super::*;
use crate::submission::Format;
use proptest::prelude::*;

fn values(text: &str, take: Take) -> Vec<String> {
    let draft = read(text.as_bytes(), take).unwrap();
    draft.records.iter().map(|record| record.what.text().to_owned()).collect()
}

// As export formats §7 writes it.
const OURS: &str = r#"{"classification.type":"c2-server","source.fqdn":"c2.evil.example","time.source":"2026-11-23T06:00:00+00:00","feed.name":"feed-a","feed.provider":"CERT-Example","feed.accuracy":80.0,"tlp":"RED","comment":"…","malware.name":"examplerat","extra.stix_id":"indicator--x","extra.tlp2":"AMBER+STRICT","extra.valid_until":"2026-12-23T06:00:00Z"}"#;

#[test]
fn what_we_write_is_read_back() {
    let draft = read(OURS.as_bytes(), Take::default()).unwrap();
    let [record] = &draft.records[..] else { panic!("{draft:?}") };
    assert_eq!((record.place.as_str(), record.what.text()), ("line 1", "c2.evil.example"));
    let details = &record.details;
    assert_eq!(details.labels, ["rsit:malicious-code=\"c2-server\"", "examplerat"]);
    assert_eq!(details.indicator_types, ["malicious-activity"]);
    assert_eq!((details.confidence, details.tlp), (Some(80), Some(Tlp::AmberStrict)));
    assert_eq!(details.valid_from.as_ref().unwrap().as_str(), "2026-11-23T06:00:00.000Z");
    assert_eq!(details.valid_until.as_ref().unwrap().as_str(), "2026-12-23T06:00:00.000Z");
    assert!(details.for_detection && draft.left_out.is_empty());
}

/// As IntelMQ 3 writes them, each with dots in its keys and in levels: `tests/python/make_intelmq.py`.
const THEIRS: &str = include_str!("fixtures/events.jsonl");

#[test]
fn events_are_read_as_intelmq_writes_them() {
    let draft = read(THEIRS.as_bytes(), Take::default()).unwrap();
    let found: Vec<_> = draft.records.iter().map(|one| (one.place.as_str(), one.what.text())).collect();
    let (url, hash) = ("http://login.evil.example/bank", "a".repeat(64));
    let expected = [
        ("line 1", "198.51.100.7"),
        ("line 2", "198.51.100.7"),
        ("line 3", url),
        ("line 4", url),
        ("line 5", "drop.evil.example"),
        ("line 5", &hash),
        ("line 6", "drop.evil.example"),
        ("line 6", &hash),
    ];
    assert_eq!(found, expected);
    assert_eq!(draft.records[0].details, draft.records[1].details);
    let details = &draft.records[0].details;
    assert_eq!(details.description.as_deref(), Some("answers on port 443"));
    assert_eq!(details.labels, ["rsit:malicious-code=\"c2-server\"", "examplerat"]);
    assert_eq!((details.tlp, details.confidence), (Some(Tlp::Amber), Some(80)));
    let reference = Reference::new("CERT-Example", "https://press.example/c2").unwrap();
    assert_eq!(details.references, [reference]);
    let places: Vec<_> = draft.left_out.iter().map(|out| out.place.as_str()).collect();
    assert_eq!(places, ["line 7", "line 8"]);
    for line in THEIRS.lines() {
        assert_eq!(Format::guess("events", line.as_bytes()), Ok(Format::Intelmq));
    }
}

#[test]
fn the_most_specific_value_counts_and_hashes() {
    let line = r#"{"source.ip":"198.51.100.7","source.url":"http://c2.evil.example/x","source.fqdn":"c2.evil.example","source.asn":64496,"malware.hash.md5":"D41D8CD98F00B204E9800998ECF8427E","destination.ip":"192.0.2.1"}"#;
    assert_eq!(
        values(line, Take::MostSpecific),
        ["http://c2.evil.example/x", "d41d8cd98f00b204e9800998ecf8427e"]
    );
    assert_eq!(values(line, Take::All).len(), 5);
    let levels = r#"{"source":{"network":"203.0.113.0/24","asn":"AS64496"},"malware":{"hash":{"sha1":"x"}}}"#;
    assert_eq!(values(levels, Take::MostSpecific), ["203.0.113.0/24"]);
    assert_eq!(values(r#"{"source.account":"CEO@bad.example"}"#, Take::MostSpecific), ["ceo@bad.example"]);
    assert_eq!(values(r#"{"source.account":"root"}"#, Take::MostSpecific), ["root"]);
}

#[test]
fn a_value_that_is_none_gives_way_to_the_next_and_is_told() {
    let draft = read(br#"{"source.fqdn":"-","source.ip":"198.51.100.7"}"#, Take::MostSpecific).unwrap();
    assert_eq!(draft.records[0].what.text(), "198.51.100.7");
    assert_eq!(draft.left_out[0].place, "line 1, source.fqdn");
}

#[test]
fn lines_that_give_nothing_are_left_out_with_the_reason() {
    let text = "\n{\"destination.ip\":\"192.0.2.1\"}\n[]\n{\"source.ip\":\"198.51.100.7\",\"time.source\":\"2026-11-23\"}\n\
                {\"source.ip\":\"198.51.100.7\",\"tlp\":\"PURPLE\"}\n{\"source.ip\":\"198.51.100.7\",\"classification.type\":\"test\"}\n{\"source.ip\"";
    let draft = read(text.as_bytes(), Take::MostSpecific).unwrap();
    assert_eq!(draft.records, []);
    let told: Vec<String> =
        draft.left_out.iter().map(|out| format!("{}: {}", out.place, out.reason)).collect();
    let expected = [
        ("line 2: ", "no value of source.*"),
        ("line 3: ", "no JSON object"),
        ("line 4, time.source: ", "without a zone"),
        ("line 5, tlp: ", "no level"),
        ("line 6: ", "made for testing"),
        ("line 7: ", "no JSON object"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, (place, reason)) in told.iter().zip(expected) {
        assert!(told.starts_with(place) && told.contains(reason), "{told}");
    }
}

#[test]
fn types_say_what_kind_of_sign_it_is() {
    let of = |word: &str| {
        let line = format!(r#"{{"source.ip":"198.51.100.7","classification.type":"{word}"}}"#);
        let details = read(line.as_bytes(), Take::MostSpecific).unwrap().records.remove(0).details;
        (details.indicator_types.join(" "), details.labels.join(" "), details.for_detection)
    };
    let expect = |kind: &str, label: &str, is_sign| (kind.to_owned(), label.to_owned(), is_sign);
    assert_eq!(of("tor"), expect("anonymization", "tor", true));
    assert_eq!(of("infected-system"), expect("compromised", "rsit:malicious-code=\"infected-system\"", true));
    assert_eq!(
        of("unauthorized-use-of-resources"),
        expect("malicious-activity", "rsit:fraud=\"unauthorised-use-of-resources\"", true)
    );
    assert_eq!(of("weak-crypto"), expect("anomalous-activity", "rsit:vulnerable=\"weak-crypto\"", false));
    assert_eq!(of("undetermined"), expect("unknown", "", true));
    assert_eq!(of("blacklist"), expect("malicious-activity", "blacklist", true));
}

proptest! {
    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, Take::All);
    }

    #[test]
    fn every_line_is_taken_or_told(values in proptest::collection::vec("[ -~]{0,20}", 1..6)) {
        let lines: Vec<String> =
            values.iter().map(|value| serde_json::json!({"source.fqdn": value, "time.source": value}).to_string()).collect();
        let draft = read(lines.join("\n").as_bytes(), Take::All).unwrap();
        for nth in 1..=values.len() {
            let place = format!("line {nth}");
            let is_told = draft.left_out.iter().any(|out| out.place.starts_with(&place));
            prop_assert!(is_told || draft.records.iter().any(|record| record.place == place));
        }
    }
}
