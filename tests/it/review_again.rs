//! What waits is judged a second time when it is released: by what is stored and agreed then.

use crate::app::{INDICATORS, TestApp};
use crate::review::{REVIEWED, app, decide, release, seen, status, submission, waiting};
use crate::sample::{CREATED, amber, id, indicator, malware, version};
use liaison::stix::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

const DIRECT: &str = "release = \"direct\"";

fn direct() -> String {
    REVIEWED.replace("release = \"reviewed\"", DIRECT)
}

#[track_caller]
fn refused(app: &TestApp, object: &Value, text: &str) {
    let officer = app.client("cert-a/officer");
    let answer = release(&officer, object);
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(answer.text().contains(text), "{}", answer.text());
    let found = submission(&officer, object);
    let shown = officer.request(Method::GET, &format!("/liaison/v1/review/{found}")).send().json();
    assert!(shown["objection"].as_str().unwrap().contains(text), "{shown}");
}

#[test]
fn what_is_stored_speaks_against_it_at_once() {
    let app = TestApp::with(&direct()).start();
    let mut revoked = amber(3);
    revoked["revoked"] = json!(true);
    app.client("cert-a/feed").publish(INDICATORS, &[amber(1), revoked]);
    app.client("cert-b/feed").publish(INDICATORS, &[amber(2)]);
    app.apply(REVIEWED);
    let mut other = amber(1);
    other["name"] = json!("other");
    let mut recreated = indicator(1, 1, Tlp::Amber);
    recreated["created"] = json!("2025-01-01T00:00:00.000Z");
    let bad = [
        other,
        indicator(2, 1, Tlp::Amber),
        indicator(3, 1, Tlp::Amber),
        indicator(1, 1, Tlp::Green),
        recreated,
    ];
    let told = app.client("cert-a/feed").offer(INDICATORS, &bad);
    assert_eq!((&told["status"], &told["failure_count"]), (&json!("complete"), &json!(5)), "{told}");
    let words = ["conflict", "not the owner", "revoked", "lower than", "`created` differs"];
    for (failure, word) in told["failures"].as_array().unwrap().iter().zip(words) {
        assert!(failure["message"].as_str().unwrap().contains(word), "{failure}");
    }
    let present = app.client("cert-a/feed").offer(INDICATORS, &[amber(1)]);
    assert_eq!(present["successes"][0]["message"], "already there; nothing was changed");
    assert!(waiting(&app.client("cert-a/officer")).is_empty());
}

#[test]
fn a_conflict_that_came_up_meanwhile_keeps_it_waiting() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let told = feed.offer(INDICATORS, &[amber(1), amber(2)]);
    let by_b = app.client("cert-b/feed").offer(INDICATORS, &[indicator(1, 5, Tlp::Amber)]);
    assert_eq!(by_b["pending_count"], 1, "nobody learns what waits elsewhere");
    assert_eq!(release(&app.client("cert-b/officer"), &indicator(1, 5, Tlp::Amber)).status, 200);
    refused(&app, &amber(1), "not the owner");
    assert_eq!(status(&feed, &told)["pending_count"], 2);
    let found = submission(&officer, &amber(1));
    assert_eq!(decide(&officer, &found, "decline", &json!({})).status, 200);
    assert_eq!(seen(&officer), [indicator(1, 5, Tlp::Amber)]);
}

#[test]
fn an_agreement_that_has_ended_releases_nothing() {
    let app = app();
    let officer = app.client("cert-a/officer");
    app.client("cert-a/feed").offer(INDICATORS, &[amber(1), amber(2)]);
    app.apply(
        &REVIEWED.replace("release = \"reviewed\"", "release = \"reviewed\"\nvalid_until = 2020-01-01"),
    );
    let answer = release(&officer, &amber(1));
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("not in force"), "{}", answer.text());
    let found = submission(&officer, &amber(2));
    assert_eq!(decide(&officer, &found, "decline", &json!({})).status, 200, "declining needs no agreement");
    app.apply(REVIEWED);
    assert_eq!(release(&officer, &amber(1)).status, 200);
}

