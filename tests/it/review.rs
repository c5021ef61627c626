//! Reviewed release: what is published waits until an officer of the publishing organisation releases it.

use crate::app::{Answer, Client, INDICATORS, TestApp, objects_of};
use crate::sample::{amber, ambers, id, indicator, version};
use liaison::stix::{Timestamp, Tlp};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

pub const REVIEWED: &str = include_str!("review.toml");

pub fn app() -> TestApp {
    TestApp::with(REVIEWED).start()
}

/// Everything that the client is shown of what waits.
#[track_caller]
pub fn waiting(client: &Client) -> Vec<Value> {
    let answer = client.request(Method::GET, "/liaison/v1/review").send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["submissions"].as_array().unwrap().clone()
}

/// The submission of an object.
#[track_caller]
pub fn submission(client: &Client, object: &Value) -> String {
    let is_it = |one: &Value| {
        one["object"] == object["id"] && object.get("modified").is_none_or(|time| one["version"] == *time)
    };
    let all = waiting(client);
    let found = all.iter().find(|one| is_it(one)).unwrap_or_else(|| panic!("{object} is not in {all:?}"));
    found["submission"].as_str().unwrap().to_owned()
}

pub fn decide(client: &Client, submission: &str, deed: &str, body: &Value) -> Answer {
    let path = format!("/liaison/v1/review/{submission}/{deed}");
    let request = client.request(Method::POST, &path).header("content-type", "application/json");
    request.body(body.to_string()).send()
}

pub fn release(client: &Client, object: &Value) -> Answer {
    decide(client, &submission(client, object), "release", &json!({}))
}

pub fn status(client: &Client, of: &Value) -> Value {
    let path = format!("/exchange/status/{}/", of["id"].as_str().unwrap());
    client.request(Method::GET, &path).send().json()
}

pub fn seen(client: &Client) -> Vec<Value> {
    client.request(Method::GET, &format!("{}?match[version]=all", objects_of(INDICATORS))).send().objects()
}

#[test]
fn what_is_published_waits_and_nobody_sees_it() {
    let app = app();
    let feed = app.client("cert-a/feed");
    let told = feed.offer(INDICATORS, &[amber(1), amber(2), json!({"type": "indicator"})]);
    assert_eq!(told["status"], "pending");
    assert_eq!([&told["pending_count"], &told["failure_count"], &told["success_count"]], [2, 1, 0]);
    assert_eq!(told["pendings"][0]["id"], amber(1)["id"]);
    assert_eq!(told["pendings"][0]["version"], amber(1)["modified"]);
    let message = told["pendings"][0]["message"].as_str().unwrap();
    assert!(message.starts_with(liaison::taxii::resource::WAITS_FOR_RELEASE), "{message}");
    assert_eq!(status(&feed, &told), told);
    for client in ["cert-a/feed", "cert-a/officer", "cert-a/siem", "cert-b/feed"] {
        let client = app.client(client);
        assert!(seen(&client).is_empty());
        assert_eq!(client.get(&crate::app::object_in(INDICATORS, &amber(1))).status, 404);
        assert!(client.get(&crate::app::manifest_of(INDICATORS)).objects().is_empty());
    }
    assert_eq!(feed.delete(&crate::app::object_in(INDICATORS, &amber(1))).status, 404);
}

