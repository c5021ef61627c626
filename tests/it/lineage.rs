//! What the versions of one object must have in common (STIX 2.1 §3.6), whether they come in one
//! envelope, in several, or with a restart between.

use crate::app::{INDICATORS, MALWARE, TestApp, object_in, objects_of};
use crate::sample::{CREATED, address, amber, id, indicator, malware, version};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

/// How two versions come.
#[derive(Debug, Clone, Copy)]
enum Way {
    InOneEnvelope,
    OneAfterTheOther,
    WithARestartBetween,
}
use Way::{InOneEnvelope, OneAfterTheOther, WithARestartBetween};

const WAYS: [Way; 3] = [InOneEnvelope, OneAfterTheOther, WithARestartBetween];

/// Offers the objects of `first`, which are all good, and then `last`; the answer is the status of `last`.
#[track_caller]
fn offer(app: &TestApp, way: Way, first: &[Value], last: &Value) -> Result<Value, String> {
    let all = [first, std::slice::from_ref(last)].concat();
    let (status, others) = match way {
        InOneEnvelope => (app.client("cert-a/feed").offer(INDICATORS, &all), first.len()),
        OneAfterTheOther | WithARestartBetween => {
            for object in first {
                app.client("cert-a/feed").publish(INDICATORS, std::slice::from_ref(object));
            }
            if matches!(way, WithARestartBetween) {
                app.restart();
            }
            (app.client("cert-a/feed").offer(INDICATORS, std::slice::from_ref(last)), 0)
        }
    };
    match status["failures"].as_array() {
        None => Ok(status["successes"][others].clone()),
        Some(failures) => {
            assert_eq!((failures.len(), &status["success_count"]), (1, &json!(others)), "{status}");
            assert_eq!(failures[0]["id"], last["id"]);
            Err(failures[0]["message"].as_str().unwrap().to_owned())
        }
    }
}

/// What a poller and a reader of the one object see of it: every version, and the current one.
#[track_caller]
fn assert_seen(app: &TestApp, all: &[Value], current: &Value) {
    let reader = app.client("cert-b/siem");
    let get = |path: &str| reader.request(Method::GET, path).send().objects();
    let (path, id) = (object_in(INDICATORS, current), current["id"].as_str().unwrap());
    let mut sorted = get(&format!("{path}?match[version]=all"));
    let mut wanted = all.to_vec();
    let order = |object: &Value| object.to_string();
    sorted.sort_by_key(order);
    wanted.sort_by_key(order);
    assert_eq!(sorted, wanted);
    assert_eq!(get(&path), std::slice::from_ref(current));
    assert_eq!(get(&format!("{}?match[id]={id}", objects_of(INDICATORS))), std::slice::from_ref(current));
}

/// Nobody may send `last` after `first`, however it is done; the readers see `first`, whose last is current.
#[track_caller]
fn never(word: &str, case: impl Fn(u32) -> (Vec<Value>, Value)) {
    let app = TestApp::start();
    for (n, way) in (1..).zip(WAYS) {
        let (first, last) = case(n);
        let told = offer(&app, way, &first, &last).expect_err(&format!("{way:?}: {last}"));
        assert!(told.contains(word), "{way:?}: {told}");
        assert_seen(&app, &first, first.last().unwrap());
    }
    app.restart();
    for n in 1..=3 {
        let (first, _) = case(n);
        assert_seen(&app, &first, first.last().unwrap());
    }
}

/// `last` may come after `first`; then `current` is the current one of all these.
#[track_caller]
fn fine(case: impl Fn(u32) -> (Vec<Value>, Value, Value)) {
    let app = TestApp::start();
    for (n, way) in (1..).zip(WAYS) {
        let (mut all, last, current) = case(n);
        let told = offer(&app, way, &all, &last);
        assert!(told.is_ok(), "{way:?}: {told:?}");
        if !all.contains(&last) {
            all.push(last);
        }
        assert_seen(&app, &all, &current);
    }
}

fn of(n: u32, k: u32, change: impl Fn(&mut Value)) -> Value {
    let mut object = indicator(n, k, Tlp::Amber);
    change(&mut object);
    object
}

fn plain(n: u32, k: u32) -> Value {
    of(n, k, |_| ())
}

