//! Erasing at the store: batches, what stays, what is held, what comes again, and what is left in the files.

use crate::sample::{CREATED, address, id, indicator, version};
use liaison::ingest;
use liaison::policy::{self, Anchor, Credential, Directory, Retention};
use liaison::registry::Registry;
use liaison::stix::{Timestamp, Tlp};
use liaison::store::erasure::{Kind, Order, State, Step, Swept, Which};
use liaison::store::sqlite::{Change, Options, Sqlite, Tool};
use liaison::store::{Content, Deleted, PageCache, Query, Store};
use liaison::taxii::resource::Status;
use liaison::taxii::{Envelope, Filter};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

pub const KEPT_10_DAYS: &str = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11";
pub const KEPT_AS_AGREED: &str = "5d1f0a52-0c6b-4a4e-8f31-8f6f1d3a2b22";
pub const KEPT_FOR_EVER: &str = "7b2e1c63-1d7c-4b5f-9a42-9a7a2e4b3c33";

/// Two organisations; an agreement that keeps 30 days, one that keeps for ever.
pub const REGISTRY: &str = r#"
[[organisation]]
id = "cert-a"
name = "CERT A"
country = "AA"
[[organisation.client]]
id = "feed"
role = "publisher"
[[organisation.client]]
id = "guest"
role = "consumer"
tlp_max = "GREEN"
[[organisation]]
id = "cert-b"
name = "CERT B"
country = "BB"
[[organisation.client]]
id = "feed"
role = "publisher"
[[organisation.client]]
id = "siem"
role = "consumer"
[[agreement]]
id = "days"
title = "Kept for days"
parties = ["cert-a", "cert-b"]
tlp_max = "RED"
retention_days = 30
[[agreement.collection]]
id = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11"
title = "Ten days"
api_root = "exchange"
unmarked = "assume:AMBER"
downgrade = "owner"
retention_days = 10
[[agreement.collection]]
id = "5d1f0a52-0c6b-4a4e-8f31-8f6f1d3a2b22"
title = "As agreed"
api_root = "exchange"
unmarked = "assume:AMBER"
[[agreement]]
id = "ever"
title = "Kept for ever"
parties = ["cert-a", "cert-b"]
tlp_max = "RED"
[[agreement.collection]]
id = "7b2e1c63-1d7c-4b5f-9a42-9a7a2e4b3c33"
title = "For ever"
api_root = "exchange"
unmarked = "assume:AMBER"
"#;

/// 2026-06-01T00:00:00Z
const START: i64 = 1_780_272_000_000_000;

/// So many days after the start.
pub fn day(days: f64) -> Timestamp {
    Timestamp::from_micros(START + (days * 86_400e6) as i64)
}

pub struct World {
    dir: tempfile::TempDir,
    store: Option<Sqlite>,
    pub directory: Directory,
}

impl World {
    fn new() -> Self {
        Self::with(REGISTRY)
    }

    pub fn with(registry: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::parse(registry).unwrap();
        let mut tool = Tool::open(&dir.path().join("liaison.db"), day(0.0)).unwrap();
        tool.apply(None, &registry.to_toml(), &Change::default(), day(0.0)).unwrap();
        let mut world = Self { dir, store: None, directory: Directory::new(registry) };
        world.reopen();
        world
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("liaison.db")
    }

    pub fn reopen(&mut self) {
        self.store = None;
        let cache = Arc::new(PageCache::new(1 << 20));
        let options = Options { path: self.path(), readers: 2, accept_future_watermark: true, cache };
        self.store = Some(Sqlite::open(options, day(0.0)).unwrap());
    }

    pub fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    pub fn tool(&self) -> Tool {
        Tool::open(&self.path(), day(0.0)).unwrap()
    }