#[test]
fn what_is_released_comes_after_everything_before_and_reaches_who_has_polled() {
    let app = app();
    let (feed, officer, poller) =
        (app.client("cert-a/feed"), app.client("cert-a/officer"), app.client("cert-b/feed"));
    let told = feed.offer(INDICATORS, &ambers(1..4));
    assert_eq!(release(&officer, &amber(3)).status, 200);
    let first = poller.get(&objects_of(INDICATORS));
    assert_eq!(first.objects(), [amber(3)]);
    let cursor = first.last().unwrap().to_owned();
    let answer = decide(&officer, &submission(&officer, &amber(1)), "release", &json!({"message": " fine "}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = poller.get(&format!("{}?added_after={cursor}", objects_of(INDICATORS)));
    assert_eq!(page.objects(), [amber(1)]);
    assert!(page.first().unwrap() > cursor.as_str());
    assert_eq!(answer.json()["date_added"], page.first().unwrap());
    let now = status(&feed, &told);
    assert_eq!(
        (&now["status"], &now["success_count"], &now["pending_count"]),
        (&json!("pending"), &json!(2), &json!(1))
    );
    assert_eq!(now["successes"][0]["message"], "released by cert-a/officer");
    assert_eq!(now["successes"][1]["message"], "released by cert-a/officer: fine");
    assert_eq!(now["pendings"][0]["id"], amber(2)["id"]);
    release(&officer, &amber(2));
    assert_eq!(status(&feed, &told)["status"], "complete");
    assert!(waiting(&officer).is_empty());
    assert_eq!(
        feed.publish(INDICATORS, &[amber(2)])["successes"][0]["message"],
        "already there; nothing was changed"
    );
}

#[test]
fn what_is_declined_is_a_failure_with_the_officers_words() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let told = feed.offer(INDICATORS, &ambers(1..3));
    let first = submission(&officer, &amber(1));
    let answer = decide(&officer, &first, "decline", &json!({"message": "the source is not named"}));
    assert_eq!((answer.status, &answer.json()["outcome"]), (200, &json!("declined")));
    let bare = app
        .client("cert-a/second")
        .request(Method::POST, &format!("/liaison/v1/review/{}/decline", submission(&officer, &amber(2))))
        .send();
    assert_eq!(bare.status, 200, "{}", bare.text());
    let now = status(&feed, &told);
    assert_eq!((&now["status"], &now["failure_count"]), (&json!("complete"), &json!(2)));
    assert_eq!(now["failures"][0]["message"], "declined by cert-a/officer: the source is not named");
    assert_eq!(now["failures"][1]["message"], "declined by cert-a/second");
    assert!(seen(&feed).is_empty() && waiting(&officer).is_empty());
    assert_eq!(decide(&officer, &first, "release", &json!({})).status, 404, "it does not wait any more");
    assert_eq!(feed.offer(INDICATORS, &[amber(1)])["pending_count"], 1, "it may be sent again");
}

#[test]
fn nobody_decides_on_what_they_submitted_themselves() {
    let app = app();
    let (officer, second) = (app.client("cert-a/officer"), app.client("cert-a/second"));
    officer.offer(INDICATORS, &[amber(1)]);
    let found = submission(&officer, &amber(1));
    for deed in ["release", "decline"] {
        let answer = decide(&officer, &found, deed, &json!({}));
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("another officer"), "{}", answer.text());
    }
    let own = &waiting(&officer)[0];
    assert_eq!(own["may_decide"], false);
    assert!(own["why_not"].as_str().unwrap().contains("yourself"));
    assert_eq!(waiting(&second)[0]["may_decide"], true);
    assert_eq!(release(&second, &amber(1)).status, 200);
    assert_eq!(seen(&second), [amber(1)]);
}

#[test]
fn submissions_of_others_do_not_exist_and_roles_without_them_are_told_so() {
    let app = app();
    app.client("cert-a/feed").offer(INDICATORS, &[amber(1)]);
    let found = submission(&app.client("cert-a/officer"), &amber(1));
    let random = "11111111-1111-4111-8111-111111111111";
    let without_ids = |answer: &Answer| {
        let mut json = answer.json();
        json.as_object_mut().unwrap().remove("error_id");
        (answer.status, json)
    };
    for other in ["cert-b/officer", "cert-b/feed", "cert-a/analyst"] {
        let other = app.client(other);
        assert!(waiting(&other).is_empty());
        let show =
            |id: &str| without_ids(&other.request(Method::GET, &format!("/liaison/v1/review/{id}")).send());
        assert_eq!(show(&found).0, 404);
        assert_eq!(show(&found), show(random));
        for deed in ["release", "decline"] {
            let answers = [&found[..], random].map(|id| without_ids(&decide(&other, id, deed, &json!({}))));
            assert_eq!(answers[0].0, 404);
            assert_eq!(answers[0], answers[1]);
        }
    }
    for other in ["cert-a/siem", "cert-a/ops", "cert-b/siem"] {
        let other = app.client(other);
        for path in ["review".to_owned(), format!("review/{found}"), format!("review/{random}")] {
            let answer = other.request(Method::GET, &format!("/liaison/v1/{path}")).send();
            assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        }
        assert_eq!(decide(&other, &found, "release", &json!({})).status, 403);
    }
    // Spellings of the id are other ids.
    let officer = app.client("cert-a/officer");
    for id in [found.to_uppercase(), found.replace('-', "")] {
        let answer = officer.request(Method::GET, &format!("/liaison/v1/review/{id}")).send();
        assert_eq!(answer.status, 404, "{id}");
    }
}

