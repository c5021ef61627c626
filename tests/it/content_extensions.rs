//! Extensions: those that a collection asks for, those that it does not know, and what their schemas say.

use crate::content::{
    BARE, CLOSED, FLAT, FOREIGN, INCIDENT, INTEROP, SCORE, SCORED, accepted, changed, extended, random,
    refused, start,
};
use crate::sample::{CREATED, amber, id, version};
use liaison::stix::Tlp;
use serde_json::{Value, json};

const TLP_2: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

#[test]
fn a_collection_asks_for_extensions_except_of_meta_objects() {
    let app = start();
    let (score, bare) = (
        json!({"extension_type": "property-extension", "risk_score": 10}),
        json!({"extension_type": "property-extension", "any_thing": 1}),
    );
    accepted(&app, SCORED, &extended(json!({SCORE: score, BARE: bare, FOREIGN: bare})));
    assert!(refused(&app, SCORED, &amber(1)).contains(SCORE));
    assert!(refused(&app, SCORED, &extended(json!({BARE: bare}))).contains(SCORE));
    assert!(refused(&app, SCORED, &extended(json!({SCORE: score}))).contains(BARE));
    let address = refused(&app, SCORED, &crate::sample::address(7));
    assert!(address.contains("add it to `extensions`"), "an observable too: {address}");
    let meta = |kind: &str, more: Value| {
        let mut object = json!({"type": kind, "spec_version": "2.1", "id": random(kind), "created": CREATED});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    for object in [
        meta("marking-definition", json!({"definition_type": "statement", "definition": {"statement": "s"}})),
        meta(
            "language-content",
            json!({"modified": CREATED, "object_ref": id("indicator", 1), "contents": {"de": {"name": "n"}}}),
        ),
        meta(
            "extension-definition",
            json!({"modified": CREATED, "created_by_ref": id("identity", 1), "name": "n", "schema": "https://example.com/",
                "version": "1.0.0", "extension_types": ["property-extension"]}),
        ),
    ] {
        accepted(&app, SCORED, &object);
    }
}

#[test]
fn unknown_extensions_are_refused_where_the_collection_says_so() {
    let app = start();
    let entry = json!({"extension_type": "property-extension", "risk_score": 1});
    let foreign = extended(json!({BARE: entry, FOREIGN: entry}));
    let message = refused(&app, CLOSED, &foreign);
    assert!(message.contains(FOREIGN) && message.contains("ask the operator"), "{message}");
    accepted(&app, INTEROP, &foreign);
    accepted(&app, CLOSED, &amber(1));
    accepted(&app, CLOSED, &extended(json!({BARE: entry, SCORE: entry})));
    // Those of the standard, and that of TLP 2.0.
    let mut file =
        json!({"type": "file", "id": random("file"), "name": "a", "extensions": {"ntfs-ext": {"sid": "1"}}});
    accepted(&app, CLOSED, &file);
    file["id"] = json!(random("file"));
    file["extensions"][FOREIGN] = entry;
    refused(&app, CLOSED, &file);
    let green = json!({"type": "marking-definition", "spec_version": "2.1", "id": Tlp::Green.marking_id(),
        "created": "2022-10-01T00:00:00.000Z", "name": "TLP:GREEN",
        "extensions": {TLP_2: {"extension_type": "property-extension", "tlp_2_0": "green"}}});
    accepted(&app, CLOSED, &green);
}

#[test]
fn the_schema_of_a_property_extension_judges_its_entry() {
    let app = start();
    let entry = |score: Value| json!({SCORE: {"extension_type": "property-extension", "risk_score": score}});
    accepted(&app, INTEROP, &extended(entry(json!(10))));
    for score in [json!(11), json!("10")] {
        let message = refused(&app, INTEROP, &extended(entry(score.clone())));
        for word in [
            "ext.props",
            &format!("`/extensions/{SCORE}/risk_score`"),
            "the schema of the extension",
            &score.to_string(),
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
    // Beside the entry it says nothing, and what it asks for must stand inside.
    accepted(
        &app,
        INTEROP,
        &changed(|o| {
            o["extensions"] = entry(json!(1));
            o["risk_score"] = json!("not its business");
        }),
    );
    let outside = changed(|o| {
        o["extensions"] = json!({SCORE: {"extension_type": "property-extension", "other_name": 1}});
        o["risk_score"] = json!(1);
    });
    let message = refused(&app, INTEROP, &outside);
    assert!(
        message.contains(&format!("`/extensions/{SCORE}`")) && message.contains("risk_score"),
        "{message}"
    );
}

#[test]
fn the_schema_of_another_extension_judges_the_whole_object() {
    let app = start();
    let flat = |level: Value| {
        changed(|o| {
            o["extensions"] = json!({FLAT: {"extension_type": "toplevel-property-extension"}});
            o["risk_level"] = level.clone();
        })
    };
    accepted(&app, INTEROP, &flat(json!("high")));
    let message = refused(&app, INTEROP, &flat(json!("higher")));
    for word in ["ext.props", "`/risk_level`", FLAT, "higher"] {
        assert!(message.contains(word), "{word}: {message}");
    }
    // The same id used as a property extension has its entry judged, which lacks the property.
    let nested = changed(|o| {
        o["extensions"] = json!({FLAT: {"extension_type": "property-extension", "other_name": 1}});
        o["risk_level"] = json!("high");
    });
    assert!(refused(&app, INTEROP, &nested).contains(&format!("`/extensions/{FLAT}`")));
    let object = |class: &str| {
        json!({"type": "x-acme-incident", "spec_version": "2.1", "id": random("x-acme-incident"), "created": CREATED,
            "modified": version(1), "severity_class": class, "extensions": {INCIDENT: {"extension_type": "new-sdo"}}})
    };
    accepted(&app, INTEROP, &object("low"));
    let message = refused(&app, INTEROP, &object("lower"));
    assert!(message.contains("`/severity_class`") && message.contains(INCIDENT), "{message}");
}
