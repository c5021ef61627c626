//! What every backend promises: the contract of `Store`, run on each of [`BACKENDS`].

use crate::app::{INBOX, INDICATORS, MALWARE, REGISTRY, name};
use crate::sample::{address, amber, ambers, id, indicator, malware, version};
use liaison::feed::{Feed, Kind, PageLimits};
use liaison::freshness::{Delays, Kept};
use liaison::policy::{self, Anchor, Credential, Directory, Grant, Handling, Markings, ReadScope};
use liaison::registry::Registry;
use liaison::stix::{Timestamp, Tlp};
use liaison::store::atoms::{AtomQuery, Named, Wanted};
use liaison::store::sqlite::{self, Sqlite};
use liaison::store::{CachedPage, Content, Deleted, Error, Handle, Page, PageCache, Query, Store};
use liaison::taxii::resource::Status;
use liaison::taxii::{CursorKey, Envelope, Filter, Match};
use liaison::{ingest, stix::StixTime};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A place for a store: opening it again shows what was there before.
trait Place: Send + Sync {
    fn open(&self, now: Timestamp, cache: Arc<PageCache>) -> Result<Arc<dyn Store>, Error>;
    /// Spoils what is stored of an object, as a disk might.
    fn damage(&self, id: &str);
}

/// A second backend is one more line here.
const BACKENDS: [fn() -> Box<dyn Place>; 1] = [|| Box::new(OnDisk(tempfile::tempdir().unwrap()))];

/// SQLite in a directory of its own.
struct OnDisk(tempfile::TempDir);

impl OnDisk {
    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("liaison.db")
    }
}

impl Place for OnDisk {
    fn open(&self, now: Timestamp, cache: Arc<PageCache>) -> Result<Arc<dyn Store>, Error> {
        let options =
            sqlite::Options { path: self.path(), readers: 4, accept_future_watermark: false, cache };
        Ok(Arc::new(Sqlite::open(options, now)?))
    }

    fn damage(&self, id: &str) {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.execute_batch("DROP TRIGGER IF EXISTS object_is_never_changed").unwrap();
        let changed = connection.execute("UPDATE object SET json = x'7b7d' WHERE id = ?1", [id]).unwrap();
        assert_eq!(changed, 1);
    }
}

pub(crate) fn on_every_backend(rule: impl Fn(&mut World)) {
    for backend in BACKENDS {
        rule(&mut World::new(backend()));
    }
}

/// A store, and everybody who uses it.
pub(crate) struct World {
    place: Box<dyn Place>,
    pub(crate) store: Arc<dyn Store>,
    cache: Arc<PageCache>,
    directory: Directory,
}

/// 2026-06-01T00:00:00Z
const NOW: i64 = 1_780_272_000_000_000;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(NOW + micros)
}

impl World {
    fn new(place: Box<dyn Place>) -> Self {
        let cache = Arc::new(PageCache::new(1 << 20));
        let directory = Directory::new(Registry::parse(REGISTRY).unwrap());
        Self { store: place.open(at(0), cache.clone()).unwrap(), place, cache, directory }
    }

    pub(crate) fn reopen(&mut self, now: Timestamp) {
        // Only one may be open at a time, so a harmless one stands in while the other closes.
        let spare = BACKENDS[0]();
        self.store = spare.open(now, self.cache.clone()).unwrap();
        self.cache = Arc::new(PageCache::new(1 << 20));
        self.store = self.place.open(now, self.cache.clone()).unwrap();
    }

    fn grant(&self, client: &str, collection: &str) -> Grant {
        let credential = Credential {
            anchor: Anchor::Hub,
            uris: vec![format!("urn:liaison:{}", client.replace('/', ":"))],
            key_sha256: String::new(),
        };
        let peer = self.directory.find(&credential).unwrap();
        self.directory.grant(&peer, "exchange", collection).unwrap()
    }

    pub(crate) fn scope(&self, client: &str) -> ReadScope {
        policy::read_scope(&self.grant(client, INDICATORS), at(0)).unwrap()
    }

    /// Adds objects as `cert-a/feed`.
    #[track_caller]
    pub(crate) fn add(&self, objects: &[Value], now: Timestamp) -> Status {
        self.add_as("cert-a/feed", INDICATORS, objects, now).unwrap()
    }

    fn add_as(
        &self,
        client: &str,
        collection: &str,
        objects: &[Value],
        now: Timestamp,
    ) -> Result<Status, Error> {
        let scope = policy::write_scope(&self.grant(client, collection), now).unwrap();
        let envelope = Envelope::parse(
            json!({"objects": objects}).to_string().into_bytes(),
            liaison::stix::content::Options::default(),
        )
        .unwrap();
        let status_id = uuid::Uuid::new_v4().to_string();
        self.store.add(
            ingest::prepare(self.store.as_ref(), &self.directory, &scope, envelope, status_id, now).unwrap(),
        )
    }

    fn page(&self, client: &str, after: Option<Timestamp>, limit: u32, query: &str) -> Page {
        let matches = Filter::parse(query).unwrap().matches;
        self.ask(client, Query { after, limit, bytes_max: usize::MAX, matches, content: Content::Objects })
    }