#[test]
fn submitters_see_their_own_and_do_not_decide() {
    let app = app();
    let (feed, analyst) = (app.client("cert-a/feed"), app.client("cert-a/analyst"));
    feed.offer(INDICATORS, &[amber(1)]);
    analyst.offer(INDICATORS, &[amber(2)]);
    for (client, object) in [(&feed, amber(1)), (&analyst, amber(2))] {
        let own = waiting(client);
        assert_eq!((own.len(), &own[0]["object"], &own[0]["may_decide"]), (1, &object["id"], &json!(false)));
        let found = submission(client, &object);
        let shown = client.request(Method::GET, &format!("/liaison/v1/review/{found}")).send();
        assert_eq!(shown.json()["object"], object);
        for deed in ["release", "decline"] {
            assert_eq!(decide(client, &found, deed, &json!({})).status, 403);
        }
    }
    assert_eq!(waiting(&app.client("cert-a/officer")).len(), 2);
}

#[test]
fn an_officer_sees_only_what_it_may_handle() {
    let app = app();
    app.client("cert-a/feed").offer(INDICATORS, &[indicator(1, 0, Tlp::Red), amber(2)]);
    let second = app.client("cert-a/second");
    assert_eq!(waiting(&second).len(), 1, "its ceiling is AMBER");
    let red = submission(&app.client("cert-a/officer"), &indicator(1, 0, Tlp::Red));
    assert_eq!(decide(&second, &red, "release", &json!({})).status, 404);
}

#[test]
fn what_is_sent_again_while_it_waits_is_one_submission_with_several_statuses() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let first = feed.offer(INDICATORS, &[amber(1), amber(1)]);
    let spelt: Value = {
        let mut object = amber(1);
        let members: serde_json::Map<String, Value> =
            object.as_object_mut().unwrap().clone().into_iter().rev().collect();
        Value::Object(members)
    };
    let again = feed.offer(INDICATORS, &[spelt, amber(2)]);
    let by_analyst = app.client("cert-a/analyst").offer(INDICATORS, &[amber(1)]);
    assert_eq!((&first["pending_count"], &again["pending_count"]), (&json!(2), &json!(2)));
    assert_eq!(waiting(&officer).len(), 2);
    assert_eq!(release(&officer, &amber(1)).status, 200);
    let (one, two) = (status(&feed, &first), status(&feed, &again));
    assert_eq!((&one["status"], &one["success_count"]), (&json!("complete"), &json!(2)));
    assert_eq!(
        (&two["status"], &two["success_count"], &two["pending_count"]),
        (&json!("pending"), &json!(1), &json!(1))
    );
    assert_eq!(status(&app.client("cert-a/analyst"), &by_analyst)["status"], "complete");
    assert_eq!(seen(&officer), [amber(1)]);
    let mut other = amber(2);
    other["name"] = json!("another content");
    let told = feed.offer(INDICATORS, &[other]);
    assert!(told["failures"][0]["message"].as_str().unwrap().contains("conflict"), "{told}");
}

#[test]
fn versions_wait_each_for_themselves() {
    let app = app();
    let (feed, officer, poller) =
        (app.client("cert-a/feed"), app.client("cert-a/officer"), app.client("cert-b/feed"));
    let versions: Vec<Value> = (0..3).map(|k| indicator(1, k, Tlp::Amber)).collect();
    feed.offer(INDICATORS, &versions[..2]);
    feed.offer(INDICATORS, &versions[2..]);
    let all = waiting(&officer);
    let listed: Vec<&str> = all.iter().map(|one| one["version"].as_str().unwrap()).collect();
    assert_eq!(listed, [version(0), version(1), version(2)]);
    assert_eq!(release(&officer, &versions[1]).status, 200);
    assert_eq!(release(&officer, &versions[0]).status, 200);
    assert_eq!(seen(&poller), [versions[1].clone(), versions[0].clone()], "in the order of release");
    assert_eq!(poller.get(&objects_of(INDICATORS)).objects(), [versions[1].clone()], "the latest");
}

