//! What holds for every answer, whatever was asked.

use crate::app::{Answer, TAXII};
use liaison::stix::{StixTime, Timestamp};
use reqwest::Method;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

const SCHEMAS: [(&str, &str); 9] = [
    ("discovery", include_str!("../../schemas/taxii/discovery.json")),
    ("api-root", include_str!("../../schemas/taxii/api-root.json")),
    ("status", include_str!("../../schemas/taxii/status.json")),
    ("collections", include_str!("../../schemas/taxii/collections.json")),
    ("collection", include_str!("../../schemas/taxii/collection.json")),
    ("manifest", include_str!("../../schemas/taxii/manifest.json")),
    ("envelope", include_str!("../../schemas/taxii/envelope.json")),
    ("versions", include_str!("../../schemas/taxii/versions.json")),
    ("error", include_str!("../../schemas/taxii/error.json")),
];

/// Fails if an answer breaks a rule that all answers keep.
#[track_caller]
pub fn answer(method: &Method, target: &str, answer: &Answer) {
    let place = format!("{method} {target} → {}", answer.status);
    assert!(answer.status < 500, "{place}: {}", answer.text());
    assert!(answer.header("date").is_some(), "{place}: no Date header");
    let is_export = target.starts_with("/liaison/v1/export/") && target.len() > "/liaison/v1/export/".len();
    // Kept, and asked for again with their tags.
    let cache = if is_export && answer.status < 400 { "private, no-cache" } else { "no-store" };
    assert_eq!(answer.header("cache-control"), Some(cache), "{place}");
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{place}");
    let path = target.split('?').next().unwrap();
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        // Clients resolve these before they send.
        match segment {
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    if segments.first() == Some(&"liaison") && matches!(answer.status, 200 | 304) {
        return;
    }
    assert_eq!(answer.header("content-type"), Some(TAXII), "{place}");
    if method == Method::HEAD {
        return;
    }
    let resource = match answer.status {
        400.. => "error",
        _ => resource(method, &segments),
    };
    if resource == "nothing" {
        assert_eq!(answer.body, b"", "{place}");
        return;
    }
    let json: Value = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{place}: {error}: {}", answer.text()));
    assert_is(resource, &json, &place);
    match resource {
        "error" => error(answer, &json, &place),
        "status" => status(&json, &place),
        "discovery" => discovery(&json, &place),
        "envelope" | "manifest" | "versions" => page(resource, answer, &json, &place),
        _ => {}
    }
}

/// Fails unless a document conforms to a schema.
#[track_caller]
pub fn assert_is(resource: &str, json: &Value, place: &str) {
    let errors: Vec<String> = validator(resource)
        .iter_errors(json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{place}: not a conforming {resource}: {errors:?}\n{json}");
}

/// Does a document conform to a schema?
pub fn conforms(resource: &str, json: &Value) -> bool {
    validator(resource).is_valid(json)
}

fn validator(resource: &str) -> &'static jsonschema::Validator {
    static VALIDATORS: OnceLock<HashMap<&str, jsonschema::Validator>> = OnceLock::new();
    let validators = VALIDATORS.get_or_init(|| {
        let compile = |text| jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap();
        SCHEMAS.iter().map(|(name, text)| (*name, compile(text))).collect()
    });
    &validators[resource]
}

fn resource(method: &Method, segments: &[&str]) -> &'static str {
    match (method.as_str(), segments) {
        ("GET", ["taxii2"]) => "discovery",
        ("GET", [_]) => "api-root",
        ("GET", [_, "status", _]) | ("POST", [_, "collections", _, "objects"]) => "status",
        ("GET", [_, "collections"]) => "collections",
        ("GET", [_, "collections", _]) => "collection",
        ("GET", [_, "collections", _, "manifest"]) => "manifest",
        ("GET", [_, "collections", _, "objects"] | [_, "collections", _, "objects", _]) => "envelope",
        ("GET", [_, "collections", _, "objects", _, "versions"]) => "versions",
        ("DELETE", [_, "collections", _, "objects", _]) => "nothing",
        other => panic!("no such endpoint: {other:?}"),
    }
}

fn error(answer: &Answer, json: &Value, place: &str) {
    assert_eq!(json["http_status"], answer.status.to_string(), "{place}");
    assert_eq!(answer.status == 401, answer.headers.contains_key("www-authenticate"), "{place}");
    assert_eq!(answer.status == 405, answer.headers.contains_key("allow"), "{place}");
    assert!(answer.first().is_none() && answer.last().is_none(), "{place}");
    let text = answer.text().to_lowercase();
    for word in ["sqlite", "rusqlite", "select ", "panicked", ".rs:", "/tmp", "actix", "rustls"] {
        assert!(!text.contains(word), "{place} tells of the inside: {text}");
    }
}

fn status(json: &Value, place: &str) {
    let count = |name: &str| json[name].as_u64().unwrap();
    let sum = count("success_count") + count("failure_count") + count("pending_count");
    assert_eq!(count("total_count"), sum, "{place}");
    for (list, number) in
        [("successes", "success_count"), ("failures", "failure_count"), ("pendings", "pending_count")]
    {
        let length = json[list].as_array().map_or(0, Vec::len) as u64;
        assert_eq!(length, count(number), "{place}: {list}");
    }
}

fn discovery(json: &Value, place: &str) {
    let roots = json["api_roots"].as_array().cloned().unwrap_or_default();
    if let Some(default) = json.get("default") {
        assert!(roots.contains(default), "{place}: default is none of api_roots");
    }
}

fn page(resource: &str, answer: &Answer, json: &Value, place: &str) {
    let list = if resource == "versions" { "versions" } else { "objects" };
    let rows = json[list].as_array().cloned().unwrap_or_default();
    let dates = [answer.first(), answer.last()];
    if rows.is_empty() {
        assert_eq!(dates, [None, None], "{place}: dates of nothing");
        return;
    }
    let times = dates.map(|date| {
        let date = date.unwrap_or_else(|| panic!("{place}: an X-TAXII-Date-Added header is missing"));
        let time = Timestamp::parse(date).unwrap_or_else(|| panic!("{place}: {date} is no timestamp"));
        assert_eq!(time.to_string(), date, "{place}: not six fraction digits");
        time
    });
    assert!(times[0] <= times[1] && (rows.len() == 1) == (times[0] == times[1]), "{place}: {times:?}");
    match resource {
        "manifest" => manifest(&rows, dates, place),
        "versions" => {
            assert!(rows.iter().all(|row| StixTime::parse(row.as_str().unwrap()).is_some()), "{place}")
        }
        _ => {}
    }
}

fn manifest(rows: &[Value], dates: [Option<&str>; 2], place: &str) {
    let added: Vec<&str> = rows.iter().map(|row| row["date_added"].as_str().unwrap()).collect();
    assert!(added.windows(2).all(|pair| pair[0] < pair[1]), "{place}: not in date_added order: {added:?}");
    assert_eq!(dates, [added.first().copied(), added.last().copied()], "{place}");
}