#[test]
fn ceilings_types_and_rights_are_those_of_the_day() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    feed.offer(INDICATORS, &[amber(1), malware(2, 0), indicator(3, 0, Tlp::Green)]);
    app.apply(&REVIEWED.replace("tlp_max = \"RED\"", "tlp_max = \"GREEN\"\ntypes = [\"indicator\"]"));
    refused(&app, &amber(1), "at most TLP:GREEN");
    refused(&app, &malware(2, 0), "not part of the agreement");
    assert_eq!(release(&officer, &indicator(3, 0, Tlp::Green)).status, 200);
    app.apply(
        &REVIEWED.replace("api_root = \"exchange\"", "api_root = \"exchange\"\n  write = [\"cert-b\"]"),
    );
    assert_eq!(release(&officer, &amber(1)).status, 403);
    assert_eq!(seen(&officer), [indicator(3, 0, Tlp::Green)]);
    app.apply(REVIEWED);
    assert_eq!(release(&officer, &malware(2, 0)).status, 200);
}

#[test]
fn a_rule_for_unmarked_objects_that_has_changed_counts() {
    let app = TestApp::with(&format!("{REVIEWED}  unmarked = \"assume:GREEN\"\n")).start();
    let unmarked = |n| {
        let mut object = amber(n);
        object.as_object_mut().unwrap().remove("object_marking_refs");
        object
    };
    app.client("cert-a/feed").offer(INDICATORS, &[unmarked(1), unmarked(2)]);
    assert_eq!(waiting(&app.client("cert-a/officer"))[0]["level"], "GREEN");
    app.apply(REVIEWED);
    refused(&app, &unmarked(1), "unmarked");
    app.apply(&format!("{REVIEWED}  unmarked = \"assume:AMBER\"\n"));
    assert_eq!(release(&app.client("cert-a/officer"), &unmarked(1)).status, 200);
    assert!(seen(&app.client("cert-b/siem")).is_empty(), "it counts as AMBER by now");
}

#[test]
fn what_waits_must_be_released_even_if_nothing_else_has_to_any_more() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let told = feed.offer(INDICATORS, &[amber(1), amber(2)]);
    app.apply(&direct());
    assert!(seen(&feed).is_empty());
    feed.publish(INDICATORS, &[amber(3), amber(2)]);
    assert_eq!(seen(&feed), [amber(3), amber(2)], "sent again, it goes out by the rule of the day");
    assert_eq!(release(&officer, &amber(1)).status, 200);
    assert_eq!(release(&officer, &amber(2)).status, 200, "there already");
    assert_eq!(seen(&feed), [amber(3), amber(2), amber(1)]);
    assert_eq!(status(&feed, &told)["status"], "complete");
}

fn relationship(n: u32, tlp: Tlp, ends: [&Value; 2]) -> Value {
    json!({"type": "relationship", "spec_version": "2.1", "id": id("relationship", n), "created": CREATED, "modified": version(0),
        "relationship_type": "indicates", "source_ref": ends[0]["id"], "target_ref": ends[1]["id"],
        "object_marking_refs": [tlp.marking_id()]})
}

#[test]
fn relationships_keep_their_floor_whichever_is_released_first() {
    for ends_first in [true, false] {
        let app = app();
        let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
        let low = app.client("cert-b/siem");
        let end = malware(1, 0);
        let own = indicator(2, 0, Tlp::Green);
        let about = relationship(3, Tlp::Green, [&own, &end]);
        // Apart, so that only the store can know.
        feed.offer(INDICATORS, std::slice::from_ref(&about));
        feed.offer(INDICATORS, &[own.clone(), end.clone()]);
        let order = if ends_first { [&end, &own, &about] } else { [&about, &own, &end] };
        for object in order {
            assert_eq!(release(&officer, object).status, 200);
        }
        assert_eq!(seen(&low), [own], "the relationship is AMBER since the malware is");
        assert_eq!(seen(&app.client("cert-b/feed")).len(), 3);
    }
}

