use super::*;
use crate::export::format::{File, named};
use crate::export::row::About;
use crate::stix::Timestamp;
use crate::stix::marking::Pap;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn about(mode: TlpWrite) -> About {
    About {
        name: "soc-1".into(),
        collections: vec!["feed-a".into()],
        tlp: Tlp::AmberStrict,
        pap_max: Pap::Red,
        purposes: vec![],
        caveats: vec![],
        generated: Timestamp::from_micros(1_795_413_600_000_000),
        left_out: BTreeMap::new(),
        url: "https://liaison.example".into(),
        tlp_write: mode,
    }
}

fn whole(json: &str) -> Whole {
    Whole { json: json.to_owned().into(), tlp: Tlp::Amber, collection: "feed-a".into() }
}

fn write(format: &str, about: &About, objects: &[Whole], choices: &str, before: &[File]) -> Files {
    let choices: toml::Table = choices.parse().unwrap();
    let previous = |name: &str| before.iter().find(|file| file.name == name).map(|file| file.bytes.clone());
    let input = Input { about, options: &choices, rows: &[], rules: &[], objects, previous: &previous };
    let mut files = Files::default();
    named(format).unwrap().write(&input, &mut files).unwrap();
    files
}

/// The objects of a bundle, as any reader of JSON finds them.
fn objects(files: &Files) -> Vec<Json> {
    let bundle: Json = serde_json::from_slice(&files.files.last().unwrap().bytes).unwrap();
    assert!(bundle["type"] == "bundle" && bundle["id"].as_str().unwrap().starts_with("bundle--"));
    bundle["objects"].as_array().cloned().unwrap_or_default()
}

const ID: &str = "indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1";

fn marked(refs: &[&str], granular: &Json) -> Whole {
    whole(
        &json!({"type": "indicator", "id": ID, "modified": "2026-11-23T06:00:00Z", "pattern": "[a:b = '\u{e9}\\\\']",
        "granular_markings": granular, "object_marking_refs": refs})
        .to_string(),
    )
}

#[test]
fn objects_are_as_stored_unless_levels_are_asked_for() {
    let text = r#"{"id":"indicator--1","b":1.50,"a":"\u00e9\/","n":12345678901234567890,"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}"#;
    for mode in [TlpWrite::Two, TlpWrite::One, TlpWrite::Both] {
        let files = write("ndjson", &about(mode), &[whole(text)], "", &[]);
        let lines = String::from_utf8(files.files[0].bytes.clone()).unwrap();
        let line = lines.lines().next().unwrap();
        let one = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
        let two = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
        let (wanted, definitions) = match mode {
            TlpWrite::Two => (text.to_owned(), 1),
            TlpWrite::One => (text.replace(two, one), 1),
            TlpWrite::Both => (text.replace(two, &format!("{two}\",\"{one}")), 2),
        };
        assert_eq!(line, wanted);
        assert_eq!((lines.lines().count(), files.files[0].rows), (1 + definitions, 1 + definitions));
    }
}

#[test]
fn levels_become_those_of_tlp_1_and_never_lower() {
    let strict = Tlp::AmberStrict.marking_id();
    let open_cti = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37";
    let (red, amber) = (TLP_1[3].0, TLP_1[2].0);
    let pap = Pap::Red.marking_id();
    let granular = json!([{"marking_ref": Tlp::Amber.marking_id(), "selectors": ["pattern"]}, {"lang": "fr", "selectors": ["name"]}]);
    let object = marked(&[strict, open_cti, red, pap], &granular);

    let found = &objects(&write("stix", &about(TlpWrite::One), std::slice::from_ref(&object), "", &[]));
    assert_eq!(found[0]["object_marking_refs"], json!([red, pap]));
    assert_eq!(found[0]["granular_markings"][0], json!({"marking_ref": amber, "selectors": ["pattern"]}));
    assert_eq!(found[0]["granular_markings"][1], granular[1]);
    let ids: Vec<&Json> = found[1..].iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [red, pap, amber]);

    let found = &objects(&write("stix", &about(TlpWrite::Both), &[object], "", &[]));
    assert_eq!(found[0]["object_marking_refs"], json!([strict, red, open_cti, pap]));
    let both = json!([granular[0], {"marking_ref": amber, "selectors": ["pattern"]}, granular[1]]);
    assert_eq!(found[0]["granular_markings"], both);
    // Written again by a hub that reads it: nothing is added twice.
    let again = whole(&found[0].to_string());
    assert_eq!(objects(&write("stix", &about(TlpWrite::Both), &[again], "", &[]))[0], found[0]);
}

