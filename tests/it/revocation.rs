//! `revoke_on_expiry`: what has expired is followed by a version that revokes it, where a collection says so.

use crate::retention_store::{
    KEPT_10_DAYS, KEPT_AS_AGREED, KEPT_FOR_EVER, REGISTRY, World, day, keep_until, marked,
};
use crate::sample::{address, id, indicator};
use liaison::ingest::expiry::{self, Revoked};
use liaison::policy::{self, Directory};
use liaison::registry::Registry;
use liaison::stix::{Timestamp, Tlp};
use liaison::store::{Content, Query, Revocation};
use liaison::taxii::Filter;
use serde_json::{Value, json};

/// Revokes in two collections, one of which keeps ten days.
fn registry() -> String {
    let says = |text: String, collection: &str| {
        text.replace(
            &format!("id = \"{collection}\"\n"),
            &format!("id = \"{collection}\"\nrevoke_on_expiry = true\n"),
        )
    };
    says(says(REGISTRY.to_owned(), KEPT_10_DAYS), KEPT_FOR_EVER)
}

fn world() -> World {
    World::with(&registry())
}

/// Revokes to the end.
fn revoke(world: &World, now: Timestamp) -> u64 {
    let mut count = 0;
    loop {
        let Revoked { revoked, more } = expiry::revoke(world.store(), &world.directory, now).unwrap();
        assert!(revoked <= 400, "{revoked} at once");
        count += revoked;
        if !more {
            return count;
        }
    }
}

/// The k-th version of the n-th indicator, which ends then.
fn until(n: u32, k: u32, tlp: Tlp, end: Timestamp) -> Value {
    let mut object = indicator(n, k, tlp);
    object["valid_until"] = json!(end.to_string());
    object
}

fn objects(
    world: &World,
    client: &str,
    collection: &str,
    after: Option<Timestamp>,
) -> Vec<(Timestamp, Value)> {
    let scope = policy::read_scope(&world.grant(client, collection), day(0.0)).unwrap();
    let matches = Filter::parse("match[version]=all").unwrap().matches;
    let query = Query { after, limit: 10_000, bytes_max: usize::MAX, matches, content: Content::Objects };
    let page = world.store().page(&scope, &query).unwrap();
    page.rows.iter().map(|row| (row.added, serde_json::from_slice(&row.json).unwrap())).collect()
}

fn revoked(mut object: Value) -> Value {
    object["revoked"] = json!(true);
    object["modified"] =
        json!(Timestamp::parse(object["valid_until"].as_str().unwrap()).unwrap().to_millis());
    object
}

fn values(found: &[(Timestamp, Value)]) -> Vec<Value> {
    found.iter().map(|(_, object)| object.clone()).collect()
}

#[test]
fn what_is_over_is_revoked_where_the_collection_says_so() {
    let mut world = world();
    let (early, late) = (until(0, 0, Tlp::Amber, day(5.0)), until(1, 0, Tlp::Green, day(9.0)));
    let mut gone = until(3, 0, Tlp::Amber, day(1.0));
    gone["revoked"] = json!(true);
    let sent = [early.clone(), late.clone(), indicator(2, 0, Tlp::Amber), gone, address(4)];
    for collection in [KEPT_AS_AGREED, KEPT_FOR_EVER] {
        world.add(collection, &sent, day(0.0));
    }
    assert_eq!(revoke(&world, day(4.9999)), 0);
    let newest = world.store().watermark(KEPT_FOR_EVER);
    assert_eq!(revoke(&world, day(5.0)), 1);
    // Who has polled before gets it, and nothing else.
    let news = objects(&world, "cert-b/siem", KEPT_FOR_EVER, newest);
    assert_eq!(values(&news), [revoked(early.clone())]);
    assert!(news[0].0 >= day(5.0));
    // Another hub that revokes it makes the same version, in whatever order it writes its members.
    let mut same = revoked(early.clone());
    let modified = same.as_object_mut().unwrap().remove("modified").unwrap();
    same["modified"] = modified;
    world.add(KEPT_FOR_EVER, &[same], day(6.0));
    assert_eq!(objects(&world, "cert-b/siem", KEPT_FOR_EVER, newest).len(), 1);
    assert_eq!(revoke(&world, day(8.0)), 0);
    world.reopen();
    assert_eq!((revoke(&world, day(8.0)), revoke(&world, day(100.0)), revoke(&world, day(100.0))), (0, 1, 0));
    let news = objects(&world, "cert-b/siem", KEPT_FOR_EVER, Some(news[0].0));
    assert_eq!(values(&news), [revoked(late)]);
    assert_eq!(values(&objects(&world, "cert-b/siem", KEPT_AS_AGREED, None)), sent);
}

