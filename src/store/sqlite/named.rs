//! Look-ups: from a value to the objects that name it, and from those to what is said of them.
//!
//! Most values are nowhere, and the filter says so without the database. Keys are asked for in their order,
//! as the index has them; then objects in theirs, each read once however many of its values are wanted.

use super::atoms::{KEYS, each, source};
use super::classes::Classes;
use super::filter::Filter;
use super::index::{Place, Table};
use super::{Shared, index};
use crate::policy::{Handling, ReadScope};
use crate::stix::Timestamp;
use crate::stix::atom::{Atom, Kind};
use crate::store::atoms::{Named, Wanted};
use crate::store::{Error, for_all, id_hash, link_of, opinion_of};
use crate::taxii::{Match, Versions};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A key that is asked for, and the number of what it was made of.
type Asked = (i64, usize);
/// Takes rows, each with the numbers of what it was found for.
type Take<'t> = dyn FnMut(&Look, &mut dyn Iterator<Item = (Vec<usize>, &Found)>) -> Result<(), Error> + 't;
/// What is named: the number of what it was wanted for, and the scope.
type Value = (usize, usize, Named);

impl Shared {
    /// Gives what objects name of what is wanted to `visit`, if they are the last versions for one of the scopes.
    pub(super) fn named(
        &self,
        scopes: &[ReadScope],
        wanted: &[Wanted],
        most: usize,
        visit: &mut dyn FnMut(usize, usize, Named),
    ) -> Result<(), Error> {
        let ask = |filter: &Filter, asked: &mut Vec<Asked>| {
            *asked = for_all(wanted, |number, one, keys| {
                one.keys(filter.shapes(), &|key| filter.may_hold(key), &mut |key| keys.push((key, number)));
            });
            // Afterwards, in one go: so the processor asks memory for many keys at once.
            asked.retain(|(key, _)| filter.may_hold(*key));
        };
        self.look(Table::Values, scopes, ask, most, &mut |look, found| {
            let objects: Vec<Object> =
                found.filter_map(|(numbers, found)| look.object(numbers, found)).collect();
            self.values(look.transaction, wanted, &objects)?
                .into_iter()
                .for_each(|(number, scope, named)| visit(number, scope, named));
            Ok(())
        })
    }