    pub fn grant(&self, client: &str, collection: &str) -> policy::Grant {
        let uris = vec![format!("urn:liaison:{}", client.replace('/', ":"))];
        let credential = Credential { anchor: Anchor::Hub, uris, key_sha256: String::new() };
        let peer = self.directory.find(&credential).unwrap();
        self.directory.grant(&peer, "exchange", collection).unwrap()
    }

    pub fn offer(&self, client: &str, collection: &str, objects: &[Value], now: Timestamp) -> Status {
        let scope = policy::write_scope(&self.grant(client, collection), now).unwrap();
        let body = json!({"objects": objects}).to_string().into_bytes();
        let envelope = Envelope::parse(body, liaison::stix::content::Options::default()).unwrap();
        let status_id = uuid::Uuid::new_v4().to_string();
        let batch = ingest::prepare(self.store(), &self.directory, &scope, envelope, status_id, now).unwrap();
        self.store().add(batch).unwrap()
    }

    #[track_caller]
    pub fn add(&self, collection: &str, objects: &[Value], now: Timestamp) {
        let status = self.offer("cert-a/feed", collection, objects, now);
        assert_eq!(status.failure_count, 0, "{status:?}");
    }

    /// `id version` of what a query selects.
    pub fn names(&self, client: &str, collection: &str, query: &str) -> Vec<String> {
        let scope = policy::read_scope(&self.grant(client, collection), day(0.0)).unwrap();
        let matches = Filter::parse(query).unwrap().matches;
        let query =
            Query { after: None, limit: 10_000, bytes_max: usize::MAX, matches, content: Content::Objects };
        let page = self.store().page(&scope, &query).unwrap();
        page.rows.iter().map(|row| format!("{} {}", row.id, row.version)).collect()
    }

    /// What cert-a's feed gets of all versions, by the number of the object.
    fn numbers(&self, collection: &str) -> Vec<u32> {
        let names = self.names("cert-a/feed", collection, "match[version]=all");
        names
            .iter()
            .map(|name| u32::from_str_radix(&name.split("--").nth(1).unwrap()[..8], 16).unwrap())
            .collect()
    }

    /// Sweeps to the end.
    pub fn sweep(&self, now: Timestamp) -> Swept {
        let mut all = Swept::default();
        loop {
            let swept = self.store().sweep(now).unwrap();
            assert!(swept.erased <= 200, "one transaction erased {}", swept.erased);
            all.erased += swept.erased;
            all.kept += swept.kept;
            if !swept.more {
                return all;
            }
        }
    }

    #[track_caller]
    fn order(&self, order: &Order) -> (State, i64) {
        let number = self.tool().ask(order, "operator", day(0.0)).unwrap();
        while self.store().step(day(0.0)).unwrap() == Step::Worked {}
        let (state, progress) = self.tool().progress(number).unwrap();
        (state, progress.hold.unwrap_or(progress.erased as i64))
    }

    #[track_caller]
    fn hold(&self, which: Which) -> i64 {
        let (state, hold) = self.order(&Order::Hold { which, reason: "inquiry".to_owned() });
        assert_eq!(state, State::Done);
        hold
    }

    #[track_caller]
    fn erase(&self, which: Which, before: Option<Timestamp>) -> i64 {
        let before = before.map(Timestamp::micros);
        let (state, erased) = self.order(&Order::Erase { which, before, reason: "request".to_owned() });
        assert_eq!(state, State::Done);
        erased
    }
}

fn named(numbers: &[u32]) -> Which {
    Which::Ids(numbers.iter().map(|n| id("indicator", *n)).collect())
}

fn kind(collection: &str, object_type: Option<&str>, owner: Option<&str>) -> Which {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Which::Kind(Kind {
        collection: collection.to_owned(),
        object_type: owned(object_type),
        owner: owned(owner),
    })
}

fn ambers(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(|n| indicator(n, 0, Tlp::Amber)).collect()
}

