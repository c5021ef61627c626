//! What the objects of one envelope say of each other's markings: definitions that came along, levels that
//! objects without one take from those that name them, and the floor of relationships.

use super::handling::{Source, level};
use super::{Handling, Refusal};
use crate::registry::Unmarked;
use crate::stix::claims::{self, Claims};
use crate::stix::marking::{Terms, built_in};
use crate::stix::object::Rejected;
use crate::stix::schema::{self, Class};
use crate::stix::{Object, StixTime, Timestamp, Tlp};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// The markings that are defined in a collection.
#[derive(Debug, Clone, Default)]
pub struct Markings(HashMap<String, Arc<Terms>>);

impl Markings {
    /// Adds a definition.
    pub fn insert(&mut self, id: String, terms: Terms) {
        self.0.insert(id, Arc::new(terms));
    }

    /// Forgets one.
    pub fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a marking says.
    pub fn get(&self, id: &str) -> Option<&Terms> {
        self.0.get(id).map(Arc::as_ref)
    }
}

/// An item of an envelope.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are objects, and a box for each costs more")]
pub enum Item {
    /// An acceptable object.
    Object(Object),
    /// Another one; what it says still counts for those that came with it.
    Rejected(Box<(Rejected, Claims)>),
}

/// How an object stands when everything that came with it is taken into account.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What its markings and those that it takes from others say; with a level.
    pub terms: Arc<Terms>,
    /// What gave the level.
    pub source: Source,
    /// The level of what it is about.
    pub floor: Tlp,
}

/// What applies to objects without a level, and where to look for what is not in the envelope.
pub struct Around<'a> {
    /// The collection's rule.
    pub unmarked: Unmarked,
    /// The markings defined in the collection.
    pub markings: &'a Markings,
    /// The latest version of an object in the collection, and its handling.
    pub stored: &'a dyn Fn(&str) -> Option<(StixTime, Handling)>,
    /// The time.
    pub now: Timestamp,
}

/// The items of an envelope, with how each stands.
pub struct Together<'a> {
    around: Around<'a>,
    items: &'a [Item],
    /// By item: what its markings say, as far as that is known, and what is wrong with them.
    own: Vec<(Arc<Terms>, Option<Refusal>)>,
    /// By item: what it takes from others.
    inherited: HashMap<usize, Arc<Terms>>,
    /// Terms that were given a level; the pointers are into `own`, which lives as long.
    given: RefCell<HashMap<(*const Terms, Tlp), Arc<Terms>>>,
    /// Inheritance was given up: whoever depends on it is refused.
    is_entangled: bool,
}

impl<'a> Together<'a> {
    /// Looks at all items.
    pub fn new(items: &'a [Item], around: Around<'a>) -> Self {
        let own = Resolver::new(items, &around).all(items);
        let mut together = Self {
            around,
            items,
            own,
            inherited: HashMap::new(),
            given: RefCell::default(),
            is_entangled: false,
        };
        together.inherit();
        together
    }

    /// How each item stands, in order.
    pub fn standings(&self) -> Vec<Result<Standing, Refusal>> {
        let mut all: Vec<_> = (0..self.items.len()).map(|at| self.standing(at)).collect();
        self.settle_floors(&mut all);
        all
    }

    fn own_level(&self, at: usize) -> Option<Tlp> {
        level(&self.own[at].0, self.around.now)
    }

    fn standing(&self, at: usize) -> Result<Standing, Refusal> {
        match &self.own[at] {
            (_, Some(refusal)) => Err(refusal.clone()),
            (own, None) => self.settled(at, own),
        }
    }

    /// How an item stands if whatever is wrong with its markings is passed over.
    fn settled(&self, at: usize, own: &Arc<Terms>) -> Result<Standing, Refusal> {
        let with = |terms, source| Ok(Standing { terms, source, floor: Tlp::Clear });
        if self.own_level(at).is_some() {
            return with(own.clone(), Source::Own);
        }
        if let Some(inherited) = self.inherited.get(&at) {
            return with(inherited.clone(), Source::Container);
        }
        if self.is_entangled {
            return Err(Refusal::Entangled);
        }
        let given = |tlp| self.given(own, tlp);
        let about = || self.translated(at, own);
        match (self.items[at].object_type(), self.around.unmarked) {
            ("marking-definition" | "extension-definition", _) => with(given(Tlp::Clear), Source::Type),
            ("language-content", rule) if about().is_some() => {
                let mut terms = about().unwrap_or_default();
                terms.tlp = terms.tlp.max(rule.level());
                with(
                    Arc::new(terms),
                    if rule.level().is_some() { Source::Collection } else { Source::Container },
                )
            }
            (_, Unmarked::Assume(tlp) | Unmarked::Stamp(tlp)) => with(given(tlp), Source::Collection),
            ("identity" | "location", _) => with(given(Tlp::Green), Source::Type),
            (_, Unmarked::Inherit) => Err(Refusal::NothingInherited),
            (_, Unmarked::Reject) => Err(Refusal::Unmarked),
        }
    }