    fn ask(&self, client: &str, query: Query) -> Page {
        self.store.page(&self.scope(client), &query).unwrap()
    }

    /// Everything that a query selects, read in pages of `limit`: `id version`, and dates.
    fn walk(&self, client: &str, limit: u32, query: &str) -> Vec<(String, Timestamp)> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(client, after, limit, query);
            assert!(page.rows.len() <= limit as usize);
            assert!(page.following.is_none() || !page.rows.is_empty(), "more, and nothing on the page");
            rows.extend(page.rows.iter().map(|row| (format!("{} {}", row.id, row.version), row.added)));
            let last = page.rows.last().map(|row| row.added);
            match page.following {
                None => return rows,
                Some(following) => assert!(Some(following) > last),
            }
            after = last;
        }
    }

    fn names(&self, client: &str, query: &str) -> Vec<String> {
        self.walk(client, 1000, query).into_iter().map(|(name, _)| name).collect()
    }

    #[track_caller]
    pub(crate) fn delete(&self, client: &str, id: &str, versions: &str, now: Timestamp) -> Deleted {
        let scope = policy::erase_scope(&self.grant(client, INDICATORS), now).unwrap();
        let versions = Filter::parse(&format!("match[version]={versions}")).unwrap().matches.versions();
        self.store.delete(&scope, id, &versions, now).unwrap()
    }

    fn knows(&self, client: &str, id: &str) -> bool {
        self.store.knows(&self.scope(client), id).unwrap()
    }
}

fn all_names(objects: &[Value]) -> Vec<String> {
    objects.iter().map(name).collect()
}

const ALL: &str = "match[version]=all";

#[test]
fn dates_rise_with_every_row_and_begin_no_earlier_than_the_request() {
    on_every_backend(|world| {
        for batch in 0..5_u32 {
            world.add(&ambers(batch * 10..batch * 10 + 7), at(i64::from(batch)));
        }
        let rows = world.walk("cert-a/feed", 4, "");
        assert_eq!(rows.len(), 35);
        assert!(rows.windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert!(rows[0].1 >= at(0));
        world.add(&ambers(100..101), at(1_000_000));
        assert!(world.walk("cert-a/feed", 99, "").last().unwrap().1 >= at(1_000_000));
    });
}

#[test]
fn each_commit_ends_on_a_whole_millisecond() {
    on_every_backend(|world| {
        for (batch, micros) in [1, 999, 1_000, 123_456, 123_457, 500_000].into_iter().enumerate() {
            let batch = batch as u32;
            world.add(&ambers(batch * 100..batch * 100 + batch + 1), at(micros));
            let watermark = world.store.watermark(INDICATORS).unwrap();
            assert_eq!(watermark.micros() % 1000, 0, "{watermark}");
            assert_eq!(world.walk("cert-a/feed", 99, "").last().unwrap().1, watermark);
        }
    });
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_dates_with_it() {
    on_every_backend(|world| {
        world.add(&ambers(0..3), at(0));
        world.add(&ambers(3..6), at(-3_600_000_000));
        world.add(&ambers(6..9), at(-1));
        let rows = world.walk("cert-a/feed", 2, "");
        assert_eq!(rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>(), all_names(&ambers(0..9)));
        assert!(rows.windows(2).all(|pair| pair[0].1 < pair[1].1));
        world.reopen(at(-3_600_000_000));
        world.add(&ambers(9..10), at(-3_600_000_000));
        assert!(world.walk("cert-a/feed", 99, "").last().unwrap().1 > rows.last().unwrap().1);
    });
}

#[test]
fn readers_beside_writers_see_every_row_once_in_order() {
    on_every_backend(|world| {
        let (world, is_done) = (&*world, AtomicBool::new(false));
        std::thread::scope(|scope| {
            let writers: Vec<_> = [("cert-a/feed", 0), ("cert-a/feed", 10_000), ("cert-b/feed", 20_000)]
                .into_iter()
                .map(|(client, from)| {
                    let add = move |n: u32| {
                        world.add_as(
                            client,
                            INDICATORS,
                            &ambers(from + n * 5..from + n * 5 + 1 + n % 5),
                            at(0),
                        )
                    };
                    scope.spawn(move || (0..40).for_each(|n| assert_eq!(add(n).unwrap().failure_count, 0)))
                })
                .collect();
            let is_done = &is_done;
            let readers: Vec<_> = [1, 3, 100]
                .into_iter()
                .map(|limit| scope.spawn(move || follow(world, limit, is_done)))
                .collect();
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            is_done.store(true, Ordering::SeqCst);
            let want = world.walk("cert-a/feed", 1000, "");
            assert_eq!(want.len(), 3 * 8 * (1 + 2 + 3 + 4 + 5));
            for reader in readers {
                assert_eq!(reader.join().unwrap(), want);
            }
        });
    });
}

/// Reads on from where it stands until everything is there.
fn follow(world: &World, limit: u32, is_done: &AtomicBool) -> Vec<(String, Timestamp)> {
    let mut rows: Vec<(String, Timestamp)> = Vec::new();
    loop {
        let is_last = is_done.load(Ordering::SeqCst);
        let page = world.page("cert-b/feed", rows.last().map(|row| row.1), limit, "");
        rows.extend(page.rows.iter().map(|row| (format!("{} {}", row.id, row.version), row.added)));
        if is_last && page.following.is_none() {
            return rows;
        }
    }
}

#[test]
fn a_batch_and_its_status_become_visible_together() {
    on_every_backend(|world| {
        let (world, is_done) = (&*world, &AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for batch in 0..30 {
                    let status = world.add(&ambers(batch * 20..batch * 20 + 20), at(0));
                    let kept = world.store.status("cert-a/feed", "exchange", &status.id).unwrap().unwrap();
                    assert_eq!(
                        serde_json::from_slice::<Value>(&kept).unwrap(),
                        serde_json::to_value(&status).unwrap()
                    );
                }
                is_done.store(true, Ordering::SeqCst);
            });
            while !is_done.load(Ordering::SeqCst) {
                let count = world.page("cert-b/siem", None, 10_000, "").rows.len();
                assert_eq!(count % 20, 0, "a part of a batch was visible");
            }
        });
    });
}