/// A marking that says until when what is marked with it may be kept.
pub fn keep_until(n: u32, until: Timestamp) -> Value {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", n), "created": CREATED,
        "extensions": {"extension-definition--93786750-2f8f-4886-8165-b32d0ab69bfb":
            {"extension_type": "property-extension", "retention_until": until.to_string()}},
    })
}

/// An object under such a marking.
pub fn marked(mut object: Value, marking: &Value) -> Value {
    let list = object["object_marking_refs"].as_array().cloned().unwrap_or_default();
    object["object_marking_refs"] = list.into_iter().chain([marking["id"].clone()]).collect();
    object
}

#[test]
fn what_is_as_old_as_its_collections_days_goes_and_nothing_younger() {
    let world = World::new();
    for collection in [KEPT_10_DAYS, KEPT_AS_AGREED, KEPT_FOR_EVER] {
        world.add(collection, &ambers(0..2), day(0.0));
        world.add(collection, &ambers(2..3), day(5.0));
    }
    assert_eq!(world.sweep(day(9.999)), Swept::default());
    assert_eq!(world.sweep(day(10.001)).erased, 2);
    assert_eq!(world.numbers(KEPT_10_DAYS), [2]);
    assert_eq!(world.numbers(KEPT_AS_AGREED), [0, 1, 2]);
    assert_eq!(world.sweep(day(31.0)).erased, 3);
    assert_eq!(world.numbers(KEPT_AS_AGREED), [2]);
    assert_eq!(world.sweep(day(3_000.0)).erased, 1);
    assert_eq!(world.numbers(KEPT_FOR_EVER), [0, 1, 2]);
}

#[test]
fn a_date_of_its_own_comes_before_the_collections_days() {
    let world = World::new();
    let (early, late) = (keep_until(1, day(2.0)), keep_until(2, day(40.0)));
    let objects = [marked(indicator(0, 0, Tlp::Amber), &early), marked(indicator(1, 0, Tlp::Amber), &late)];
    for collection in [KEPT_10_DAYS, KEPT_FOR_EVER] {
        world.add(collection, &[early.clone(), late.clone()], day(0.0));
        world.add(collection, &objects, day(0.0));
        world.add(collection, &ambers(2..3), day(0.0));
    }
    let mut world = world;
    // The dates are in the database.
    world.reopen();
    let left = |collection: &str| {
        let names = world.names("cert-a/feed", collection, "match[type]=indicator");
        names.iter().map(|name| name["indicator--".len()..][..8].parse().unwrap()).collect::<Vec<u32>>()
    };
    world.sweep(day(1.999));
    assert_eq!(left(KEPT_10_DAYS), [0, 1, 2]);
    world.sweep(day(2.001));
    assert_eq!(left(KEPT_10_DAYS), [1, 2]);
    assert_eq!(left(KEPT_FOR_EVER), [1, 2]);
    world.sweep(day(39.999));
    assert_eq!(left(KEPT_10_DAYS), [1]);
    world.sweep(day(40.001));
    assert_eq!((left(KEPT_10_DAYS), left(KEPT_FOR_EVER)), (vec![], vec![2]));
}

#[test]
fn a_backlog_goes_in_batches_and_goes_on_after_a_restart() {
    let mut world = World::new();
    world.add(KEPT_10_DAYS, &ambers(0..450), day(0.0));
    world.add(KEPT_10_DAYS, &ambers(450..460), day(20.0));
    assert_eq!(world.store().sweep(day(20.0)).unwrap(), Swept { erased: 200, kept: 0, more: true });
    world.reopen();
    assert_eq!(world.sweep(day(20.0)).erased, 250);
    assert_eq!(world.numbers(KEPT_10_DAYS), (450..460).collect::<Vec<_>>());
    assert_eq!(world.store().counts().iter().map(|found| found.1).sum::<u64>(), 10);
}

