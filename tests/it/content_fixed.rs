//! Content that the hub looks at twice: patterns, bundles among the objects, and the marking
//! definitions of TLP, which nobody may redefine.

use crate::app::{INDICATORS, TestApp, objects_of};
use crate::content::{
    DEFAULT, INTEROP, PERMISSIVE, STRICT, TYPED, accepted, changed, random, refused, start,
};
use crate::sample::{CREATED, amber, id};
use liaison::stix::marking::{Pap, published};
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn a_pattern_that_does_not_parse_is_refused_with_its_byte_offset() {
    let app = start();
    for (pattern, offset) in [
        ("[url:value = 'x'", 16),
        ("[url:value === 'x']", 13),
        ("[url:value = 'ü'] AND", 22),
        ("", 0),
        ("url:value = 'x'", 0),
    ] {
        let message = refused(&app, INTEROP, &changed(|o| o["pattern"] = json!(pattern)));
        let told =
            message.contains("indicator.pattern: `/pattern`") && message.contains(&format!("byte {offset}:"));
        assert!(told, "{pattern}: {message}");
    }
    accepted(&app, INTEROP, &changed(|o| o["pattern"] = json!("[url:value = 'ü'] AND [url:value = 'x']")));
    let yara = |text: &str| {
        changed(|o| {
            o["pattern_type"] = json!("yara");
            o["pattern"] = json!(text);
        })
    };
    accepted(&app, INTEROP, &yara("rule x { condition: true }"));
    refused(&app, INTEROP, &yara(""));
}

#[test]
fn a_bundle_among_the_objects_is_refused_by_name() {
    let app = start();
    let bundle = json!({"type": "bundle", "id": random("bundle"), "objects": [amber(1)]});
    for collection in [STRICT, INTEROP] {
        let message = refused(&app, collection, &bundle);
        assert!(message.contains("bundle.nested") && message.contains("send its objects"), "{message}");
    }
    let client = app.client("cert-a/feed");
    let outer = json!({"type": "bundle", "id": random("bundle"), "objects": [bundle, amber(2)]});
    let status = client.post(&objects_of(STRICT), outer.to_string()).json();
    assert_eq!(status["failures"][0]["id"], bundle["id"]);
    assert_eq!((&status["failure_count"], &status["success_count"]), (&json!(1), &json!(1)));
    let seen = client.get(&format!("{}?match[id]={}", objects_of(STRICT), id("indicator", 1))).objects();
    assert!(seen.is_empty(), "what is inside is not taken");
}

/// Inside it nothing is judged, neither its form nor its markings: RED would pass as unmarked.
#[test]
fn a_bundle_among_the_objects_is_refused_under_the_permissive_profile_too() {
    let app = start();
    let red = crate::sample::indicator(1, 0, liaison::stix::Tlp::Red);
    refused(&app, PERMISSIVE, &json!({"type": "bundle", "id": random("bundle"), "objects": [red]}));
}

/// Names and ids of TLP 1, of which the standard fixes every letter (STIX 2.1 §7.2.1.4).
const TLP_1: [(&str, &str); 4] = [
    ("white", "613f2e26-407d-48c7-9eca-b8e91df99dc9"),
    ("green", "34098fce-860f-48ae-8e50-ebd3cc5e41da"),
    ("amber", "f88d31f6-486f-44da-b317-01333bde0b82"),
    ("red", "5e57c739-391a-4eb3-b6be-7d15ca92d5ed"),
];
/// Those of TLP 2.0.
const TLP_2: [(&str, &str); 5] = [
    ("clear", "94868c89-83c2-464b-929b-a1a8aa3c8487"),
    ("green", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    ("amber", "55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
    ("amber+strict", "939a9414-2ddd-4d32-a0cd-375ea402b003"),
    ("red", "e828b379-4e03-4974-9ac4-e53a884c97c1"),
];
const CREATED_TLP_1: &str = "2017-01-20T00:00:00.000Z";
const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

fn tlp_1(level: &str, uuid: &str) -> Value {
    json!({"type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{uuid}"),
        "created": CREATED_TLP_1, "definition_type": "tlp", "name": format!("TLP:{}", level.to_uppercase()),
        "definition": {"tlp": level}})
}

fn tlp_2(level: &str, uuid: &str) -> Value {
    json!({"type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{uuid}"),
        "created": "2022-10-01T00:00:00.000Z", "name": format!("TLP:{}", level.to_uppercase()),
        "extensions": {TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}}})
}