#[test]
fn a_status_is_for_its_sender_and_its_api_root_only() {
    on_every_backend(|world| {
        let status = world.add(&[amber(1)], at(0));
        let ask = |client, root, id: &str| world.store.status(client, root, id).unwrap().is_some();
        assert!(ask("cert-a/feed", "exchange", &status.id));
        assert!(!ask("cert-b/feed", "exchange", &status.id));
        assert!(!ask("cert-a/siem", "exchange", &status.id));
        assert!(!ask("cert-a/feed", "elsewhere", &status.id));
        assert!(!ask("cert-a/feed", "exchange", "11111111-1111-4111-8111-111111111111"));
    });
}

#[test]
fn a_status_is_kept_for_a_day_at_least_and_not_for_ever() {
    const DAY: i64 = 86_400_000_000;
    on_every_backend(|world| {
        let status = world.add(&[amber(1)], at(0));
        let is_there =
            |world: &World| world.store.status("cert-a/feed", "exchange", &status.id).unwrap().is_some();
        world.add(&[amber(2)], at(DAY + 1));
        assert!(is_there(world));
        world.add(&[amber(3)], at(8 * DAY));
        assert!(!is_there(world));
    });
}

#[test]
fn everything_is_there_after_reopening() {
    on_every_backend(|world| {
        let objects = [indicator(1, 2, Tlp::Amber), indicator(1, 0, Tlp::Red), malware(2, 0), address(3)];
        let status = world.add(&objects, at(5));
        let before = ["", ALL, "match[version]=first"].map(|query| world.walk("cert-b/siem", 2, query));
        let secret = world.store.cursor_secret().unwrap();
        let counts = world.store.counts();
        world.reopen(at(10));
        assert_eq!(
            ["", ALL, "match[version]=first"].map(|query| world.walk("cert-b/siem", 2, query)),
            before
        );
        assert!(world.store.status("cert-a/feed", "exchange", &status.id).unwrap().is_some());
        assert_eq!(world.store.cursor_secret().unwrap(), secret);
        assert_eq!(world.store.counts(), counts);
        assert!(world.knows("cert-a/feed", &id("indicator", 1)));
        let again = world.add(&objects, at(20));
        assert_eq!((again.success_count, world.names("cert-a/feed", ALL).len()), (4, 4));
    });
}

#[test]
fn what_is_stored_comes_back_byte_for_byte() {
    on_every_backend(|world| {
        let text = r#"{"value":"http:\/\/x.example/e","x_text":"\u00e9é","type":"url","x_n":1.50e+1,"id":"url--c1477287-23ac-5971-a010-5c287877fa60"}"#;
        let scope = policy::write_scope(&world.grant("cert-a/feed", INDICATORS), at(0)).unwrap();
        let envelope = Envelope::parse(
            format!("{{\"objects\":[{text}]}}").into_bytes(),
            liaison::stix::content::Options::default(),
        )
        .unwrap();
        let id = uuid::Uuid::new_v4().to_string();
        world
            .store
            .add(
                ingest::prepare(world.store.as_ref(), &world.directory, &scope, envelope, id, at(0)).unwrap(),
            )
            .unwrap();
        assert_eq!(world.page("cert-b/siem", None, 1, "").rows[0].json, text.as_bytes());
        let records = Query {
            after: None,
            limit: 1,
            bytes_max: 1,
            matches: Match::default(),
            content: Content::Records,
        };
        assert_eq!(world.ask("cert-b/siem", records).rows[0].json, b"");
    });
}