#[test]
fn floors_hold_within_one_release_and_show_beforehand() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let (end, own) = (malware(1, 0), indicator(2, 0, Tlp::Green));
    let about = relationship(3, Tlp::Green, [&own, &end]);
    feed.offer(INDICATORS, std::slice::from_ref(&about));
    feed.offer(INDICATORS, &[own.clone(), end.clone()]);
    let named: Vec<String> = [&about, &own].iter().map(|one| submission(&officer, one)).collect();
    assert_eq!(release(&officer, &end).status, 200);
    let shown = officer.request(Method::GET, &format!("/liaison/v1/review/{}", named[0])).send().json();
    assert_eq!(shown["submission"]["level"], "AMBER", "{shown}");
    assert_eq!(shown["submission"]["level_from"], "what it is about");
    let body = json!({"submissions": named}).to_string();
    let request = officer
        .request(Method::POST, "/liaison/v1/review/release")
        .header("content-type", "application/json");
    assert_eq!(request.body(body).send().status, 200);
    assert_eq!(seen(&app.client("cert-b/siem")), [own]);
}

#[test]
fn markings_that_were_released_can_be_referred_to() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let marking = json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 6), "created": CREATED,
        "definition_type": "statement", "definition": {"statement": "s"}});
    let marked = |n| {
        let mut object = amber(n);
        object["object_marking_refs"].as_array_mut().unwrap().push(marking["id"].clone());
        object
    };
    feed.offer(INDICATORS, &[marking.clone(), marked(1)]);
    assert_eq!(feed.offer(INDICATORS, &[marked(2)])["failure_count"], 1, "nobody has the definition yet");
    assert_eq!(release(&officer, &marking).status, 200);
    assert_eq!(release(&officer, &marked(1)).status, 200);
    assert_eq!(feed.offer(INDICATORS, &[marked(2)])["pending_count"], 1);
}

#[test]
fn many_decisions_at_once_lose_nothing() {
    let app = app();
    let feed = app.client("cert-a/feed");
    let all: Vec<Value> = (1..60).map(amber).collect();
    let told = feed.offer(INDICATORS, &all);
    let officers = ["cert-a/officer", "cert-a/second"];
    let named: Vec<String> = waiting(&app.client(officers[0]))
        .iter()
        .map(|one| one["submission"].as_str().unwrap().to_owned())
        .collect();
    let released: usize = std::thread::scope(|scope| {
        let work = |officer: &'static str| {
            let (app, named) = (&app, &named);
            move || {
                let officer = app.client(officer);
                named.iter().filter(|id| decide(&officer, id, "release", &json!({})).status == 200).count()
            }
        };
        let threads: Vec<_> = officers.map(|officer| scope.spawn(work(officer))).into();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(released, all.len(), "each once");
    assert_eq!(seen(&feed).len(), all.len());
    let now = status(&feed, &told);
    assert_eq!((&now["status"], &now["success_count"]), (&json!("complete"), &json!(all.len())));
}

#[test]
fn who_is_no_relay_any_more_releases_nothing_of_others() {
    let relaying =
        REVIEWED.replace("release = \"reviewed\"", "release = \"reviewed\"\nrelays = [\"cert-a\"]");
    let app = TestApp::with(&relaying).start();
    let mut theirs = amber(1);
    theirs["created_by_ref"] = json!("identity--0000000b-0000-4000-8000-00000000000b");
    let told = app.client("cert-a/feed").offer(INDICATORS, std::slice::from_ref(&theirs));
    assert_eq!(told["pending_count"], 1);
    app.apply(REVIEWED);
    refused(&app, &theirs, "not a relay");
    app.apply(&relaying);
    assert_eq!(release(&app.client("cert-a/officer"), &theirs).status, 200);
    assert_eq!(seen(&app.client("cert-b/feed")), [theirs]);
}

#[test]
fn who_sends_what_another_has_submitted_may_still_decide_on_it() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    feed.offer(INDICATORS, &[amber(1)]);
    officer.offer(INDICATORS, &[amber(1), amber(2)]);
    feed.offer(INDICATORS, &[amber(2)]);
    assert_eq!(release(&officer, &amber(1)).status, 200, "two people stand behind it");
    assert_eq!(release(&officer, &amber(2)).status, 403, "the officer was first");
}