fn revoked(n: u32, k: u32) -> Value {
    of(n, k, |o| o["revoked"] = json!(true))
}

fn by(n: u32, k: u32, creator: u32) -> Value {
    of(n, k, |o| o["created_by_ref"] = json!(id("identity", creator)))
}

#[test]
fn a_version_with_another_created_is_refused() {
    let other = |o: &mut Value| o["created"] = json!("2025-12-31T00:00:00.000Z");
    never("`created`", |n| (vec![plain(n, 1)], of(n, 2, other)));
    never("`created`", |n| (vec![plain(n, 1)], of(n, 0, other)));
    never("`created`", |n| (vec![plain(n, 1), plain(n, 5)], of(n, 3, other)));
}

#[test]
fn the_same_instant_spelt_otherwise_is_the_same_created() {
    let spelt = |o: &mut Value| o["created"] = json!("2026-01-01T00:00:00.000000Z");
    fine(|n| (vec![plain(n, 1)], of(n, 2, spelt), of(n, 2, spelt)));
}

#[test]
fn a_version_of_another_creator_is_refused() {
    never("`created_by_ref`", |n| (vec![by(n, 1, 5)], by(n, 2, 6)));
    never("`created_by_ref`", |n| (vec![by(n, 1, 5)], by(n, 0, 6)));
}

#[test]
fn a_version_that_drops_or_gains_its_creator_is_refused() {
    never("`created_by_ref`", |n| (vec![by(n, 1, 5)], plain(n, 2)));
    never("`created_by_ref`", |n| (vec![plain(n, 1)], by(n, 2, 5)));
}

#[test]
fn a_version_after_a_revoked_one_is_refused() {
    never("revoked", |n| (vec![plain(n, 1), revoked(n, 2)], plain(n, 3)));
    never("revoked", |n| (vec![revoked(n, 2)], revoked(n, 3)));
    never("revoked", |n| (vec![revoked(n, 2)], of(n, 3, |o| o["revoked"] = json!(false))));
}

#[test]
fn a_version_before_a_revoked_one_is_kept_as_history() {
    fine(|n| (vec![revoked(n, 4)], plain(n, 1), revoked(n, 4)));
    fine(|n| (vec![plain(n, 1), revoked(n, 4)], plain(n, 2), revoked(n, 4)));
    fine(|n| (vec![revoked(n, 4), plain(n, 1)], plain(n, 3), revoked(n, 4)));
}

#[test]
fn history_that_came_late_does_not_undo_a_revocation() {
    never("revoked", |n| (vec![plain(n, 1), plain(n, 3), revoked(n, 4)], plain(n, 5)));
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[revoked(1, 4), plain(1, 3), plain(1, 1)]);
    let status = client.offer(INDICATORS, &[plain(1, 5), plain(1, 2)]);
    assert_eq!((&status["failure_count"], &status["success_count"]), (&json!(1), &json!(1)), "{status}");
    assert_seen(
        &app,
        &[1, 2, 3].map(|k| plain(1, k)).into_iter().chain([revoked(1, 4)]).collect::<Vec<_>>(),
        &revoked(1, 4),
    );
}

/// Reference §8: refuse a version later than a revoked one. Here that came after a later version,
/// and is not the version next to the new one.
#[test]
fn a_version_after_a_revoked_one_is_refused_though_one_between_came_before() {
    let app = TestApp::start();
    for (n, way) in (1..).zip(WAYS) {
        let told = offer(&app, way, &[plain(n, 3), revoked(n, 2)], &plain(n, 4));
        assert!(told.as_ref().is_err_and(|told| told.contains("revoked")), "{way:?}: {told:?}");
        assert_seen(&app, &[plain(n, 3), revoked(n, 2)], &plain(n, 3));
    }
}

#[test]
fn an_equal_version_sent_again_is_a_success() {
    fine(|n| (vec![plain(n, 1)], plain(n, 1), plain(n, 1)));
    fine(|n| (vec![revoked(n, 1)], revoked(n, 1), revoked(n, 1)));
    fine(|n| (vec![plain(n, 1), revoked(n, 2)], plain(n, 1), revoked(n, 2)));
    let app = TestApp::start();
    for (n, way) in (1..).zip(WAYS) {
        let spelt = of(n, 1, |o| o["revoked"] = json!(false));
        let told = offer(&app, way, &[plain(n, 1)], &spelt).unwrap();
        assert!(told["message"].as_str().unwrap().contains("already there"), "{told}");
        assert_seen(&app, &[plain(n, 1)], &plain(n, 1));
    }
}