#[test]
fn the_same_version_again_is_a_success_and_stores_nothing() {
    on_every_backend(|world| {
        world.add(&[amber(1)], at(0));
        let watermark = world.store.watermark(INDICATORS);
        let again = world.add(&[amber(1), amber(1)], at(5_000_000));
        assert_eq!((again.success_count, again.failure_count), (2, 0));
        assert!(again.successes.iter().all(|one| one.message.as_deref().unwrap().contains("already there")));
        assert_eq!(
            (world.names("cert-a/feed", ALL).len(), world.store.watermark(INDICATORS)),
            (1, watermark)
        );
        let both = world.add(&[amber(2), amber(2)], at(5_000_000));
        assert_eq!((both.success_count, world.names("cert-a/feed", ALL).len()), (2, 2));
    });
}

#[test]
fn other_content_under_the_same_version_is_a_conflict() {
    on_every_backend(|world| {
        let mut other = amber(1);
        other["name"] = json!("other");
        world.add(&[amber(1)], at(0));
        let status = world.add(std::slice::from_ref(&other), at(0));
        assert!(status.failures[0].message.as_deref().unwrap().contains("conflict"));
        let status = world.add(
            &[amber(2), {
                other["id"] = json!(id("indicator", 2));
                other
            }],
            at(0),
        );
        assert_eq!((status.success_count, status.failure_count), (1, 1), "also within one batch");
        assert_eq!(world.page("cert-a/feed", None, 9, "").rows.len(), 2);
    });
}

#[test]
fn another_organisation_adds_no_versions() {
    on_every_backend(|world| {
        world.add(&[amber(1)], at(0));
        let status = world.add_as("cert-b/feed", INDICATORS, &[indicator(1, 5, Tlp::Amber)], at(0)).unwrap();
        assert!(status.failures[0].message.as_deref().unwrap().contains("not the owner"));
        let status = world.add_as("cert-b/feed", MALWARE, &[indicator(1, 5, Tlp::Amber)], at(0)).unwrap();
        assert_eq!(status.success_count, 1, "another collection is another matter");
        assert_eq!(world.names("cert-b/siem", ALL).len(), 1);
    });
}

#[test]
fn what_another_organisation_published_and_is_posted_again_is_a_success() {
    on_every_backend(|world| {
        let versions = [0, 1, 2].map(|k| indicator(1, k, Tlp::Amber));
        world.add(&versions, at(0));
        let status = world.add_as("cert-b/feed", INDICATORS, &versions, at(0)).unwrap();
        assert_eq!(
            (status.success_count, status.failure_count),
            (3, 0),
            "in whatever order they are looked at"
        );
        let red = world.add_as("cert-b/feed", INDICATORS, &[indicator(1, 1, Tlp::Red)], at(0)).unwrap();
        assert!(red.failures[0].message.as_deref().unwrap().contains("conflict"));
    });
}

#[test]
fn last_and_first_are_among_the_versions_that_the_scope_sees() {
    on_every_backend(|world| {
        let levels = [Tlp::Red, Tlp::Amber, Tlp::Green, Tlp::Amber, Tlp::Red];
        // In several orders of arrival, each with ids of its own.
        for (n, order) in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]].into_iter().enumerate() {
            for k in order {
                world.add(&[indicator(n as u32, k, levels[k as usize])], at(0));
            }
            let of = |client, words| {
                let mut names = world.names(
                    client,
                    &format!("match[id]={}&match[version]={words}", id("indicator", n as u32)),
                );
                names.sort();
                names
            };
            let want = |ks: &[u32]| {
                all_names(&ks.iter().map(|k| indicator(n as u32, *k, Tlp::Red)).collect::<Vec<_>>())
            };
            for (client, first, last, all) in [
                ("cert-a/feed", 0, 4, vec![0, 1, 2, 3, 4]),
                ("cert-b/feed", 1, 3, vec![1, 2, 3]),
                ("cert-a/guest", 2, 2, vec![2]),
            ] {
                assert_eq!(of(client, "last"), want(&[last]), "{client}");
                assert_eq!(of(client, "first"), want(&[first]), "{client}");
                assert_eq!(of(client, "all"), want(&all), "{client}");
            }
            assert_eq!(of("cert-b/feed", &version(4)), want(&[]), "an exact time opens nothing");
        }
    });
}

#[test]
fn exact_times_compare_by_their_full_value() {
    on_every_backend(|world| {
        let times = [
            "2026-02-01T00:00:00.000Z",
            "2026-02-01T00:00:00.1234561Z",
            "2026-02-01T00:00:00.1234569Z",
            "2026-02-01T00:00:00.123456Z",
        ];
        let objects: Vec<Value> = times
            .iter()
            .map(|time| {
                let mut object = amber(1);
                object["modified"] = json!(time);
                object
            })
            .collect();
        world.add(&objects, at(0));
        for (time, object) in times.iter().zip(&objects) {
            let found = world.names("cert-b/siem", &format!("match[version]={time}"));
            assert_eq!(found, all_names(std::slice::from_ref(object)));
        }
        assert_eq!(world.names("cert-b/siem", "match[version]=2026-02-01T00:00:00.000000Z,last").len(), 2);
        assert_eq!(world.names("cert-b/siem", "match[version]=2026-02-01T00:00:00.12345690Z").len(), 1);
        assert_eq!(world.names("cert-b/siem", ""), all_names(&objects[2..3]));
        assert!(StixTime::parse(times[2]) > StixTime::parse(times[3]));
    });
}