#[test]
fn a_registry_that_gives_more_time_counts_at_once() {
    let world = World::new();
    world.add(KEPT_10_DAYS, &ambers(0..2), day(0.0));
    world.sweep(day(1.0));
    let before = world.tool().registry().unwrap();
    let longer = Registry::parse(&REGISTRY.replace("retention_days = 10", "retention_days = 100")).unwrap();
    world.tool().apply(before.as_deref(), &longer.to_toml(), &Change::default(), day(1.0)).unwrap();
    assert_eq!(world.sweep(day(50.0)).erased, 0);
    assert_eq!(world.sweep(day(101.0)).erased, 2);
}

#[test]
fn what_is_held_stays_until_the_hold_is_lifted() {
    let world = World::new();
    world.add(KEPT_10_DAYS, &ambers(0..6), day(0.0));
    world.offer("cert-b/feed", KEPT_10_DAYS, &ambers(6..8), day(0.0));
    world.add(KEPT_10_DAYS, &[address(9)], day(0.0));
    let by_id = world.hold(named(&[1, 3, 99]));
    let by_owner = world.hold(kind(KEPT_10_DAYS, None, Some("cert-b")));
    let by_type = world.hold(kind(KEPT_10_DAYS, Some("ipv4-addr"), None));
    world.hold(kind(KEPT_AS_AGREED, None, None));
    // One that came after the hold is held, too.
    world.add(KEPT_10_DAYS, &ambers(99..100), day(1.0));
    let count = |which| world.tool().count(&which).unwrap();
    let of_custom = kind(KEPT_10_DAYS, Some("x-a"), None);
    let kinds =
        [kind(KEPT_10_DAYS, None, Some("cert-b")), kind(KEPT_10_DAYS, Some("ipv4-addr"), None), of_custom];
    assert_eq!((count(named(&[1, 3, 98])), kinds.map(count)), (2, [2, 1, 0]));
    assert_eq!(world.sweep(day(20.0)), Swept { erased: 4, kept: 6, more: false });
    assert_eq!(world.numbers(KEPT_10_DAYS), [1, 3, 6, 7, 9, 99]);
    assert_eq!(world.sweep(day(21.0)).erased, 0);
    let lift = |hold| world.order(&Order::Lift { hold, reason: "closed".to_owned() }).0;
    assert_eq!(lift(by_owner), State::Done);
    assert_eq!(world.sweep(day(21.0)).erased, 2);
    assert_eq!((lift(by_type), lift(by_id)), (State::Done, State::Done));
    assert_eq!(world.sweep(day(21.0)).erased, 4);
    assert_eq!((lift(by_id), lift(1_000)), (State::Failed, State::Failed), "twice, and one that never was");
    assert_eq!(world.tool().holds(false).unwrap().len(), 1);
    assert_eq!(world.tool().holds(true).unwrap().len(), 4);
}

#[test]
fn a_hold_keeps_from_erasing_on_request_and_from_deleting() {
    let world = World::new();
    world.add(KEPT_FOR_EVER, &ambers(0..4), day(0.0));
    world.add(KEPT_10_DAYS, &ambers(0..1), day(0.0));
    let hold = world.hold(named(&[0]));
    let plan = world.tool().select(&named(&[0, 1]), None).unwrap();
    let held: Vec<bool> = plan.iter().map(|found| !found.holds.is_empty()).collect();
    assert_eq!((plan.len(), held.iter().filter(|held| **held).count()), (3, 2));
    assert_eq!(world.erase(named(&[0, 1]), None), 1);
    assert_eq!(world.erase(kind(KEPT_FOR_EVER, None, None), None), 2);
    assert_eq!(world.numbers(KEPT_FOR_EVER), [0]);
    let all = Filter::parse("match[version]=all").unwrap().matches.versions();
    let delete = |client: &str| {
        let scope = policy::erase_scope(&world.grant(client, KEPT_FOR_EVER), day(0.0)).unwrap();
        world.store().delete(&scope, &id("indicator", 0), &all, day(0.0)).unwrap()
    };
    assert_eq!(delete("cert-b/feed"), Deleted::NotOwner, "a hold is nothing that others learn of");
    assert_eq!(delete("cert-a/feed"), Deleted::Held);
    world.order(&Order::Lift { hold, reason: "closed".to_owned() });
    assert_eq!(delete("cert-a/feed"), Deleted::Versions(1));
}

