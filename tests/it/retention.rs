//! Retention, legal holds and erasure on a server that runs, by a clock that the tests set.

use crate::app::{Answer, Client, TestApp, manifest_of, name, names, object_in, objects_of, with};
use crate::retention_store::{
    KEPT_10_DAYS, KEPT_AS_AGREED, KEPT_FOR_EVER, REGISTRY, bytes_of, keep_until, marked, noted, noted_in,
};
use crate::sample::{amber, ambers, id, indicator, version};
use liaison::clock::Clock;
use liaison::stix::{Timestamp, Tlp};
use liaison::store::erasure::{Kind, Order, Progress, State, Which};
use liaison::store::sqlite::Tool;
use serde_json::json;
use std::time::{Duration, Instant};

/// A clock of a test's own: `$ahead` is how many seconds it is ahead of ours.
macro_rules! driven {
    ($ahead:ident, $now:ident) => {
        static $ahead: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
        fn $now() -> Timestamp {
            let ahead = $ahead.load(std::sync::atomic::Ordering::SeqCst);
            Timestamp::from_micros(Clock::system().now().micros() + ahead * 1_000_000)
        }
    };
}

const DAY: i64 = 86_400;

fn set(clock: &std::sync::atomic::AtomicI64, days: f64) {
    clock.store((days * DAY as f64) as i64, std::sync::atomic::Ordering::SeqCst);
}

#[track_caller]
fn wait_for(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Gives an order as a command does, and waits until the server has done it.
#[track_caller]
fn order(app: &TestApp, order: &Order) -> Progress {
    let tool = Tool::open(&app.database(), Clock::system().now()).unwrap();
    let number = tool.ask(order, "operator", Clock::system().now()).unwrap();
    wait_for("the order is not done", || tool.progress(number).unwrap().0 == State::Done);
    tool.progress(number).unwrap().1
}

fn hold(app: &TestApp, which: Which) -> i64 {
    order(app, &Order::Hold { which, reason: "inquiry".to_owned() }).hold.unwrap()
}

fn erase(app: &TestApp, which: Which) -> u64 {
    order(app, &Order::Erase { which, before: None, reason: "request".to_owned() }).erased
}

fn named(numbers: &[u32]) -> Which {
    Which::Ids(numbers.iter().map(|n| id("indicator", *n)).collect())
}

fn kind(collection: &str) -> Which {
    Which::Kind(Kind { collection: collection.to_owned(), object_type: None, owner: None })
}

/// What of an answer tells one thing that is not there from another.
fn shape(answer: &Answer) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    let mut body = answer.json();
    body["error_id"] = json!("");
    (answer.status, headers, body.to_string())
}

fn left(client: &Client, collection: &str) -> Vec<String> {
    client.request(reqwest::Method::GET, &with(&objects_of(collection), "match[version]=all")).send().names()
}

#[test]
fn what_is_due_goes_and_is_then_like_what_never_was() {
    driven!(AHEAD, now);
    let app = TestApp::with(REGISTRY).clock(now).start();
    let client = app.client("cert-a/feed");
    for collection in [KEPT_10_DAYS, KEPT_AS_AGREED, KEPT_FOR_EVER] {
        client.publish(collection, &ambers(0..3));
        client.publish(collection, &[indicator(0, 1, Tlp::Amber)]);
    }
    set(&AHEAD, 9.9);
    client.publish(KEPT_10_DAYS, &[amber(3), indicator(0, 2, Tlp::Amber)]);
    // Read, so that pages are kept.
    assert_eq!(client.get(&objects_of(KEPT_10_DAYS)).names().len(), 4);
    assert_eq!(client.get(&manifest_of(KEPT_10_DAYS)).names().len(), 4);
    set(&AHEAD, 10.1);
    let stays = [name(&amber(3)), name(&indicator(0, 2, Tlp::Amber))];
    wait_for("nothing went", || left(&client, KEPT_10_DAYS).len() == 2);
    for path in [objects_of(KEPT_10_DAYS), manifest_of(KEPT_10_DAYS)] {
        for query in ["", "?match[version]=all", "?match[version]=first"] {
            assert_eq!(client.get(&format!("{path}{query}")).names(), stays, "{path}{query}");
        }
    }
    let gone = object_in(KEPT_10_DAYS, &amber(1));
    let never = object_in(KEPT_10_DAYS, &amber(77));
    for tail in ["", "versions/", "?match[version]=all"] {
        assert_eq!(
            shape(&client.get(&format!("{gone}{tail}"))),
            shape(&client.get(&format!("{never}{tail}"))),
            "{tail}"
        );
    }
    assert_eq!(shape(&client.delete(&gone)), shape(&client.delete(&never)));
    let versions = client.get(&format!("{}versions/", object_in(KEPT_10_DAYS, &amber(0)))).versions();
    assert_eq!(versions, [version(2)], "its youngest version is not due");
    for collection in [KEPT_AS_AGREED, KEPT_FOR_EVER] {
        assert_eq!(left(&client, collection).len(), 4, "other collections keep it");
    }
}