#[test]
fn custom_types_are_told_apart_from_each_other_and_from_the_standard() {
    on_every_backend(|world| {
        let custom = |kind: &str| {
            let mut object = amber(1);
            (object["type"], object["id"]) = (json!(kind), json!(id(kind, 1)));
            object
        };
        let objects = [custom("x-a"), custom("x-ab"), amber(1), custom("x-b")];
        world.add(&objects, at(0));
        assert_eq!(world.names("cert-a/feed", "match[type]=x-a"), all_names(&objects[..1]));
        assert_eq!(world.names("cert-a/feed", "match[type]=x-ab,indicator"), all_names(&objects[1..3]));
        assert_eq!(world.names("cert-a/feed", "match[type]=indicator"), all_names(&objects[2..3]));
        assert_eq!(world.names("cert-a/feed", "match[type]=x"), [""; 0]);
    });
}

#[test]
fn a_deleted_object_added_again_gets_a_later_date() {
    on_every_backend(|world| {
        world.add(&[amber(1), amber(2)], at(0));
        let before = world.walk("cert-a/feed", 9, "");
        assert_eq!(world.delete("cert-a/feed", &id("indicator", 1), "all", at(1)), Deleted::Versions(1));
        assert_eq!(world.delete("cert-a/feed", &id("indicator", 1), "all", at(1)), Deleted::Nothing);
        assert!(!world.knows("cert-a/feed", &id("indicator", 1)));
        assert_eq!(world.add(&[amber(1)], at(-50)).successes[0].message, None);
        let after = world.walk("cert-a/feed", 9, "");
        assert_eq!(after[0], before[1]);
        assert_eq!(after[1].0, before[0].0);
        assert!(after[1].1 > before[1].1);
    });
}

#[test]
fn deleting_takes_what_the_scope_sees_and_owns_and_no_more() {
    on_every_backend(|world| {
        world.add(&[indicator(1, 0, Tlp::Amber), indicator(1, 1, Tlp::Red)], at(0));
        world.add(&[indicator(2, 0, Tlp::Red)], at(0));
        let one = id("indicator", 1);
        assert_eq!(world.delete("cert-b/feed", &one, "all", at(0)), Deleted::NotOwner);
        assert_eq!(world.delete("cert-b/feed", &id("indicator", 2), "all", at(0)), Deleted::Nothing);
        assert_eq!(world.delete("cert-a/feed", &one, &version(7), at(0)), Deleted::Nothing);
        assert_eq!(world.names("cert-a/feed", ALL).len(), 3);
        assert_eq!(world.delete("cert-a/feed", &one, "last", at(0)), Deleted::Versions(1));
        assert_eq!(
            world.names("cert-a/feed", ""),
            all_names(&[indicator(1, 0, Tlp::Amber), indicator(2, 0, Tlp::Red)])
        );
        world.reopen(at(1));
        assert_eq!(world.names("cert-a/feed", ALL).len(), 2);
    });
}

#[test]
fn the_watermark_survives_deletion_and_restart() {
    on_every_backend(|world| {
        world.add(&ambers(0..3), at(0));
        let watermark = world.store.watermark(INDICATORS).unwrap();
        for n in 0..3 {
            world.delete("cert-a/feed", &id("indicator", n), "all", at(0));
        }
        world.reopen(at(0));
        assert_eq!(world.store.watermark(INDICATORS), Some(watermark));
        world.add(&[amber(7)], at(-9_000));
        assert!(world.walk("cert-a/feed", 1, "")[0].1 > watermark);
        assert_eq!(world.store.watermark(INBOX), None);
    });
}

#[test]
fn a_second_server_on_the_same_store_is_refused() {
    on_every_backend(|world| {
        let error = world.place.open(at(0), world.cache.clone()).err().expect("refused");
        assert!(error.to_string().contains("another liaison process"), "{error}");
    });
}

#[test]
fn a_watermark_far_ahead_of_the_clock_is_refused() {
    on_every_backend(|world| {
        world.add(&[amber(1)], at(0));
        world.store = BACKENDS[0]().open(at(0), world.cache.clone()).unwrap();
        let error = world.place.open(at(-90_000_000_000), world.cache.clone()).err().expect("refused");
        assert!(error.to_string().contains("24 hours ahead"), "{error}");
        assert!(world.place.open(at(-80_000_000_000), world.cache.clone()).is_ok());
    });
}

#[test]
fn damaged_rows_are_withheld_and_hide_nothing_else() {
    on_every_backend(|world| {
        world.add(&ambers(0..12), at(0));
        let bad = [0, 1, 2, 5, 6, 11];
        bad.iter().for_each(|n| world.place.damage(&id("indicator", *n)));
        let want: Vec<String> = (0..12).filter(|n| !bad.contains(n)).map(|n| name(&amber(n))).collect();
        for limit in 1..14 {
            let rows = world.walk("cert-a/feed", limit, "");
            assert_eq!(rows.into_iter().map(|row| row.0).collect::<Vec<_>>(), want, "{limit}");
        }
    });
}