#[test]
fn an_order_erases_what_it_names_and_what_was_there_before() {
    let world = World::new();
    let versions: Vec<Value> = (0..300).map(|k| indicator(1, k, Tlp::Amber)).collect();
    world.add(KEPT_FOR_EVER, &versions, day(0.0));
    world.add(KEPT_10_DAYS, &versions[..1], day(0.0));
    world.add(KEPT_FOR_EVER, &ambers(2..4), day(1.0));
    assert_eq!(world.erase(named(&[1, 8]), None), 301);
    assert_eq!((world.numbers(KEPT_FOR_EVER), world.numbers(KEPT_10_DAYS)), (vec![2, 3], vec![]));
    assert_eq!(world.tool().erased_by(1).unwrap().len(), 301);
    world.add(KEPT_FOR_EVER, &[address(5)], day(1.0));
    world.add(KEPT_FOR_EVER, &ambers(6..7), day(3.0));
    assert_eq!(world.erase(kind(KEPT_FOR_EVER, Some("indicator"), None), Some(day(2.0))), 2);
    assert_eq!(world.numbers(KEPT_FOR_EVER), [5, 6]);
    assert_eq!(world.erase(kind(KEPT_FOR_EVER, None, Some("cert-b")), None), 0);
}

#[test]
fn what_was_erased_is_not_taken_again_unless_it_is_newer() {
    let mut world = World::new();
    let (v, again) = (
        |k| indicator(1, k, Tlp::Amber),
        |world: &World, collection: &str, object: Value| {
            let status = world.offer("cert-a/feed", collection, &[object], day(11.0));
            status.failures.first().map(|failure| failure.message.clone().unwrap())
        },
    );
    world.add(KEPT_10_DAYS, &[v(3), v(5), address(7), address(8)], day(0.0));
    assert_eq!(world.sweep(day(10.5)).erased, 4);
    world.reopen();
    for k in [0, 3, 4, 5] {
        assert!(again(&world, KEPT_10_DAYS, v(k)).unwrap().starts_with("erased: "), "version {k}");
    }
    assert_eq!(again(&world, KEPT_FOR_EVER, v(3)), None, "another collection");
    assert_eq!(again(&world, KEPT_10_DAYS, v(6)), None, "newer");
    assert!(again(&world, KEPT_10_DAYS, v(4)).unwrap().starts_with("erased: "), "also beside a newer one");
    // An observable has no versions: only a later date of its own says that it is to be kept again.
    assert!(again(&world, KEPT_10_DAYS, address(7)).unwrap().starts_with("erased: "));
    let (past, later) = (keep_until(1, day(10.0)), keep_until(2, day(50.0)));
    world.add(KEPT_10_DAYS, &[past.clone(), later.clone()], day(9.0));
    assert!(again(&world, KEPT_10_DAYS, marked(address(7), &past)).unwrap().starts_with("erased: "));
    assert_eq!(again(&world, KEPT_10_DAYS, marked(address(7), &later)), None);
    world.erase(Which::Ids(vec![address(7)["id"].as_str().unwrap().to_owned()]), None);
    assert!(again(&world, KEPT_10_DAYS, marked(address(7), &later)).unwrap().starts_with("erased: "));
    // Others: an object keeps its owner, observables belong to nobody.
    let other =
        world.offer("cert-b/feed", KEPT_10_DAYS, &[address(8), indicator(2, 9, Tlp::Amber)], day(11.0));
    assert_eq!(other.success_count, 2);
    world.erase(named(&[2]), None);
    let stolen = again(&world, KEPT_10_DAYS, indicator(2, 12, Tlp::Amber)).unwrap();
    assert!(stolen.starts_with("not the owner"), "{stolen}");
}