#[test]
fn the_nine_definitions_of_tlp_are_accepted_also_twice() {
    let app = start();
    let nine = TLP_1.map(|(level, uuid)| tlp_1(level, uuid)).into_iter();
    for object in nine.chain(TLP_2.map(|(level, uuid)| tlp_2(level, uuid))) {
        for collection in [STRICT, INTEROP, PERMISSIVE, STRICT] {
            accepted(&app, collection, &object);
        }
    }
}

/// As OpenCTI sends it: dates, order and colour of its own, its own extension.
fn dressed(mut object: Value) -> Value {
    object["created"] = json!("2024-05-06T07:08:09.010Z");
    object["created_by_ref"] = json!(id("identity", 9));
    object["x_opencti_order"] = json!(4);
    object["x_opencti_color"] = json!("#c62828");
    object["extensions"]["extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"] =
        json!({"extension_type": "property-extension", "color": "#c62828", "order": 4});
    object
}

#[test]
fn definitions_of_tlp_that_are_dressed_up_but_keep_their_level_are_accepted_and_ignored() {
    let app = start();
    for (level, uuid) in TLP_1 {
        let mut object = dressed(tlp_1(level, uuid));
        publish(&app, "cert-a/feed", INTEROP, &object);
        object["created"] = json!(CREATED_TLP_1);
        object.as_object_mut().unwrap().remove("name");
        publish(&app, "cert-a/feed", INTEROP, &object);
    }
    let mut renamed = dressed(tlp_1(TLP_1[0].0, TLP_1[0].1));
    renamed["name"] = json!("TLP:CLEAR");
    publish(&app, "cert-a/feed", INTEROP, &renamed);
    for (level, uuid) in TLP_2 {
        let mut object = dressed(tlp_2(level, uuid));
        object["definition_type"] = json!("tlp");
        object["definition"] = json!({"tlp": level});
        publish(&app, "cert-a/feed", INTEROP, &object);
    }
    assert_eq!(app.client("cert-b/siem").request(Method::GET, &objects_of(INTEROP)).send().text(), "{}");
    // Where a person asks for what the standard says, it is not excused.
    assert!(refused(&app, STRICT, &renamed).contains("mark.tlp-fixed"));
}

/// As every producer sends them along with its own objects (security §5.4: accepted and ignored).
#[test]
fn definitions_of_tlp_are_accepted_from_everybody_however_they_are_dressed() {
    let app = start();
    let (level, uuid) = TLP_1[3];
    let exact = tlp_1(level, uuid);
    for (collection, first) in [(INTEROP, exact.clone()), (DEFAULT, dressed(exact.clone()))] {
        publish(&app, "cert-a/feed", collection, &first);
        for client in ["cert-a/feed", "cert-b/feed"] {
            for again in [exact.clone(), dressed(exact.clone())] {
                publish(&app, client, collection, &again);
            }
        }
        let reader = app.client("cert-b/siem");
        let all = format!("{}?match[version]=all", objects_of(collection));
        assert_eq!(reader.request(Method::GET, &all).send().objects(), std::slice::from_ref(&exact));
    }
}

/// As submission sends them along.
#[test]
fn definitions_of_pap_as_published_are_kept_once_whoever_sends_them() {
    let app = start();
    let reader = app.client("cert-b/siem");
    for level in [Pap::Clear, Pap::Green, Pap::Amber, Pap::Red] {
        let exact: Value = serde_json::from_str(&published(level.marking_id()).unwrap()).unwrap();
        for collection in [STRICT, INTEROP, PERMISSIVE, DEFAULT] {
            for client in ["cert-a/feed", "cert-b/feed", "cert-a/feed"] {
                publish(&app, client, collection, &exact);
                publish(&app, client, INTEROP, &dressed(exact.clone()));
            }
            let all =
                format!("{}?match[version]=all&match[id]={}", objects_of(collection), level.marking_id());
            assert_eq!(reader.request(Method::GET, &all).send().objects(), std::slice::from_ref(&exact));
        }
    }
}

/// Whoever sends what is marked with them sends them along, whatever types are agreed upon.
#[test]
fn definitions_of_levels_are_no_failure_where_there_are_to_be_none() {
    let app = start();
    let tlp = tlp_1(TLP_1[3].0, TLP_1[3].1);
    let pap: Value = serde_json::from_str(&published(Pap::Red.marking_id()).unwrap()).unwrap();
    for object in [tlp.clone(), dressed(tlp), pap.clone(), dressed(pap)] {
        let status = app.client("cert-a/feed").offer(TYPED, std::slice::from_ref(&object));
        let message = status["successes"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains("which everybody knows by its id"), "{object}\n{status}");
    }
    let seen = app.client("cert-b/siem").request(Method::GET, &objects_of(TYPED)).send();
    assert_eq!(seen.text(), "{}");
    let own = json!({"type": "marking-definition", "spec_version": "2.1", "id": random("marking-definition"),
        "created": CREATED, "definition_type": "statement", "definition": {"statement": "s"}});
    assert!(refused(&app, TYPED, &own).contains("`marking-definition`"));
}