    /// What objects name of what is wanted. Of very many another connection reads a half, if one is idle: what it
    /// sees is what this one does, and perhaps less, if something has been erased since.
    fn values(&self, own: &Connection, wanted: &[Wanted], objects: &[Object]) -> Result<Vec<Value>, Error> {
        let read = |connection: &Connection, objects: &[Object]| -> Result<Vec<Value>, Error> {
            let mut values = Vec::with_capacity(objects.len());
            objects.iter().try_for_each(|object| Reading { connection, wanted, object }.run(&mut values))?;
            Ok(values)
        };
        if objects.len() < SHARED_FROM {
            return read(own, objects);
        }
        let (first, second) = objects.split_at(objects.len() / 2);
        self.readers.with_idle(|other| {
            let Some(other) = other else { return read(own, objects) };
            std::thread::scope(|scope| {
                let second = scope.spawn(move || read(&*other.transaction()?, second));
                let mut values = read(own, first)?;
                match second.join() {
                    Ok(more) => values.extend(more?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
                Ok(values)
            })
        })
    }

    /// Gives the last versions of sightings of and opinions on objects to `visit`.
    pub(super) fn said(
        &self,
        scopes: &[ReadScope],
        objects: &[(usize, &str)],
        most: usize,
        visit: &mut dyn FnMut(usize, &Handling, &[u8]),
    ) -> Result<(), Error> {
        let ask = |filter: &Filter, asked: &mut Vec<Asked>| {
            for (scope, id) in objects {
                let hash = id_hash(id);
                let keys = [link_of(hash), opinion_of(hash)].into_iter();
                asked.extend(keys.filter(|key| filter.may_hold(*key)).map(|key| (key, *scope)));
            }
        };
        self.look(Table::Ids, scopes, ask, most, &mut |look, found| {
            let mut statement = look.transaction.prepare_cached("SELECT json FROM object WHERE seq = ?1")?;
            for (numbers, found) in found {
                let is_said = look.class(found).is_some_and(|name| name == "sighting" || name == "opinion");
                let Some(handling) = look.handling(found) else { continue };
                if !is_said || !numbers.contains(&found.scope) {
                    continue;
                }
                let mut rows = statement.query([found.seq])?;
                if let Some(row) = rows.next()? {
                    visit(found.scope, handling, row.get_ref(0)?.as_blob().unwrap_or_default());
                }
            }
            Ok(())
        })
    }

    /// Gives the visible objects that are found by the keys of `ask` to `take`, each with the numbers of what it
    /// was found for; of each key at most so many in each scope.
    fn look(
        &self,
        table: Table,
        scopes: &[ReadScope],
        ask: impl FnOnce(&Filter, &mut Vec<Asked>),
        most: usize,
        take: &mut Take,
    ) -> Result<(), Error> {
        self.readers.with(|connection| {
            drop(self.index(connection)?);
            let filter = self.filter.get(connection, &self.waiting)?;
            let mut asked = Vec::new();
            ask(&filter, &mut asked);
            asked.sort_unstable();
            let mut keys: Vec<i64> = asked.iter().map(|(key, _)| *key).collect();
            keys.dedup();
            let transaction = connection.transaction()?;
            let (look, waiting) = {
                // Held still while the snapshot begins: each of its rows is in memory or in the table.
                let waiting = self.settled();
                let places: Vec<Vec<Place>> = keys.iter().map(|key| waiting.places(table, *key)).collect();
                (self.begin(&transaction, table, scopes)?, places)
            };
            let mut found = Vec::new();
            for (at, waiting) in (0..).zip(waiting) {
                look.places((keys[at], at), waiting, most, &mut found)?;
            }
            found.sort_unstable_by_key(|found: &Found| (found.place, found.scope, found.key));
            let same = found.chunk_by(|one, other| (one.place, one.scope) == (other.place, other.scope));
            let mut found = same.map(|same| {
                let mut numbers = Vec::new();
                for key in same.iter().map(|found| keys[found.key]) {
                    let start = asked.partition_point(|(other, _)| *other < key);
                    let of_key = asked[start..].iter().take_while(|(other, _)| *other == key);
                    numbers.extend(of_key.map(|(_, number)| *number));
                }
                numbers.sort_unstable();
                numbers.dedup();
                (numbers, &same[0])
            });
            take(&look, &mut found)
        })
    }

    fn begin<'l>(
        &self,
        transaction: &'l Transaction,
        table: Table,
        scopes: &[ReadScope],
    ) -> Result<Look<'l>, Error> {
        let mut by_coll: HashMap<i64, Vec<usize>> = HashMap::new();
        for (at, scope) in scopes.iter().enumerate() {
            let sql = "SELECT pk FROM collection WHERE id = ?1";
            let coll = transaction.prepare_cached(sql)?.query_row([scope.collection()], |row| row.get(0));
            by_coll.entry(coll.optional()?.unwrap_or(-1)).or_default().push(at);
        }
        // After the snapshot has begun: what it has in it, they tell.
        let classes = self.classes.read().clone();
        let last =
            Match { versions: Some(Versions { last: true, ..Versions::default() }), ..Match::default() };
        let selected = |scope: &ReadScope| {
            classes.select(&self.visibility(&classes, scope), &last).by_word.into_iter().collect()
        };
        Ok(Look { transaction, table, by_coll, selected: scopes.iter().map(selected).collect(), classes })
    }
}

/// A snapshot, and what the scopes see in it.
struct Look<'l> {
    transaction: &'l Connection,
    table: Table,
    by_coll: HashMap<i64, Vec<usize>>,
    classes: Arc<Classes>,
    /// For each scope the classes of what it sees, last versions alone.
    selected: Vec<HashSet<i64>>,
}

/// A visible row, and the key that it was found by.
struct Found {
    place: Place,
    scope: usize,
    class: i64,
    seq: i64,
    key: usize,
}

impl Look<'_> {
    /// Finds the visible rows of a key, the last added first.
    fn places(
        &self,
        (key, at): (i64, usize),
        mut waiting: Vec<Place>,
        most: usize,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        waiting.sort_unstable();
        let start = found.len();
        let mut take = |place: Place| -> Result<(), Error> {
            let scopes = self.by_coll.get(&place.0).map(Vec::as_slice).unwrap_or_default();
            let count = |scope: usize, found: &[Found]| {
                found[start..].iter().filter(|found| found.scope == scope).count()
            };
            if scopes.iter().all(|scope| count(*scope, found) >= most) {
                return Ok(());
            }
            let sql = "SELECT class, seq FROM log WHERE coll = ?1 AND added = ?2";
            let mut statement = self.transaction.prepare_cached(sql)?;
            let row: Option<(i64, i64)> =
                statement.query_row([place.0, place.1], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            for scope in scopes.iter().copied() {
                let is_seen = row.is_some_and(|(class, _)| self.selected[scope].contains(&class));
                if let (true, Some((class, seq))) = (is_seen && count(scope, found) < most, row) {
                    found.push(Found { place, scope, class, seq, key: at });
                }
            }
            Ok(())
        };
        waiting.iter().rev().try_for_each(|place| take(*place))?;
        index::newest_first(self.transaction, self.table, key, &mut |place| match waiting
            .binary_search(&place)
        {
            Ok(_) => Ok(()),
            Err(_) => take(place),
        })
    }

    fn class(&self, found: &Found) -> Option<&str> {
        self.classes.class(found.class).map(|class| class.object_type.as_str())
    }

    fn handling(&self, found: &Found) -> Option<&Arc<Handling>> {
        self.classes.class(found.class).and_then(|class| self.classes.handling(class.handling))
    }

    fn object(&self, numbers: Vec<usize>, found: &Found) -> Option<Object> {
        let (handling, added) = (self.handling(found)?.clone(), Timestamp::from_micros(found.place.1));
        Some(Object { numbers, scope: found.scope, first: found.seq * KEYS, added, handling })
    }
}

