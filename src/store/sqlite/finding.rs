//! From keys of the index to the rows that scopes see. Keys are asked for in their order, as the index has them,
//! then rows in that of the log, so that each page of either is read once.

use super::classes::Classes;
use super::filter::Filter;
use super::index::{self, Place, Table};
use super::read::array;
use super::{Shared, index::Waiting};
use crate::policy::{Handling, ReadScope};
use crate::store::{Error, Shares, for_parts};
use crate::taxii::{Match, Versions};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{CachedStatement, Connection, OptionalExtension};
use std::collections::HashMap;
use std::sync::Arc;

/// A key that is asked for, and the number of what it was made of.
pub(super) type Asked = (i64, usize);
/// Takes rows, each with the numbers of what it was found for.
pub(super) type Take<'t> = dyn FnMut(&Connection, &Look, &[(&[usize], &Found)]) -> Result<(), Error> + 't;

impl Shared {
    /// Gives the visible objects that are found by the keys of `ask` to `take`, each with the numbers of what it
    /// was found for; of each key at most so many in each scope.
    pub(super) fn look(
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
            let transaction = connection.transaction()?;
            let (look, keys) = {
                // Held still while the snapshot begins: each of its rows is in memory or in the table.
                let waiting = self.settled();
                (self.begin(&transaction, table, scopes, most)?, keys(&asked, table, &waiting))
            };
            let (mut found, places) = look.found(self, &transaction, &keys)?;
            found.extend(
                self.shared_out(&transaction, &places, &|connection, places| look.rows(connection, places))?,
            );
            // Nearly in order already, which this sort makes use of.
            found.sort_by_key(|found: &Found| (found.place, found.scope, found.asked));
            let (mut numbers, mut ends, mut own) = (Vec::with_capacity(found.len()), Vec::new(), Vec::new());
            for same in found.chunk_by(|one, other| (one.place, one.scope) == (other.place, other.scope)) {
                for rest in same.iter().map(|found| &asked[found.asked..]) {
                    let of_key = rest.iter().take_while(|(key, _)| *key == rest[0].0);
                    own.extend(of_key.map(|(_, number)| *number));
                }
                own.sort_unstable();
                own.dedup();
                numbers.append(&mut own);
                ends.push((numbers.len(), &same[0]));
            }
            let mut start = 0;
            let rows = ends
                .into_iter()
                .map(|(end, found)| (&numbers[std::mem::replace(&mut start, end)..end], found));
            take(&transaction, &look, &rows.collect::<Vec<_>>())
        })
    }

    /// Does something for all items, and says what was done, in order. Of very many another connection does some,
    /// if one is idle: what it sees is what this one does, less what has been erased since, and perhaps rows that
    /// this one does not know yet.
    pub(super) fn shared_out<'t, T: Sync, R: Send>(
        &self,
        own: &Connection,
        items: &'t [T],
        work: &(impl Fn(&Connection, &'t [T]) -> Result<Vec<R>, Error> + Sync),
    ) -> Result<Vec<R>, Error> {
        let parts: Vec<&[T]> = items.chunks(items.len().div_ceil(PARTS).clamp(PART_MIN, PART_MAX)).collect();
        let shares = Shares::new(parts.len());
        let run = |connection: &Connection| -> Result<Vec<(usize, Vec<R>)>, Error> {
            shares.take().map(|part| Ok((part, work(connection, parts[part])?))).collect()
        };
        let work_with = |other: Option<&mut Connection>| {
            let Some(other) = other else { return run(own) };
            let (mine, others) = std::thread::scope(|scope| {
                let others = scope.spawn(|| run(&*other.transaction()?));
                (run(own), others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            });
            let mut all = mine?;
            all.extend(others?);
            all.sort_unstable_by_key(|(part, _)| *part);
            Ok(all)
        };
        let all = if parts.len() > 1 { self.readers.with_idle(work_with) } else { work_with(None) }?;
        let mut done = Vec::with_capacity(all.iter().map(|(_, done)| done.len()).sum());
        all.into_iter().for_each(|(_, mut part)| done.append(&mut part));
        Ok(done)
    }

    fn begin(
        &self,
        connection: &Connection,
        table: Table,
        scopes: &[ReadScope],
        most: usize,
    ) -> Result<Look, Error> {
        let mut by_coll: HashMap<i64, Vec<usize>> = HashMap::new();
        for (at, scope) in scopes.iter().enumerate() {
            let sql = "SELECT pk FROM collection WHERE id = ?1";
            let coll = connection.prepare_cached(sql)?.query_row([scope.collection()], |row| row.get(0));
            by_coll.entry(coll.optional()?.unwrap_or(-1)).or_default().push(at);
        }
        // After the snapshot has begun: what it has in it, they tell.
        let classes = self.classes.read().clone();
        let last =
            Match { versions: Some(Versions { last: true, ..Versions::default() }), ..Match::default() };
        let selected = |scope: &ReadScope| classes.select(&self.visibility(&classes, scope), &last).by_word;
        Ok(Look { table, by_coll, selected: scopes.iter().map(selected).collect(), classes, most })
    }
}

/// What scopes see.
pub(super) struct Look {
    table: Table,
    by_coll: HashMap<i64, Vec<usize>>,
    classes: Arc<Classes>,
    /// For each scope the classes of what it sees, last versions alone, in their order.
    selected: Vec<Vec<i64>>,
    /// Rows for each key and scope.
    most: usize,
}

/// A visible row, and where those begin who asked for the key that it was found by.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) scope: usize,
    pub(super) class: i64,
    pub(super) seq: i64,
    asked: usize,
}

