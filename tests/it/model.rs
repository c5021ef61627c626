//! A model test: whatever two organisations publish and delete, every client sees what a list in
//! memory says it should, by every endpoint, page size and way of paging.

use crate::app::{Client, INDICATORS, REGISTRY, TestApp, UNVERSIONED, collection, names, with};
use crate::sample::{address, id, indicator, malware, version};
use liaison::stix::Tlp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is published: kind and number of the object, version, level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    n: u32,
    k: u32,
    tlp: Tlp,
}

#[derive(Debug, Clone)]
enum Step {
    Publish { organisation: usize, items: Vec<Item> },
    Delete { organisation: usize, n: u32, words: Words },
    Look { client: usize, query: Ask },
}

/// The versions that a filter names.
#[derive(Debug, Clone, Default)]
struct Words {
    first: bool,
    last: bool,
    all: bool,
    exact: Option<u32>,
}

#[derive(Debug, Clone)]
struct Ask {
    words: Words,
    kind: Option<usize>,
    numbers: Option<Vec<u32>>,
    limit: usize,
    by_next: bool,
    manifest: bool,
}

const KINDS: [&str; 3] = ["indicator", "malware", "ipv4-addr"];
const FEEDS: [&str; 2] = ["cert-a/feed", "cert-b/feed"];
/// Name, organisation, ceiling.
const READERS: [(&str, usize, Tlp); 4] = [
    ("cert-a/siem", 0, Tlp::Red),
    ("cert-b/siem", 1, Tlp::Red),
    ("cert-a/guest", 0, Tlp::Green),
    ("cert-b/feed", 1, Tlp::Red),
];

impl Item {
    fn kind(self) -> usize {
        match self.n {
            0..4 => 0,
            4..6 => 1,
            _ => 2,
        }
    }

    fn json(self) -> Value {
        let mut object = match self.kind() {
            0 => indicator(self.n, self.k, self.tlp),
            1 => malware(self.n, self.k),
            _ => address(self.n),
        };
        object["object_marking_refs"] = json!([self.tlp.marking_id()]);
        object
    }

    /// Which version it is; observables have one only.
    fn version(self) -> u32 {
        if self.kind() == 2 { 0 } else { self.k }
    }

    fn id(self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    fn name(self) -> String {
        crate::app::name(&self.json())
    }
}

fn id_of(n: u32) -> String {
    Item { n, k: 0, tlp: Tlp::Clear }.id()
}

/// What the store should hold, in the order in which it came.
#[derive(Default)]
struct Model {
    rows: Vec<(Item, usize)>,
}

impl Model {
    /// True if the object is a success.
    fn publish(&mut self, item: Item, organisation: usize) -> bool {
        let family: Vec<_> = self.rows.iter().filter(|(row, _)| row.n == item.n).collect();
        let known: Vec<_> = family
            .iter()
            .filter(|(row, owner)| {
                row.version() == item.version() && (row.tlp < Tlp::Red || *owner == organisation)
            })
            .collect();
        if !known.is_empty() {
            return known.iter().any(|(row, _)| row.tlp == item.tlp);
        }
        if item.kind() != 2 && family.iter().any(|(_, owner)| *owner != organisation) {
            return false;
        }
        self.rows.push((item, organisation));
        true
    }

    /// Of several rows of one version, a client sees the first that it may see.
    fn is_twin(&self, at: usize, sees: impl Fn(&(Item, usize)) -> bool) -> bool {
        let (row, _) = &self.rows[at];
        let mut before = self.rows[..at].iter();
        before.any(|one| one.0.n == row.n && one.0.version() == row.version() && sees(one))
    }

    fn visible(&self, organisation: usize, ceiling: Tlp) -> Vec<(Item, usize)> {
        let sees = |(row, owner): &(Item, usize)| {
            row.tlp <= ceiling && (row.tlp < Tlp::Red || *owner == organisation)
        };
        let visible = (0..self.rows.len()).filter(|at| sees(&self.rows[*at]) && !self.is_twin(*at, sees));
        visible.map(|at| self.rows[at]).collect()
    }

