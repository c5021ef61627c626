//! What is handed in, value by value, with what the hub knows of it: for whoever decides whether to send it.

use super::{Answer, Hit, Question, VALUES_MAX};
use crate::submission::{Draft, What, name};
use serde::{Deserialize, Serialize};

/// A value that is handed in, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its one spelling.
    pub value: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it stands in what was handed in.
    pub place: String,
    /// Who shares it already, since when; as far as the asker may know.
    pub known: Vec<String>,
    /// Warning lists that name it, and what follows from that.
    pub warnings: Vec<String>,
}

/// A row for each value of a draft; nothing is known of it yet.
pub fn rows(draft: &Draft) -> Vec<Row> {
    let row = |record: &crate::submission::Record| Row {
        value: record.what.text().to_owned(),
        kind: name(&record.what),
        place: record.place.clone(),
        known: Vec::new(),
        warnings: Vec::new(),
    };
    draft.records.iter().map(row).collect()
}

/// What to ask of the values of a draft, each question with the places of its values.
pub fn questions(draft: &Draft) -> Vec<(Question, Vec<usize>)> {
    let is_value = |at: &usize| matches!(draft.records[*at].what, What::Value(_));
    let places: Vec<usize> = (0..draft.records.len()).filter(is_value).collect();
    let question = |places: &[usize]| {
        let values = places.iter().map(|at| draft.records[*at].what.text().to_owned()).collect();
        (Question { values, types: None, collections: None }, places.to_vec())
    };
    places.chunks(VALUES_MAX).map(question).collect()
}

/// Notes what was answered to one of the questions.
pub fn fill(rows: &mut [Row], places: &[usize], answer: Answer) {
    for looked in answer.results {
        let Some(row) = places.get(looked.at).and_then(|at| rows.get_mut(*at)) else { continue };
        row.known = looked.hits.iter().filter(|hit| hit.value == row.value).map(known_by).collect();
        row.known.sort_unstable();
        row.known.dedup();
        row.warnings =
            looked.warnings.iter().map(|found| format!("{}: {}", found.action, found.list)).collect();
    }
}

fn known_by(hit: &Hit) -> String {
    let who = if hit.sources.is_empty() { "somebody".to_owned() } else { hit.sources.join(", ") };
    let day = hit.first_seen.as_deref().unwrap_or_default();
    format!("{who} {}", day.get(..10).unwrap_or_default()).trim_end().to_owned()
}
