//! Which event each value goes into, and under which id.

use super::line::{Levels, Line};
use super::previous::{self, Known};
use super::{EventBy, Feed};
use crate::export::row::{Facts, TlpWrite};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// An event to be.
pub(super) struct Event<'a> {
    pub(super) info: Cow<'a, str>,
    pub(super) date: Cow<'a, str>,
    /// The level of its name.
    tlp: Tlp,
    /// Of what was written last time.
    pub(super) timestamp: Option<i64>,
    pub(super) placed: Vec<Placed<'a>>,
}

/// A value in its place.
pub(super) struct Placed<'a> {
    pub(super) line: Line<'a>,
    pub(super) uuid: Uuid,
    /// What was there under this id.
    pub(super) before: Option<&'a Known<'a>>,
}

impl Event<'_> {
    /// The highest levels inside.
    pub(super) fn levels(&self, mode: TlpWrite) -> Levels {
        let tlp = self.placed.iter().map(|placed| placed.line.tlp).fold(self.tlp, Tlp::max);
        let pap = self.placed.iter().map(|placed| placed.line.pap).fold(Pap::Clear, Pap::max);
        Levels { tlp, pap, mode }
    }
}

/// All events, those included in which everything is retracted.
///
/// For MISP an id belongs to one event for ever, and a value stands in an event once. So what was written
/// before stays where it is and keeps its id; only the rest is given an event and an id.
pub(super) fn events<'a>(
    feed: &Feed<'a>,
    lines: Vec<Line<'a>>,
    before: &'a [previous::Event<'a>],
) -> BTreeMap<Uuid, Event<'a>> {
    let mut plan = Plan::new(feed, before);
    let (known, rest): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| plan.by_value.contains_key(&(&*line.kind, &*line.value)));
    for line in known {
        let found = plan.by_value[&(&*line.kind, &*line.value)];
        plan.taken.insert(found.uuid);
        plan.put(found.event, Placed { line, uuid: found.uuid, before: Some(found) });
    }
    for line in rest {
        let Some(facts) = line.facts else { continue };
        let own = own_uuid(feed, facts);
        // Of a pattern with several values the first has the pattern's id.
        let uuid = match plan.taken.insert(own) {
            true => own,
            false => Uuid::new_v5(&own, format!("{}:{}", line.kind, line.value).as_bytes()),
        };
        plan.taken.insert(uuid);
        let found = plan.by_uuid.get(&uuid).copied();
        let event = found.map_or_else(|| plan.event_of(facts), |found| found.event);
        plan.put(event, Placed { line, uuid, before: found });
    }
    plan.retract();
    plan.events.retain(|_, event| !event.placed.is_empty());
    plan.events.values_mut().for_each(sort);
    plan.events
}

/// Values stand in an order of their own, not in that of what came when.
fn sort(event: &mut Event) {
    let key = |placed: &Placed| placed.line.facts.is_none();
    event.placed.sort_by(|one, other| {
        (key(one), &*one.line.kind, &*one.line.value).cmp(&(
            key(other),
            &*other.line.kind,
            &*other.line.value,
        ))
    });
}

/// The id that the object brings along, if it is one that MISP takes.
fn own_uuid(feed: &Feed, facts: &Facts) -> Uuid {
    Uuid::parse_str(facts.uuid())
        .ok()
        .filter(|uuid| matches!(uuid.get_version_num(), 4 | 5))
        .unwrap_or_else(|| Uuid::new_v5(&feed.space, facts.id.as_bytes()))
}

/// The id of a collection's day.
fn uuid_of_day(feed: &Feed, collection: &str, date: &str) -> Uuid {
    let made = || Uuid::new_v5(&feed.space, format!("collection:{collection}").as_bytes());
    let space = Uuid::parse_str(collection).unwrap_or_else(|_| made());
    Uuid::new_v5(&space, date.as_bytes())
}

/// The name that an event keeps: a day's. That of a grouping is read from the grouping, or gone with it.
fn name_of<'a>(feed: &Feed, event: &'a previous::Event) -> Cow<'a, str> {
    let collection = event.info.strip_suffix(&*event.date).and_then(|rest| rest.strip_suffix(' '));
    match collection.is_some_and(|name| uuid_of_day(feed, name, &event.date) == event.uuid) {
        true => event.info.as_ref().into(),
        false => format!("{} {}", feed.input.about.name, event.date).into(),
    }
}

