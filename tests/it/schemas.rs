//! The schemas that every answer is checked against: what they let pass and what they refuse.

use crate::app::{INDICATORS, TestApp, manifest_of, object_in, objects_of};
use crate::check::{assert_is, conforms};
use crate::sample::amber;
use serde_json::{Value, json};

const UUID: &str = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11";
const TIME: &str = "2026-02-09T08:00:00.123456Z";

/// A conforming document of each resource, as full as it can be.
fn samples() -> Vec<(&'static str, Value)> {
    let detail = json!({"id": format!("indicator--{UUID}"), "version": TIME, "message": "m"});
    let collection = json!({"id": UUID, "title": "t", "description": "d", "alias": "a", "can_read": true, "can_write": false,
        "media_types": ["application/stix+json;version=2.1"]});
    let record = json!({"id": format!("indicator--{UUID}"), "date_added": TIME, "version": TIME, "media_type": "application/stix+json;version=2.1"});
    vec![
        (
            "discovery",
            json!({"title": "t", "description": "d", "contact": "c", "default": "https://a/b/", "api_roots": ["https://a/b/"]}),
        ),
        (
            "api-root",
            json!({"title": "t", "description": "d", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1}),
        ),
        (
            "status",
            json!({"id": UUID, "status": "complete", "request_timestamp": TIME, "total_count": 2, "success_count": 1,
            "successes": [detail], "failure_count": 1, "failures": [detail], "pending_count": 0}),
        ),
        ("collection", collection.clone()),
        ("collections", json!({"collections": [collection]})),
        (
            "envelope",
            json!({"more": true, "next": "n", "objects": [{"type": "indicator", "id": format!("indicator--{UUID}")}]}),
        ),
        ("manifest", json!({"more": true, "next": "n", "objects": [record]})),
        ("versions", json!({"more": true, "next": "n", "versions": [TIME]})),
        (
            "error",
            json!({"title": "t", "description": "d", "error_id": UUID, "error_code": "e", "http_status": "404",
            "external_details": "https://a/", "details": {}}),
        ),
    ]
}

fn sample(resource: &str) -> Value {
    samples().into_iter().find(|(name, _)| *name == resource).unwrap().1
}

/// Fails if the resource still conforms with another value at a place.
#[track_caller]
fn refuses(resource: &str, pointer: &str, value: Value) {
    let mut document = sample(resource);
    *document.pointer_mut(pointer).unwrap() = value.clone();
    assert!(!conforms(resource, &document), "{resource} takes {value} at {pointer}");
}

#[test]
fn conforming_resources_pass() {
    for (resource, document) in samples() {
        assert_is(resource, &document, "a sample");
    }
    for empty in ["collections", "envelope", "manifest", "versions"] {
        assert_is(empty, &json!({}), "nothing to list");
    }
    assert_is("discovery", &json!({"title": "t"}), "no roots");
}

#[test]
fn lists_are_never_empty() {
    for (resource, list) in [
        ("discovery", "/api_roots"),
        ("api-root", "/versions"),
        ("status", "/successes"),
        ("status", "/failures"),
        ("collection", "/media_types"),
        ("collections", "/collections"),
        ("envelope", "/objects"),
        ("manifest", "/objects"),
        ("versions", "/versions"),
    ] {
        refuses(resource, list, json!([]));
        refuses(resource, list, Value::Null);
    }
}

#[test]
fn timestamps_have_six_fraction_digits_and_a_z() {
    for bad in [
        "2026-02-09T08:00:00Z",
        "2026-02-09T08:00:00.123Z",
        "2026-02-09T08:00:00.1234567Z",
        "2026-02-09T08:00:00.123456+00:00",
        "2026-02-09t08:00:00.123456Z",
        "2026-02-09 08:00:00.123456Z",
        "2026-13-09T08:00:00.123456Z",
        "undefined",
        "",
    ] {
        refuses("status", "/request_timestamp", json!(bad));
        refuses("manifest", "/objects/0/date_added", json!(bad));
    }
}

#[test]
fn identifiers_are_version_4_uuids() {
    for bad in [
        "3f0e7d0c-8d39-1f5e-9a51-3f6a2b9a7c11",
        "3f0e7d0c-8d39-4f5e-7a51-3f6a2b9a7c11",
        "3f0e7d0c8d394f5e9a513f6a2b9a7c11",
        "x",
        "",
    ] {
        refuses("status", "/id", json!(bad));
        refuses("collection", "/id", json!(bad));
    }
}