#[track_caller]
fn publish(app: &TestApp, client: &str, collection: &str, object: &Value) {
    let status = app.client(client).offer(collection, std::slice::from_ref(object));
    assert_eq!(status["failure_count"], 0, "{client} {object}\n{status}");
}

/// The level of TLP:RED (TLP 1), redefined.
fn red(change: impl Fn(&mut Value)) -> Value {
    let mut object = tlp_1(TLP_1[3].0, TLP_1[3].1);
    change(&mut object);
    object
}

#[test]
fn definitions_of_tlp_that_contradict_their_level_are_refused() {
    let app = start();
    for object in [
        red(|o| o["definition"]["tlp"] = json!("white")),
        red(|o| o["name"] = json!("TLP:WHITE")),
        red(|o| o["x_opencti_definition"] = json!("TLP:GREEN")),
        red(|o| o["definition_type"] = json!("PAP:RED")),
        red(|o| o["name"] = json!("TLP:PURPLE")),
        dressed(red(|o| o["definition"]["tlp"] = json!("amber"))),
        red(|o| {
            o.as_object_mut().unwrap().remove("definition");
            o.as_object_mut().unwrap().remove("definition_type");
            o["extensions"] =
                json!({TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "clear"}});
        }),
    ] {
        for collection in [STRICT, INTEROP] {
            let message = refused(&app, collection, &object);
            assert!(message.contains("mark.tlp-fixed") && message.contains("TLP:RED"), "{message}");
        }
    }
    // Nor may there be a fifth level under an id of its own.
    let own = red(|o| o["id"] = json!(random("marking-definition")));
    assert!(refused(&app, INTEROP, &own).contains("mark.tlp-fixed"));
}

/// As OpenCTI and its connectors send them, and with what would refuse any other object.
#[test]
fn definitions_of_built_in_levels_are_ignored_whatever_is_wrong_with_them() {
    let app = start();
    let strict = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37";
    let pap = "marking-definition--a6f20d4d-0360-59b6-ba22-3b48707828b1";
    let platform = |id: &str, kind: &str, name: &str| {
        json!({"type": "marking-definition", "spec_version": "2.1", "id": id, "created": CREATED, "modified": CREATED,
            "name": name, "definition_type": kind, "extensions": dressed(json!({}))["extensions"]})
    };
    let connector = |id: &str, level: &str| {
        json!({"type": "marking-definition", "spec_version": "2.1", "id": id, "created": CREATED, "modified": CREATED,
            "definition_type": "statement", "definition": {"statement": "custom"}, "x_opencti_definition": level})
    };
    let own = &red(|_| ())["id"].as_str().unwrap().to_owned();
    let objects = [
        platform(own, "TLP", "TLP:RED"),
        platform(strict, "TLP", "TLP:AMBER+STRICT"),
        platform(pap, "PAP", "PAP:AMBER"),
        connector(own, "TLP:RED"),
        connector(strict, "tlp:amber+strict"),
        connector(pap, "PAP:AMBER"),
        red(|o| o["name"] = json!("everybody")),
        red(|o| o["modified"] = json!("yesterday")),
        red(|o| drop(o.as_object_mut().unwrap().remove("created"))),
        dressed(red(|o| o["revoked"] = json!([null]))),
        json!({"type": "marking-definition", "id": own}),
    ];
    for object in &objects {
        for collection in [INTEROP, PERMISSIVE] {
            let status = app.client("cert-a/feed").offer(collection, std::slice::from_ref(object));
            let message = status["successes"][0]["message"].as_str().unwrap_or_default();
            let protocol = if object["id"] == pap { "PAP" } else { "TLP" };
            assert!(
                message.starts_with(&format!("a level of {protocol}, which everybody")),
                "{object}\n{status}"
            );
            let seen = app.client("cert-b/siem").request(Method::GET, &objects_of(collection)).send();
            assert_eq!(seen.text(), "{}");
        }
        if object["x_opencti_definition"] != "PAP:AMBER" || object.get("modified").is_some() {
            refused(&app, STRICT, object);
        }
    }
    for object in [json!({"type": "marking-definition"}), json!({"type": "marking-definition", "id": 5})] {
        let status = app.client("cert-a/feed").offer(INTEROP, &[object]);
        assert_eq!(status["failure_count"], 1, "{status}");
    }
    refused(&app, INTEROP, &json!({"type": "identity", "id": own}));
}

