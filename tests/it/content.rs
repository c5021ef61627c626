//! The hub judges content by STIX 2.1, the profile of the collection and its types. What is refused
//! is named with rule, place, value and remedy, and nobody ever sees it.

use crate::app::{Client, TestApp, object_in, objects_of};
use crate::sample::{CREATED, amber, id, malware};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

pub const STRICT: &str = "11111111-0000-4000-8000-000000000001";
pub const INTEROP: &str = "11111111-0000-4000-8000-000000000002";
pub const PERMISSIVE: &str = "11111111-0000-4000-8000-000000000003";
/// Says nothing of a profile.
pub const DEFAULT: &str = "11111111-0000-4000-8000-000000000004";
pub const TYPED: &str = "11111111-0000-4000-8000-000000000005";
pub const SCORED: &str = "11111111-0000-4000-8000-000000000006";
pub const CLOSED: &str = "11111111-0000-4000-8000-000000000007";

/// A property extension with a schema.
pub const SCORE: &str = "extension-definition--11111111-1111-4111-8111-111111111111";
/// Properties at the top level, with a schema of the whole object.
pub const FLAT: &str = "extension-definition--22222222-2222-4222-8222-222222222222";
/// Registered without a schema.
pub const BARE: &str = "extension-definition--33333333-3333-4333-8333-333333333333";
/// A new type of object, with a schema.
pub const INCIDENT: &str = "extension-definition--44444444-4444-4444-8444-444444444444";
/// In no registry.
pub const FOREIGN: &str = "extension-definition--99999999-9999-4999-8999-999999999999";