#[test]
fn what_is_due_before_the_start_goes_at_the_start() {
    driven!(AHEAD, now);
    let app = TestApp::with(REGISTRY).clock(now).start();
    let marking = keep_until(1, Timestamp::from_micros(now().micros() + DAY * 1_000_000));
    app.client("cert-a/feed")
        .publish(KEPT_FOR_EVER, &[marking.clone(), marked(amber(1), &marking), amber(2)]);
    set(&AHEAD, 1.5);
    app.restart();
    let client = app.client("cert-a/feed");
    wait_for("nothing went", || left(&client, KEPT_FOR_EVER) == [name(&amber(2))]);
}

#[test]
fn a_poller_goes_on_where_it_was_while_rows_go_before_and_behind_it() {
    driven!(AHEAD, now);
    let app = TestApp::with(REGISTRY).clock(now).page_max(10).start();
    let client = app.client("cert-a/feed");
    let soon = keep_until(1, Timestamp::from_micros(now().micros() + DAY * 1_000_000));
    client.publish(KEPT_FOR_EVER, std::slice::from_ref(&soon));
    let objects: Vec<_> =
        (0..60).map(|n| if n % 3 == 0 { marked(amber(n), &soon) } else { amber(n) }).collect();
    client.publish(KEPT_FOR_EVER, &objects);
    let path = with(&objects_of(KEPT_FOR_EVER), "match[type]=indicator");
    let first = client.get(&path);
    assert_eq!(first.names().len(), 10);
    set(&AHEAD, 2.0);
    wait_for("nothing went", || {
        client.request(reqwest::Method::GET, &path).send().names()[0] == name(&amber(1))
    });
    let (mut rest, mut next) = (Vec::new(), first.next());
    while let Some(at) = next {
        let page = client.request(reqwest::Method::GET, &with(&path, &format!("next={at}"))).send();
        next = page.next();
        rest.push(page);
    }
    let expected: Vec<String> = (10..60).filter(|n| n % 3 != 0).map(|n| name(&amber(n))).collect();
    assert_eq!(names(&rest), expected, "each that is there once, in order");
    assert!(rest.iter().rev().skip(1).all(|page| page.names().len() == 10), "pages are full");
    let again: Vec<String> = (0..60).filter(|n| n % 3 != 0).map(|n| name(&amber(n))).collect();
    assert_eq!(names(&client.walk(&path)), again, "no kept page shows what is gone");
}

#[test]
fn what_is_held_cannot_be_deleted_or_erased_until_the_hold_is_lifted() {
    driven!(AHEAD, now);
    let app = TestApp::with(REGISTRY).clock(now).start();
    let (owner, other) = (app.client("cert-a/feed"), app.client("cert-b/feed"));
    owner.publish(KEPT_10_DAYS, &[amber(0), amber(1), indicator(2, 0, Tlp::Red)]);
    let (by_id, by_kind) = (hold(&app, named(&[0, 2])), hold(&app, kind(KEPT_AS_AGREED)));
    owner.publish(KEPT_AS_AGREED, &[amber(5)]);
    let object = object_in(KEPT_10_DAYS, &amber(0));
    for path in [object.as_str(), &object_in(KEPT_AS_AGREED, &amber(5))] {
        let answer = owner.delete(path);
        assert_eq!(
            (answer.status, answer.json()["title"].as_str()),
            (403, Some("the object is under a legal hold"))
        );
        let answer = other.delete(path);
        assert_eq!(answer.status, 403);
        assert!(!answer.text().contains("hold"), "others do not learn of it: {}", answer.text());
    }
    assert_eq!(
        other.delete(&object_in(KEPT_10_DAYS, &amber(2))).status,
        404,
        "what they may not see is not there"
    );
    assert_eq!(erase(&app, named(&[0, 5])), 0);
    set(&AHEAD, 50.0);
    wait_for("nothing went", || left(&owner, KEPT_10_DAYS).len() == 2);
    assert_eq!((owner.get(&object).status, left(&owner, KEPT_AS_AGREED).len()), (200, 1));
    order(&app, &Order::Lift { hold: by_id, reason: "closed".to_owned() });
    // It may be, or its time is over and upkeep was faster.
    assert!([200, 404].contains(&owner.delete(&object).status));
    order(&app, &Order::Lift { hold: by_kind, reason: "closed".to_owned() });
    set(&AHEAD, 50.01);
    wait_for("what was held is due", || {
        left(&owner, KEPT_AS_AGREED).is_empty() && left(&owner, KEPT_10_DAYS).is_empty()
    });
}

