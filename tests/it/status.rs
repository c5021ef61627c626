//! Status resources (TAXII 2.1 §4.3).

use crate::app::{INDICATORS, REGISTRY, TestApp, objects_of};
use crate::sample::{address, amber, ambers, id, version};
use liaison::stix::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

fn path(status: &Value) -> String {
    format!("/exchange/status/{}/", status["id"].as_str().unwrap())
}

#[test]
fn the_status_served_is_the_one_of_the_post() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let status = client.offer(INDICATORS, &[amber(1), address(2), json!({"type": "indicator"}), amber(1)]);
    let served = client.get(&path(&status));
    assert_eq!((served.status, served.json()), (200, status.clone()));
    assert_eq!(client.get(path(&status).trim_end_matches('/')).json(), status);
    assert_eq!(
        client
            .get(&format!(
                "/exchange/collections/{INDICATORS}/../../status/{}/",
                status["id"].as_str().unwrap()
            ))
            .json(),
        status,
        "as the usual client library builds the URL"
    );
}

#[test]
fn counts_are_those_of_the_envelope() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let good = ambers(0..7);
    let bad: Vec<Value> =
        (0..3).map(|n| json!({"id": id("indicator", 100 + n), "type": "indicator"})).collect();
    let status = client.offer(INDICATORS, &[good, bad].concat());
    let counts = ["total_count", "success_count", "failure_count", "pending_count"]
        .map(|key| status[key].as_u64().unwrap());
    assert_eq!(counts, [10, 7, 3, 0]);
    assert_eq!(status["status"], "complete");
    assert!(status.get("pendings").is_none(), "an empty list is left out");
}

#[test]
fn each_object_is_named_by_id_and_version() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let failing = json!({"type": "indicator", "id": id("indicator", 5), "created": version(1)});
    let marking = json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 6), "created": version(2),
        "definition_type": "statement", "definition": {"statement": "s"}});
    let status =
        client.offer(INDICATORS, &[amber(1), address(2), failing.clone(), json!({"x": 1}), marking.clone()]);
    let names = |list: &str| {
        status[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["id"].clone(), one["version"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("successes"),
        [
            (amber(1)["id"].clone(), amber(1)["modified"].clone()),
            (address(2)["id"].clone(), json!(crate::app::UNVERSIONED)),
            (marking["id"].clone(), json!(version(2))),
        ]
    );
    assert_eq!(names("failures")[0], (failing["id"].clone(), json!(version(1))));
    assert_eq!(names("failures")[1].0, "objects[3]", "without an id, its place");
    assert!(status["failures"].as_array().unwrap().iter().all(|one| one["message"].is_string()));
}

#[test]
fn a_complete_status_never_changes() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let status = client.publish(INDICATORS, &[amber(1)]);
    client.delete(&crate::app::object_in(INDICATORS, &amber(1)));
    client.publish(INDICATORS, &ambers(0..3));
    app.restart();
    assert_eq!(app.client("cert-a/feed").get(&path(&status)).json(), status);
}

#[test]
fn a_status_is_there_for_more_than_a_day() {
    static NOW: AtomicI64 = AtomicI64::new(0);
    NOW.store(liaison::clock::Clock::system().now().micros(), Ordering::SeqCst);
    let app = TestApp::with(REGISTRY).clock(|| Timestamp::from_micros(NOW.load(Ordering::SeqCst))).start();
    let client = app.client("cert-a/feed");
    let status = client.publish(INDICATORS, &[amber(1)]);
    NOW.fetch_add(25 * 3_600_000_000, Ordering::SeqCst);
    client.publish(INDICATORS, &[amber(2)]);
    assert_eq!(client.get(&path(&status)).json(), status);
    NOW.fetch_add(8 * 86_400_000_000, Ordering::SeqCst);
    client.publish(INDICATORS, &[amber(3)]);
    assert_eq!(client.get(&path(&status)).status, 404, "a week later it is forgotten");
}

#[test]
fn an_unknown_status_is_not_found() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    for id in ["11111111-1111-4111-8111-111111111111", "x", "'", "11111111111141118111111111111111"] {
        assert_eq!(client.get(&format!("/exchange/status/{id}/")).status, 404, "{id}");
    }
}

#[test]
fn a_status_is_its_senders_alone() {
    let app = TestApp::start();
    let status = app.client("cert-a/feed").publish(INDICATORS, &[amber(1)]);
    for other in ["cert-a/siem", "cert-b/feed", "cert-c/feed", "cert-a/ops"] {
        assert_eq!(app.client(other).get(&path(&status)).status, 404, "{other}");
    }
    let elsewhere = path(&status).replace("exchange", "elsewhere");
    assert_eq!(app.client("cert-a/feed").get(&elsewhere).status, 404, "another API root");
}

#[test]
fn the_time_of_the_request_is_told() {
    let app = TestApp::start();
    let status = app.client("cert-a/feed").publish(INDICATORS, &[amber(1)]);
    let time = status["request_timestamp"].as_str().unwrap();
    let added = app.client("cert-a/feed").get(&objects_of(INDICATORS)).last().unwrap().to_owned();
    assert!(time <= added.as_str() && time > "2026", "{time} {added}");
}