#[test]
fn an_erased_marking_is_unknown_at_once_and_after_a_restart() {
    let mut world = World::new();
    let marking = keep_until(1, day(2.0));
    world.add(KEPT_FOR_EVER, std::slice::from_ref(&marking), day(0.0));
    world.sweep(day(3.0));
    let offer = |world: &World| {
        let object = marked(indicator(1, 0, Tlp::Amber), &marking);
        world.offer("cert-a/feed", KEPT_FOR_EVER, &[object], day(3.0)).failures[0].message.clone().unwrap()
    };
    assert!(offer(&world).contains("defined neither"), "{}", offer(&world));
    world.reopen();
    assert!(offer(&world).contains("defined neither"));
}

#[test]
fn the_registry_plan_counts_what_would_go_and_what_a_hold_keeps() {
    let world = World::new();
    world.add(KEPT_FOR_EVER, &[keep_until(1, day(90.0))], day(0.0));
    world.add(KEPT_FOR_EVER, &ambers(0..5), day(0.0));
    world.add(KEPT_FOR_EVER, &[marked(indicator(7, 0, Tlp::Amber), &keep_until(1, day(90.0)))], day(0.0));
    world.add(KEPT_FOR_EVER, &ambers(5..6), day(20.0));
    world.hold(named(&[0, 1]));
    let new = REGISTRY.replace("id = \"ever\"", "id = \"ever\"\nretention_days = 15");
    let old = Retention::new(&Registry::parse(REGISTRY).unwrap());
    let shorter = Retention::new(&Registry::parse(&new).unwrap()).shorter_than(&old);
    let found = world.tool().overdue(&shorter, day(21.0)).unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.collection.as_str(), one.versions, one.held)).collect();
    assert_eq!(found, [(KEPT_FOR_EVER, 3, 2)]);
    assert_eq!(old.shorter_than(&shorter).days(KEPT_FOR_EVER), None, "longer is not shorter");
}

/// The bytes of the database and of its log.
pub fn bytes_of(path: &std::path::Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
    bytes
}

/// The numbers of all objects of [`noted`] of whose text something is there.
pub fn noted_in(bytes: &[u8]) -> std::collections::BTreeSet<u32> {
    let mark = b"secret-";
    let starts =
        bytes.iter().enumerate().filter(|(at, byte)| **byte == mark[0] && bytes[*at..].starts_with(mark));
    let number = |at: usize| std::str::from_utf8(bytes.get(at..at + 5)?).ok()?.parse().ok();
    starts.filter_map(|(at, _)| number(at + mark.len())).collect()
}

pub fn noted(n: u32, length: usize) -> Value {
    let mut object = indicator(n, 0, Tlp::Amber);
    object["description"] = format!("secret-{n:05}; ").repeat(length / 14 + 1).into();
    object
}

#[test]
fn nothing_of_what_was_erased_is_left_in_the_files() {
    let world = World::new();
    // Short ones, and ones that take pages of their own.
    let objects: Vec<Value> = (0..400).map(|n| noted(n, [300, 3_000, 40_000][n as usize % 3])).collect();
    for some in objects.chunks(50) {
        world.add(KEPT_10_DAYS, some, day(0.0));
    }
    world.add(KEPT_10_DAYS, &[noted(900, 300)], day(20.0));
    assert!(
        noted_in(&bytes_of(&world.path())).is_superset(&(0..400).collect()),
        "the search finds what is there"
    );
    world.sweep(day(20.0));
    world.store().wipe().unwrap();
    // The log is emptied before the next answer.
    world.add(KEPT_10_DAYS, &[noted(901, 300)], day(20.0));
    assert_eq!(noted_in(&bytes_of(&world.path())), [900, 901].into());
}