#[test]
fn an_equal_version_with_other_content_is_refused() {
    never("conflict", |n| (vec![plain(n, 1)], of(n, 1, |o| o["name"] = json!("other"))));
    never("conflict", |n| (vec![plain(n, 1)], revoked(n, 1)));
    never("conflict", |n| (vec![revoked(n, 1)], plain(n, 1)));
}

fn marking(n: u32, statement: &str) -> Value {
    json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", n), "created": CREATED,
        "definition_type": "statement", "definition": {"statement": statement}})
}

#[test]
fn a_marking_definition_with_other_content_is_refused() {
    never("conflict", |n| (vec![marking(n, "first")], marking(n, "second")));
    // Markings have no versions: other dates make it no other one.
    for (property, statement) in
        [("created", "second"), ("created", "first"), ("modified", "second"), ("modified", "first")]
    {
        never("conflict", |n| {
            let mut other = marking(n, statement);
            other[property] = json!("2026-01-02T00:00:00.000Z");
            (vec![marking(n, "first")], other)
        });
    }
    fine(|n| (vec![marking(n, "first")], marking(n, "first"), marking(n, "first")));
}

#[test]
fn an_observable_with_other_content_is_refused() {
    let other = |n: u32| {
        let mut object = address(n);
        object["value"] = json!("203.0.113.9");
        object
    };
    never("conflict", |n| (vec![address(n)], other(n)));
    // Dates do not make versions of it.
    never("conflict", |n| {
        let mut object = other(n);
        object["created"] = json!(CREATED);
        object["modified"] = json!(version(n));
        (vec![address(n)], object)
    });
    fine(|n| (vec![address(n)], address(n), address(n)));
}

/// What is exchanged are the integers themselves, though many programs cannot tell these apart.
#[test]
fn integers_beyond_those_of_a_double_are_told_apart() {
    let with = |n: u32, number: u64| of(n, 1, move |o| o["x_acme_n"] = json!(number));
    never("conflict", |n| (vec![with(n, 9_007_199_254_740_992)], with(n, 9_007_199_254_740_993)));
}

#[test]
fn each_kind_of_object_with_versions_keeps_them_in_line() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let relationship = |k: u32| {
        json!({"type": "relationship", "spec_version": "2.1", "id": id("relationship", 1), "created": CREATED, "modified": version(k),
            "relationship_type": "indicates", "source_ref": id("indicator", 1), "target_ref": id("malware", 1)})
    };
    let custom = |k: u32| json!({"type": "x-acme-thing", "spec_version": "2.1", "id": id("x-acme-thing", 1), "created": CREATED, "modified": version(k), "x_acme": 1});
    for make in [&relationship as &dyn Fn(u32) -> Value, &custom, &|k| malware(1, k)] {
        let mut last = make(2);
        last["revoked"] = json!(true);
        client.publish(INDICATORS, &[make(1), last.clone()]);
        let mut other = make(1);
        other["modified"] = json!(version(0));
        other["created"] = json!("2025-06-01T00:00:00.000Z");
        let status = client.offer(INDICATORS, &[make(3), other, amber(1)]);
        assert_eq!(status["failure_count"], 2, "{status}");
        assert_seen(&app, &[make(1), last.clone()], &last);
    }
}

#[test]
fn what_is_refused_in_one_collection_leaves_no_trace_in_another() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[revoked(1, 2)]);
    assert_eq!(client.offer(INDICATORS, &[plain(1, 3)])["failure_count"], 1);
    assert_eq!(client.get(&objects_of(MALWARE)).text(), "{}");
    // A refused version is no neighbour of the next one either.
    let other = of(1, 1, |o| o["created"] = json!("2025-01-01T00:00:00.000Z"));
    let status = client.offer(INDICATORS, &[other.clone(), of(1, 0, |_| ()), other]);
    assert_eq!((&status["failure_count"], &status["success_count"]), (&json!(2), &json!(1)), "{status}");
    assert_seen(&app, &[plain(1, 0), revoked(1, 2)], &revoked(1, 2));
}
