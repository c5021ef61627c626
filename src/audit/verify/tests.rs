use super::*;
use crate::audit::event::Event;
use crate::audit::record::Record;
use proptest::prelude::*;
use proptest::sample::Index;

/// A log as a store keeps it.
#[derive(Debug, Clone)]
struct Log(Vec<(u64, Vec<u8>, Option<Hash>)>);

impl Log {
    /// A log of these events; equal texts make equal logs.
    fn new(texts: &[String]) -> Self {
        let mut prev = Hash::ZERO;
        let records = texts.iter().enumerate().map(|(n, text)| {
            let (bytes, leaf) = seal(n as u64, prev, text);
            prev = leaf;
            (n as u64, bytes, Some(leaf))
        });
        Self(records.collect())
    }

    fn of(size: usize) -> Self {
        let texts: Vec<_> = (0..size).map(|n| format!("event {n}")).collect();
        Self::new(&texts)
    }

    /// As stored without leaf hashes.
    fn bare(mut self) -> Self {
        self.0.iter_mut().for_each(|(_, _, leaf)| *leaf = None);
        self
    }

    /// The checkpoint of the first `size` records.
    fn checkpoint(&self, size: usize) -> Checkpoint {
        let mut tree = Tree::new();
        self.0[..size].iter().for_each(|(_, bytes, _)| drop(tree.push(Hash::leaf(bytes))));
        let time = "2026-11-28T17:30:00.000000Z".to_owned();
        Checkpoint { origin: "hub.example".to_owned(), size: size as u64, root: tree.root(), time }
    }

    fn verify(&self, checkpoints: &[Checkpoint]) -> Result<Summary, Fault> {
        verify(self.0.iter().cloned(), checkpoints)
    }

    fn export(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(_, bytes, _)| [bytes.as_slice(), b"\n"].concat()).collect()
    }

    fn verify_export(&self, checkpoints: &[Checkpoint]) -> Result<Summary, Fault> {
        export_fault(&self.export(), checkpoints)
    }
}

fn seal(n: u64, prev: Hash, text: &str) -> (Vec<u8>, Hash) {
    let at = format!("2026-11-28T17:30:00.{n:06}Z");
    Record { n, prev, at, event: Event::Damaged { what: text.to_owned() } }.seal().unwrap()
}

fn export_fault(export: &[u8], checkpoints: &[Checkpoint]) -> Result<Summary, Fault> {
    verify_export(export, checkpoints).map_err(|error| match error {
        ExportError::Fault(fault) => fault,
        ExportError::Read(error) => panic!("{error}"),
    })
}

#[test]
fn a_sound_log_is_described() {
    let log = Log::of(20);
    let checkpoints = [log.checkpoint(20), log.checkpoint(0), log.checkpoint(7), log.checkpoint(7)];
    let summary = Summary {
        size: 20,
        root: checkpoints[0].root,
        first_at: Some("2026-11-28T17:30:00.000000Z".to_owned()),
        last_at: Some("2026-11-28T17:30:00.000019Z".to_owned()),
        checkpoints: 4,
        covered: 20,
    };
    assert_eq!(log.verify(&checkpoints), Ok(summary.clone()));
    assert_eq!(log.verify_export(&checkpoints), Ok(summary));
    assert_eq!(log.verify(&checkpoints[1..]).unwrap().covered, 7);
    let empty = log.verify_export(&[]).unwrap();
    assert_eq!((empty.size, empty.covered), (20, 0));
    assert_eq!(Log::of(0).verify(&[log.checkpoint(0)]).unwrap().root, Hash::empty_root());
}

#[test]
fn a_log_that_is_too_short_is_noticed_by_checkpoints_only() {
    let log = Log::of(20);
    let mut cut = log.clone();
    cut.0.truncate(15);
    assert!(cut.verify(&[log.checkpoint(15)]).is_ok());
    let short = fault(15, Wrong::Short { size: 18 });
    assert_eq!(cut.verify(&[log.checkpoint(20), log.checkpoint(18)]), Err(short.clone()));
    assert_eq!(cut.verify_export(&[log.checkpoint(18), log.checkpoint(10)]), Err(short.clone()));
    assert_eq!(short.to_string(), "record 15: it is missing: a checkpoint covers 18 records");
}