struct Plan<'a, 'f> {
    feed: &'f Feed<'a>,
    events: BTreeMap<Uuid, Event<'a>>,
    by_value: HashMap<(&'a str, &'a str), &'a Known<'a>>,
    by_uuid: HashMap<Uuid, &'a Known<'a>>,
    taken: HashSet<Uuid>,
    /// By collection and day.
    days: HashMap<(&'a str, i64), Uuid>,
    /// By indicator.
    groupings: HashMap<String, Uuid>,
}

impl<'a, 'f> Plan<'a, 'f> {
    fn new(feed: &'f Feed<'a>, before: &'a [previous::Event<'a>]) -> Self {
        let mut plan = Self {
            feed,
            events: BTreeMap::new(),
            by_value: HashMap::new(),
            by_uuid: HashMap::new(),
            taken: HashSet::with_capacity(feed.input.rows.len()),
            days: HashMap::new(),
            groupings: HashMap::new(),
        };
        for event in before {
            let (info, date) = (name_of(feed, event), event.date.as_ref().into());
            let timestamp = Some(event.timestamp);
            let new = Event { info, date, tlp: Tlp::Clear, timestamp, placed: Vec::new() };
            plan.events.insert(event.uuid, new);
            for known in &event.attributes {
                plan.by_uuid.insert(known.uuid, known);
                // What stands there goes before what was retracted.
                let key = (&*known.line.kind, &*known.line.value);
                if !known.is_deleted || !plan.by_value.contains_key(&key) {
                    plan.by_value.insert(key, known);
                }
            }
        }
        if feed.choices.event_by == EventBy::Grouping {
            plan.read_groupings();
        }
        plan
    }

    fn put(&mut self, event: Uuid, placed: Placed<'a>) {
        if let Some(event) = self.events.get_mut(&event) {
            event.placed.push(placed);
        }
    }

    /// The event that something new belongs into.
    fn event_of(&mut self, facts: &'a Facts) -> Uuid {
        if let Some(event) = self.groupings.get(&facts.id) {
            return *event;
        }
        let day = facts.modified.micros().div_euclid(DAY * 1_000_000);
        let key = (&*facts.collection, day);
        if let Some(event) = self.days.get(&key) {
            return *event;
        }
        let date = Timestamp::from_micros(day * DAY * 1_000_000).to_string()[..10].to_owned();
        let collection = &facts.collection;
        let space = Uuid::parse_str(collection).unwrap_or_else(|_| {
            Uuid::new_v5(&self.feed.space, format!("collection:{collection}").as_bytes())
        });
        let uuid = Uuid::new_v5(&space, date.as_bytes());
        self.days.insert(key, uuid);
        self.name(uuid, format!("{collection} {date}"), date, Tlp::Clear);
        uuid
    }

    /// Gives an event its name, be it new or not.
    fn name(&mut self, uuid: Uuid, info: String, date: String, tlp: Tlp) {
        let timestamp = self.events.get(&uuid).and_then(|event| event.timestamp);
        let placed = self.events.remove(&uuid).map(|event| event.placed).unwrap_or_default();
        self.events.insert(uuid, Event { info: info.into(), date: date.into(), tlp, timestamp, placed });
    }

    fn read_groupings(&mut self) {
        let objects = self.feed.input.objects;
        for whole in objects {
            let Ok(grouping) = serde_json::from_slice::<Grouping>(&whole.json) else { continue };
            let uuid = grouping.id.strip_prefix("grouping--").and_then(|uuid| Uuid::parse_str(uuid).ok());
            let Some(uuid) = uuid else { continue };
            let Some(created) = Timestamp::parse(&grouping.created) else { continue };
            let date = created.to_string()[..10].to_owned();
            let info = super::super::one_line(&grouping.name.unwrap_or_default(), super::super::TEXT_MAX);
            let info = if info.is_empty() { format!("{} {date}", whole.collection) } else { info };
            self.name(uuid, info, date, whole.tlp);
            for of in grouping.object_refs {
                self.groupings.entry(of).or_insert(uuid);
            }
        }
    }

    /// Keeps for a while, as deleted, what is no longer there: MISP keeps what a feed merely stops listing.
    fn retract(&mut self) {
        let is_due =
            |known: &Known| known.is_deleted && self.feed.generated - known.timestamp >= RETRACTED_DAYS * DAY;
        let gone: Vec<&Known> = self
            .by_uuid
            .values()
            .copied()
            .filter(|known| !self.taken.contains(&known.uuid) && !is_due(known))
            .collect();
        for known in gone {
            let placed = Placed { line: known.line.clone(), uuid: known.uuid, before: Some(known) };
            self.put(known.event, placed);
        }
    }
}

#[derive(Deserialize)]
struct Grouping {
    id: String,
    name: Option<String>,
    created: String,
    object_refs: Vec<String>,
}

/// How long what was retracted is told.
const RETRACTED_DAYS: i64 = 30;
/// In seconds.
const DAY: i64 = 86_400;