#[test]
fn what_was_erased_is_refused_and_what_its_owner_deleted_is_not() {
    let app = TestApp::with(REGISTRY).start();
    let client = app.client("cert-a/feed");
    client.publish(KEPT_FOR_EVER, &[indicator(1, 3, Tlp::Amber), amber(2)]);
    assert_eq!(erase(&app, named(&[1])), 1);
    assert_eq!(client.delete(&object_in(KEPT_FOR_EVER, &amber(2))).status, 200);
    let status =
        client.offer(KEPT_FOR_EVER, &[indicator(1, 3, Tlp::Amber), indicator(1, 2, Tlp::Amber), amber(2)]);
    assert_eq!((status["failure_count"].as_u64(), status["success_count"].as_u64()), (Some(2), Some(1)));
    for failure in status["failures"].as_array().unwrap() {
        assert!(failure["message"].as_str().unwrap().starts_with("erased: "), "{status}");
    }
    app.restart();
    let client = app.client("cert-a/feed");
    assert_eq!(client.offer(KEPT_FOR_EVER, &[indicator(1, 3, Tlp::Amber)])["failure_count"], 1);
    client.publish(KEPT_FOR_EVER, &[indicator(1, 4, Tlp::Amber)]);
    assert_eq!(client.get(&object_in(KEPT_FOR_EVER, &amber(1))).status, 200);
}

#[test]
fn the_text_is_gone_from_the_files_of_a_server_that_runs() {
    driven!(AHEAD, now);
    let app = TestApp::with(REGISTRY).clock(now).start();
    let client = app.client("cert-a/feed");
    client.publish(KEPT_10_DAYS, &(0..300).map(|n| noted(n, 2_000)).collect::<Vec<_>>());
    set(&AHEAD, 5.0);
    client.publish(KEPT_10_DAYS, &[noted(900, 2_000), noted(901, 2_000)]);
    assert_eq!(erase(&app, named(&[901])), 1);
    assert!(!noted_in(&bytes_of(&app.database())).contains(&901), "an order is done when nothing is left");
    set(&AHEAD, 11.0);
    wait_for("the text is still there", || noted_in(&bytes_of(&app.database())) == [900].into());
}

/// How a backlog of 100,000 delays polls: `cargo nextest run --release … --run-ignored only`.
#[test]
#[ignore = "a measurement"]
fn a_backlog_does_not_delay_polls() {
    driven!(AHEAD, now);
    let app = TestApp::with(REGISTRY).clock(now).start();
    let client = app.client("cert-a/feed");
    for start in 0..50 {
        client.publish(KEPT_10_DAYS, &ambers(start * 2_000..(start + 1) * 2_000));
    }
    set(&AHEAD, 5.0);
    for start in 50..60 {
        client.publish(KEPT_10_DAYS, &ambers(start * 2_000..(start + 1) * 2_000));
    }
    let since = client.request(reqwest::Method::GET, &with(&objects_of(KEPT_10_DAYS), "limit=1")).send();
    let middle = Timestamp::parse(since.last().unwrap()).unwrap().micros() + 2 * DAY * 1_000_000;
    let next = std::sync::atomic::AtomicI64::new(0);
    let percentiles = |what: &str, enough: &(dyn Fn(usize) -> bool + Sync)| {
        let one = |number: u32| {
            let client = app.client("cert-b/siem");
            let (mut polls, mut publishes) = (Vec::new(), Vec::new());
            while !enough(polls.len()) {
                let offset = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 15_000;
                let path = format!(
                    "{}?limit=100&added_after={}",
                    objects_of(KEPT_10_DAYS),
                    Timestamp::from_micros(middle + offset)
                );
                let begun = Instant::now();
                assert_eq!(client.request(reqwest::Method::GET, &path).send().status, 200);
                polls.push(begun.elapsed());
                if polls.len() % 20 == 0 {
                    let n = 500_000
                        + number * 100_000
                        + next.fetch_add(1, std::sync::atomic::Ordering::SeqCst) as u32;
                    let begun = Instant::now();
                    app.client("cert-a/feed").publish(KEPT_FOR_EVER, &[amber(n)]);
                    publishes.push(begun.elapsed());
                }
            }
            (polls, publishes)
        };
        let found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2).map(|number| scope.spawn(move || one(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (polls, publishes): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        for (name, mut times) in [("polls", polls.concat()), ("publishes", publishes.concat())] {
            times.sort();
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            println!(
                "{what}, {} {name}: p50 {:?} p99 {:?} most {:?}",
                times.len(),
                at(0.5),
                at(0.99),
                at(1.0)
            );
        }
    };
    percentiles("without", &|count| count >= 2_000);
    set(&AHEAD, 11.0);
    let begun = Instant::now();
    let first = object_in(KEPT_10_DAYS, &amber(99_999));
    let siem = app.client("cert-b/siem");
    percentiles("with a backlog", &|count| {
        count > 200 && count % 50 == 0 && siem.request(reqwest::Method::GET, &first).send().status == 404
    });
    println!("100,000 versions were erased within {:?}", begun.elapsed());
}
