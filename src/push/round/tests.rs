use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A target that keeps what it takes, and fails as told.
struct Target {
    has: BTreeMap<Key, Vec<u8>>,
    batches: Vec<usize>,
    deletes: bool,
    /// What the next batches come to; `Taken` after that.
    plan: Vec<Fate>,
    rows_max: usize,
    bad: Option<&'static [u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Taken,
    /// Taken, but the answer is lost.
    Lost,
    NotTaken,
    /// The first half is taken, the second asks to come later.
    Half,
}

impl Target {
    fn new(deletes: bool) -> Self {
        Self {
            has: BTreeMap::new(),
            batches: Vec::new(),
            deletes,
            plan: Vec::new(),
            rows_max: 500,
            bad: None,
        }
    }

    fn take(&mut self, items: &[Item]) {
        for item in items {
            match &item.line {
                Some(line) => self.has.insert(item.key, line.clone()),
                None => self.has.remove(&item.key),
            };
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> =
            self.has.values().map(|line| String::from_utf8(line.clone()).unwrap()).collect();
        lines.sort();
        lines
    }
}

impl Sender for Target {
    fn send(&mut self, batch: &[Item]) -> Result<Vec<Answer>, Failure> {
        if batch.len() > self.rows_max {
            return Err(Failure::TooLarge("413".to_owned()));
        }
        self.batches.push(batch.len());
        let fate = if self.plan.is_empty() { Fate::Taken } else { self.plan.remove(0) };
        let lost = Err(Failure::Failed("no answer".to_owned()));
        match fate {
            Fate::NotTaken => return lost,
            Fate::Lost => {
                self.take(batch);
                return lost;
            }
            Fate::Half => {
                let (first, second) = batch.split_at(batch.len() / 2);
                self.take(first);
                let later = second.iter().map(|_| Answer::Later("429".to_owned()));
                return Ok(first.iter().map(|_| Answer::Taken).chain(later).collect());
            }
            Fate::Taken => {}
        }
        let is_bad = |item: &Item| item.line.is_some() && item.line.as_deref() == self.bad;
        let answers = batch.iter().map(|item| match is_bad(item) {
            true => Answer::Refused("400".to_owned()),
            false => Answer::Taken,
        });
        let answers = answers.collect();
        let taken: Vec<Item> = batch.iter().filter(|item| !is_bad(item)).cloned().collect();
        self.take(&taken);
        Ok(answers)
    }

    fn deletes(&self) -> bool {
        self.deletes
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, lines: &[String]) {
        std::fs::write(
            self.0.path().join("f"),
            lines.iter().map(|line| format!("{line}\n")).collect::<String>(),
        )
        .unwrap();
    }

    /// As after a crash: everything is read from the disk.
    fn run(&self, target: &mut Target, again: bool) -> (Result<(), Failure>, Done) {
        let mut cursor = Cursor::open(&self.0.path().join("c"), "t").unwrap();
        let file = self.0.path().join("f");
        let mut round =
            Round { file: &file, shape: Shape::Json, cursor: &mut cursor, again, is_stopped: &|| false };
        let mut done = Done::default();
        (round.run(target, &mut done), done)
    }