/// A place, and who asked for the key that is found there.
type Keyed = (Place, usize);
/// The same of a key; nowhere in particular if there are many places.
type Placed = (Option<Place>, usize);
/// Class and number of a row.
type Row = (i64, i64);

/// A key, where those begin who asked for it, and its places that the table may not have yet.
struct Key {
    key: i64,
    asked: usize,
    waiting: Vec<Place>,
}

fn keys(asked: &[Asked], table: Table, waiting: &Waiting) -> Vec<Key> {
    let firsts = (0..asked.len()).filter(|at| *at == 0 || asked[at - 1].0 != asked[*at].0);
    let firsts: Vec<usize> = firsts.collect();
    for_parts(&firsts, |_, part, keys| {
        let mut walk = waiting.walk(table);
        keys.extend(part.iter().map(|at| {
            let key = asked[*at].0;
            Key { key, asked: *at, waiting: walk.places(key) }
        }));
    })
}

impl Look {
    /// The visible rows of keys that are in many places, and the places of all others, in the order of the log.
    fn found(
        &self,
        shared: &Shared,
        own: &Connection,
        keys: &[Key],
    ) -> Result<(Vec<Found>, Vec<Keyed>), Error> {
        let placed = shared.shared_out(own, keys, &|connection, keys| self.placed(connection, keys))?;
        let (mut found, mut places) = (Vec::new(), Vec::with_capacity(placed.len()));
        for (place, asked) in placed {
            match place {
                Some(place) => places.push((place, asked)),
                None => {
                    if let Ok(at) = keys.binary_search_by_key(&asked, |key| key.asked) {
                        self.walk(own, &keys[at], &mut found)?;
                    }
                }
            }
        }
        places.sort_unstable();
        Ok((found, places))
    }

    /// Where keys are; nowhere in particular if there are many places.
    fn placed(&self, connection: &Connection, keys: &[Key]) -> Result<Vec<Placed>, Error> {
        let mut found = Vec::with_capacity(keys.len());
        let mut finder = index::finder_of_all(connection, self.table)?;
        let mut done = 0;
        while done < keys.len() {
            done += self.few(&mut finder, &keys[done..], &mut found)?;
        }
        Ok(found)
    }