    /// The same terms with a level; most objects have the same, which then is one value.
    fn given(&self, own: &Arc<Terms>, tlp: Tlp) -> Arc<Terms> {
        let mut given = self.given.borrow_mut();
        let entry = given.entry((Arc::as_ptr(own), tlp));
        entry.or_insert_with(|| Arc::new(Terms { tlp: Some(tlp), ..Terms::clone(own) })).clone()
    }

    /// What a translation without a level is under: what its object is under.
    fn translated(&self, at: usize, own: &Terms) -> Option<Terms> {
        let Item::Object(object) = &self.items[at] else { return None };
        let about = object.ends().first()?;
        // The version of this envelope may come to be refused by what is stored, so both count.
        let here = match self.latest(about) {
            Some(to) => Some(self.settled(to, &self.own[to].0).ok()?),
            None => None,
        };
        let stored = (self.around.stored)(about);
        let mut terms = own.clone();
        if let Some(standing) = here {
            terms.add(&standing.terms);
            terms.tlp = terms.tlp.max(level(&standing.terms, self.around.now));
        }
        if let Some((_, handling)) = stored {
            terms.add(&handling.terms);
            terms.tlp = terms.tlp.max(Some(handling.level(self.around.now)));
        }
        terms.tlp.map(|_| terms)
    }

    /// Objects without a level take the highest that they are named by, with everything else that
    /// those ask for. From the highest level down, so that each object is settled once.
    fn inherit(&mut self) {
        let levels: Vec<Option<Tlp>> = (0..self.items.len()).map(|at| self.own_level(at)).collect();
        if levels.iter().all(Option::is_some) || levels.iter().all(Option::is_none) {
            return;
        }
        let names = self.names(&levels);
        let mut steps = 0;
        for tlp in Tlp::ALL.into_iter().rev() {
            let mut open: Vec<usize> = (0..levels.len()).filter(|at| levels[*at] == Some(tlp)).collect();
            while let Some(at) = open.pop() {
                let terms = self.inherited.get(&at).unwrap_or(&self.own[at].0).clone();
                let Some(targets) = names.get(&at) else { continue };
                for target in targets {
                    steps += 1;
                    if steps > STEPS_MAX {
                        (self.is_entangled, self.inherited) = (true, HashMap::new());
                        return;
                    }
                    if self.take(*target, &terms, tlp) {
                        open.push(*target);
                    }
                }
            }
        }
    }

    /// Puts an object without a level under these terms; true if that changed anything.
    fn take(&mut self, at: usize, terms: &Terms, tlp: Tlp) -> bool {
        let own = &self.own[at].0;
        let before = self.inherited.get(&at);
        if before.is_some_and(|before| before.tlp > Some(tlp)) {
            return false;
        }
        let mut after = Terms::clone(before.unwrap_or(own));
        after.add_restrictions(terms);
        after.tlp = Some(tlp);
        if before.is_some_and(|before| **before == after) {
            return false;
        }
        self.inherited.insert(at, Arc::new(after));
        true
    }

    /// For each item that passes its level on: the items without a level that it names.
    fn names(&self, levels: &[Option<Tlp>]) -> HashMap<usize, Vec<usize>> {
        let mut takers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, item) in self.items.iter().enumerate().filter(|(at, _)| levels[*at].is_none()) {
            if let Some(id) = item.id() {
                takers.entry(id).or_default().push(at);
            }
        }
        let mut names = HashMap::new();
        for (at, item) in self.items.iter().enumerate() {
            let is_container = CONTAINERS.contains(&item.object_type());
            let targets = claims::references(item.json());
            let targets = targets.iter().filter_map(|id| takers.get(id.as_str())).flatten().copied();
            // Observables take from whatever names them, anything else from what contains it.
            let targets: Vec<usize> =
                targets.filter(|to| *to != at && (is_container || self.items[*to].is_observable())).collect();
            if !targets.is_empty() {
                names.insert(at, targets);
            }
        }
        names
    }

    /// The item that is the latest version of an object.
    fn latest(&self, id: &str) -> Option<usize> {
        let versions = self.items.iter().enumerate().filter(|(_, item)| item.id() == Some(id));
        versions.max_by_key(|(_, item)| item.version().cloned()).map(|(at, _)| at)
    }

    fn settle_floors(&self, all: &mut [Result<Standing, Refusal>]) {
        let has_ends = |item: &Item| matches!(item, Item::Object(object) if !object.ends().is_empty());
        if !self.items.iter().any(has_ends) {
            return;
        }
        let mut latest: HashMap<&str, (Option<&StixTime>, Tlp)> = HashMap::new();
        for (at, item) in self.items.iter().enumerate() {
            let found = match &all[at] {
                Ok(standing) => level(&standing.terms, self.around.now),
                Err(_) => {
                    let found = self.settled(at, &self.own[at].0).ok();
                    found.and_then(|found| level(&found.terms, self.around.now))
                }
            };
            let (Some(tlp), Some(id)) = (found, item.id()) else { continue };
            let entry = latest.entry(id).or_insert((item.version(), tlp));
            if item.version() >= entry.0 {
                *entry = (item.version(), tlp);
            }
        }
        for (at, item) in self.items.iter().enumerate() {
            let (Item::Object(object), Ok(standing)) = (item, &mut all[at]) else { continue };
            let own = level(&standing.terms, self.around.now);
            for (id, (version, tlp)) in
                object.ends().iter().filter_map(|id| latest.get_key_value(id.as_str()))
            {
                let is_outdated =
                    || (self.around.stored)(id).is_some_and(|(stored, _)| Some(&stored) > *version);
                if Some(*tlp) > own && *tlp > standing.floor && !is_outdated() {
                    standing.floor = *tlp;
                }
            }
        }
    }
}