    fn waiting(&self, deletes: bool) -> Waiting {
        let mut cursor = Cursor::open(&self.0.path().join("c"), "t").unwrap();
        let file = self.0.path().join("f");
        let round = Round {
            file: &file,
            shape: Shape::Json,
            cursor: &mut cursor,
            again: false,
            is_stopped: &|| false,
        };
        round.waiting(deletes).unwrap()
    }
}

fn rows(range: std::ops::Range<usize>, version: u8) -> Vec<String> {
    range.map(|number| format!(r#"{{"id":"{number:05}","v":{version}}}"#)).collect()
}

#[test]
fn only_what_is_new_or_changed_is_sent_and_what_is_gone_is_deleted() {
    let (place, mut target) = (Place::new(), Target::new(true));
    place.write(&rows(0..1200, 0));
    assert_eq!(place.waiting(true), Waiting { changed: 1200, gone: 0 });
    assert_eq!(place.run(&mut target, false), (Ok(()), Done { sent: 1200, ..Done::default() }));
    assert_eq!(target.batches, [500, 500, 200]);
    assert_eq!(place.run(&mut target, false).1, Done::default());
    assert_eq!(target.batches.len(), 3, "nothing new, nothing sent");
    let lines = [rows(0..1, 1), rows(3..1201, 0)].concat();
    place.write(&lines);
    assert_eq!(place.waiting(true), Waiting { changed: 2, gone: 2 });
    assert_eq!(place.run(&mut target, false).1, Done { sent: 2, deleted: 2, refused: 0 });
    assert_eq!(target.lines().len(), 1199);
    assert_eq!(place.waiting(true), Waiting::default());
}

#[test]
fn a_target_that_does_not_delete_gets_again_what_comes_back() {
    let (place, mut target) = (Place::new(), Target::new(false));
    for (lines, sent) in [(rows(0..3, 0), 3), (rows(0..2, 0), 0), (rows(0..3, 0), 1)] {
        place.write(&lines);
        assert_eq!(place.waiting(false), Waiting { changed: sent, gone: 0 });
        assert_eq!(place.run(&mut target, false).1, Done { sent, ..Done::default() });
    }
}

#[test]
fn batches_end_at_their_bytes_and_a_large_row_goes_alone() {
    let (place, mut target) = (Place::new(), Target::new(true));
    let row = |number: usize, bytes: usize| format!(r#"{{"id":"{number}","x":"{}"}}"#, "x".repeat(bytes));
    place.write(&[row(0, 200_000), row(1, 200_000), row(2, 200_000), row(3, 900_000), row(4, 1)]);
    assert_eq!(place.run(&mut target, false).0, Ok(()));
    assert_eq!(target.batches, [2, 1, 1, 1]);
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_a_row_that_is_too_large_is_left_out() {
    let (place, mut target) = (Place::new(), Target::new(true));
    place.write(&rows(0..10, 0));
    target.rows_max = 3;
    assert_eq!(place.run(&mut target, false), (Ok(()), Done { sent: 10, ..Done::default() }));
    assert_eq!(target.batches, [2, 3, 2, 3]);
    place.write(&rows(10..11, 0));
    target.rows_max = 0;
    assert_eq!(place.run(&mut target, false).1.refused, 1);
}

#[test]
fn a_refused_row_stops_no_other_and_is_sent_again_when_it_changes_or_by_hand() {
    let (place, mut target) = (Place::new(), Target::new(true));
    place.write(&rows(0..5, 0));
    target.bad = Some(br#"{"id":"00002","v":0}"#);
    assert_eq!(place.run(&mut target, false), (Ok(()), Done { sent: 4, deleted: 0, refused: 1 }));
    target.bad = None;
    assert_eq!(place.run(&mut target, false).1, Done::default());
    assert_eq!(place.run(&mut target, true).1, Done { sent: 1, ..Done::default() });
    assert_eq!(target.lines().len(), 5);
}

#[test]
fn a_half_taken_batch_sends_the_other_half_again_and_nothing_else() {
    let (place, mut target) = (Place::new(), Target::new(true));
    place.write(&rows(0..10, 0));
    target.plan = vec![Fate::Half];
    assert_eq!(
        place.run(&mut target, false),
        (Err(Failure::Failed("429".to_owned())), Done { sent: 5, ..Done::default() })
    );
    assert_eq!(place.run(&mut target, false), (Ok(()), Done { sent: 5, ..Done::default() }));
    assert_eq!(target.batches, [10, 5]);
}

#[test]
fn what_changed_back_while_an_answer_was_lost_is_sent_again() {
    let (place, mut target) = (Place::new(), Target::new(true));
    place.write(&rows(0..2, 0));
    assert_eq!(place.run(&mut target, false).0, Ok(()));
    place.write(&rows(0..1, 1));
    target.plan = vec![Fate::Lost];
    assert!(place.run(&mut target, false).0.is_err());
    place.write(&rows(0..2, 0));
    assert_eq!(place.run(&mut target, false).1.sent, 2);
    assert_eq!(target.lines(), rows(0..2, 0));
}

#[test]
fn nothing_goes_out_once_the_hub_stops() {
    let (place, mut target) = (Place::new(), Target::new(true));
    place.write(&rows(0..2, 0));
    let mut cursor = Cursor::open(&place.0.path().join("c"), "t").unwrap();
    let file = place.0.path().join("f");
    let mut round =
        Round { file: &file, shape: Shape::Json, cursor: &mut cursor, again: false, is_stopped: &|| true };
    assert_eq!(round.run(&mut target, &mut Done::default()), Err(Failure::Stopped));
    assert!(target.batches.is_empty());
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Taken), Just(Fate::Lost), Just(Fate::NotTaken), Just(Fate::Half)]
}

proptest! {
    // Each case writes to the disk.
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// However batches fail and the export changes meanwhile, in the end the target has what the export has.
    #[test]
    fn in_the_end_the_target_has_what_the_export_has(
        versions in prop::collection::vec(prop::collection::btree_map(0_usize..8, 0_u8..3, 0..8), 1..6),
        fates in prop::collection::vec(prop::collection::vec(fate(), 0..3), 6),
    ) {
        let (place, mut target) = (Place::new(), Target::new(true));
        for (version, fates) in versions.iter().zip(fates) {
            place.write(&version.iter().flat_map(|(number, v)| rows(*number..number + 1, *v)).collect::<Vec<_>>());
            target.plan = fates;
            let _ = place.run(&mut target, false);
        }
        target.plan.clear();
        prop_assert_eq!(place.run(&mut target, false).0, Ok(()));
        let last: Vec<String> = versions.last().unwrap().iter().flat_map(|(number, v)| rows(*number..number + 1, *v)).collect();
        prop_assert_eq!(target.lines(), last);
        prop_assert_eq!(place.waiting(true), Waiting::default());
    }
}
