//! In STIX 2.0 `labels` say the type of a thing, and the roles of an identity; in 2.1 other properties do.

use super::selectors::Moves;
use crate::stix::schema;
use serde_json::{Map, Value};

/// Moves the labels that say the type to where 2.1 has it. Those that are no words of the vocabulary stay:
/// they may be anything. All words of 2.0 are in the vocabularies of 2.1.
///
/// Identities have no vocabulary: all labels are roles, except those with a colon, which are tags such as
/// `tlp:amber` and must keep their meaning.
pub(super) fn sort(kind: &str, object: &mut Map<String, Value>, moves: &mut Moves) {
    let Some((_, target)) = TARGETS.iter().find(|(of, _)| *of == kind) else { return };
    let Some(labels) = object.get("labels").and_then(Value::as_array).cloned() else { return };
    if object.contains_key(*target) {
        return;
    }
    let says_type = |label: &str| match kind {
        "identity" => !label.contains(':'),
        _ => is_word(kind, target, label),
    };
    let (mut types, mut others) = (Vec::new(), Vec::new());
    for (at, label) in labels.into_iter().enumerate() {
        let (name, list) = match label.as_str() {
            Some(text) if says_type(text) => (*target, &mut types),
            _ => ("labels", &mut others),
        };
        moves.add(format!("labels.[{at}]"), vec![format!("{name}.[{}]", list.len())]);
        list.push(label);
    }
    let mut now = Vec::new();
    for (name, list) in [(*target, types), ("labels", others)] {
        object.remove(name);
        if !list.is_empty() {
            now.push(name.to_owned());
            object.insert(name.to_owned(), list.into());
        }
    }
    moves.add("labels".to_owned(), now);
}

/// Is it a word of the vocabulary of this list?
fn is_word(kind: &str, list: &str, label: &str) -> bool {
    let items = schema::find(kind).and_then(|found| found.shape.property(list)?.item());
    let terms = items.and_then(|items| items.terms.as_ref());
    terms.is_some_and(|terms| terms.words.iter().any(|word| word == label))
}

/// Type and property.
const TARGETS: [(&str, &str); 6] = [
    ("identity", "roles"),
    ("indicator", "indicator_types"),
    ("malware", "malware_types"),
    ("report", "report_types"),
    ("threat-actor", "threat_actor_types"),
    ("tool", "tool_types"),
];