/// The markings that an object refers to, and what its labels say.
type Marked<'a> = (&'a [String], Option<&'a Terms>);

/// Finds what markings say: in the envelope, in the collection, or built in.
struct Resolver<'a> {
    here: HashMap<&'a str, Vec<Result<&'a Terms, ()>>>,
    stored: &'a Markings,
    /// Most objects are marked alike.
    known: HashMap<Marked<'a>, (Arc<Terms>, Option<Refusal>)>,
}

impl<'a> Resolver<'a> {
    fn new(items: &'a [Item], around: &Around<'a>) -> Self {
        let mut here: HashMap<&str, Vec<Result<&Terms, ()>>> = HashMap::new();
        for item in items {
            let found = match item {
                Item::Object(object) => object.defines().map(Ok),
                Item::Rejected(found) => found.1.defines.as_ref().map(|found| found.as_ref().map_err(|_| ())),
            };
            if let Some((found, id)) = found.zip(item.id()) {
                here.entry(id).or_default().push(found);
            }
        }
        Self { here, stored: around.markings, known: HashMap::new() }
    }

    fn all(&mut self, items: &'a [Item]) -> Vec<(Arc<Terms>, Option<Refusal>)> {
        items.iter().map(|item| self.own(item)).collect()
    }

    fn own(&mut self, item: &'a Item) -> (Arc<Terms>, Option<Refusal>) {
        let (marks, labelled) = match item {
            Item::Object(object) => (object.marks(), object.labelled()),
            Item::Rejected(found) => (found.1.marks.as_slice(), Some(&found.1.labelled)),
        };
        if let Some(known) = self.known.get(&(marks, labelled)) {
            return known.clone();
        }
        let mut terms = labelled.cloned().unwrap_or_default();
        let mut refusal = None;
        for id in marks {
            refusal = self.add(&mut terms, id).err().or(refusal);
        }
        let found = (Arc::new(terms), refusal);
        self.known.insert((marks, labelled), found.clone());
        found
    }

    fn add(&self, terms: &mut Terms, id: &str) -> Result<(), Refusal> {
        if let Some(known) = built_in(id) {
            terms.add(&known);
            return Ok(());
        }
        let here = self.here.get(id).map(Vec::as_slice).unwrap_or_default();
        for found in here {
            terms.add(found.map_err(|()| Refusal::MarkingUnreadable(id.to_owned()))?);
        }
        match self.stored.get(id) {
            Some(stored) => terms.add(stored),
            None if here.is_empty() => return Err(Refusal::MarkingUnknown(id.to_owned())),
            None => {}
        }
        Ok(())
    }
}

impl From<Result<Object, Box<Rejected>>> for Item {
    fn from(found: Result<Object, Box<Rejected>>) -> Self {
        match found {
            Ok(object) => Self::Object(object),
            Err(rejected) => {
                let claims = Claims::of(&rejected.json);
                Self::Rejected(Box::new((*rejected, claims)))
            }
        }
    }
}

impl Item {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Object(object) => Some(object.id().as_str()),
            Self::Rejected(found) => found.1.id.as_deref(),
        }
    }

    fn object_type(&self) -> &str {
        self.id().and_then(|id| id.split_once("--")).map_or("", |(name, _)| name)
    }

    fn is_observable(&self) -> bool {
        schema::is_known_type(self.object_type()) == Some(Class::Sco)
    }

    fn version(&self) -> Option<&StixTime> {
        match self {
            Self::Object(object) => Some(object.version()),
            Self::Rejected(found) => found.1.version.as_ref(),
        }
    }

    fn json(&self) -> &[u8] {
        match self {
            Self::Object(object) => object.json(),
            Self::Rejected(found) => &found.0.json,
        }
    }
}

/// What passes its level on to all that it names.
const CONTAINERS: [&str; 9] = [
    "report",
    "grouping",
    "note",
    "opinion",
    "observed-data",
    "malware-analysis",
    "incident",
    "sighting",
    "relationship",
];
/// How often levels are passed on within an envelope; what asks for more was not made by a program that
/// marks objects.
const STEPS_MAX: usize = 1_000_000;