/// An object that may name what is wanted.
struct Object {
    numbers: Vec<usize>,
    scope: usize,
    /// The key of its first value.
    first: i64,
    added: Timestamp,
    handling: Arc<Handling>,
}

/// An object whose values are read.
struct Reading<'r> {
    connection: &'r Connection,
    wanted: &'r [Wanted<'r>],
    object: &'r Object,
}

impl Reading<'_> {
    /// Adds the values that are wanted.
    fn run(&self, values: &mut Vec<Value>) -> Result<(), Error> {
        let Object { scope, added, handling, first, .. } = self.object;
        let sql = "SELECT kind, value, more, source FROM atom WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([*first, first + KEYS - 1])?;
        let (mut said, mut found) = (None, Vec::new());
        for place in 0.. {
            let Some(row) = rows.next()? else { break };
            if place == 0 {
                said = source(row, 3)?;
            }
            if place == 1
                && let Some(last) = self.last_of_many()?
            {
                found = self.search(last)?;
                break;
            }
            each(row, 0, &mut |kind, text| {
                self.take(kind, text, &mut found);
                Ok(())
            })?;
        }
        let Some(source) = said else { return Ok(()) };
        values.extend(found.into_iter().map(|(number, atom)| {
            let (handling, source) = (handling.clone(), source.clone());
            (number, *scope, Named { added: *added, handling, source, atom: Some(atom) })
        }));
        Ok(())
    }

    /// Adds a value for each that wants it.
    fn take(&self, kind: u8, text: &str, found: &mut Vec<(usize, Atom)>) {
        let Some(kind) = Kind::of_number(kind) else { return };
        let wanting = |number: &&usize| self.wanted[**number].is_text(kind, text);
        let numbers = self.object.numbers.iter().filter(wanting);
        found.extend(numbers.map(|number| (*number, Atom::stored(kind, text.to_owned()))));
    }

    /// The place of the last value, if there are so many that each is rather searched for.
    fn last_of_many(&self) -> Result<Option<i64>, Error> {
        let Object { numbers, first, .. } = self.object;
        if !numbers.iter().all(|number| matches!(self.wanted[*number], Wanted::Value(..))) {
            return Ok(None);
        }
        let sql = "SELECT key FROM atom WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let last: Option<i64> =
            statement.query_row([*first, first + KEYS - 1], |row| row.get(0)).optional()?;
        Ok(last.map(|last| last - first).filter(|last| *last >= SCAN_UPTO * numbers.len() as i64))
    }

    fn search(&self, last: i64) -> Result<Vec<(usize, Atom)>, Error> {
        let mut found = Vec::new();
        for number in &self.object.numbers {
            if let Wanted::Value(kind, text) = self.wanted[*number]
                && self.holds(kind, text, last)?
            {
                found.push((*number, Atom::stored(kind, text.to_owned())));
            }
        }
        Ok(found)
    }

    /// Does the object name this value? It has too many for one row; they are stored in their order.
    fn holds(&self, kind: Kind, text: &str, last: i64) -> Result<bool, Error> {
        let sql = "SELECT kind, value FROM atom WHERE key = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (mut low, mut high) = (0, last + 1);
        while low < high {
            let middle = low.midpoint(high);
            let mut rows = statement.query([self.object.first + middle])?;
            let Some(row) = rows.next()? else { return Ok(false) };
            let value = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            match (row.get::<_, u8>(0)?, value).cmp(&(kind.number(), text)) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// Up to so many values of an object for each that is wanted it is faster to read them all.
const SCAN_UPTO: i64 = 48;
/// So many objects are worth another connection.
const SHARED_FROM: usize = 256;
