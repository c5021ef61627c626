use super::*;
use crate::export::format::{File, named};
use crate::export::row::{About, Facts, Row, Rule, TlpWrite, Whole};
use crate::stix::atom::{Atom, of_indicator};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

const NOW: i64 = 1_795_413_600;
const DAY: i64 = 86_400;

fn facts(n: u128) -> Facts {
    Facts {
        warned: false,
        id: format!("indicator--{}", Uuid::from_u128(n | 0x4000_8000_0000_0000_0000)),
        modified: Timestamp::from_micros(NOW * 1_000_000),
        confidence: None,
        tlp: Tlp::Green,
        pap: Pap::Green,
        valid_from: Timestamp::from_micros(NOW * 1_000_000),
        valid_until: None,
        classification: "undetermined".into(),
        indicator_types: vec![],
        labels: vec![],
        owners: vec!["CERT A".into()],
        collection: "feed-a".into(),
        name: String::new(),
        description: String::new(),
    }
}

fn row(n: u128, kind: Kind, value: &str) -> Row {
    Row { atom: Atom::parse(kind, value).unwrap(), facts: facts(n) }
}

fn rule(n: u128, language: &str, text: &str) -> Rule {
    Rule { language: language.into(), text: text.into(), facts: facts(n) }
}

/// A run of the export, each with what the one before wrote.
struct Run {
    generated: i64,
    mode: TlpWrite,
    choices: &'static str,
    objects: Vec<Whole>,
    files: Vec<File>,
    left_out: BTreeMap<&'static str, u64>,
}

impl Run {
    fn new() -> Self {
        let (files, left_out) = (Vec::new(), BTreeMap::new());
        Self { generated: NOW, mode: TlpWrite::Two, choices: "", objects: vec![], files, left_out }
    }

    fn write(&mut self, rows: &[Row], rules: &[Rule]) -> BTreeMap<String, Json> {
        let about = About {
            name: "soc-1".into(),
            collections: vec!["feed-a".into()],
            tlp: Tlp::Red,
            pap_max: Pap::Red,
            purposes: vec![],
            caveats: vec![],
            generated: Timestamp::from_micros(self.generated * 1_000_000),
            left_out: BTreeMap::new(),
            url: "https://liaison.example".into(),
            tlp_write: self.mode,
        };
        let options: toml::Table = self.choices.parse().unwrap();
        let before = std::mem::take(&mut self.files);
        let previous =
            |name: &str| before.iter().find(|file| file.name == name).map(|file| file.bytes.clone());
        let input = Input {
            about: &about,
            options: &options,
            rows,
            rules,
            objects: &self.objects,
            previous: &previous,
        };
        let mut files = Files::default();
        named("misp").unwrap().write(&input, &mut files).unwrap();
        (self.files, self.left_out) = (files.files, files.left_out);
        read(&self.files)
    }
}

/// Reads a feed by MISP's rules, strictly: the events by uuid.
fn read(files: &[File]) -> BTreeMap<String, Json> {
    let file = |name: &str| &files.iter().find(|file| file.name == name).unwrap().bytes;
    let manifest: BTreeMap<String, Json> = serde_json::from_slice(file("manifest.json")).unwrap();
    assert_eq!(files.len(), manifest.len() + 2);
    let (mut ids, mut values, mut hashes) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut events = BTreeMap::new();
    for (uuid, entry) in manifest {
        let mut root: Json = serde_json::from_slice(file(&format!("{uuid}.json"))).unwrap();
        let event = root["Event"].take();
        assert_eq!(event["uuid"], uuid.as_str());
        for (name, value) in entry.as_object().unwrap() {
            assert_eq!(event[name], *value, "{name}");
        }
        for name in ["timestamp", "publish_timestamp", "analysis", "threat_level_id", "date", "info"] {
            assert!(event[name].is_string(), "{name}");
        }
        let own = event["Attribute"].as_array().unwrap().clone();
        let objects = event["Object"].as_array().unwrap();
        let inner = objects.iter().flat_map(|object| object["Attribute"].as_array().unwrap().clone());
        for object in objects {
            assert!(ids.insert(object["uuid"].to_string()), "an id twice");
        }
        for one in own.into_iter().chain(inner) {
            assert!(ids.insert(one["uuid"].to_string()), "an id twice");
            assert!(one["timestamp"].as_str().unwrap() <= event["timestamp"].as_str().unwrap());
            if one["deleted"] != true {
                hashes.push(format!("{},{uuid}", digest(one["value"].as_str().unwrap())));
                let key = (uuid.clone(), one["type"].to_string(), one["value"].to_string());
                assert!(values.insert(key) || one["object_relation"] == "version", "a value twice");
            }
        }
        events.insert(uuid, event);
    }
    let mut told: Vec<String> =
        String::from_utf8_lossy(file("hashes.csv")).lines().map(str::to_owned).collect();
    told.sort_unstable();
    hashes.sort_unstable();
    assert_eq!(told, hashes);
    events
}