#[test]
fn required_properties_cannot_be_missing_and_others_cannot_be_added() {
    let required = [
        ("discovery", &["title"][..]),
        ("api-root", &["title", "versions", "max_content_length"]),
        ("status", &["id", "status", "total_count", "success_count", "failure_count", "pending_count"]),
        ("collection", &["id", "title", "can_read", "can_write"]),
        ("error", &["title"]),
    ];
    for (resource, names) in required {
        for name in names {
            let mut document = sample(resource);
            document.as_object_mut().unwrap().remove(*name);
            assert!(!conforms(resource, &document), "{resource} without {name}");
            document[name.to_uppercase()] = sample(resource)[name].clone();
            assert!(!conforms(resource, &document), "{resource} with {name} in capitals");
        }
    }
    for name in ["id", "date_added", "version"] {
        let mut document = sample("manifest");
        document["objects"][0].as_object_mut().unwrap().remove(name);
        assert!(!conforms("manifest", &document), "a record without {name}");
    }
    for (resource, mut document) in samples() {
        document["x_acme"] = json!(1);
        assert!(!conforms(resource, &document), "{resource} with a property of no table");
    }
}

#[test]
fn every_property_has_its_type() {
    for (resource, document) in samples() {
        for name in document.as_object().unwrap().keys() {
            for other in [json!("☃"), json!(-1), json!(1.5), json!({"a": 1}), json!([1]), Value::Null] {
                let is_text = other.is_string()
                    && ["title", "description", "contact", "error_code", "next"].contains(&name.as_str());
                let is_object = other.is_object() && name == "details";
                if !is_text && !is_object {
                    refuses(resource, &format!("/{name}"), other);
                }
            }
        }
    }
    for flag in ["/can_read", "/can_write"] {
        refuses("collection", flag, json!("true"));
        refuses("collection", flag, json!(1));
    }
}

#[test]
fn urls_are_absolute_https_or_from_one_slash_without_a_query() {
    for bad in [
        "http://a/b/",
        "https://a/b/?x=1",
        "//a/b/",
        "../b/",
        "b/",
        "https://a/b/#c",
        "ftp://a/",
        "https://user@a/b/",
    ] {
        refuses("discovery", "/api_roots", json!([bad]));
        refuses("discovery", "/default", json!(bad));
    }
    let mut relative = sample("discovery");
    (relative["api_roots"], relative["default"]) = (json!(["/b/"]), json!("/b/"));
    assert!(conforms("discovery", &relative));
}

#[test]
fn versions_of_an_api_root_name_taxii_2_1() {
    refuses("api-root", "/versions", json!(["application/taxii+json;version=2.0"]));
    refuses("api-root", "/versions", json!(["application/taxii+json"]));
    refuses("api-root", "/max_content_length", json!(0));
}

#[test]
fn a_status_is_complete_or_pending_with_lists_as_its_counts_say() {
    refuses("status", "/status", json!("done"));
    refuses("status", "/status", json!("pending"));
    refuses("status", "/success_count", json!(0));
    refuses("status", "/pending_count", json!(1));
    refuses("status", "/total_count", json!(-1));
    refuses("status", "/successes/0/id", json!("x"));
}

#[test]
fn more_comes_with_next_and_with_something_on_the_page() {
    for resource in ["envelope", "manifest", "versions"] {
        let without = |name: &str| {
            let mut document = sample(resource);
            document.as_object_mut().unwrap().remove(name);
            conforms(resource, &document)
        };
        assert!(
            !without("more")
                && !without("next")
                && !without(if resource == "versions" { "versions" } else { "objects" }),
            "{resource}"
        );
        refuses(resource, "/more", json!(false));
    }
}

#[test]
fn an_error_says_its_status_as_a_string() {
    refuses("error", "/http_status", json!(404));
    refuses("error", "/http_status", json!("200"));
    refuses("error", "/error_id", json!(7));
    refuses("error", "/details", json!("text"));
}

/// Each resource once, so that each schema meets an answer of the server.
#[test]
fn every_resource_of_the_server_conforms() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let status = client.publish(INDICATORS, &[amber(1), amber(2)]);
    let status = format!("/exchange/status/{}/", status["id"].as_str().unwrap());
    let object = object_in(INDICATORS, &amber(1));
    let paths = [
        "/taxii2/",
        "/exchange/",
        &status,
        "/exchange/collections/",
        "/exchange/collections/indicators/",
        &format!("{}?limit=1", manifest_of(INDICATORS)),
        &format!("{}?limit=1", objects_of(INDICATORS)),
        &object,
        &format!("{object}versions/"),
    ];
    for path in paths {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert_eq!(client.get("/exchange/nothing/").status, 404);
}
