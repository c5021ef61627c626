//! A publisher: sends objects, versions and deletions, retries what got no answer, and keeps
//! books on what it may rely on.

use crate::dice::Dice;
use crate::hub::{LEVELS, Member};
use crate::wire::{Client, Outcome};
use serde_json::Value;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// One version of an object, as its publisher knows it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) org: &'static str,
    /// Position in [`LEVELS`].
    pub(crate) level: usize,
    /// Of the text, byte for byte.
    pub(crate) hash: u64,
    /// Named as a success by a status.
    pub(crate) acknowledged: bool,
    pub(crate) deleted: bool,
    /// A request that nobody heard the end of may still be under way with it, and would bring it
    /// back if it were deleted before that arrives.
    in_doubt: bool,
}

/// What a publisher has done.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) sent: Vec<Sent>,
    /// Statuses as returned, with the client's name.
    pub(crate) receipts: Vec<(String, Value)>,
    pub(crate) lost_answers: usize,
    pub(crate) refused_for_now: usize,
    pub(crate) deletions: usize,
}

/// What becomes of an object: its versions and where they are in the book.
struct Thing {
    id: String,
    observable: bool,
    slots: HashSet<u64>,
    newest: u64,
    at: Vec<usize>,
}

pub(crate) struct Publisher {
    pub(crate) member: Member,
    client: Client,
    dice: Dice,
    things: Vec<Thing>,
    pub(crate) book: Book,
    /// Told at each answer, so that the server can be killed just then.
    pub(crate) answered: Arc<Notify>,
    /// How long to rest between requests, at most.
    pub(crate) rest: Duration,
    /// Objects to a request, at most.
    pub(crate) batch_max: u64,
    /// Wait for the server for so long.
    pub(crate) patience: Duration,
}

impl Publisher {
    pub(crate) fn new(member: &Member, client: Client, dice: Dice) -> Self {
        Self {
            member: member.clone(),
            client,
            dice,
            things: Vec::new(),
            book: Book::default(),
            answered: Arc::default(),
            rest: Duration::from_millis(400),
            batch_max: 600,
            patience: Duration::from_secs(120),
        }
    }

    /// Publishes until told to stop.
    pub(crate) async fn work(mut self, stop: &AtomicBool) -> Self {
        while !stop.load(Ordering::Relaxed) {
            match self.dice.range(1, 100) {
                1..=8 => self.delete(false).await,
                9..=18 => self.delete(true).await,
                _ => self.publish().await,
            }
            let rest = self.dice.range(0, u64::try_from(self.rest.as_millis()).unwrap());
            tokio::time::sleep(Duration::from_millis(rest)).await;
        }
        self
    }

    /// One envelope, until it is acknowledged.
    pub(crate) async fn publish(&mut self) {
        let count = match self.dice.range(1, 10) {
            1..=3 => 1,
            4..=6 => self.dice.range(1, 10),
            7..=8 => self.dice.range(10, 100),
            _ => self.dice.range(100, 600),
        };
        let (texts, numbers, bad) = self.envelope(count.min(self.batch_max));
        self.send(&texts, &numbers, bad).await;
    }

    /// One envelope of one new object for each of these levels, in this order.
    pub(crate) async fn publish_levels(&mut self, levels: &[usize]) {
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for level in levels {
            let thing = self.new_thing(false);
            texts.push(self.version(thing, 10, *level, &mut numbers));
        }
        self.send(&texts, &numbers, 0).await;
    }