#[test]
fn pages_are_bounded_in_bytes() {
    on_every_backend(|world| {
        world.add(&ambers(0..10), at(0));
        let one = world.page("cert-a/feed", None, 1, "").rows[0].json.len() + 1;
        for (bytes_max, rows) in
            [(0, 1), (one - 1, 1), (one, 1), (2 * one, 2), (2 * one + 5, 2), (100 * one, 10)]
        {
            let query = Query {
                after: None,
                limit: 100,
                bytes_max,
                matches: Match::default(),
                content: Content::Objects,
            };
            let page = world.ask("cert-a/feed", query);
            assert_eq!((page.rows.len(), page.following.is_some()), (rows, rows < 10), "{bytes_max}");
        }
    });
}

/// More rows than below which scanning is always chosen; one in a hundred for everybody.
#[test]
fn a_scope_that_sees_almost_nothing_gets_the_pages_that_scanning_would_give() {
    on_every_backend(|world| {
        let objects: Vec<Value> = (0..6_000)
            .map(|n| indicator(n, 0, if n % 100 == 37 || n > 5_997 { Tlp::Amber } else { Tlp::Red }))
            .collect();
        objects.chunks(2_000).for_each(|chunk| assert_eq!(world.add(chunk, at(0)).failure_count, 0));
        world.add(&[indicator(37, 5, Tlp::Amber), indicator(137, 5, Tlp::Red)], at(0));
        let mut want: Vec<String> =
            (0..6_000).filter(|n| n % 100 == 37 || *n > 5_997).map(|n| name(&amber(n))).collect();
        let newest = name(&indicator(37, 5, Tlp::Amber));
        let old = want.remove(0);
        want.push(newest.clone());
        for limit in [1, 7, 61, 62, 63, 1000] {
            let rows = world.walk("cert-b/siem", limit, "");
            assert_eq!(rows.into_iter().map(|row| row.0).collect::<Vec<_>>(), want, "{limit}");
        }
        // Asked with an exact time as well, the same rows are found by scanning.
        let scanned =
            format!("match[version]=last,{}", StixTime::parse("2019-01-01T00:00:00Z").unwrap().as_str());
        assert_eq!(
            world.walk("cert-b/siem", 9, &scanned),
            world.walk("cert-b/siem", 9, "match[version]=last")
        );
        assert_eq!(world.names("cert-b/siem", "match[version]=first").first(), Some(&old));
        assert_eq!(world.walk("cert-a/feed", 1000, "").len(), 6_000);
    });
}

/// The index by id waits in memory up to 65,536 entries and is then merged into the table, two
/// entries for each row that is added.
#[test]
fn objects_are_found_by_id_before_during_and_after_the_merge_of_the_index() {
    on_every_backend(|world| {
        let total = 66_000_u32;
        let seen = |world: &World, numbers: &[u32]| {
            for n in numbers {
                assert!(world.knows("cert-b/siem", &id("indicator", *n)), "{n}");
                let found = world.names("cert-b/siem", &format!("match[id]={}", id("indicator", *n)));
                assert_eq!(found, [name(&amber(*n))]);
            }
        };
        for from in (0..total).step_by(6_000) {
            world.add(&ambers(from..from + 6_000), at(0));
            seen(world, &[0, from, from + 5_999, from / 2]);
        }
        let samples: Vec<u32> = (0..total - 10).step_by(3_001).chain([65_535, 65_536, total - 11]).collect();
        world.reopen(at(0));
        seen(world, &samples);
        // The merge begins, and comes to its end.
        let versions = |n| (0..100).map(move |k| indicator(n, k, Tlp::Amber));
        let many = total..total + 360;
        for part in 0..4 {
            let objects: Vec<Value> = many.clone().skip(part * 90).take(90).flat_map(versions).collect();
            world.add(&objects, at(0));
            seen(world, &samples);
        }
        world.reopen(at(0));
        seen(world, &samples);
        let again = world.add(&samples.iter().map(|n| amber(*n)).collect::<Vec<_>>(), at(0));
        assert!(again.successes.iter().all(|one| one.message.is_some()), "known, so nothing is stored twice");
        // What is stored after the newest rows have gone must be found as well.
        for n in total - 5..many.end {
            assert!(matches!(
                world.delete("cert-a/feed", &id("indicator", n), "all", at(0)),
                Deleted::Versions(_)
            ));
        }
        world.add(&ambers(500_000..500_003), at(0));
        world.reopen(at(0));
        seen(world, &[500_000, 500_001, 500_002]);
        seen(world, &samples);
        let again = world.add(&ambers(500_000..500_003), at(0));
        assert!(again.successes.iter().all(|one| one.message.is_some()), "known, so nothing is stored twice");
    });
}

fn feed(world: &World, store: Arc<dyn Store>) -> Feed {
    let limits = PageLimits { objects: 100, bytes: 1 << 20 };
    let (secret, epoch) = world.store.cursor_secret().unwrap();
    Feed::new(Handle::new(store, 4), world.cache.clone(), CursorKey::new(&secret, epoch), limits)
}