    fn delete(&mut self, n: u32, words: &Words, organisation: usize) -> u16 {
        let sees = |(row, owner): &&(Item, usize)| row.tlp < Tlp::Red || *owner == organisation;
        let seen: Vec<_> = self.rows.iter().filter(sees).copied().collect();
        let goes: Vec<_> =
            seen.iter().filter(|(row, _)| row.n == n && words.take(*row, &seen)).copied().collect();
        // What others have beside one's own stays.
        let own: Vec<_> =
            goes.iter().filter(|one| one.1 == organisation).map(|one| one.0.version()).collect();
        let is_twin = |one: &&(Item, usize)| one.1 != organisation && own.contains(&one.0.version());
        let goes: Vec<_> = goes.iter().filter(|one| !is_twin(one)).copied().collect();
        match &goes[..] {
            [] => 404,
            goes if goes.iter().any(|(_, owner)| *owner != organisation) => 403,
            goes => {
                self.rows.retain(|row| !goes.contains(row));
                200
            }
        }
    }

    fn look(&self, ask: &Ask, organisation: usize, ceiling: Tlp) -> Vec<String> {
        let seen = self.visible(organisation, ceiling);
        let wanted = |row: Item| {
            ask.kind.is_none_or(|kind| row.kind() == kind)
                && ask.numbers.as_ref().is_none_or(|numbers| numbers.contains(&row.n))
                && ask.words.take(row, &seen)
        };
        seen.iter().filter(|(row, _)| wanted(*row)).map(|(row, _)| row.name()).collect()
    }
}

impl Words {
    fn take(&self, row: Item, seen: &[(Item, usize)]) -> bool {
        let versions = || seen.iter().filter(|(other, _)| other.n == row.n).map(|(other, _)| other.version());
        let nothing_said = !self.first && !self.last && !self.all && self.exact.is_none();
        let exact = self.exact.is_some_and(|k| row.kind() != 2 && row.k == k);
        self.all
            || exact
            || (self.last || nothing_said) && versions().max() == Some(row.version())
            || self.first && versions().min() == Some(row.version())
    }

    fn query(&self) -> Option<String> {
        let mut words: Vec<String> = Vec::new();
        for (said, word) in [(self.first, "first"), (self.last, "last"), (self.all, "all")] {
            if said {
                words.push(word.to_owned());
            }
        }
        words.extend(self.exact.map(version));
        (!words.is_empty()).then(|| format!("match[version]={}", words.join(",")))
    }
}

impl Ask {
    fn path(&self, base: &str) -> String {
        let end = if self.manifest { "manifest" } else { "objects" };
        let mut path = format!("{base}{end}/?limit={}", self.limit);
        if let Some(words) = self.words.query() {
            path = with(&path, &words);
        }
        if let Some(kind) = self.kind {
            path = with(&path, &format!("match[type]={}", KINDS[kind]));
        }
        if let Some(numbers) = &self.numbers {
            let ids: Vec<String> = numbers.iter().map(|n| id_of(*n)).collect();
            path = with(&path, &format!("match[id]={}", ids.join(",")));
        }
        path
    }
}

fn words() -> impl Strategy<Value = Words> {
    let said = (any::<bool>(), any::<bool>(), prop::option::weighted(0.3, 0_u32..5));
    let some = said.prop_map(|(first, last, exact)| Words { first, last, all: false, exact });
    prop_oneof![2 => Just(Words::default()), 2 => Just(Words { all: true, ..Words::default() }), 4 => some]
}

fn step() -> impl Strategy<Value = Step> {
    let item = (0_u32..8, 0_u32..5, prop::sample::select(vec![Tlp::Green, Tlp::Amber, Tlp::Red]))
        .prop_map(|(n, k, tlp)| Item { n, k, tlp });
    let publish = (0_usize..2, prop::collection::vec(item, 1..7))
        .prop_map(|(organisation, items)| Step::Publish { organisation, items });
    let delete = (0_usize..2, 0_u32..8, words()).prop_map(|(organisation, n, words)| Step::Delete {
        organisation,
        n,
        words,
    });
    let ask = (
        words(),
        prop::option::weighted(0.3, 0_usize..3),
        prop::option::weighted(0.3, prop::collection::vec(0_u32..8, 1..4)),
        1_usize..7,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(words, kind, numbers, limit, by_next, manifest)| Ask {
            words,
            kind,
            numbers,
            limit,
            by_next,
            manifest,
        });
    let look = (0_usize..READERS.len(), ask).prop_map(|(client, query)| Step::Look { client, query });
    prop_oneof![4 => publish, 1 => delete, 5 => look]
}

/// Many collections, so that each case has one of its own.
struct World {
    app: TestApp,
    used: u32,
}

impl World {
    fn new() -> Self {
        let start = REGISTRY.find("  [[agreement.collection]]\n  id = \"7b2e1c63").unwrap();
        let (head, _) = REGISTRY.split_at(start);
        let more = (0..Self::COLLECTIONS).map(|n| {
            format!("  [[agreement.collection]]\n  id = \"{}\"\n  title = \"t\"\n  api_root = \"exchange\"\n  unmarked = \"reject\"\n  downgrade = \"owner\"\n", Self::id(n))
        });
        Self { app: TestApp::with(&(head.to_owned() + &more.collect::<String>())).start(), used: 0 }
    }