/// Two organisations with a collection for each rule.
pub fn registry() -> String {
    let organisation = |id: &str| {
        format!(
            "[[organisation]]\nid = \"{id}\"\nname = \"{id}\"\ncountry = \"AA\"\n\
             client = [{{ id = \"feed\", role = \"publisher\" }}, {{ id = \"siem\", role = \"consumer\" }}]\n"
        )
    };
    let extension =
        |id: &str, schema: &str| format!("[[extension]]\nid = \"{id}\"\nschema = '''{schema}'''\n");
    let collection = |id: &str, rules: &str| {
        format!(
            "[[agreement.collection]]\nid = \"{id}\"\ntitle = \"C\"\napi_root = \"exchange\"\n\
             unmarked = \"assume:AMBER\"\n{rules}\n"
        )
    };
    [
        organisation("cert-a"),
        organisation("cert-b"),
        extension(SCORE, r#"{"required":["risk_score"],"properties":{"risk_score":{"type":"integer","maximum":10}}}"#),
        extension(FLAT, r#"{"required":["risk_level"],"properties":{"risk_level":{"enum":["low","high"]},"type":{"const":"indicator"}}}"#),
        extension(INCIDENT, r#"{"properties":{"severity_class":{"enum":["low","high"]}}}"#),
        format!("[[extension]]\nid = \"{BARE}\"\n"),
        "[[agreement]]\nid = \"main\"\ntitle = \"Main\"\nparties = [\"cert-a\", \"cert-b\"]\ntlp_max = \"RED\"\n".to_owned(),
        collection(STRICT, "profile = \"strict\""),
        collection(INTEROP, "profile = \"interop\""),
        collection(PERMISSIVE, "profile = \"permissive\""),
        collection(DEFAULT, ""),
        collection(TYPED, "types = [\"indicator\", \"ipv4-addr\", \"x-acme-thing\"]"),
        collection(SCORED, &format!("require_extensions = [\"{SCORE}\", \"{BARE}\"]")),
        collection(CLOSED, "unknown_extensions = \"refuse\""),
    ]
    .concat()
}

pub fn start() -> TestApp {
    TestApp::with(&registry()).start()
}

/// Offers an object between two good ones: these are stored, it is refused, and what its readers
/// see of its id is what they saw before. The answer is the message.
#[track_caller]
pub fn refused(app: &TestApp, collection: &str, bad: &Value) -> String {
    let (writer, reader) = (app.client("cert-a/feed"), app.client("cert-b/siem"));
    let before = all(&reader, collection);
    let good = [bystander(), bystander()];
    let status = writer.offer(collection, &[good[0].clone(), bad.clone(), good[1].clone()]);
    assert_eq!(
        (&status["failure_count"], &status["success_count"]),
        (&json!(1), &json!(2)),
        "{bad}\n{status}"
    );
    let failure = &status["failures"][0];
    assert_eq!(failure["id"], bad["id"], "{status}");
    assert_eq!(
        all(&reader, collection),
        [before, good.to_vec()].concat(),
        "only the good ones are there now"
    );
    failure["message"].as_str().unwrap().to_owned()
}

/// Offers an object: its readers get it as it was sent.
#[track_caller]
pub fn accepted(app: &TestApp, collection: &str, object: &Value) {
    let status = app.client("cert-a/feed").offer(collection, std::slice::from_ref(object));
    assert_eq!(status["failure_count"], 0, "{object}\n{status}");
    let reader = app.client("cert-b/siem");
    let answer = reader.request(Method::GET, &object_in(collection, object)).send();
    assert_eq!(answer.objects(), std::slice::from_ref(object));
}

/// Everything that a client sees, every version.
fn all(client: &Client, collection: &str) -> Vec<Value> {
    let path = format!("{}?match[version]=all", objects_of(collection));
    client.request(Method::GET, &path).send().objects()
}

/// Something that any collection takes.
fn bystander() -> Value {
    let mut object = json!({"type": "indicator", "spec_version": "2.1", "id": random("indicator"), "created": CREATED,
        "modified": CREATED, "pattern": "[url:value = 'x']", "pattern_type": "stix", "valid_from": CREATED});
    object["extensions"] = json!({SCORE: {"extension_type": "property-extension", "risk_score": 1},
        BARE: {"extension_type": "property-extension", "anything_else": "x"}});
    object
}

pub fn random(object_type: &str) -> String {
    format!("{object_type}--{}", uuid::Uuid::new_v4())
}

/// An indicator of its own id, changed.
pub fn changed(change: impl Fn(&mut Value)) -> Value {
    let mut object = amber(1);
    object["id"] = json!(random("indicator"));
    change(&mut object);
    object
}

pub fn extended(extensions: Value) -> Value {
    changed(|object| object["extensions"] = extensions.clone())
}

/// How an object is spoilt, and what the message holds.
type Mistake = (fn(&mut Value), &'static [&'static str]);

#[test]
fn what_is_against_the_standard_is_named_with_rule_place_value_and_remedy() {
    let app = start();
    let cases: [Mistake; 8] = [
        (|o| o["confidence"] = json!(101), &["prop.range", "`/confidence`", "is 101", "100"]),
        (|o| drop(o.as_object_mut().unwrap().remove("pattern")), &["prop.required", "`/pattern`"]),
        (
            |o| o["valid_from"] = json!("2026-02-30T00:00:00Z"),
            &["ts.calendar", "`/valid_from`", "2026-02-30"],
        ),
        (|o| o["labels"] = json!([]), &["prop.empty", "`/labels`", "leave it out"]),
        (|o| o["severity"] = json!("high"), &["prop.reserved", "`/severity`", "use another"]),
        (
            |o| o["kill_chain_phases"] = json!([{"kill_chain_name": "a", "phase_name": 7}]),
            &["prop.type", "`/kill_chain_phases/0/phase_name`", "is 7", "string"],
        ),
        (
            |o| o["created_by_ref"] = json!(id("malware", 1)),
            &["ref.type", "`/created_by_ref`", "malware--", "identity"],
        ),
        (
            |o| {
                o["granular_markings"] =
                    json!([{"selectors": ["nowhere"], "marking_ref": Tlp::Red.marking_id()}])
            },
            &["mark.selector", "`/granular_markings/0/selectors/0`", "\"nowhere\"", "selects nothing"],
        ),
    ];
    for (change, words) in cases {
        let message = refused(&app, INTEROP, &changed(change));
        assert!(words.iter().all(|word| message.contains(word)), "{words:?}: {message}");
    }
}

#[test]
fn a_message_tells_the_first_mistakes_and_how_many_more_there_are() {
    let app = start();
    let bad = changed(|object| {
        for n in 0..10 {
            object[format!("Bad{n}")] = json!(1);
        }
    });
    let message = refused(&app, INTEROP, &bad);
    assert_eq!(message.matches("prop.name").count(), 3, "{message}");
    assert!(message.ends_with("and 7 more"), "{message}");
    let long = changed(|object| object["confidence"] = json!("x".repeat(100_000)));
    assert!(refused(&app, INTEROP, &long).len() < 1_000, "a long value is shortened");
}

/// What a profile does with an object.
type Case = (&'static str, [bool; 3], fn() -> Value);

fn email() -> Value {
    json!({"type": "email-message", "id": random("email-message"), "is_multipart": false,
        "additional_header_fields": {"X-Mailer": "one string"}})
}

fn traffic() -> Value {
    json!({"type": "network-traffic", "id": random("network-traffic"), "protocols": ["tcp"], "src_ref": id("ipv4-addr", 1),
        "extensions": {"http-request-ext": {"request_method": "get", "request_value": "/", "request_header": {"Host": "x"}}}})
}

/// STIX 2.1 as the reference has it: accepted by strict, interop, permissive.
const CASES: [Case; 23] = [
    ("a good object", [true, true, true], || changed(|_| ())),
    ("a custom name of MISP", [false, true, true], || changed(|o| o["x_misp_Capital"] = json!("x"))),
    ("a hyphen in one", [false, true, true], || changed(|o| o["x_misp_cfr-type"] = json!("x"))),
    ("capitals that do not follow x_", [false, false, true], || changed(|o| o["Capital"] = json!("x"))),
    (
        "upper-case hex digits",
        [false, true, true],
        || json!({"type": "file", "id": random("file"), "name": "a", "magic_number_hex": "FFD8"}),
    ),
    (
        "hex digits that are none",
        [false, false, true],
        || json!({"type": "file", "id": random("file"), "name": "a", "magic_number_hex": "FFDG"}),
    ),
    (
        "an abbreviated hive",
        [false, true, true],
        || json!({"type": "windows-registry-key", "id": random("windows-registry-key"), "key": "HKLM\\Software"}),
    ),
    ("a bare string as a header field", [false, true, true], email),
    ("a bare string as a request header", [false, true, true], traffic),
    ("a number as a header field", [false, false, true], || {
        let mut object = email();
        object["additional_header_fields"]["X-Mailer"] = json!(5);
        object
    }),
    ("a big integer in custom content", [false, true, true], || {
        changed(|o| o["x_acme_n"] = json!({"deep": [9_007_199_254_740_993_u64]}))
    }),
    ("a big integer of the standard", [false, false, true], || {
        changed(|o| o["confidence"] = json!(9_007_199_254_740_993_u64))
    }),
    ("a property of an extension in other letters", [false, true, true], || {
        extended(json!({FOREIGN: {"extension_type": "property-extension", "Risk-Score": 1}}))
    }),
    ("a wrong enum", [false, false, true], || {
        json!({"type": "opinion", "spec_version": "2.1", "id": random("opinion"), "created": CREATED, "modified": CREATED,
            "opinion": "perhaps", "object_refs": [id("malware", 1)]})
    }),
    ("a property missing", [false, false, true], || {
        changed(|o| drop(o.as_object_mut().unwrap().remove("valid_from")))
    }),
    ("a pattern that does not parse", [false, false, true], || {
        changed(|o| o["pattern"] = json!("[url:value"))
    }),
    ("a blank after a timestamp", [false, false, true], || {
        changed(|o| o["valid_from"] = json!("2026-01-01T00:00:00Z "))
    }),
    ("a blank after `created`", [false, false, false], || {
        changed(|o| o["created"] = json!("2026-01-01T00:00:00.000Z "))
    }),
    ("`modified` before `created`", [false, false, false], || {
        changed(|o| o["modified"] = json!("2025-01-01T00:00:00.000Z"))
    }),
    ("an id that is none", [false, false, false], || changed(|o| o["id"] = json!("indicator--1"))),
    ("an id of another type", [false, false, false], || changed(|o| o["id"] = json!(random("malware")))),
    ("no spec_version", [false, false, false], || {
        changed(|o| drop(o.as_object_mut().unwrap().remove("spec_version")))
    }),
    ("null for a property", [false, false, false], || changed(|o| o["description"] = Value::Null)),
];

#[test]
fn each_profile_accepts_and_refuses_what_the_reference_says() {
    let app = start();
    for (name, accepts, object) in CASES {
        for (collection, accepts) in [STRICT, INTEROP, PERMISSIVE].into_iter().zip(accepts) {
            println!("{name} in {collection}: {accepts}");
            if accepts {
                accepted(&app, collection, &object());
            } else {
                refused(&app, collection, &object());
            }
        }
    }
}

#[test]
fn a_collection_that_names_no_profile_has_interop() {
    let app = start();
    for (_, [_, interop, _], object) in CASES {
        if interop {
            accepted(&app, DEFAULT, &object());
        } else {
            refused(&app, DEFAULT, &object());
        }
    }
}

#[test]
fn a_collection_takes_its_types_only() {
    let app = start();
    accepted(&app, TYPED, &amber(1));
    let custom = json!({"type": "x-acme-thing", "id": random("x-acme-thing"), "x_acme": 1});
    accepted(&app, TYPED, &custom);
    accepted(&app, TYPED, &crate::sample::address(1));
    let marking = json!({"type": "marking-definition", "spec_version": "2.1", "id": random("marking-definition"),
        "created": CREATED, "definition_type": "statement", "definition": {"statement": "s"}});
    for object in [malware(1, 0), marking] {
        let message = refused(&app, TYPED, &object);
        let kind = object["type"].as_str().unwrap();
        assert!(
            message.contains(&format!("`{kind}`")) && message.contains("indicator, ipv4-addr, x-acme-thing")
        );
    }
}