fn fed(world: &World, feed: &Feed, client: &str, query: &str) -> Arc<CachedPage> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let filter = Filter::parse(query).unwrap();
    runtime.block_on(feed.page(&world.scope(client), filter, Kind::Manifest)).unwrap()
}

#[test]
fn pages_kept_in_memory_are_dropped_when_a_row_on_them_changes() {
    on_every_backend(|world| {
        let feed = feed(world, world.store.clone());
        let ask = |query: &str| {
            let page = fed(world, &feed, "cert-b/siem", query);
            let json: Value = serde_json::from_slice(&page.body).unwrap();
            json["objects"].as_array().into_iter().flatten().map(name).collect::<Vec<_>>()
        };
        let queries = ["", "limit=2", "limit=3", ALL, "match[version]=first", "match[version]=first&limit=1"];
        let same = |place: &str| {
            for query in queries {
                let limit = Filter::parse(query).unwrap().limit.unwrap_or(100);
                let mut want = world.names("cert-b/siem", query);
                want.truncate(limit as usize);
                assert_eq!(ask(query), want, "{place}: {query}");
                assert_eq!(ask(query), want, "{place}: {query}, again");
            }
        };
        world.add(&ambers(0..4), at(0));
        same("new");
        world.add(&[indicator(0, 3, Tlp::Amber)], at(0));
        same("a newer version");
        world.add(&[indicator(1, 0, Tlp::Amber), indicator(0, 1, Tlp::Red)], at(0));
        same("an older version, hidden");
        world.delete("cert-a/feed", &id("indicator", 2), "all", at(0));
        same("a delete");
        world.delete("cert-a/feed", &id("indicator", 0), "last", at(0));
        same("a delete that brings back an older version");
    });
}

/// A store in which something happens just before the first page is read.
struct Meddling<'a> {
    store: Arc<dyn Store>,
    meddle: parking_lot::Mutex<Option<Box<dyn FnOnce() + Send + 'a>>>,
}

impl Store for Meddling<'static> {
    fn page(&self, scope: &ReadScope, query: &Query) -> Result<Page, Error> {
        if let Some(meddle) = self.meddle.lock().take() {
            meddle();
        }
        self.store.page(scope, query)
    }
    fn add(&self, batch: liaison::store::Batch) -> Result<Status, Error> {
        self.store.add(batch)
    }
    fn try_out(&self, batch: liaison::store::Batch) -> Result<Vec<liaison::store::Tried>, Error> {
        self.store.try_out(batch)
    }
    fn submissions(
        &self,
        scope: &policy::SubmissionScope,
        after: i64,
        limit: usize,
    ) -> Result<liaison::store::Submissions, Error> {
        self.store.submissions(scope, after, limit)
    }
    fn submission(
        &self,
        scope: &policy::SubmissionScope,
        id: &str,
    ) -> Result<Option<policy::Submission>, Error> {
        self.store.submission(scope, id)
    }
    fn decide(
        &self,
        decisions: Vec<liaison::store::Decision>,
        now: Timestamp,
    ) -> Result<Vec<liaison::store::Outcome>, Error> {
        self.store.decide(decisions, now)
    }
    fn atoms(
        &self,
        scope: &ReadScope,
        query: &AtomQuery,
        visit: &mut dyn FnMut(Named),
    ) -> Result<u64, Error> {
        self.store.atoms(scope, query, visit)
    }
    fn kinds(&self) -> Result<liaison::stix::atom::Kinds, Error> {
        self.store.kinds()
    }
    fn named(
        &self,
        scopes: &[ReadScope],
        wanted: &[Wanted],
        most: usize,
        visit: &mut dyn FnMut(usize, usize, Named),
    ) -> Result<(), Error> {
        self.store.named(scopes, wanted, most, visit)
    }

    fn said(
        &self,
        scopes: &[ReadScope],
        objects: &[(usize, &str)],
        most: usize,
        visit: &mut dyn FnMut(usize, &Handling, &[u8]),
    ) -> Result<(), Error> {
        self.store.said(scopes, objects, most, visit)
    }
    fn confirmed(&self) -> Result<HashSet<(String, String, u64)>, Error> {
        self.store.confirmed()
    }
    fn marked(&self, job: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.marked(job)
    }
    fn mark(&self, mark: liaison::store::Mark) -> Result<(), Error> {
        self.store.mark(mark)
    }
    fn knows(&self, scope: &ReadScope, id: &str) -> Result<bool, Error> {
        self.store.knows(scope, id)
    }
    fn delete(
        &self,
        scope: &policy::EraseScope,
        id: &str,
        versions: &liaison::taxii::Versions,
        now: Timestamp,
    ) -> Result<Deleted, Error> {
        self.store.delete(scope, id, versions, now)
    }
    fn sweep(&self, now: Timestamp) -> Result<liaison::store::erasure::Swept, Error> {
        self.store.sweep(now)
    }
    fn ended(&self, collections: &[&str], now: Timestamp) -> Result<liaison::store::Endings, Error> {
        self.store.ended(collections, now)
    }
    fn revoke(&self, revocations: Vec<liaison::store::Revocation>, now: Timestamp) -> Result<u64, Error> {
        self.store.revoke(revocations, now)
    }
    fn wipe(&self) -> Result<(), Error> {
        self.store.wipe()
    }
    fn step(&self, now: Timestamp) -> Result<liaison::store::erasure::Step, Error> {
        self.store.step(now)
    }
    fn status(&self, client: &str, api_root: &str, id: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.status(client, api_root, id)
    }
    fn watermark(&self, collection: &str) -> Option<Timestamp> {
        self.store.watermark(collection)
    }
    fn audit(&self) -> &dyn liaison::store::AuditLog {
        self.store.audit()
    }
    fn markings(&self, collection: &str) -> Arc<Markings> {
        self.store.markings(collection)
    }

    fn latest(&self, collection: &str, id: &str) -> Result<Option<(StixTime, Handling)>, Error> {
        self.store.latest(collection, id)
    }

    fn visibility(&self, scope: &ReadScope) -> Arc<[u64]> {
        self.store.visibility(scope)
    }
    fn registry(&self, known: Option<u64>) -> Result<Option<(u64, String)>, Error> {
        self.store.registry(known)
    }
    fn cursor_secret(&self) -> Result<([u8; 32], [u8; 8]), Error> {
        self.store.cursor_secret()
    }
    fn is_writable(&self) -> bool {
        self.store.is_writable()
    }
    fn arrivals(&self) -> BTreeMap<Arc<str>, Delays> {
        self.store.arrivals()
    }
    fn freshness(&self) -> Result<Kept, Error> {
        self.store.freshness()
    }
    fn keep_freshness(&self, kept: Kept) -> Result<(), Error> {
        self.store.keep_freshness(kept)
    }
    fn counts(&self) -> Vec<(String, u64, Timestamp)> {
        self.store.counts()
    }
}