    fn id(n: u32) -> String {
        format!("{n:08x}{}", &INDICATORS[8..])
    }

    fn fresh(&mut self) -> String {
        if self.used == Self::COLLECTIONS {
            *self = Self::new();
        }
        self.used += 1;
        Self::id(self.used - 1)
    }

    const COLLECTIONS: u32 = 200;
}

fn run(client: &Client, path: &str, by_next: bool) -> Vec<String> {
    names(&if by_next { client.walk(path) } else { client.walk_by_date(path) })
}

/// What one client sees of one object by its own paths.
fn check_object(app: &TestApp, base: &str, n: u32, model: &Model) -> Result<(), TestCaseError> {
    for (name, organisation, ceiling) in READERS {
        let seen: Vec<_> =
            model.visible(organisation, ceiling).into_iter().filter(|(row, _)| row.n == n).collect();
        let path = format!("{base}objects/{}/", id_of(n));
        let (object, versions) =
            (app.client(name).get(&path), app.client(name).get(&format!("{path}versions/")));
        if seen.is_empty() {
            prop_assert_eq!((object.status, versions.status), (404, 404), "{} {}", name, n);
            continue;
        }
        let ask = Ask {
            words: Words::default(),
            kind: None,
            numbers: Some(vec![n]),
            limit: 1,
            by_next: true,
            manifest: false,
        };
        prop_assert_eq!(object.names(), model.look(&ask, organisation, ceiling), "{} {}", name, n);
        let want: Vec<String> = seen
            .iter()
            .map(|(row, _)| if row.kind() == 2 { UNVERSIONED.to_owned() } else { version(row.k) })
            .collect();
        prop_assert_eq!(versions.versions(), want, "{} {}", name, n);
    }
    Ok(())
}

#[test]
fn what_clients_see_is_what_a_naive_model_says() {
    let world = std::cell::RefCell::new(World::new());
    let config = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..30))| {
        let mut world = world.borrow_mut();
        let place = world.fresh();
        let base = collection(&place);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Publish { organisation, items } => {
                    let objects: Vec<Value> = items.iter().map(|item| item.json()).collect();
                    let status = world.app.client(FEEDS[organisation]).offer(&place, &objects);
                    let good = items.into_iter().filter(|item| model.publish(*item, organisation)).count();
                    prop_assert_eq!(&status["success_count"], &json!(good), "{}", status);
                }
                Step::Delete { organisation, n, mut words } => {
                    // Without words a DELETE means all versions.
                    let query = words.query().map_or(String::new(), |query| format!("?{query}"));
                    words.all |= query.is_empty();
                    let path = format!("{base}objects/{}/{query}", id_of(n));
                    let status = world.app.client(FEEDS[organisation]).delete(&path).status;
                    prop_assert_eq!(status, model.delete(n, &words, organisation), "{}", path);
                    check_object(&world.app, &base, n, &model)?;
                }
                Step::Look { client, query } => {
                    let (name, organisation, ceiling) = READERS[client];
                    let path = query.path(&base);
                    let found = run(&world.app.client(name), &path, query.by_next);
                    prop_assert_eq!(found, model.look(&query, organisation, ceiling), "{} {}", name, path);
                }
            }
        }
        let whole = Ask { words: Words { all: true, ..Words::default() }, kind: None, numbers: None, limit: 5, by_next: true, manifest: true };
        for (name, organisation, ceiling) in READERS {
            let found = run(&world.app.client(name), &whole.path(&base), true);
            prop_assert_eq!(found, model.look(&whole, organisation, ceiling), "{}", name);
        }
    });
}

#[test]
fn the_numbers_of_the_model_are_different_objects() {
    let ids: std::collections::HashSet<String> = (0..8).map(id_of).collect();
    assert_eq!(ids.len(), 8);
    assert_eq!(id_of(1), id("indicator", 1));
}
