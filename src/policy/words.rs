//! Decisions and handling in words, for officers and those who publish.

use super::{Directory, Handling};
use crate::stix::Timestamp;
use std::collections::BTreeSet;

/// What gave an object its level.
pub fn level_from(handling: &Handling, now: Timestamp) -> String {
    match handling.floor > handling.own_level(now) {
        true => "what it is about".to_owned(),
        false => handling.source.to_string(),
    }
}

/// Why an organisation will not read an object, by the code of the reason.
pub fn reason(code: &str) -> &str {
    match code {
        "not_in_audience" => "it is not in an audience that the markings name",
        "not_releasable" => "the markings do not release it to that organisation, or not any more",
        "originator_consent_missing" => "the originator controls who else receives it, and has not consented",
        "tlp_above_ceiling" => "its level is above the ceiling there",
        "tlp_not_recipient" => "its level is for named recipients or one organisation only",
        "purpose_mismatch" => "that organisation does not use information for its purposes",
        "marking_not_understood" => "that organisation has not undertaken to keep one of its markings",
        "agreement_not_in_force" => "the agreement is not in force",
        "collection_not_readable" => "no client of that organisation reads this collection",
        other => other,
    }
}

/// What a handling says, a sentence each.
pub fn handling(directory: &Directory, handling: &Handling, now: Timestamp) -> Vec<String> {
    let (terms, names) = (&handling.terms, |set: &BTreeSet<String>| names(directory, set));
    let mut found = vec![format!("{}, from {}", handling.level(now), level_from(handling, now))];
    let mut say = |text: Option<String>| found.extend(text);
    say(Some(format!("it belongs to {}", handling.owner)));
    say(handling.relay.as_ref().map(|relay| format!("relayed by {relay}")));
    say(terms.pap.map(|pap| format!("PAP:{pap}")));
    say(terms.rel_to.as_ref().map(|set| format!("released to {} only", names(set))));
    say((!terms.not_rel_to.is_empty()).then(|| format!("not released to {}", names(&terms.not_rel_to))));
    say(terms.recipients.as_ref().map(|set| format!("named recipients: {}", names(set))));
    terms.audiences.iter().for_each(|set| say(Some(format!("only for members of {}", audiences(set)))));
    say(terms.originator_control.then(|| "passed on only with the originator's consent".to_owned()));
    say(terms.valid_until.map(|end| format!("nobody receives it from {} on", Timestamp::from_micros(end))));
    let purposes = handling.purposes().map(|list| list.join(", "));
    say(purposes.map(|list| format!("for {}", if list.is_empty() { "no purpose" } else { &list })));
    say((!terms.handling_codes.is_empty())
        .then(|| format!("handling codes {}", joined(&terms.handling_codes))));
    say(terms.evidence_use.and_then(|found| Some(format!("use as evidence: {}", word(&found)?))));
    say(terms.onward_transfer.and_then(|found| Some(format!("onward transfer: {}", word(&found)?))));
    say(terms.personal_data.and_then(|found| Some(format!("personal data: {}", word(&found)?))));
    let end = |end: i64| Timestamp::from_micros(end).to_string();
    for policy in &terms.policies {
        let tlp = policy.tlp.map_or_else(|| "no level".to_owned(), |tlp| tlp.to_string());
        let from = policy.start.map(|start| format!(" from {}", end(start))).unwrap_or_default();
        let to = policy.end.map(|to| format!(" until {}", end(to))).unwrap_or_default();
        say(Some(format!("an exchange policy gives {tlp}{from}{to}")));
    }
    say((!terms.needs.is_empty()).then(|| format!("only for those who understand {}", joined(&terms.needs))));
    found
}

/// Countries as they are, identities by the name of the organisation behind them.
fn names(directory: &Directory, set: &BTreeSet<String>) -> String {
    if set.is_empty() {
        return "nobody".to_owned();
    }
    let name = |id: &String| directory.behind(id).map_or_else(|| id.clone(), str::to_owned);
    set.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Audiences by id: who is in none of them is not told what they are called.
fn audiences(set: &BTreeSet<String>) -> String {
    if set.is_empty() { "an empty audience".to_owned() } else { format!("audience {}", joined(set)) }
}

fn joined(set: &BTreeSet<String>) -> String {
    set.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

/// A value as registries and markings write it.
fn word<T: serde::Serialize>(value: &T) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}