fn digest(text: &str) -> String {
    super::md5(text)
}

/// The attributes of the only event.
fn attributes(events: &BTreeMap<String, Json>) -> Vec<Json> {
    assert_eq!(events.len(), 1);
    events.values().next().unwrap()["Attribute"].as_array().unwrap().clone()
}

fn of_value<'a>(attributes: &'a [Json], value: &str) -> &'a Json {
    attributes.iter().find(|one| one["value"] == value).unwrap()
}

fn tags(of: &Json) -> Vec<&str> {
    of["Tag"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect()
}

#[test]
fn every_kind_has_the_type_of_the_table() {
    let table = [
        (Kind::Ipv4, "198.51.100.7", "ip-dst", "Network activity"),
        (Kind::Ipv4Network, "203.0.113.0/24", "ip-dst", "Network activity"),
        (Kind::Ipv6, "2001:db8::66", "ip-dst", "Network activity"),
        (Kind::Domain, "evil.co.uk", "domain", "Network activity"),
        (Kind::Domain, "c2.evil.co.uk", "hostname", "Network activity"),
        (Kind::Domain, "xn--85x722f.xn--55qx5d.cn", "domain", "Network activity"),
        (Kind::Url, "http://c2.evil.example/gate?a=|", "url", "Network activity"),
        (Kind::Email, "ceo@bad-login.example", "email-src", "Payload delivery"),
        (Kind::FileName, "a|b.exe", "filename", "Payload delivery"),
        (Kind::FileMd5, "d41d8cd98f00b204e9800998ecf8427e", "md5", "Payload delivery"),
        (
            Kind::CertificateMd5,
            "d41d8cd98f00b204e9800998ecf8427e",
            "x509-fingerprint-md5",
            "Network activity",
        ),
        (Kind::AsNumber, "64496", "AS", "Network activity"),
        (Kind::Iban, "GB33BUKB20201555555555", "iban", "Financial fraud"),
        (Kind::Phone, "+15555550100", "phone-number", "Financial fraud"),
        (Kind::Wallet, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "btc", "Financial fraud"),
        (Kind::Wallet, "XmN7PQYWKn5MJFna5fRYgP6mxT2F7xpekE", "dash", "Financial fraud"),
        (Kind::Wallet, "XmN7PQYWKn5MJFna5fRYgP6mxT2F7xpek0", "other", "Financial fraud"),
        (Kind::Wallet, "0x52908400098527886E0F7030069857D2E4169EE7", "other", "Financial fraud"),
    ];
    let rows: Vec<Row> = (1..).zip(&table).map(|(n, (kind, value, _, _))| row(n, *kind, value)).collect();
    let found = attributes(&Run::new().write(&rows, &[]));
    assert_eq!(found.len(), table.len());
    for (row, (_, _, kind, category)) in rows.iter().zip(&table) {
        let one = found.iter().find(|one| one["uuid"] == row.facts.uuid()).unwrap();
        assert_eq!(one["value"], row.atom.text());
        assert_eq!((one["type"].as_str().unwrap(), one["category"].as_str().unwrap()), (*kind, *category));
        assert_eq!((&one["to_ids"], &one["comment"]), (&json!(true), &json!(row.facts.id)));
    }
}

#[test]
fn what_has_no_type_is_a_pattern() {
    let rules = [
        rule(2, "stix", "[a:b = 'c' AND a:d = 'e']"),
        rule(3, "suricata", "alert ip any any"),
        rule(4, "yara", "rule x { condition: \"\\\" }"),
        rule(5, "snort", "alert ip any any"),
        rule(6, "sigma", &"x".repeat(70_000)),
    ];
    let mut run = Run::new();
    let events = run.write(&[row(1, Kind::Mutex, r"Global\it's")], &rules);
    let event = events.values().next().unwrap();
    let patterns: Vec<&str> = event["Object"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["Attribute"][0]["value"].as_str().unwrap())
        .collect();
    assert_eq!(patterns, ["[a:b = 'c' AND a:d = 'e']", r"[mutex:name = 'Global\\it\'s']"]);
    let kinds: Vec<&str> =
        event["Attribute"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["snort", "yara"]);
    assert_eq!(run.left_out, BTreeMap::from([("duplicate", 1), ("too_long", 1)]));
}

#[test]
fn what_a_warning_list_names_is_not_to_be_looked_for() {
    let mut rows = [row(1, Kind::Domain, "a.example"), row(2, Kind::Domain, "b.example")];
    rows[0].facts.warned = true;
    let found = attributes(&Run::new().write(&rows, &[]));
    assert_eq!(of_value(&found, "a.example")["to_ids"], false);
    assert_eq!(of_value(&found, "b.example")["to_ids"], true);
}

#[test]
fn levels_are_those_of_the_highest_and_told_where_they_differ() {
    let mut rows = [row(1, Kind::Domain, "a.example"), row(2, Kind::Domain, "b.example")];
    rows[0].facts.tlp = Tlp::AmberStrict;
    rows[1].facts.pap = Pap::Amber;
    rows[1].facts.classification = "c2-server".into();
    rows[1].facts.confidence = Some(80);
    for (mode, event, of_b) in [
        (TlpWrite::Two, &["tlp:amber+strict", "PAP:AMBER"][..], "tlp:green"),
        (TlpWrite::One, &["tlp:red", "PAP:AMBER"], "tlp:green"),
        (TlpWrite::Both, &["tlp:amber+strict", "tlp:red", "PAP:AMBER"], "tlp:green"),
    ] {
        let events = Run { mode, ..Run::new() }.write(&rows, &[]);
        assert_eq!(tags(events.values().next().unwrap()), event);
        let found = attributes(&events);
        assert_eq!(tags(of_value(&found, "a.example")), ["PAP:GREEN"]);
        let rest = ["rsit:malicious-code=\"c2-server\"", "misp:confidence-level=\"usually-confident\""];
        assert_eq!(tags(of_value(&found, "b.example")), [&[of_b], &rest[..]].concat());
        assert_eq!(of_value(&found, "b.example")["to_ids"], false, "no active use");
    }
}

#[test]
fn a_day_of_a_collection_is_an_event() {
    let mut rows = vec![
        row(1, Kind::Domain, "a.example"),
        row(2, Kind::Domain, "b.example"),
        row(3, Kind::Domain, "c.example"),
    ];
    rows[1].facts.modified = Timestamp::from_micros((NOW - DAY) * 1_000_000);
    rows[2].facts.collection = "55f6ea5e-0000-4000-8000-000000000001".into();
    let mut run = Run::new();
    let events = run.write(&rows, &[]);
    let mut infos: Vec<&str> = events.values().map(|event| event["info"].as_str().unwrap()).collect();
    infos.sort_unstable();
    assert_eq!(
        infos,
        ["55f6ea5e-0000-4000-8000-000000000001 2026-11-23", "feed-a 2026-11-22", "feed-a 2026-11-23"]
    );
    let space = Uuid::parse_str(&rows[2].facts.collection).unwrap();
    assert!(events.contains_key(&Uuid::new_v5(&space, b"2026-11-23").to_string()));
    // A new version stays in the event where MISP has it.
    rows[1].facts.modified = Timestamp::from_micros(NOW * 1_000_000);
    let after = run.write(&rows, &[]);
    assert_eq!(after.keys().collect::<Vec<_>>(), events.keys().collect::<Vec<_>>());
}

#[test]
fn only_what_changed_gets_a_new_time() {
    let mut rows =
        vec![row(1, Kind::Domain, "a.example"), row(2, Kind::Domain, "b.example"), row(3, Kind::Mutex, "c")];
    rows[1].facts.modified = Timestamp::from_micros((NOW - DAY) * 1_000_000);
    let mut run = Run::new();
    run.write(&rows, &[]);
    let first: Vec<(String, Vec<u8>)> =
        run.files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect();
    run.generated += 3600;
    run.write(&rows, &[]);
    let second: Vec<(String, Vec<u8>)> =
        run.files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect();
    assert_eq!(first, second, "nothing changed");

    // A level rises although no new version came: MISP must still see it.
    rows[0].facts.tlp = Tlp::Amber;
    let events = run.write(&rows, &[]);
    let by_info = |info: &str| events.values().find(|event| event["info"] == info).unwrap();
    assert_eq!(by_info("feed-a 2026-11-22")["timestamp"], (NOW).to_string());
    let event = by_info("feed-a 2026-11-23");
    assert_eq!(event["timestamp"], run.generated.to_string());
    assert_eq!(event["Attribute"][0]["timestamp"], NOW.to_string(), "the event's level tells it");
    // The pattern's own level is now another than the event's.
    assert_eq!(event["Object"][0]["timestamp"], (NOW + 1).to_string());
}

#[test]
fn what_is_retracted_is_told_for_thirty_days() {
    let mut rows =
        vec![row(1, Kind::Domain, "a.example"), row(2, Kind::Domain, "b.example"), row(3, Kind::Mutex, "c")];
    rows[1].facts.tlp = Tlp::Red;
    let mut run = Run::new();
    run.write(&rows, &[]);
    run.generated += DAY;
    let events = run.write(&rows[..1], &[]);
    let event = events.values().next().unwrap();
    assert_eq!(tags(event)[0], "tlp:red", "its level still counts");
    assert_eq!(event["timestamp"], run.generated.to_string());
    let gone = of_value(event["Attribute"].as_array().unwrap(), "b.example").clone();
    assert_eq!((&gone["deleted"], &gone["to_ids"]), (&json!(true), &json!(false)));
    assert_eq!(gone["timestamp"], run.generated.to_string());
    assert_eq!(event["Object"][0]["deleted"], true);

    // It comes back, under the id that it had.
    run.generated += DAY;
    let again = attributes(&run.write(&rows[..2], &[]));
    let back = of_value(&again, "b.example");
    assert_eq!((&back["uuid"], &back["deleted"]), (&gone["uuid"], &Json::Null));
    assert!(back["timestamp"].as_str() > gone["timestamp"].as_str());

    run.generated += DAY;
    let retracted = run.generated;
    run.write(&[], &[]);
    run.generated = retracted + 30 * DAY - 1;
    let kept = run.write(&[], &[]);
    assert!(
        attributes(&kept)
            .iter()
            .all(|one| one["deleted"] == true && one["timestamp"].as_str() <= Some(&retracted.to_string()))
    );
    run.generated = retracted + 30 * DAY;
    assert!(run.write(&[], &[]).is_empty());
    assert_eq!(run.files[0].bytes, b"{\n}\n");
}

#[test]
fn ids_are_the_objects_own_and_stay_with_their_values() {
    // A list of two values in one pattern; an id that is neither of version 4 nor 5.
    let mut rows = vec![
        row(1, Kind::Domain, "a.example"),
        row(1, Kind::Domain, "b.example"),
        row(2, Kind::Domain, "c.example"),
    ];
    rows[2].facts.id = "indicator--018f2d5e-0000-7000-8000-000000000001".into();
    let mut run = Run::new();
    let first = attributes(&run.write(&rows, &[]));
    assert_eq!(of_value(&first, "a.example")["uuid"], rows[0].facts.uuid());
    assert_eq!(
        Uuid::parse_str(of_value(&first, "c.example")["uuid"].as_str().unwrap()).unwrap().get_version_num(),
        5
    );
    // Another object, modified later, names the same value.
    rows[1].facts = facts(9);
    let second = attributes(&run.write(&rows, &[]));
    assert_eq!(of_value(&second, "b.example")["uuid"], of_value(&first, "b.example")["uuid"]);
    // The object now names another value: the same attribute, changed.
    let changed = attributes(&run.write(&[row(1, Kind::Domain, "z.example"), rows[1].clone()], &[]));
    assert_eq!(of_value(&changed, "z.example")["uuid"], rows[0].facts.uuid());
    assert!(changed.iter().all(|one| one["value"] != "a.example"));
}

#[test]
fn groupings_are_events_when_asked() {
    let grouping = |name: &str| {
        Whole {
        json: json!({"type": "grouping", "id": "grouping--55f6ea5e-0000-4000-8000-000000000002", "created": "2026-10-01T00:00:00Z",
            "name": name, "object_refs": [facts(1).id]})
        .to_string()
        .into(),
        tlp: Tlp::Red,
        collection: "feed-a".into(),
    }
    };
    let rows = [row(1, Kind::Domain, "a.example"), row(2, Kind::Domain, "b.example")];
    let choices = "event_by = \"grouping\"";
    assert!(named("misp").unwrap().takes_groupings(&choices.parse().unwrap()));
    let mut run = Run { choices, objects: vec![grouping("Wave \"7\"\n")], ..Run::new() };
    let events = run.write(&rows, &[]);
    let event = &events["55f6ea5e-0000-4000-8000-000000000002"];
    assert_eq!((&event["info"], &event["date"]), (&json!("Wave \"7\""), &json!("2026-10-01")));
    assert_eq!(tags(event)[0], "tlp:red", "its name is as secret");
    assert_eq!(event["Attribute"].as_array().unwrap().len(), 1);
    assert!(events.values().any(|event| event["info"] == "feed-a 2026-11-23"));
    // The grouping may be read no longer: its name goes, the event stays.
    run.objects.clear();
    let events = run.write(&rows, &[]);
    assert_eq!(events["55f6ea5e-0000-4000-8000-000000000002"]["info"], "soc-1 2026-10-01");
    assert!(events.values().any(|event| event["info"] == "feed-a 2026-11-23"));
}

#[test]
fn options_that_are_none_are_refused() {
    let misp = named("misp").unwrap();
    for wrong in [
        "event_by = \"week\"",
        "org_uuid = \"x\"",
        "org_name = \"\"",
        "org_name = \"a\\nb\"",
        "threat_level = 2",
        "tlp = 1",
    ] {
        assert!(misp.check(&wrong.parse().unwrap()).is_err(), "{wrong}");
    }
    let right = "event_by = \"day\"\norg_name = \"CERT-Example\"\norg_uuid = \"55f6ea5e-0000-4000-8000-000000000001\"\nthreat_level = \"high\"";
    assert!(misp.check(&right.parse().unwrap()).is_ok());
    let mut run = Run { choices: right, ..Run::new() };
    let events = run.write(&[row(1, Kind::Domain, "a.example")], &[]);
    let event = events.values().next().unwrap();
    assert_eq!(
        event["Orgc"],
        json!({"uuid": "55f6ea5e-0000-4000-8000-000000000001", "name": "CERT-Example"})
    );
    assert_eq!(event["threat_level_id"], "1");
}

/// The texts that tear JSON, CSV and tags apart, and any others.
fn texts() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "\"",
        "\\",
        "\\\"",
        "\n",
        "\r\n",
        "\0",
        "\u{202e}",
        "\u{2028}",
        "}",
        "]",
        "},{",
        ",",
        ";",
        "|",
        "=1+1",
        "@x",
        "'",
        "é",
        "\u{1f600}",
        "tlp:clear",
        "\"deleted\":true",
        "a.example",
        "http://",
        "/",
        "198.51.100.7",
    ]);
    prop::collection::vec(prop_oneof![hard.prop_map(str::to_owned), any::<String>(), "[a-z.]{1,12}"], 0..6)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        list in prop::collection::vec((prop::sample::select(Kind::ALL.to_vec()), texts(), texts()), 0..12),
        texts in prop::collection::vec(texts(), 0..4),
    ) {
        let mut rows: Vec<Row> = Vec::new();
        for (n, (kind, value, other)) in (1..).zip(&list) {
            let value = if *kind == Kind::Url { format!("http://a.example/{value}") } else { value.clone() };
            let Ok(atom) = Atom::parse(*kind, &value) else { continue };
            let mut facts = facts(n);
            (facts.name, facts.description, facts.classification) = (other.clone(), value, other.clone());
            (facts.labels, facts.owners) = (vec![other.clone()], vec![other.clone()]);
            rows.push(Row { atom, facts });
        }
        rows.sort_by(|a, b| a.atom.cmp(&b.atom));
        rows.dedup_by(|a, b| a.atom == b.atom);
        let rules: Vec<Rule> = (1000..).zip(&texts).map(|(n, text)| rule(n, ["yara", "stix"][text.len() % 2], text)).collect();
        let mut run = Run::new();
        for _ in 0..2 {
            let events = run.write(&rows, &rules);
            let mut found: Vec<(String, String)> = Vec::new();
            for event in events.values() {
                prop_assert_eq!(tags(event), ["tlp:green", "PAP:GREEN"]);
                let own = event["Attribute"].as_array().unwrap().iter();
                let inner = event["Object"].as_array().unwrap().iter().map(|object| &object["Attribute"][0]);
                for one in own.chain(inner) {
                    prop_assert!(one["deleted"].is_null() && tags(one).is_empty());
                    found.push((one["comment"].as_str().unwrap().to_owned(), one["value"].as_str().unwrap().to_owned()));
                }
            }
            // What stands as a pattern is read by the rules of patterns.
            for (id, value) in &mut found {
                let Some(row) = rows.iter().find(|row| row.facts.id == *id) else { continue };
                if value.starts_with('[') && of_indicator(value).as_deref() == Some(std::slice::from_ref(&row.atom)) {
                    *value = row.atom.text().to_owned();
                }
            }
            let mut given: Vec<(String, String)> = rows.iter()
                .map(|row| (row.facts.id.clone(), row.atom.text().to_owned()))
                .chain(rules.iter().map(|rule| (rule.facts.id.clone(), rule.text.clone()))).collect();
            found.sort_unstable();
            given.sort_unstable();
            let twice = run.left_out.get("duplicate").copied().unwrap_or(0);
            prop_assert_eq!(found.len() as u64 + twice, given.len() as u64);
            prop_assert!(found.iter().all(|one| given.contains(one)));
        }
    }
}
