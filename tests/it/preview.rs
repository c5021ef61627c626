//! Preview: what publishing would come to, and who would read it, without anything being stored.

use crate::app::{Answer, INDICATORS, TAXII, TestApp, objects_of};
use crate::review::{REVIEWED, release, seen, submission, waiting};
use crate::sample::{CREATED, amber, id, indicator, malware, version};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

fn preview(app: &TestApp, client: &str, collection: &str, objects: &[Value]) -> Answer {
    let path = format!("/liaison/v1/preview/exchange/{collection}");
    let request = app.client(client).request(Method::POST, &path).header("content-type", TAXII);
    request.body(json!({"objects": objects}).to_string()).send()
}

fn direct() -> TestApp {
    TestApp::with(&REVIEWED.replace("release = \"reviewed\"", "release = \"direct\"")).start()
}

fn who(preview: &Value, at: usize) -> Vec<(String, bool, Value)> {
    let list = &preview["audiences"][preview["objects"][at]["audience"].as_u64().unwrap() as usize];
    let one = |one: &Value| {
        (one["organisation"].as_str().unwrap().to_owned(), one["reads"] == true, one["reason"].clone())
    };
    list.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_preview_tells_what_publishing_would_and_stores_nothing() {
    let app = direct();
    app.client("cert-a/feed").publish(INDICATORS, &[amber(1)]);
    let before = app.client("cert-a/feed").get(&objects_of(INDICATORS));
    let mut conflicting = amber(1);
    conflicting["name"] = json!("other");
    let unmarked = {
        let mut object = amber(4);
        object.as_object_mut().unwrap().remove("object_marking_refs");
        object
    };
    let all = [
        amber(1),
        conflicting,
        amber(2),
        json!({"type": "indicator"}),
        unmarked,
        indicator(5, 0, Tlp::Red),
        indicator(1, 1, Tlp::Green),
        amber(2),
    ];
    let told = preview(&app, "cert-a/feed", INDICATORS, &all).json();
    assert_eq!(preview(&app, "cert-a/feed", INDICATORS, &all).json(), told, "it leaves no trace");
    let objects = told["objects"].as_array().unwrap();
    let taken: Vec<bool> = objects.iter().map(|one| one["accepted"] == true).collect();
    assert_eq!(taken, [true, false, true, false, false, true, false, true]);
    let codes: Vec<&str> = objects.iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["conflict", "content", "unmarked", "downgrade"]);
    assert_eq!(
        who(&told, 2),
        [
            ("cert-a".to_owned(), true, Value::Null),
            ("cert-b".to_owned(), true, Value::Null),
            ("cert-c".to_owned(), false, json!("collection_not_readable"))
        ]
    );
    assert_eq!(who(&told, 5)[1], ("cert-b".to_owned(), false, json!("tlp_not_recipient")));
    assert_eq!(
        (&objects[2]["level"], &objects[2]["level_from"]),
        (&json!("AMBER"), &json!("its own markings"))
    );
    assert_eq!(told["waits_for_release"], false);
    let after = app.client("cert-a/feed").get(&objects_of(INDICATORS));
    assert_eq!((after.objects(), after.last()), (before.objects(), before.last()));
    // And publishing says the same.
    let status = app.client("cert-a/feed").offer(INDICATORS, &all);
    assert_eq!(status["success_count"], taken.iter().filter(|taken| **taken).count());
    for failure in status["failures"].as_array().unwrap() {
        let same = |one: &&Value| one["message"] == failure["message"];
        assert!(objects.iter().any(|one| same(&one)), "{failure}");
    }
    app.restart();
    assert_eq!(seen(&app.client("cert-a/feed")).len(), 3);
}

#[test]
fn floors_count_in_a_preview() {
    let app = direct();
    app.client("cert-a/feed").publish(INDICATORS, &[malware(1, 0)]);
    let own = indicator(2, 0, Tlp::Green);
    let about = json!({"type": "relationship", "spec_version": "2.1", "id": id("relationship", 3), "created": CREATED,
        "modified": version(0), "relationship_type": "indicates", "source_ref": own["id"], "target_ref": malware(1, 0)["id"],
        "object_marking_refs": [Tlp::Clear.marking_id()]});
    let told = preview(&app, "cert-a/feed", INDICATORS, &[about, own]).json();
    assert_eq!(
        (&told["objects"][0]["level"], &told["objects"][0]["level_from"]),
        (&json!("AMBER"), &json!("what it is about"))
    );
    assert_eq!(told["objects"][1]["level"], "GREEN");
}

#[test]
fn under_review_a_preview_shows_what_release_would_come_to() {
    let app = TestApp::with(REVIEWED).start();
    let told = preview(&app, "cert-a/feed", INDICATORS, &[amber(1)]).json();
    assert_eq!((&told["waits_for_release"], &told["objects"][0]["accepted"]), (&json!(true), &json!(true)));
    let officer = app.client("cert-a/officer");
    assert!(waiting(&officer).is_empty());
    app.client("cert-a/feed").offer(INDICATORS, &[amber(1)]);
    let found = submission(&officer, &amber(1));
    let shown = officer.get(&format!("/liaison/v1/review/{found}")).json();
    assert_eq!(shown["recipients"], told["audiences"][0]);
    assert_eq!(shown["object"], amber(1));
    assert!(shown["handling"][0].as_str().unwrap().starts_with("TLP:AMBER, from its own"), "{shown}");
    assert!(shown.get("objection").is_none(), "{shown}");
    let mut other = amber(1);
    other["name"] = json!("other");
    let conflicting = preview(&app, "cert-a/feed", INDICATORS, &[other, amber(1)]).json();
    assert_eq!(conflicting["objects"][0]["code"], "conflict", "with what waits");
    assert_eq!(conflicting["objects"][1]["accepted"], true);
    assert!(seen(&officer).is_empty(), "showing releases nothing");
    assert_eq!(release(&officer, &amber(1)).status, 200);
    assert_eq!(seen(&app.client("cert-b/feed")), [amber(1)]);
}

#[test]
fn previews_are_for_those_who_may_write_there() {
    let app = TestApp::with(REVIEWED).start();
    assert_eq!(preview(&app, "cert-a/siem", INDICATORS, &[amber(1)]).status, 403);
    assert_eq!(preview(&app, "cert-c/feed", INDICATORS, &[amber(1)]).status, 200);
    assert_eq!(preview(&app, "cert-a/ops", INDICATORS, &[amber(1)]).status, 404);
    assert_eq!(preview(&app, "cert-a/feed", "5d1f0a52-0c6b-4a4e-8f31-8f6f1d3a2b22", &[amber(1)]).status, 404);
    assert_eq!(preview(&app, "cert-a/feed", "indicators", &[]).status, 422);
    let path = format!("/liaison/v1/preview/exchange/{INDICATORS}");
    let plain = app
        .client("cert-a/feed")
        .request(Method::POST, &path)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(plain.send().status, 415);
    assert_eq!(app.client("cert-a/feed").request(Method::GET, &path).send().status, 405);
}