#[test]
fn a_log_written_anew_is_noticed_by_checkpoints_only() {
    let log = Log::of(20);
    let mut texts: Vec<_> = (0..20).map(|n| format!("event {n}")).collect();
    texts[12] = "nothing happened".to_owned();
    let forged = Log::new(&texts);
    assert!(forged.verify(&[log.checkpoint(12)]).is_ok());
    let checkpoints = [log.checkpoint(16), log.checkpoint(12), log.checkpoint(20)];
    assert_eq!(forged.verify(&checkpoints), Err(fault(15, Wrong::Root { size: 16, since: 12 })));
    let mut wrong = log.checkpoint(0);
    wrong.root = Hash::ZERO;
    assert_eq!(log.verify(&[wrong]), Err(fault(0, Wrong::Root { size: 0, since: 0 })));
}

/// Each way in which one of two neighbours was changed, with what is known to tell which.
#[test]
fn of_two_records_that_do_not_fit_the_changed_one_is_named() {
    let log = Log::of(20);
    for changed in 0..20_usize {
        let mut text = log.clone().bare();
        let end = text.0[changed].1.len() - 3;
        text.0[changed].1[end] ^= 1;
        let mut prev = log.clone().bare();
        let digit = &mut prev.0[changed].1[20];
        *digit = if *digit == b'0' { b'1' } else { b'0' };
        for (wrong, of_prev) in [(text, false), (prev, true)] {
            for size in [0, changed, changed + 1, changed + 2, 20].map(|size| size.min(20)) {
                let found = wrong.verify_export(&[log.checkpoint(size)]);
                if changed == 19 && !of_prev && size < 20 {
                    // Nothing has the hash of the last record.
                    assert!(found.is_ok());
                    continue;
                }
                let found = found.unwrap_err();
                // Nothing tells about the last two records but a checkpoint that covers one of them.
                let either = size < 19 && changed + 1 == if of_prev { 20 } else { 19 };
                assert_eq!(
                    found.record,
                    if either { 18 } else { changed as u64 },
                    "{of_prev} {size} {found}"
                );
                assert_eq!(found.what == Wrong::Either, either, "{changed} {of_prev} {size} {found}");
            }
        }
    }
}

#[test]
fn a_record_changed_together_with_its_stored_hash_is_named() {
    let mut log = Log::of(20);
    let (bytes, leaf) = seal(8, Hash::leaf(&log.0[7].1), "nothing happened");
    log.0[8] = (8, bytes, Some(leaf));
    assert_eq!(log.verify(&[]), Err(fault(8, Wrong::Changed)));
}

#[test]
fn a_record_that_does_not_have_its_stored_hash_is_named() {
    for changed in 0..20 {
        let mut leaf = Log::of(20);
        leaf.0[changed].2 = Some(Hash::ZERO);
        let mut text = Log::of(20);
        text.0[changed].1.pop();
        for wrong in [leaf, text] {
            assert_eq!(wrong.verify(&[]), Err(fault(changed as u64, Wrong::Leaf)));
        }
    }
}

#[test]
fn a_record_under_another_number_is_named() {
    let mut log = Log::of(20);
    log.0.remove(8);
    assert_eq!(log.verify(&[]), Err(fault(8, Wrong::Missing { found: 9 })));
    log.0.iter_mut().zip(0..).for_each(|((n, _, _), place)| *n = place);
    assert_eq!(log.verify(&[]), Err(fault(8, Wrong::Number { found: 9 })));
}

#[test]
fn exports_are_read_strictly() {
    let log = Log::of(5);
    let good = String::from_utf8(log.export()).unwrap();
    let malformed = |export: &str, record| match export_fault(export.as_bytes(), &[]) {
        Err(Fault { record: found, what: Wrong::Malformed(_) }) => assert_eq!(found, record),
        other => panic!("{other:?}"),
    };
    malformed(&format!("\n{good}"), 0);
    malformed(&format!("{good}\n"), 5);
    malformed(&good.replace('\n', "\r\n"), 0);
    malformed(&format!("\u{feff}{good}"), 0);
    malformed(&good.replace("}\n{", "}{"), 0);
    let cut = good.trim_end().as_bytes();
    assert_eq!(export_fault(cut, &[]), Err(fault(4, Wrong::Cut)));
    assert_eq!(export_fault(&cut[..cut.len() - 9], &[log.checkpoint(3)]), Err(fault(4, Wrong::Cut)));
    let endless = std::io::BufReader::new(std::io::repeat(b'x'));
    match verify_export(endless, &[]) {
        Err(ExportError::Fault(fault)) => assert_eq!(fault.what, Wrong::Malformed(record::Error::TooLong)),
        other => panic!("{other:?}"),
    }
}