    /// New objects, new and late versions, some sent before, some that are no good.
    fn envelope(&mut self, count: u64) -> (Vec<String>, Vec<usize>, u64) {
        let (mut texts, mut numbers, mut bad) = (Vec::new(), Vec::new(), 0);
        for _ in 0..count {
            let level = self.dice.index(LEVELS.len());
            let chance = self.dice.range(1, 100);
            let old = (!self.things.is_empty()).then(|| self.dice.index(self.things.len()));
            match old.filter(|old| !self.things[*old].observable) {
                Some(old) if chance <= 25 => {
                    let slot = self.things[old].newest + self.dice.range(2, 9);
                    texts.push(self.version(old, slot, level, &mut numbers));
                }
                Some(old) if chance <= 35 => {
                    let slot = self.dice.range(1, self.things[old].newest);
                    if self.things[old].slots.contains(&slot) {
                        continue;
                    }
                    texts.push(self.version(old, slot, level, &mut numbers));
                }
                _ if chance <= 37 => {
                    bad += 1;
                    texts.push(format!(
                        r#"{{"type":"indicator","spec_version":"2.1","id":"malware--{}"}}"#,
                        self.dice.uuid()
                    ));
                }
                _ => {
                    let observable = chance > 92;
                    let thing = self.new_thing(observable);
                    texts.push(self.version(thing, 10, level, &mut numbers));
                }
            }
        }
        (texts, numbers, bad)
    }

    fn new_thing(&mut self, observable: bool) -> usize {
        let kind = if observable { "url" } else { "indicator" };
        self.things.push(Thing {
            id: format!("{kind}--{}", self.dice.uuid()),
            observable,
            slots: HashSet::new(),
            newest: 0,
            at: Vec::new(),
        });
        self.things.len() - 1
    }

    /// Writes one version, without white space, so that it must come back byte for byte.
    fn version(&mut self, thing: usize, slot: u64, level: usize, numbers: &mut Vec<usize>) -> String {
        let padding = if self.dice.percent(2) { self.dice.range(0, 20_000) } else { self.dice.range(0, 300) };
        let (nonce, padding) = (self.dice.roll(), "x".repeat(usize::try_from(padding).unwrap()));
        let thing = &mut self.things[thing];
        let (id, marking) = (&thing.id, LEVELS[level].1);
        // Two precisions; which one depends on the slot alone, so no version has two spellings.
        let fraction = if slot.is_multiple_of(5) {
            format!("{:03}000", slot % 1000)
        } else {
            format!("{:03}", slot % 1000)
        };
        let modified = format!(
            "2026-01-01T{:02}:{:02}:{:02}.{fraction}Z",
            slot / 3_600_000,
            slot / 60_000 % 60,
            slot / 1000 % 60
        );
        let (version, text) = if thing.observable {
            let text = format!(
                r#"{{"value":"http:\/\/{nonce}.example\/{padding}","object_marking_refs":["{marking}"],"type":"url","spec_version":"2.1","id":"{id}"}}"#
            );
            ("1970-01-01T00:00:00.000Z".to_owned(), text)
        } else {
            let text = format!(
                r#"{{"type":"indicator","spec_version":"2.1","id":"{id}","created":"2026-01-01T00:00:00.000Z","modified":"{modified}","name":"\u00e9 {nonce} {padding}","pattern":"[url:value = 'http://{nonce}.example/']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","confidence":50,"object_marking_refs":["{marking}"]}}"#
            );
            (modified, text)
        };
        thing.slots.insert(slot);
        thing.newest = thing.newest.max(slot);
        thing.at.push(self.book.sent.len());
        numbers.push(self.book.sent.len());
        self.book.sent.push(Sent {
            id: id.clone(),
            version,
            org: self.member.org,
            level,
            hash: hash(&text),
            acknowledged: false,
            deleted: false,
            in_doubt: false,
        });
        text
    }