#[test]
fn nothing_is_left_in_the_files_in_whatever_order_things_go() {
    let world = World::new();
    let objects: Vec<Value> = (0..3_000).map(|n| noted(n, 200 + (n as usize * 7_919) % 2_800)).collect();
    for some in objects.chunks(100) {
        world.add(KEPT_FOR_EVER, some, day(0.0));
    }
    // A walk in steps that are no divisor of how many there are meets each once, far apart.
    let order: Vec<u32> = (0..3_000).map(|n| (n * 1_009) % 3_000).collect();
    let (goes, stays) = order.split_at(2_400);
    for some in goes.chunks(150) {
        world.erase(named(some), None);
    }
    assert_eq!(noted_in(&bytes_of(&world.path())), stays.iter().copied().collect());
}

/// An indicator of many values, each with a text that is searched for; of digests it is their bytes.
fn naming(n: u32, count: usize, are_digests: bool) -> Value {
    let mut object = indicator(n, 0, Tlp::Amber);
    let digest = |text: String| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let values = (0..count).map(|k| match are_digests {
        false => format!("domain-name:value = 'secret-{n:05}-{k}.example'"),
        true => format!("file:hashes.'SHA-256' = '{}'", digest(format!("secret-{n:05}-{k:019}"))),
    });
    object["pattern"] = format!("[{}]", values.collect::<Vec<_>>().join(" OR ")).into();
    object["description"] = format!("secret-{n:05}").into();
    object
}

#[test]
fn no_values_are_left_in_the_files_either() {
    for are_digests in [false, true] {
        let world = World::new();
        let count = |n: u32| 1 + (n as usize * 7_919) % 40;
        let objects: Vec<Value> = (0..300).map(|n| naming(n, count(n), are_digests)).collect();
        for (turn, some) in objects.chunks(50).enumerate() {
            // Of several collections in turn: what comes later to one must not move what another has.
            world.add([KEPT_FOR_EVER, KEPT_AS_AGREED][turn % 2], some, day(0.0));
        }
        let order: Vec<u32> = (0..300).map(|n| (n * 101) % 300).collect();
        for (turn, some) in order.chunks(20).enumerate() {
            world.erase(named(some), None);
            let stays = order[20 * (turn + 1)..].iter().copied().collect();
            assert_eq!(noted_in(&bytes_of(&world.path())), stays);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// After erasing, every reader gets what it would if the erased versions had never been there.
    #[test]
    fn what_stays_is_as_if_the_rest_had_never_been(
        objects in prop::collection::vec((0_u32..4, 0_u32..5, prop::sample::select(Tlp::ALL.to_vec()), any::<bool>()), 1..25)
    ) {
        let (world, other) = (World::new(), World::new());
        let mut met = std::collections::HashSet::new();
        let soon = keep_until(1, day(2.0));
        world.add(KEPT_10_DAYS, std::slice::from_ref(&soon), day(0.0));
        for (n, k, tlp, goes) in objects.into_iter().filter(|(n, k, ..)| met.insert((*n, *k))) {
            let object = indicator(n, k, tlp);
            match goes {
                true => world.add(KEPT_10_DAYS, &[marked(object, &soon)], day(0.0)),
                false => {
                    world.add(KEPT_10_DAYS, std::slice::from_ref(&object), day(0.0));
                    other.add(KEPT_10_DAYS, &[object], day(0.0));
                }
            }
        }
        world.sweep(day(3.0));
        for client in ["cert-a/feed", "cert-a/guest", "cert-b/siem"] {
            for query in ["", "match[version]=all", "match[version]=first", &format!("match[version]={}", version(2))] {
                prop_assert_eq!(
                    world.names(client, KEPT_10_DAYS, query), other.names(client, KEPT_10_DAYS, query), "{} {}", client, query
                );
            }
        }
    }
}
