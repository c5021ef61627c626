//! What of a part goes on to the target: what is wanted, whose it may be, and what may be passed on at all.

use super::Fault;
use super::job::{Job, Owners, Target};
use super::letters::Letter;
use super::state::Counts;
use crate::policy::{
    Around, FOR_ALL_PURPOSES, ForwardScope, Handling, Item, Markings, NotForwarded, Recipient, Standing,
    Together, asks_first, forward_scope,
};
use crate::registry::Unmarked;
use crate::stix::claims::Claims;
use crate::stix::marking::{Terms, built_in};
use crate::stix::object::Rejected;
use crate::stix::schema::{self, Class};
use crate::stix::{Object, StixTime, Timestamp, Tlp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Objects as they came, each acceptable or not.
pub type Objects = Vec<Result<Object, Box<Rejected>>>;

/// Decides what goes on.
pub struct Sieve<'a> {
    job: &'a Job,
    forward: Option<ForwardScope>,
    markings: Markings,
    since: Option<StixTime>,
    inside: &'a Inside<'a>,
}

/// What only the hub knows, if it is the target.
pub struct Inside<'a> {
    /// May others read there what this creator has made? Then what asks first does not go there.
    pub shares: &'a dyn Fn(Option<&str>) -> bool,
    /// Is this an identity of the organisation on whose behalf the job adds?
    pub is_ours: &'a dyn Fn(&str) -> bool,
}

/// What the sieve has let through, and what it has not.
#[derive(Default)]
pub struct Sifted {
    /// What goes on, in order.
    pub passed: Vec<Object>,
    /// What was refused.
    pub letters: Vec<Letter>,
    /// What is not wanted, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Markings that came up, by id.
    pub defined: Vec<(String, Value)>,
}

impl<'a> Sieve<'a> {
    /// For a job whose source has defined these markings so far.
    pub fn new(job: &'a Job, known: &BTreeMap<String, Value>, inside: &'a Inside<'a>) -> Result<Self, Fault> {
        let mut markings = Markings::default();
        for (id, definition) in known {
            if let Some(terms) = terms_of(definition) {
                markings.insert(id.clone(), terms);
            }
        }
        let forward = &job.forward;
        let recipient = Recipient {
            country: forward.country.clone(),
            identities: forward.identities.clone(),
            tlp_max: forward.tlp_max,
            tlp_max_of_others: forward.tlp_max_of_others,
            purposes: forward.purposes(),
            consents: forward.consents.clone(),
        };
        let passes_on = !matches!(job.target, Target::Hub { .. });
        let since = job.filter.since.as_deref().map(|text| {
            let wrong = || Fault::Lasting(format!("filter.since is `{text}`; expected 2026-01-31T00:00:00Z"));
            StixTime::parse(text).ok_or_else(wrong)
        });
        Ok(Self {
            job,
            forward: passes_on.then(|| forward_scope(&forward.ours, &recipient)),
            markings,
            since: since.transpose()?,
            inside,
        })
    }

    /// Markings that objects refer to and that nobody has defined yet.
    pub fn unknown(&self, objects: &Objects) -> Vec<String> {
        let good = || objects.iter().filter_map(|object| object.as_ref().ok());
        let here: HashSet<&str> =
            good().filter(|object| object.is_marking()).map(|object| object.id().as_str()).collect();
        let is_unknown = |id: &&String| {
            built_in(id).is_none() && self.markings.get(id).is_none() && !here.contains(id.as_str())
        };
        let all: BTreeSet<&String> = good().flat_map(Object::marks).filter(is_unknown).collect();
        all.into_iter().cloned().collect()
    }

    /// Learns what a marking says.
    pub fn learn(&mut self, id: &str, definition: &Value) {
        if let Some(terms) = terms_of(definition) {
            self.markings.insert(id.to_owned(), terms);
        }
    }