    /// The same, up to the first key that has many; of how many keys.
    fn few(
        &self,
        finder: &mut CachedStatement,
        keys: &[Key],
        found: &mut Vec<Placed>,
    ) -> Result<usize, Error> {
        let few = FEW.min(self.most);
        let mut rows = finder.query([array(keys.iter().map(|key| key.key))])?;
        rows.advance()?;
        for (at, Key { key, asked, waiting }) in keys.iter().enumerate() {
            let start = found.len();
            found.extend(waiting.iter().map(|place| (Some(*place), *asked)));
            while let Some(row) = rows.get()
                && row.get::<_, i64>(0)? == *key
                && found.len() - start <= few
            {
                let place = (row.get(1)?, row.get(2)?);
                if !waiting.contains(&place) {
                    found.push((Some(place), *asked));
                }
                rows.advance()?;
            }
            if found.len() - start > few {
                found.truncate(start);
                found.push((None, *asked));
                return Ok(at + 1);
            }
        }
        Ok(keys.len())
    }

    /// The visible rows in these places.
    fn rows(&self, connection: &Connection, places: &[Keyed]) -> Result<Vec<Found>, Error> {
        let mut found = Vec::with_capacity(places.len());
        let sql = "SELECT l.added, l.class, l.seq FROM rarray(?2) a CROSS JOIN log l ON l.coll = ?1 AND l.added = a.value";
        let mut statement = connection.prepare_cached(sql)?;
        for here in places.chunk_by(|one, other| one.0.0 == other.0.0) {
            let coll = here[0].0.0;
            let Some(scopes) = self.by_coll.get(&coll) else { continue };
            let mut added: Vec<i64> = here.iter().map(|(place, _)| place.1).collect();
            added.dedup();
            let mut rows = statement.query((coll, array(added.into_iter())))?;
            let mut here = here.iter().peekable();
            while let Some(row) = rows.next()? {
                let (added, row): (i64, Row) = (row.get(0)?, (row.get(1)?, row.get(2)?));
                while let Some((place, asked)) = here.next_if(|(place, _)| place.1 <= added) {
                    // The other ones are gone.
                    if place.1 == added {
                        found
                            .extend(scopes.iter().filter_map(|scope| self.seen(*place, row, *scope, *asked)));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Adds the visible rows of a key that has many, the last added of each collection.
    fn walk(
        &self,
        connection: &Connection,
        Key { key, asked, waiting }: &Key,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        let sql = "SELECT class, seq FROM log WHERE coll = ?1 AND added = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        for (coll, scopes) in &self.by_coll {
            let mut counts = vec![0; scopes.len()];
            let mut take = |place: Place| -> Result<bool, Error> {
                let read = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?));
                if let Some(row) = statement.query_row([place.0, place.1], read).optional()? {
                    for (scope, count) in
                        scopes.iter().zip(&mut counts).filter(|(_, count)| **count < self.most)
                    {
                        let seen = self.seen(place, row, *scope, *asked);
                        *count += usize::from(seen.is_some());
                        found.extend(seen);
                    }
                }
                Ok(counts.iter().any(|count| *count < self.most))
            };
            let mut here: Vec<Place> = waiting.iter().copied().filter(|place| place.0 == *coll).collect();
            here.sort_unstable();
            for place in here.iter().rev() {
                take(*place)?;
            }
            index::newest_first(connection, self.table, (*key, *coll), &mut |place| {
                if here.binary_search(&place).is_ok() { Ok(true) } else { take(place) }
            })?;
        }
        Ok(())
    }

    fn seen(&self, place: Place, (class, seq): Row, scope: usize, asked: usize) -> Option<Found> {
        self.selected[scope].binary_search(&class).is_ok().then_some(Found {
            place,
            scope,
            class,
            seq,
            asked,
        })
    }

    pub(super) fn class(&self, found: &Found) -> Option<&str> {
        self.classes.class(found.class).map(|class| class.object_type.as_str())
    }

    pub(super) fn handling(&self, found: &Found) -> Option<&Arc<Handling>> {
        self.classes.class(found.class).and_then(|class| self.classes.handling(class.handling))
    }
}

/// Keys with more places than these are walked through one by one.
const FEW: usize = 8;
/// So many items are done at once: few enough that nobody waits long for who does the last ones. More than the
/// least are worth another connection.
const PART_MIN: usize = 64;
const PART_MAX: usize = 256;
const PARTS: usize = 16;