#[test]
fn it_is_for_those_who_see_what_it_revokes() {
    let world = world();
    let all = [
        until(0, 0, Tlp::Green, day(1.0)),
        until(1, 0, Tlp::Amber, day(1.0)),
        until(2, 0, Tlp::Red, day(1.0)),
    ];
    world.add(KEPT_FOR_EVER, &all, day(0.0));
    assert_eq!(revoke(&world, day(2.0)), 3);
    for (client, sees) in [("cert-a/feed", 3), ("cert-b/siem", 2), ("cert-a/guest", 1)] {
        let expected: Vec<Value> =
            all.iter().take(sees).flat_map(|one| [one.clone(), revoked(one.clone())]).collect();
        let mut found = values(&objects(&world, client, KEPT_FOR_EVER, None));
        found.sort_by_key(|object| object["id"].to_string());
        assert_eq!(found, expected, "{client}");
    }
}

#[test]
fn the_last_version_decides_and_nothing_follows_a_revocation() {
    let world = world();
    world.add(
        KEPT_FOR_EVER,
        &[until(0, 0, Tlp::Amber, day(1.0)), until(1, 0, Tlp::Amber, day(1.0))],
        day(0.0),
    );
    // Longer, and for ever.
    world.add(KEPT_FOR_EVER, &[until(0, 1, Tlp::Amber, day(3.0)), indicator(1, 1, Tlp::Amber)], day(0.5));
    assert_eq!(revoke(&world, day(2.0)), 0);
    assert_eq!(revoke(&world, day(3.0)), 1);
    let mut later = until(0, 2, Tlp::Amber, day(9.0));
    later["modified"] = json!(day(3.5).to_millis());
    let status = world.offer("cert-a/feed", KEPT_FOR_EVER, &[later], day(4.0));
    assert!(status.failures[0].message.as_ref().unwrap().starts_with("revoked"), "{status:?}");
    // One that was made before, and comes late, is an earlier version.
    world.add(KEPT_FOR_EVER, &[until(0, 2, Tlp::Amber, day(9.0))], day(4.0));
    assert_eq!(revoke(&world, day(10.0)), 0);
    let last = world.names("cert-b/siem", KEPT_FOR_EVER, "match[type]=indicator");
    assert!(last.contains(&format!("{} {}", id("indicator", 0), day(3.0).to_millis())), "{last:?}");
    // What is over when it comes is revoked as it comes.
    world.add(KEPT_FOR_EVER, &[until(7, 0, Tlp::Amber, day(2.0))], day(11.0));
    assert_eq!(revoke(&world, day(11.0)), 1);
}

#[test]
fn a_version_that_comes_while_it_is_revoked_is_the_last() {
    let world = world();
    world.add(
        KEPT_FOR_EVER,
        &[until(0, 0, Tlp::Amber, day(1.0)), until(1, 0, Tlp::Amber, day(1.0))],
        day(0.0),
    );
    // Along the log first.
    while world.store().ended(&[KEPT_FOR_EVER], day(0.0)).unwrap().more {}
    let ended = world.store().ended(&[KEPT_FOR_EVER], day(2.0)).unwrap().ended;
    assert_eq!(ended.len(), 2);
    let grant = world.grant("cert-a/feed", KEPT_FOR_EVER);
    let scope = policy::erase_scope(&grant, day(2.0)).unwrap();
    let versions = Filter::parse("match[version]=all").unwrap().matches.versions.unwrap();
    world.store().delete(&scope, &id("indicator", 0), &versions, day(2.0)).unwrap();
    world.add(KEPT_FOR_EVER, &[until(1, 1, Tlp::Amber, day(5.0))], day(2.0));
    let revocation = |ended| {
        let admitted = policy::revoke(&world.directory, &ended).unwrap();
        Revocation { prepared: Some(Box::new(liaison::store::Prepared::new(admitted))), ended }
    };
    let revocations = ended.into_iter().map(revocation).collect();
    assert_eq!(world.store().revoke(revocations, day(2.0)).unwrap(), 0);
    assert_eq!(revoke(&world, day(4.0)), 0);
    assert_eq!(revoke(&world, day(5.0)), 1);
}