/// A log, and where it is covered by checkpoints: always at its end, otherwise anywhere.
fn logs() -> impl Strategy<Value = (Log, Vec<Checkpoint>)> {
    let texts = prop::collection::vec("[a-z\"\\\\\n\u{e9}]{0,20}", 2..=300);
    (texts, prop::collection::vec(any::<Index>(), 0..4)).prop_map(|(texts, sizes)| {
        let log = Log::new(&texts);
        let sizes = sizes.iter().map(|size| size.index(texts.len() + 1)).chain([texts.len()]);
        let checkpoints = sizes.map(|size| log.checkpoint(size)).collect();
        (log, checkpoints)
    })
}

/// The fault that a stored log and its export have in common.
fn faults(log: &Log, checkpoints: &[Checkpoint]) -> [Result<Summary, Fault>; 3] {
    [log.verify(checkpoints), log.clone().bare().verify(checkpoints), log.verify_export(checkpoints)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sound_logs_are_accepted((log, checkpoints) in logs()) {
        for found in faults(&log, &checkpoints) {
            prop_assert_eq!(found.map(|summary| summary.covered), Ok(log.0.len() as u64));
        }
    }

    #[test]
    fn any_changed_byte_is_found(
        (log, checkpoints) in logs(), at in any::<Index>(), byte in any::<Index>(), flip in 1..=255_u8
    ) {
        let at = at.index(log.0.len());
        let mut wrong = log;
        let byte = byte.index(wrong.0[at].1.len());
        wrong.0[at].1[byte] ^= flip;
        for found in faults(&wrong, &checkpoints) {
            let found = found.unwrap_err();
            // A smaller number in the text is that of a record which comes again.
            let again = matches!(found.what, Wrong::Again { place } if place == at as u64);
            prop_assert!(found.record == at as u64 || again, "{} {}", at, found);
        }
    }

    #[test]
    fn any_missing_record_is_found((log, checkpoints) in logs(), at in any::<Index>()) {
        let at = at.index(log.0.len());
        let mut wrong = log;
        wrong.0.remove(at);
        for found in faults(&wrong, &checkpoints) {
            prop_assert_eq!(found.unwrap_err().record, at as u64);
        }
        wrong.0.iter_mut().zip(0..).for_each(|((n, _, _), place)| *n = place);
        prop_assert_eq!(wrong.verify(&checkpoints).unwrap_err().record, at as u64);
    }

    #[test]
    fn any_two_swapped_records_are_found((log, checkpoints) in logs(), a in any::<Index>(), b in any::<Index>()) {
        let (a, b) = (a.index(log.0.len()), b.index(log.0.len()));
        prop_assume!(a != b);
        let mut wrong = log;
        wrong.0.swap(a, b);
        for found in faults(&wrong, &checkpoints) {
            prop_assert_eq!(found.unwrap_err().record, a.min(b) as u64);
        }
        wrong.0.iter_mut().zip(0..).for_each(|((n, _, _), place)| *n = place);
        prop_assert_eq!(wrong.verify(&checkpoints).unwrap_err().record, a.min(b) as u64);
    }

    #[test]
    fn any_record_put_in_is_found(
        (log, checkpoints) in logs(), copy in any::<Index>(), place in any::<Index>(), text in ".{0,20}"
    ) {
        let (copy, place) = (copy.index(log.0.len()), place.index(log.0.len() + 1));
        let mut wrong = log.clone();
        wrong.0.insert(place, log.0[copy].clone());
        for found in faults(&wrong, &checkpoints) {
            prop_assert_eq!(found.unwrap_err().record, copy.min(place) as u64);
        }
        // One that fits what stands before it, in the place of the first record that it moves.
        let prev = if place == 0 { Hash::ZERO } else { Hash::leaf(&log.0[place - 1].1) };
        let (bytes, leaf) = seal(place as u64, prev, &text);
        let mut wrong = log.clone();
        wrong.0.insert(place, (place as u64, bytes, Some(leaf)));
        for found in faults(&wrong, &checkpoints) {
            let found = found.map(|summary| summary.size);
            match place == log.0.len() {
                true => prop_assert_eq!(found, Ok(place as u64 + 1)),
                false => prop_assert_eq!(found.unwrap_err().record, place as u64),
            }
        }
    }
}
