//! Deleting (TAXII 2.1 §5.7).

use crate::app::{INBOX, INDICATORS, MALWARE, TestApp, manifest_of, name, object_in, objects_of};
use crate::sample::{address, amber, ambers, indicator, version};
use liaison::stix::Tlp;
use serde_json::json;

#[test]
fn a_deleted_object_is_gone_from_every_endpoint() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &ambers(0..3));
    client.publish(INDICATORS, &[indicator(1, 5, Tlp::Amber)]);
    client.publish(MALWARE, &[amber(1)]);
    let object = object_in(INDICATORS, &amber(1));
    let answer = client.delete(&object);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(client.get(&object).status, 404);
    assert_eq!(client.get(&format!("{object}versions/")).status, 404);
    for path in [objects_of(INDICATORS), manifest_of(INDICATORS)] {
        for query in ["", "?match[version]=all", "?match[version]=first"] {
            assert_eq!(
                client.get(&format!("{path}{query}")).names(),
                [name(&amber(0)), name(&amber(2))],
                "{path}{query}"
            );
        }
    }
    assert_eq!(client.get(&object_in(MALWARE, &amber(1))).status, 200, "other collections keep it");
}

#[test]
fn without_a_version_all_versions_go() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &(0..4).map(|k| indicator(1, k, Tlp::Amber)).collect::<Vec<_>>());
    assert_eq!(client.delete(&object_in(INDICATORS, &amber(1))).status, 200);
    assert_eq!(client.get(&format!("{}?match[version]=all", objects_of(INDICATORS))).text(), "{}");
}

#[test]
fn a_version_filter_limits_what_is_deleted() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    let object = object_in(INDICATORS, &amber(1));
    let left = |query: &str, ks: &[u32]| {
        client.publish(INDICATORS, &(0..4).map(|k| indicator(1, k, Tlp::Amber)).collect::<Vec<_>>());
        assert_eq!(client.delete(&format!("{object}?{query}")).status, 200, "{query}");
        let mut found = client.get(&format!("{object}versions/")).versions();
        found.sort();
        assert_eq!(found, ks.iter().map(|k| version(*k)).collect::<Vec<_>>(), "{query}");
        let latest = client.get(&object).names();
        assert_eq!(latest, [name(&indicator(1, *ks.last().unwrap(), Tlp::Amber))], "{query}");
    };
    left("match[version]=last", &[0, 1, 2]);
    left("match[version]=first", &[1, 2, 3]);
    left(&format!("match[version]={},{}", version(1), version(2)), &[0, 3]);
    left("match[version]=first,last", &[1, 2]);
    left("match[version]=last&match[spec_version]=2.1", &[0, 1, 2]);
    assert_eq!(client.delete(&format!("{object}?match[version]=all")).status, 200);
    assert_eq!(client.get(&object).status, 404);
}

#[test]
fn deleting_what_is_not_there_is_not_found() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1)]);
    let object = object_in(INDICATORS, &amber(1));
    assert_eq!(client.delete(&object_in(INDICATORS, &amber(2))).status, 404);
    assert_eq!(client.delete(&object_in(MALWARE, &amber(1))).status, 404);
    assert_eq!(client.delete(&format!("{object}?match[version]={}", version(9))).status, 404);
    assert_eq!(client.delete(&format!("{object}?match[spec_version]=2.0")).status, 404);
    assert_eq!(client.get(&object).status, 200);
    assert_eq!(client.delete(&object).status, 200);
    assert_eq!(client.delete(&object).status, 404, "twice");
}

#[test]
fn deleting_takes_both_rights() {
    let app = TestApp::start();
    app.client("cert-b/feed").publish(INBOX, &[amber(1)]);
    app.client("cert-a/feed").publish(INDICATORS, &[amber(1)]);
    let (inbox, indicators) = (object_in(INBOX, &amber(1)), object_in(INDICATORS, &amber(1)));
    assert_eq!(app.client("cert-a/feed").delete(&inbox).status, 403, "reads only");
    assert_eq!(app.client("cert-b/feed").delete(&inbox).status, 403, "writes only");
    assert_eq!(app.client("cert-b/siem").delete(&inbox).status, 404, "neither");
    assert_eq!(app.client("cert-a/siem").delete(&indicators).status, 403, "a consumer reads only");
    assert_eq!(app.client("cert-c/feed").delete(&indicators).status, 404, "no party");
    assert_eq!(app.client("cert-a/feed").delete(&indicators).status, 200);
}

#[test]
fn another_organisations_object_is_refused_and_a_hidden_one_not_found() {
    let app = TestApp::start();
    let (owner, other) = (app.client("cert-a/feed"), app.client("cert-b/feed"));
    owner.publish(INDICATORS, &[amber(1), indicator(2, 0, Tlp::Red)]);
    assert_eq!(other.delete(&object_in(INDICATORS, &amber(1))).status, 403);
    assert_eq!(other.delete(&object_in(INDICATORS, &amber(2))).status, 404);
    assert_eq!(owner.get(&objects_of(INDICATORS)).objects().len(), 2);
}

#[test]
fn a_deleted_object_posted_again_comes_with_a_later_date() {
    let app = TestApp::start();
    let client = app.client("cert-a/feed");
    client.publish(INDICATORS, &[amber(1), address(1), amber(2)]);
    let before = client.get(&objects_of(INDICATORS)).last().unwrap().to_owned();
    for object in [amber(1), address(1)] {
        assert_eq!(client.delete(&object_in(INDICATORS, &object)).status, 200);
        let status = client.publish(INDICATORS, std::slice::from_ref(&object));
        assert_eq!(status["successes"][0]["message"], json!(null), "stored, not taken for known");
        let answer = client.get(&object_in(INDICATORS, &object));
        assert!(answer.first().unwrap() > before.as_str());
    }
    assert_eq!(
        client.get(&format!("{}?added_after={before}", objects_of(INDICATORS))).objects(),
        [amber(1), address(1)]
    );
}

#[test]
fn what_was_deleted_stays_deleted_after_a_restart() {
    let app = TestApp::start();
    app.client("cert-a/feed").publish(INDICATORS, &ambers(0..3));
    app.client("cert-a/feed").delete(&object_in(INDICATORS, &amber(2)));
    app.restart();
    let client = app.client("cert-a/feed");
    assert_eq!(client.get(&objects_of(INDICATORS)).objects(), ambers(0..2));
    client.publish(INDICATORS, &[amber(2)]);
    assert_eq!(client.get(&objects_of(INDICATORS)).objects(), ambers(0..3));
}