#[test]
fn a_page_with_a_handling_newer_than_its_key_is_not_kept_for_others() {
    on_every_backend(|world| {
        world.add(&[amber(1), amber(2)], at(0));
        // While the owner's page is under way, the first RED objects come in.
        let scope = policy::write_scope(&world.grant("cert-a/feed", INDICATORS), at(0)).unwrap();
        let red = json!({"objects": [indicator(8, 0, Tlp::Red), indicator(9, 0, Tlp::Red)]});
        let envelope =
            Envelope::parse(red.to_string().into_bytes(), liaison::stix::content::Options::default())
                .unwrap();
        let batch = ingest::prepare(
            world.store.as_ref(),
            &world.directory,
            &scope,
            envelope,
            uuid::Uuid::new_v4().to_string(),
            at(0),
        )
        .unwrap();
        let store = world.store.clone();
        let meddle: Box<dyn FnOnce() + Send> = Box::new(move || drop(store.add(batch).unwrap()));
        let meddling = Meddling { store: world.store.clone(), meddle: parking_lot::Mutex::new(Some(meddle)) };
        let feed = feed(world, Arc::new(meddling));
        let owners = fed(world, &feed, "cert-a/feed", "limit=3");
        assert!(String::from_utf8_lossy(&owners.body).contains(&id("indicator", 8)));
        let others = fed(world, &feed, "cert-b/siem", "limit=3");
        assert!(
            !String::from_utf8_lossy(&others.body).contains(&id("indicator", 8)),
            "a RED object left its owner"
        );
    });
}

#[test]
fn no_page_gives_objects_above_the_scope() {
    let levels = prop::sample::select(Tlp::ALL.to_vec());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(objects in prop::collection::vec((0_u32..6, 0_u32..4, levels), 1..25), limit in 1_u32..9)| {
        let world = World::new(BACKENDS[0]());
        for (n, k, tlp) in &objects {
            world.add(&[indicator(*n, *k, *tlp)], at(0));
        }
        for (client, ceiling) in [("cert-a/guest", Tlp::Green), ("cert-b/siem", Tlp::AmberStrict)] {
            let allowed: HashSet<String> = objects.iter().filter(|one| one.2 <= ceiling).map(|(n, k, _)| name(&indicator(*n, *k, Tlp::Red))).collect();
            for query in ["", ALL, "match[version]=first", "match[type]=indicator"] {
                for (name, _) in world.walk(client, limit, query) {
                    prop_assert!(allowed.contains(&name), "{client} {query}: {name}");
                }
            }
        }
    });
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path: &Path = &dir.path().join("liaison.db");
    std::fs::write(path, "no database at all, but somebody's text".repeat(500)).unwrap();
    let before = std::fs::read(path).unwrap();
    let cache = Arc::new(PageCache::new(1));
    let options =
        sqlite::Options { path: path.to_owned(), readers: 1, accept_future_watermark: false, cache };
    assert!(matches!(Sqlite::open(options, at(0)), Err(Error::Damaged(_))));
    assert_eq!(std::fs::read(path).unwrap(), before);
}
