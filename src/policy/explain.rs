//! The decisions of this module told in full: for officers, operators and those who publish.

use super::directory::{Directory, Place};
use super::{Grant, Handling, Line, Reason, in_force, read_scope};
use crate::stix::marking::Terms;
use crate::stix::{Timestamp, Tlp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What decides whether a client reads an object, line by line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Judgement {
    /// Does it read the object?
    pub reads: bool,
    /// If not, why: the code of the first line that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each line, in order.
    pub lines: Vec<Judged>,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Judged {
    /// What it asks.
    pub line: &'static str,
    /// Does the object pass?
    pub passes: bool,
    /// If not, the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it was decided by.
    pub because: String,
    /// The markings that say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub markings: Vec<String>,
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

/// Judges one object for one client; nothing if there is no such client. `markings` are those that
/// the object refers to, as far as it is known what they say.
pub fn judge(
    directory: &Directory,
    client: &str,
    collection: &str,
    (handling, markings): (&Handling, &[(String, Terms)]),
    now: Timestamp,
) -> Option<Judgement> {
    let peer = directory.named(client)?;
    let grant = directory.place(collection).and_then(|place| directory.grant_at(&peer, place));
    let access = match &grant {
        None => Err("no party to it, not in an audience of it, or without a role that reads".to_owned()),
        Some(grant) => read_scope(grant, now).map(|_| ()).map_err(|denied| denied.to_string()),
    };
    let mut lines = vec![Judged {
        line: "collection",
        passes: access.is_ok(),
        reason: access.is_err().then(|| "hidden".to_owned()),
        because: access.err().unwrap_or_else(|| "the registry lets the client read it".to_owned()),
        markings: Vec::new(),
    }];
    let released = "it is in the collection, so nobody need release it".to_owned();
    lines.push(Judged {
        line: "release",
        passes: true,
        reason: None,
        because: released,
        markings: Vec::new(),
    });
    if let Some(grant) = &grant {
        let telling = Telling { grant, handling, markings, now };
        lines.extend(Line::ALL.into_iter().map(|line| telling.line(line)));
    }
    let reason = lines.iter().find(|line| !line.passes).and_then(|line| line.reason.clone());
    Some(Judgement { reads: reason.is_none(), reason, lines })
}

/// One decision being told.
struct Telling<'a> {
    grant: &'a Grant,
    handling: &'a Handling,
    markings: &'a [(String, Terms)],
    now: Timestamp,
}

impl Telling<'_> {
    fn line(&self, line: Line) -> Judged {
        let reason = self.grant.reader.line(line, self.handling, self.now);
        Judged {
            line: line.name(),
            passes: reason.is_none(),
            reason: reason.map(|reason| reason.code().to_owned()),
            because: self.because(line),
            markings: self.speakers(line),
        }
    }

    fn because(&self, line: Line) -> String {
        let (terms, reader) = (&self.handling.terms, &self.grant.reader);
        match line {
            Line::Audience if terms.audiences.is_empty() => "no marking names an audience".to_owned(),
            Line::Audience => {
                let sets: Vec<String> = terms.audiences.iter().map(either).collect();
                format!(
                    "for audience {}; {} is in {}",
                    sets.join(" and "),
                    reader.organisation,
                    either(&reader.audiences)
                )
            }
            Line::Releasability => self.releasability(),
            Line::Ceiling => {
                let ceiling = self.grant.ceiling();
                let level = self.handling.level(self.now);
                format!("{level} by {}, at most {} ({})", self.origin(), ceiling.tlp, ceiling.place)
            }
            Line::Recipient => self.recipient(),
            Line::Purpose => match self.handling.purposes() {
                None => "it is for all purposes".to_owned(),
                Some(list) => {
                    let list = list.into_iter().map(str::to_owned).collect();
                    format!("for {}; the client reads here for {}", either(&list), either(&reader.purposes))
                }
            },
            Line::Understanding if terms.needs.is_empty() => "no marking that must be understood".to_owned(),
            Line::Understanding => {
                format!("must understand {}; understands {}", all(&terms.needs), either(&reader.understands))
            }
        }
    }

    fn origin(&self) -> String {
        let level = self.handling.level(self.now);
        match level > self.handling.own_level(self.now) {
            true => "what it is about".to_owned(),
            false => self.handling.source.to_string(),
        }
    }

    fn releasability(&self) -> String {
        let terms = &self.handling.terms;
        let mut parts = Vec::new();
        if let Some(set) = &terms.rel_to {
            parts.push(format!("REL TO {}", either(set)));
        }
        if !terms.not_rel_to.is_empty() {
            parts.push(format!("NOT REL TO {}", either(&terms.not_rel_to)));
        }
        if terms.originator_control {
            parts.push(match &self.handling.relay {
                Some(relay) => {
                    format!("controlled by its originator {}, passed on by {relay}", self.handling.owner)
                }
                None => "controlled by its originator, who published it here".to_owned(),
            });
        }
        if let Some(end) = terms.valid_until {
            parts.push(format!("until {}", Timestamp::from_micros(end)));
        }
        match parts.is_empty() {
            true => "no marking restricts it".to_owned(),
            false => {
                format!("{}; the client is of {}", parts.join(", "), self.grant.reader.places.join(", "))
            }
        }
    }

    fn recipient(&self) -> String {
        let level = self.handling.level(self.now);
        match level {
            Tlp::Red => {
                let named = self.handling.terms.recipients.as_ref();
                format!(
                    "{level} is for {} and its owner {}",
                    named.map_or("nobody".to_owned(), either),
                    self.handling.owner
                )
            }
            Tlp::AmberStrict => match &self.handling.relay {
                Some(relay) => format!(
                    "{level} of {} was passed on by {relay}, to whom alone it was given",
                    self.handling.owner
                ),
                None => format!("{level}, published here by its owner {}", self.handling.owner),
            },
            _ => format!("{level} is for all readers of the collection"),
        }
    }

    /// The markings of the object that speak about a line.
    fn speakers(&self, line: Line) -> Vec<String> {
        let level = self.handling.own_level(self.now);
        let speaks = |terms: &Terms| match line {
            Line::Audience => !terms.audiences.is_empty(),
            Line::Releasability => {
                terms.rel_to.is_some()
                    || !terms.not_rel_to.is_empty()
                    || terms.originator_control
                    || terms.valid_until.is_some()
            }
            Line::Ceiling => {
                let is_raised = self.handling.level(self.now) > level;
                !is_raised && super::handling::level(terms, self.now) == Some(level)
            }
            Line::Recipient => level == Tlp::Red && terms.recipients.is_some(),
            Line::Purpose => terms.purposes.is_some(),
            Line::Understanding => !terms.needs.is_empty(),
        };
        self.markings.iter().filter(|(_, terms)| speaks(terms)).map(|(id, _)| id.clone()).collect()
    }
}

fn either(set: &BTreeSet<String>) -> String {
    match set.is_empty() {
        true => "none".to_owned(),
        false => set.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn all(set: &BTreeSet<String>) -> String {
    set.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
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
