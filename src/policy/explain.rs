//! The decisions of this module told in full: for officers, operators and those who publish.

use super::directory::{Directory, Place};
use super::{Grant, Handling, Line, ReadScope, Reason, in_force, read_scope};
use crate::stix::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What decides whether a client reads an object, line by line.
#[derive(Debug)]
pub struct Judgement {
    /// May the client read the collection at all, and if not why?
    pub collection: Result<(), String>,
    /// Each line, with what fails.
    pub lines: Vec<(Line, Option<Reason>)>,
    /// The lowest ceiling, in words.
    pub ceiling: Option<String>,
}

/// What an organisation will read, or why it will not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recipient {
    /// The organisation's slug.
    pub organisation: String,
    /// Its name.
    pub name: String,
    /// Can one of its clients read the object?
    pub reads: bool,
    /// If none can, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Judges one object for one client; nothing if there is no such client.
pub fn judge(
    directory: &Directory,
    client: &str,
    collection: &str,
    handling: &Handling,
    now: Timestamp,
) -> Option<Judgement> {
    let peer = directory.named(client)?;
    let grant = directory.place(collection).and_then(|place| directory.grant_at(&peer, place));
    let Some(grant) = grant else {
        let why = "not a party, not in an audience of it, or without a role that reads".to_owned();
        return Some(Judgement { collection: Err(why), lines: Vec::new(), ceiling: None });
    };
    let collection = match read_scope(&grant, now) {
        Ok(_) => Ok(()),
        Err(denied) => Err(denied.to_string()),
    };
    let ceiling = grant.ceiling();
    let line = |line: Line| (line, grant.reader.line(line, handling, now));
    Some(Judgement {
        collection,
        lines: Line::ALL.into_iter().map(line).collect(),
        ceiling: Some(format!("{} ({})", ceiling.tlp, ceiling.place)),
    })
}

/// Would a client read an object of this handling? For telling what a change would do.
pub fn reads(directory: &Directory, client: &str, collection: &str, now: Timestamp) -> Option<ReadScope> {
    let peer = directory.named(client)?;
    let grant = directory.grant_at(&peer, directory.place(collection)?)?;
    read_scope(&grant, now).ok()
}

/// Which parties of the agreement will read an object of this handling, and why each other one will not.
pub fn audience(directory: &Directory, grant: &Grant, handling: &Handling, now: Timestamp) -> Vec<Recipient> {
    audience_at(directory, &grant.place, handling, now)
}

/// The same for a collection by its id; nobody if there is none.
pub fn audience_of(
    directory: &Directory,
    collection: &str,
    handling: &Handling,
    now: Timestamp,
) -> Vec<Recipient> {
    let place = directory.place(collection);
    place.map(|place| audience_at(directory, place, handling, now)).unwrap_or_default()
}

fn audience_at(
    directory: &Directory,
    place: &Arc<Place>,
    handling: &Handling,
    now: Timestamp,
) -> Vec<Recipient> {
    let mut best: BTreeMap<&str, Result<(), Option<Reason>>> = BTreeMap::new();
    for party in &place.agreement.parties {
        best.insert(party, Err(None));
    }
    let everybody = directory.everybody();
    for peer in &everybody {
        let Some(entry) = best.get_mut(peer.organisation()) else { continue };
        let Some(theirs) = directory.grant_at(peer, place).filter(Grant::can_read) else { continue };
        let found = theirs.reader.refusal(handling, now).map_or(Ok(()), |reason| Err(Some(reason)));
        // Of several clients the one that comes farthest counts.
        match (&entry, &found) {
            (Ok(()), _) => {}
            (Err(before), Err(reason)) if before > reason => {}
            _ => *entry = found,
        }
    }
    let is_open = in_force(&place.agreement, now).is_ok();
    let organisations = &directory.registry().organisations;
    let name = |id: &str| organisations.iter().find(|found| found.id == id).map(|found| found.name.clone());
    let tell = |(organisation, found): (&str, Result<(), Option<Reason>>)| {
        let reason = match found {
            Ok(()) if is_open => None,
            Ok(()) => Some("agreement_not_in_force".to_owned()),
            Err(Some(reason)) => Some(reason.code().to_owned()),
            Err(None) => Some("collection_not_readable".to_owned()),
        };
        Recipient {
            organisation: organisation.to_owned(),
            name: name(organisation).unwrap_or_default(),
            reads: reason.is_none(),
            reason,
        }
    };
    best.into_iter().map(tell).collect()
}