    async fn send(&mut self, texts: &[String], numbers: &[usize], bad: u64) {
        if texts.is_empty() {
            return;
        }
        let body = format!("{{\"objects\":[{}]}}", texts.join(","));
        let started = Instant::now();
        let status = loop {
            let outcome = if self.dice.percent(8) {
                let hang_up = Duration::from_millis(self.dice.range(0, 30));
                let sent = tokio::time::timeout(hang_up, self.client.add(body.clone())).await;
                sent.unwrap_or(Outcome::Lost)
            } else {
                self.client.add(body.clone()).await
            };
            match outcome {
                Outcome::Answer(status) => {
                    self.answered.notify_waiters();
                    break status;
                }
                Outcome::Absent => panic!("404 to a POST"),
                Outcome::Later(_) => self.book.refused_for_now += 1,
                Outcome::Lost => {
                    self.book.lost_answers += 1;
                    numbers.iter().for_each(|at| self.book.sent[*at].in_doubt = true);
                }
            }
            assert!(started.elapsed() < self.patience, "an envelope was not taken for {:?}", self.patience);
            tokio::time::sleep(Duration::from_millis(self.dice.range(20, 200))).await;
        };
        self.acknowledge(numbers, bad, &status);
        self.book.receipts.push((self.member.name.clone(), status));
    }

    /// Everything good must be a success, everything bad a failure, and nothing left open.
    fn acknowledge(&mut self, numbers: &[usize], bad: u64, status: &Value) {
        let good = numbers.len() as u64;
        let counts = ["total_count", "success_count", "failure_count", "pending_count"]
            .map(|name| status[name].as_u64().unwrap());
        assert_eq!(counts, [good + bad, good, bad, 0], "{status:#}");
        assert_eq!(status["status"], "complete");
        let none = Vec::new();
        let listed = status["successes"].as_array().unwrap_or(&none);
        let listed: HashSet<_> = listed
            .iter()
            .map(|one| (one["id"].as_str().unwrap(), one["version"].as_str().unwrap()))
            .collect();
        for at in numbers {
            let sent = &mut self.book.sent[*at];
            assert!(listed.contains(&(&*sent.id, &*sent.version)), "{sent:?} is not in {status:#}");
            sent.acknowledged = true;
        }
    }

    /// Deletes one of its objects, whole or one version; never one that may still be under way.
    pub(crate) async fn delete(&mut self, whole: bool) {
        let fit = |thing: &Thing, book: &Book| {
            thing.at.iter().all(|at| book.sent[*at].acknowledged && !book.sent[*at].in_doubt)
        };
        let chosen: Vec<usize> =
            (0..self.things.len()).filter(|at| fit(&self.things[*at], &self.book)).collect();
        if chosen.is_empty() {
            return;
        }
        let at = *self.dice.pick(&chosen);
        let alive: Vec<usize> =
            self.things[at].at.iter().copied().filter(|at| !self.book.sent[*at].deleted).collect();
        let one = *self.dice.pick(&alive);
        let version = (!whole && !self.things[at].observable).then(|| self.book.sent[one].version.clone());
        let id = self.things[at].id.clone();
        let goes = if version.is_some() { vec![one] } else { alive.clone() };
        if goes.len() == alive.len() {
            // Nobody adds to what is gone.
            self.things.swap_remove(at);
        }
        self.deletion(&id, version.as_deref()).await;
        self.book.deletions += 1;
        goes.iter().for_each(|at| self.book.sent[*at].deleted = true);
    }

    async fn deletion(&mut self, id: &str, version: Option<&str>) {
        let started = Instant::now();
        let mut lost = false;
        loop {
            match self.client.delete(id, version).await {
                Outcome::Answer(()) => return,
                Outcome::Absent => {
                    assert!(lost, "404 to the deletion of {id} {version:?}, which was acknowledged");
                    return;
                }
                Outcome::Later(_) => {
                    self.book.refused_for_now += 1;
                    // After 503 nobody knows either.
                    lost = true;
                }
                Outcome::Lost => {
                    self.book.lost_answers += 1;
                    lost = true;
                }
            }
            assert!(started.elapsed() < self.patience, "a deletion was not taken for {:?}", self.patience);
            tokio::time::sleep(Duration::from_millis(self.dice.range(20, 200))).await;
        }
    }
}

pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