#[test]
fn it_is_kept_as_long_as_what_it_revokes() {
    let world = world();
    let marking = keep_until(1, day(3.0));
    let objects = [
        marking.clone(),
        marked(until(0, 0, Tlp::Amber, day(1.0)), &marking),
        until(1, 0, Tlp::Amber, day(1.0)),
    ];
    world.add(KEPT_10_DAYS, &objects, day(0.0));
    assert_eq!(revoke(&world, day(2.0)), 2);
    let left = || world.names("cert-a/feed", KEPT_10_DAYS, "match[version]=all&match[type]=indicator").len();
    assert_eq!(left(), 4);
    world.sweep(day(3.0));
    assert_eq!(left(), 2);
    // Else by its own date, as every version.
    world.sweep(day(11.0));
    assert_eq!(left(), 1);
    world.sweep(day(12.1));
    assert_eq!((left(), revoke(&world, day(20.0))), (0, 0));
    // What was erased before its time was over is not revoked.
    world.add(KEPT_10_DAYS, &[until(5, 0, Tlp::Amber, day(50.0))], day(20.0));
    assert_eq!(revoke(&world, day(21.0)), 0);
    world.sweep(day(31.0));
    assert_eq!((left(), revoke(&world, day(51.0))), (0, 0));
}

#[test]
fn what_was_over_before_the_collection_said_so_is_revoked_in_batches() {
    let mut world = World::with(REGISTRY);
    let after = |seconds: u32| Timestamp::from_micros(day(1.0).micros() + i64::from(seconds) * 1_000_000);
    let sent: Vec<Value> = (0..450).map(|n| until(n, 0, Tlp::Amber, after(n))).collect();
    world.add(KEPT_FOR_EVER, &sent, day(0.0));
    assert_eq!(revoke(&world, day(10.0)), 0);
    assert_eq!(world.tool().ended(KEPT_FOR_EVER, after(99)).unwrap(), 100);
    world.directory = Directory::new(Registry::parse(&registry()).unwrap());
    let mut count = 0;
    while count == 0 {
        count = expiry::revoke(world.store(), &world.directory, day(10.0)).unwrap().revoked;
    }
    assert_eq!(count, 200);
    world.reopen();
    assert_eq!(revoke(&world, day(10.0)), 250);
    let found = objects(&world, "cert-b/siem", KEPT_FOR_EVER, None);
    assert!(values(&found[450..]) == sent.into_iter().map(revoked).collect::<Vec<_>>());
    assert_eq!(world.tool().ended(KEPT_FOR_EVER, day(10.0)).unwrap(), 0);
}

#[test]
fn the_audit_log_says_who_revoked() {
    let world = world();
    world.add(KEPT_FOR_EVER, &[until(0, 0, Tlp::Amber, day(1.0))], day(0.0));
    let before = world.store().audit().size();
    assert_eq!(revoke(&world, day(2.0)), 1);
    let records = world.store().audit().records(before, 10, 1 << 20).unwrap();
    let record: Value = serde_json::from_slice(&records.last().unwrap().1).unwrap();
    assert_eq!(
        (&record["kind"], &record["by"], &record["count"]),
        (&json!("publish"), &json!("hub"), &json!(1))
    );
    assert_eq!((&record["collection"], &record["request"]), (&json!(KEPT_FOR_EVER), &Value::Null));
    // How long it takes from being made to being here is asked of people.
    assert_eq!(world.store().arrivals().values().map(liaison::freshness::Delays::count).sum::<u64>(), 1);
}
