//! A file as an analyst hands it in, or as a sync job finds it. The first byte says what it is said to be.

#![no_main]

use liaison::stix::Tlp;
use liaison::stix::atom::Atom;
use liaison::submission::build::{Container, Terms, ids, objects};
use liaison::submission::{Draft, Format, Hints, What, read};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let format = [None, Some(Format::Csv), Some(Format::Misp), Some(Format::Intelmq), Some(Format::Text)];
    let hints = Hints { format: format[usize::from(*first) % format.len()], all_values: first & 0x80 != 0, ..Hints::default() };
    match read("file", bytes, hints) {
        Ok(Some(draft)) => taken(Draft::joined([draft])),
        Ok(None) => {}
        Err(error) => bearable(&error),
    }
});

/// What holds of everything that was read.
fn taken(draft: Draft) {
    let mut seen = HashSet::new();
    for record in &draft.records {
        assert!(seen.insert(&record.what), "{:?} is there twice", record.what);
        if let What::Value(atom) = &record.what {
            assert_eq!(Atom::parse(atom.kind(), atom.text()).as_ref(), Ok(atom), "another spelling of itself");
        }
        bearable(&record.place);
    }
    for left in &draft.left_out {
        bearable(&left.place);
        bearable(&left.text);
        bearable(&left.reason);
    }
    // Building very many takes more memory than a run has.
    if draft.records.len() <= BUILT_MAX {
        again_is_nothing_new(&draft);
    }
}

/// Handing in the same again sends nothing.
fn again_is_nothing_new(draft: &Draft) {
    let purposes = ["fraud-prevention".to_owned()];
    let terms = Terms {
        author: "identity--8f2b6a1e-3d4c-4e5f-9a6b-7c8d9e0f1a2b",
        author_name: "CERT A",
        tlp: Tlp::Green,
        pap: None,
        purposes: &purposes,
        handling: None,
        title: "Wave 7",
        description: None,
        container: Container::Report,
        now: "2026-05-01T00:00:00.000Z",
        valid_days: Some(30),
        confidence: 50,
        labels: &[],
    };
    let built = match objects(draft, &terms, &HashMap::new()) {
        Ok(built) => built,
        Err(errors) => return errors.iter().for_each(|error| bearable(&error.to_string())),
    };
    let id = |object: &Value| object["id"].as_str().map(str::to_owned).expect("an object has an id");
    let known: HashMap<String, Value> = built.objects.into_iter().map(|object| (id(&object), object)).collect();
    let wanted: HashSet<String> = ids(draft, &terms, &known).into_iter().collect();
    assert!(known.keys().all(|id| wanted.contains(id)), "an id that is not asked for");
    let again = objects(draft, &terms, &known).expect("what was built is built again");
    assert!(again.objects.is_empty(), "new: {:?}", again.objects);
}

/// It stands in a table on a terminal.
fn bearable(text: &str) {
    assert!(text.len() < TEXT_MAX_BYTES, "{} bytes: {:.300}", text.len(), text);
}

const TEXT_MAX_BYTES: usize = 4 * 1024;
const BUILT_MAX: usize = 1_000;