#[test]
fn definitions_of_pap_that_contradict_their_level_are_refused() {
    let app = start();
    let pap = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b";
    let object = |level: &str, name: &str| {
        json!({"type": "marking-definition", "spec_version": "2.1", "id": "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e",
            "created": "2022-10-06T00:00:00.000Z", "name": name,
            "extensions": {pap: {"extension_type": "property-extension", "pap": level}}})
    };
    for collection in [STRICT, INTEROP, PERMISSIVE] {
        for bad in [object("green", "PAP:RED"), object("red", "PAP:WHITE"), object("red", "TLP:RED")] {
            let message = refused(&app, collection, &bad);
            assert!(message.contains("mark.pap-fixed") && message.contains("PAP:RED"), "{message}");
        }
    }
    publish(&app, "cert-a/feed", STRICT, &object("red", "PAP:RED"));
}

/// OpenCTI sends it on every marking, and what is marked with a refused one is refused too.
#[test]
fn modified_on_a_marking_is_let_through_but_makes_no_version() {
    let app = start();
    let modified = |of: &str, at: &str| {
        json!({"type": "marking-definition", "spec_version": "2.1", "id": of, "created": CREATED, "modified": at,
            "definition_type": "statement", "definition": {"statement": "s"}})
    };
    for collection in [INTEROP, PERMISSIVE] {
        let of = random("marking-definition");
        let first = modified(&of, "2026-01-02T00:00:00.000Z");
        accepted(&app, collection, &first);
        accepted(&app, collection, &first);
        let path = format!("{}{of}/versions/", objects_of(collection));
        let reader = app.client("cert-b/siem");
        assert_eq!(reader.request(Method::GET, &path).send().json()["versions"], json!([CREATED]));
        let message = refused(&app, collection, &modified(&of, "2026-01-03T00:00:00.000Z"));
        assert!(message.contains("conflict"), "{message}");
        refused(&app, collection, &modified(&random("marking-definition"), "yesterday"));
    }
    let message = refused(&app, STRICT, &modified(&random("marking-definition"), CREATED));
    assert!(message.contains("prop.not-applicable: `/modified`"), "{message}");
}

/// STIX reference §10: any other content under one of the four ids is an error, otherwise anybody
/// could redefine TLP:RED. A statement says nothing of a level, and so can say anything.
#[test]
fn the_id_of_a_tlp_level_is_not_for_a_statement() {
    let app = start();
    let statement = red(|o| {
        o.as_object_mut().unwrap().remove("name");
        o["definition_type"] = json!("statement");
        o["definition"] = json!({"statement": "may be published freely"});
    });
    assert!(refused(&app, INTEROP, &statement).contains("mark.tlp-fixed"));
}

/// What a reader gets after somebody has offered a definition: TLP 2's are fixed as TLP 1's are, and
/// what is known by id stays, whatever is sent (security §5.4).
fn seen_of(collection: &str, definition: Value) -> String {
    let app = start();
    app.client("cert-a/feed").offer(collection, &[definition]);
    app.client("cert-b/siem").request(Method::GET, &objects_of(collection)).send().text()
}

#[test]
fn nobody_is_given_a_redefined_level_of_tlp_2() {
    let mut object = tlp_2("red", TLP_2[4].1);
    object["extensions"][TLP_2_EXTENSION]["tlp_2_0"] = json!("clear");
    assert_eq!(seen_of(INTEROP, object), "{}");
}

#[test]
fn nobody_is_given_a_redefined_level_of_tlp_1_under_the_permissive_profile() {
    assert_eq!(seen_of(PERMISSIVE, red(|o| o["definition"]["tlp"] = json!("white"))), "{}");
}

#[test]
fn the_amber_strict_of_opencti_is_accepted() {
    let app = start();
    let mut object = dressed(tlp_1("amber+strict", "826578e1-40ad-459f-bc73-ede076f81f37"));
    publish(&app, "cert-a/feed", INTEROP, &object);
    object["id"] = json!(random("marking-definition"));
    refused(&app, INTEROP, &object);
}

#[test]
fn a_marking_does_not_mark_itself() {
    let app = TestApp::start();
    let own = random("marking-definition");
    let object = json!({"type": "marking-definition", "spec_version": "2.1", "id": own, "created": CREATED,
        "definition_type": "statement", "definition": {"statement": "s"}, "object_marking_refs": [own]});
    assert!(refused(&app, INDICATORS, &object).contains("mark.self: `/object_marking_refs/0`"));
}