    /// Sifts a part, of which the objects may have been made here.
    pub fn sift(&mut self, objects: Objects, is_submitted: bool, now: Timestamp) -> Sifted {
        let mut sifted = Sifted::default();
        let items: Vec<Item> = objects.into_iter().map(Item::from).collect();
        for object in items.iter().filter_map(acceptable) {
            if let (true, Ok(definition)) = (object.is_marking(), serde_json::from_slice(object.json())) {
                if let Some(terms) = object.defines().filter(|_| self.markings.len() < MARKINGS_MAX) {
                    self.markings.insert(object.id().to_string(), terms.clone());
                }
                sifted.defined.push((object.id().to_string(), definition));
            }
        }
        let around =
            Around { unmarked: self.job.unmarked(), markings: &self.markings, stored: &|_| None, now };
        let standings = Together::new(&items, around).standings();
        for (item, standing) in items.into_iter().zip(standings) {
            match item {
                Item::Rejected(found) => sifted.refuse_rejected(found.0),
                Item::Object(object) => {
                    let standing = standing.map_err(|refusal| (refusal.code(), refusal.to_string()));
                    match standing.and_then(|standing| self.judge(&object, is_submitted, standing, now)) {
                        Ok(None) => sifted.passed.push(self.stamped(object)),
                        Ok(Some(reason)) => *sifted.left_out.entry(reason.to_owned()).or_default() += 1,
                        Err((code, reason)) => sifted.refuse(&object, code, reason),
                    }
                }
            }
        }
        sifted
    }

    /// Nothing if an object goes on, a word if it is not wanted; an error if it is refused.
    fn judge(
        &self,
        object: &Object,
        is_submitted: bool,
        standing: Standing,
        now: Timestamp,
    ) -> Result<Option<&'static str>, (&'static str, String)> {
        if !self.is_wanted(object) {
            return Ok(Some("filter"));
        }
        let creator = object.created_by_ref().map(|id| id.as_str());
        if let Some(told) = self.of_whom(object, creator).filter(|_| !is_submitted) {
            return told;
        }
        let handling = self.handling(object, creator, standing);
        let level = handling.level(now);
        if let Some(limit) = self.job.marking.tlp_max.filter(|limit| level > *limit) {
            return Err(("tlp_above_ceiling", format!("marked {level}, but this job takes at most {limit}")));
        }
        match &self.forward {
            None if asks_first(&handling) && (self.inside.shares)(creator) => {
                Err((NotForwarded::OnwardTransfer.code(), NotForwarded::OnwardTransfer.to_string()))
            }
            None => Ok(None),
            Some(forward) => match forward.refusal((object.id().object_type(), creator), &handling, now) {
                None => Ok(None),
                Some(NotForwarded::Origin) => Ok(Some("origin")),
                Some(refusal) => Err((refusal.code(), refusal.to_string())),
            },
        }
    }

    /// What follows from who says to have made it; nothing if it may come.
    fn of_whom(
        &self,
        object: &Object,
        creator: Option<&str>,
    ) -> Option<Result<Option<&'static str>, (&'static str, String)>> {
        // Nobody outside speaks for the organisation on whose behalf the job adds: what is its own and comes
        // back is no news, and a newer version of it is not its own.
        if creator.is_some_and(|creator| (self.inside.is_ours)(creator)) {
            return Some(Ok(Some("origin")));
        }
        let owners = self.job.source.owners();
        let is_included = match creator {
            Some(creator) => owners.include(creator),
            None => is_nobodys(object.id().object_type()) || matches!(owners, Owners::Word(_)),
        };
        if is_included {
            return None;
        }
        let ours = &self.job.forward.ours;
        let is_ours = creator.is_some_and(|creator| ours.iter().any(|one| one == creator));
        Some(if is_ours { Ok(Some("origin")) } else { Err(("owner", foreign(creator, owners))) })
    }

    fn handling(&self, object: &Object, creator: Option<&str>, standing: Standing) -> Handling {
        let is_ours = creator
            .is_some_and(|creator| self.forward.as_ref().is_some_and(|forward| forward.is_ours(creator)));
        let object_type = object.id().object_type();
        Handling {
            owner: creator.unwrap_or_default().to_owned(),
            // Whatever was for us was not for those whom we pass it on to.
            relay: (!is_ours).then(|| "us".to_owned()),
            source: standing.source,
            floor: standing.floor,
            for_all_purposes: FOR_ALL_PURPOSES.contains(&object_type),
            terms: Terms::clone(&standing.terms),
        }
    }

    fn is_wanted(&self, object: &Object) -> bool {
        let filter = &self.job.filter;
        let object_type = object.id().object_type();
        let is_around = FOR_ALL_PURPOSES.contains(&object_type);
        if self.since.as_ref().is_some_and(|since| object.version() < since && !is_around) {
            return false;
        }
        let is_asked = |types: &Vec<String>| is_around || types.iter().any(|one| one == object_type);
        if !filter.types.as_ref().is_none_or(is_asked) {
            return false;
        }
        if is_around || filter.labels.is_none() && filter.confidence_min.is_none() {
            return true;
        }
        let read: Value = serde_json::from_slice(object.json()).unwrap_or_default();
        let labels = || read["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let is_labelled = |wanted: &Vec<String>| labels().any(|label| wanted.iter().any(|one| one == label));
        let is_sure = |least: u8| read["confidence"].as_u64().is_none_or(|found| found >= u64::from(least));
        filter.labels.as_ref().is_none_or(is_labelled) && filter.confidence_min.is_none_or(is_sure)
    }

    /// The object as it goes on.
    fn stamped(&self, object: Object) -> Object {
        match self.job.marking.unmarked {
            Some(Unmarked::Stamp(tlp)) if is_bare(&object) => object.stamped(tlp),
            _ => object,
        }
    }
}