#[test]
fn messages_are_short_and_harmless() {
    let app = app();
    let officer = app.client("cert-a/officer");
    app.client("cert-a/feed").offer(INDICATORS, &[amber(1)]);
    let found = submission(&officer, &amber(1));
    let long = "ü".repeat(1_001);
    let bad = [
        json!({"message": long}),
        json!({"message": "a\nb"}),
        json!({"message": "\u{1b}[31m"}),
        json!({"message": 7}),
        json!({"massage": "x"}),
        json!([]),
        json!("x"),
    ];
    for body in bad {
        let answer = decide(&officer, &found, "release", &body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    let as_form = officer
        .request(Method::POST, &format!("/liaison/v1/review/{found}/release"))
        .header("content-type", "text/plain")
        .body("{}")
        .send();
    assert_eq!(as_form.status, 415);
    let large = json!({"message": "x".repeat(70_000)});
    assert_eq!(decide(&officer, &found, "release", &large).status, 413);
    assert_eq!(waiting(&officer).len(), 1);
    assert_eq!(decide(&officer, &found, "release", &json!({"message": "ü".repeat(1_000)})).status, 200);
}

#[test]
fn what_waits_outlives_a_restart() {
    let app = app();
    let told = app.client("cert-a/feed").offer(INDICATORS, &ambers(1..4));
    app.restart();
    assert!(seen(&app.client("cert-b/feed")).is_empty());
    assert_eq!(status(&app.client("cert-a/feed"), &told), told);
    let officer = app.client("cert-a/officer");
    assert_eq!(waiting(&officer).len(), 3);
    release(&officer, &amber(2));
    app.restart();
    assert_eq!(seen(&app.client("cert-b/feed")), [amber(2)]);
    assert_eq!(waiting(&app.client("cert-a/officer")).len(), 2);
    assert_eq!(status(&app.client("cert-a/feed"), &told)["success_count"], 1);
}

#[test]
fn a_status_is_kept_while_something_waits_and_a_week_from_its_completion() {
    static NOW: AtomicI64 = AtomicI64::new(0);
    const DAY: i64 = 86_400_000_000;
    NOW.store(liaison::clock::Clock::system().now().micros(), Ordering::SeqCst);
    let app = TestApp::with(REVIEWED).clock(|| Timestamp::from_micros(NOW.load(Ordering::SeqCst))).start();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let told = feed.offer(INDICATORS, &[amber(1)]);
    NOW.fetch_add(20 * DAY, Ordering::SeqCst);
    feed.offer(INDICATORS, &[amber(2)]);
    assert_eq!(status(&feed, &told), told);
    release(&officer, &amber(1));
    NOW.fetch_add(6 * DAY, Ordering::SeqCst);
    feed.offer(INDICATORS, &[amber(3)]);
    assert_eq!(status(&feed, &told)["status"], "complete");
    NOW.fetch_add(2 * DAY, Ordering::SeqCst);
    feed.offer(INDICATORS, &[amber(4)]);
    let path = format!("/exchange/status/{}/", told["id"].as_str().unwrap());
    assert_eq!(feed.request(Method::GET, &path).send().status, 404);
}

#[test]
fn lists_are_paged() {
    let app = app();
    app.client("cert-a/feed").offer(INDICATORS, &ambers(1..6));
    let officer = app.client("cert-a/officer");
    let (mut path, mut found) = ("/liaison/v1/review?limit=2".to_owned(), Vec::new());
    loop {
        let page = officer.request(Method::GET, &path).send().json();
        let list = page["submissions"].as_array().unwrap();
        assert!(list.len() <= 2);
        found.extend(list.iter().map(|one| one["object"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/liaison/v1/review?limit=2&after={next}");
    }
    assert_eq!(found, ambers(1..6).iter().map(|one| one["id"].clone()).collect::<Vec<_>>());
    for bad in ["limit=0", "limit=x", "after=x"] {
        assert_eq!(
            officer.request(Method::GET, &format!("/liaison/v1/review?{bad}")).send().status,
            400,
            "{bad}"
        );
    }
}

#[test]
fn several_at_once_get_an_outcome_each() {
    let app = app();
    let (feed, officer) = (app.client("cert-a/feed"), app.client("cert-a/officer"));
    let told = feed.offer(INDICATORS, &ambers(1..4));
    officer.offer(INDICATORS, &[amber(9)]);
    let named = [
        submission(&officer, &amber(1)),
        submission(&officer, &amber(9)),
        id("x", 1),
        submission(&officer, &amber(2)),
        submission(&officer, &amber(1)),
    ];
    let several = |deed: &str, body: Value| {
        officer
            .request(Method::POST, &format!("/liaison/v1/review/{deed}"))
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
    };
    let answer = several("release", json!({"submissions": named, "message": "together"}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let outcomes: Vec<Value> =
        answer.json()["decisions"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["released", "not_permitted", "not_found", "released", "not_found"]);
    assert_eq!(seen(&feed), ambers(1..3));
    assert_eq!(status(&feed, &told)["successes"][1]["message"], "released by cert-a/officer: together");
    assert_eq!(several("decline", json!({"submissions": vec!["x"; 501]})).status, 400);
    assert_eq!(several("release", json!({})).status, 400);
}