#[test]
fn a_definition_goes_with_what_refers_to_it_and_only_once() {
    let pap = Pap::Red.marking_id();
    let object = marked(&[Tlp::Green.marking_id(), pap], &json!([]));
    let there = whole(&published(Tlp::Green.marking_id()).unwrap());
    let found = objects(&write("stix", &about(TlpWrite::Two), &[object.clone(), there.clone()], "", &[]));
    let definition = |id: &str| serde_json::from_str::<Json>(&published(id).unwrap()).unwrap();
    assert_eq!(found[1..], [Tlp::Green.marking_id(), pap].map(definition));
    // Those of TLP 2.0 go with the references to them.
    let found = objects(&write("stix", &about(TlpWrite::One), &[object, there], "", &[]));
    assert_eq!(
        found.iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>(),
        [ID, TLP_1[1].0, pap]
    );
}

#[test]
fn a_bundle_has_the_id_of_what_is_in_it() {
    let id = |objects: &[Whole]| {
        let files = write("stix", &about(TlpWrite::Two), objects, "", &[]);
        serde_json::from_slice::<Json>(&files.files[0].bytes).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let one = marked(&[Tlp::Green.marking_id()], &json!([]));
    let newer = String::from_utf8(one.json.to_vec()).unwrap().replace("06:00:00Z", "07:00:00Z");
    assert_eq!(id(std::slice::from_ref(&one)), id(std::slice::from_ref(&one)));
    assert_ne!(id(&[one]), id(&[whole(&newer)]));
    let empty = write("stix", &about(TlpWrite::Two), &[], "group = true", &[]);
    assert_eq!((empty.files.len(), empty.files[0].rows), (1, 0));
    let bundle: Json = serde_json::from_slice(&empty.files[0].bytes).unwrap();
    assert_eq!(bundle["objects"], json!([]), "OpenCTI and MISP refuse a bundle without");
}

#[test]
fn the_grouping_stays_the_same_object() {
    let object = marked(&[Tlp::Green.marking_id()], &json!([]));
    let first = write("stix", &about(TlpWrite::One), std::slice::from_ref(&object), "group = true", &[]);
    let later = About { generated: Timestamp::from_micros(1_795_413_700_000_000), ..about(TlpWrite::One) };
    let second = write("stix", &later, &[object], "group = true", &first.files);
    let group = |files: &Files| objects(files).into_iter().find(|one| one["type"] == "grouping").unwrap();
    let (first, second) = (group(&first), group(&second));
    assert_eq!((&first["id"], &first["created"]), (&second["id"], &second["created"]));
    assert!(second["modified"].as_str() > first["modified"].as_str());
    assert_eq!(second["object_refs"], json!([ID]));
    assert_eq!(second["object_marking_refs"], json!([TLP_1[3].0]), "AMBER+STRICT is RED");
}

#[test]
fn options_that_are_none_are_refused() {
    for (format, choices) in [("stix", "groups = true"), ("stix", "group = 1"), ("ndjson", "group = true")] {
        assert!(named(format).unwrap().check(&choices.parse().unwrap()).is_err(), "{format} {choices}");
    }
    assert!(named("stix").unwrap().check(&"group = true".parse().unwrap()).is_ok());
}

/// The texts that tear lines and JSON apart, and any others.
fn texts() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "\"",
        "\\",
        "\\\"",
        "\n",
        "\r\n",
        "\u{2028}",
        "\u{202e}",
        "}",
        "]",
        "},{",
        "\\u0000",
        "=1+1",
        "é",
        "\u{1f600}",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "\",\"object_marking_refs\":[\"",
    ]);
    prop::collection::vec(prop_oneof![hard.prop_map(str::to_owned), "[^\u{0}]{0,8}"], 0..12)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(list in prop::collection::vec((texts(), texts()), 0..6), mode in 0..3) {
        let mode = [TlpWrite::Two, TlpWrite::One, TlpWrite::Both][usize::try_from(mode).unwrap()];
        let stored: Vec<Json> = list.iter().enumerate().map(|(n, (name, text))| json!({
            "type": "indicator", "id": format!("indicator--{n}"), "name": name, "description": text,
            "labels": [text, name], format!("x_{}", n): {text: name},
            "object_marking_refs": [Tlp::Clear.marking_id()],
            "granular_markings": [{"marking_ref": Tlp::Red.marking_id(), "selectors": ["name"]}],
        })).collect();
        let given: Vec<Whole> = stored.iter().map(|one| whole(&one.to_string())).collect();
        let lines = write("ndjson", &about(mode), &given, "", &[]);
        let text = String::from_utf8(lines.files[0].bytes.clone()).unwrap();
        let read: Vec<Json> = text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&objects(&write("stix", &about(mode), &given, "", &[])), &read);
        let definitions = match (list.is_empty(), mode) { (true, _) => 0, (_, TlpWrite::Both) => 4, _ => 2 };
        prop_assert_eq!(read.len(), list.len() + definitions);
        for (stored, mut read) in stored.into_iter().zip(read) {
            if mode != TlpWrite::Two {
                prop_assert_ne!(&stored["object_marking_refs"], &read["object_marking_refs"]);
            }
            for name in ["object_marking_refs", "granular_markings"] {
                read[name] = stored[name].clone();
            }
            prop_assert_eq!(stored, read);
        }
    }
}