/// What a marking says, if it can be understood.
fn terms_of(definition: &Value) -> Option<Terms> {
    Claims::of(definition.to_string().as_bytes()).defines?.ok()
}

/// Has it no level of its own, although it is of a type that needs one?
fn is_bare(object: &Object) -> bool {
    let marks = object.marks().iter().any(|id| Tlp::of_marking(id).is_some());
    let labels = object.labelled().is_some_and(|terms| terms.tlp.is_some());
    !marks && !labels && !FOR_ALL_PURPOSES.contains(&object.id().object_type())
}

/// Observables and definitions say nothing of who has made them.
fn is_nobodys(object_type: &str) -> bool {
    FOR_ALL_PURPOSES.contains(&object_type) || schema::is_known_type(object_type) == Some(Class::Sco)
}

fn foreign(creator: Option<&str>, owners: &Owners) -> String {
    let listed = match owners {
        Owners::Listed(list) if !list.is_empty() => list.join(", "),
        _ => "nobody".to_owned(),
    };
    match creator {
        Some(creator) => format!(
            "made by {creator}, but the source may give objects of {listed} only; if it relays for that organisation too, add it to source.owners"
        ),
        None => format!(
            "it does not say who made it (created_by_ref), but the source may give objects of {listed} only; source.owners = \"any\" takes it"
        ),
    }
}

fn acceptable(item: &Item) -> Option<&Object> {
    match item {
        Item::Object(object) => Some(object),
        Item::Rejected(_) => None,
    }
}

impl Sifted {
    fn refuse_rejected(&mut self, found: Rejected) {
        self.letters.push(Letter {
            id: found.label.id,
            version: found.label.version,
            code: "content".to_owned(),
            reason: found.error.to_string(),
            object: found.json,
        });
    }

    fn refuse(&mut self, object: &Object, code: &str, reason: String) {
        self.letters.push(Letter {
            id: object.id().to_string(),
            version: object.version().as_str().to_owned(),
            code: code.to_owned(),
            reason,
            object: object.json().clone(),
        });
    }

    /// Counts all of it.
    pub fn count(&self, counts: &mut Counts) {
        let left_out: u64 = self.left_out.values().sum();
        counts.received += (self.passed.len() + self.letters.len()) as u64 + left_out;
        counts.refused += self.letters.len() as u64;
        for (reason, count) in &self.left_out {
            *counts.left_out.entry(reason.clone()).or_default() += count;
        }
    }
}

/// Markings of a source that are remembered; of others the source is asked each time.
pub const MARKINGS_MAX: usize = 2_000;
