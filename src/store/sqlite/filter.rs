//! What look-ups ask before they ask the database: which keys are certainly not there.

use super::index::{self, Waiting};
use super::values;
use crate::stix::atom::Kind;
use crate::store::Error;
use crate::store::atoms::{Noted, Shapes};
use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The filter, once somebody has looked something up.
#[derive(Debug, Default)]
pub(super) struct Lazy {
    filter: RwLock<Option<Arc<Filter>>>,
    making: Mutex<()>,
}

/// A Bloom filter: about 16 bits and 8 questions for each key, so that one key in a thousand is asked for in
/// vain. All bits of a key are in one line of the processor's cache: what a question costs is fetching it.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<AtomicU64>,
    keys: AtomicUsize,
    room: usize,
    shapes: Shapes,
    /// Everything that was there when it was made is in it.
    is_ready: AtomicBool,
}

impl Lazy {
    /// The filter, made if there is none.
    pub(super) fn get(
        &self,
        connection: &mut Connection,
        waiting: &RwLock<Waiting>,
    ) -> Result<Arc<Filter>, Error> {
        if let Some(filter) = self.ready() {
            return Ok(filter);
        }
        let _making = self.making.lock();
        if let Some(filter) = self.ready() {
            return Ok(filter);
        }
        let transaction = connection.transaction()?;
        let (filter, keys) = {
            // Held still: what is added from here on is added to the filter too, and what was added
            // before is in memory or in the snapshot.
            let waiting = waiting.read();
            let merged = index::key_count(&transaction)?;
            let keys = waiting.keys();
            let filter = Arc::new(Filter::with_room(usize::try_from(merged).unwrap_or(0) + keys.len()));
            *self.filter.write() = Some(filter.clone());
            (filter, keys)
        };
        keys.into_iter().for_each(|key| filter.insert(key));
        filter.load(&transaction)?;
        filter.is_ready.store(true, Ordering::Release);
        Ok(filter)
    }

    fn ready(&self) -> Option<Arc<Filter>> {
        self.filter.read().clone().filter(|filter| filter.is_ready.load(Ordering::Acquire))
    }

    /// Notes which kinds of values came up, if there is a filter.
    pub(super) fn note(&self, new: &Noted) {
        if let Some(filter) = self.filter.read().as_ref() {
            filter.shapes.merge(new);
        }
    }

    /// Adds keys, if there is a filter. One that is full is dropped, and made anew by the next look-up.
    pub(super) fn insert(&self, keys: impl Iterator<Item = i64>) {
        let known = self.filter.read();
        let Some(filter) = known.as_ref() else { return };
        keys.for_each(|key| filter.insert(key));
        if filter.is_full() {
            drop(known);
            *self.filter.write() = None;
        }
    }
}

impl Filter {
    /// With room for as many keys again as there will be at first.
    fn with_room(keys: usize) -> Self {
        let room = (2 * keys).max(ROOM_MIN);
        let words = (room * BITS_A_KEY / 64).next_power_of_two();
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            keys: AtomicUsize::new(0),
            room,
            shapes: Shapes::default(),
            is_ready: AtomicBool::new(false),
        }
    }

    /// Adds the keys in the table, and what kinds of values there are.
    fn load(&self, connection: &Connection) -> Result<(), Error> {
        index::each_key(connection, &mut |key| self.insert(key))?;
        let mut statement = connection.prepare("SELECT kind, value, more FROM atom")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            values::each(row, 0, &mut |kind, text| {
                Kind::of_number(kind).iter().for_each(|kind| self.shapes.note(*kind, text));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Which kinds of values there are.
    pub(super) fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    fn insert(&self, key: i64) {
        for bit in self.bits(key) {
            self.words[bit / 64].fetch_or(1 << (bit % 64), Ordering::Relaxed);
        }
        self.keys.fetch_add(1, Ordering::Relaxed);
    }

    /// False only if the key was never added.
    pub(super) fn may_hold(&self, key: i64) -> bool {
        self.bits(key).all(|bit| self.words[bit / 64].load(Ordering::Relaxed) >> (bit % 64) & 1 == 1)
    }

    fn is_full(&self) -> bool {
        self.keys.load(Ordering::Relaxed) > self.room
    }

    /// Keys are the first bytes of hashes, so their bits say the line, and two numbers that make all places in it.
    fn bits(&self, key: i64) -> impl Iterator<Item = usize> {
        let key = key.cast_unsigned();
        let line = (key >> 18) as usize & (self.words.len() * 64 / LINE_BITS - 1);
        let (one, two) = (key as usize, (key >> 9) as usize | 1);
        (0..PROBES).map(move |n| line * LINE_BITS + (one.wrapping_add(two.wrapping_mul(n)) & (LINE_BITS - 1)))
    }
}

const BITS_A_KEY: usize = 16;
const PROBES: usize = 8;
const LINE_BITS: usize = 512;
const ROOM_MIN: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_never_denied_and_little_else_is_not() {
        let filter = Filter::with_room(50_000);
        let key = |n: u32| crate::store::id_hash(&n.to_string());
        (0..100_000).for_each(|n| filter.insert(key(n)));
        assert!((0..100_000).all(|n| filter.may_hold(key(n))));
        let wrong = (100_000..200_000).filter(|n| filter.may_hold(key(*n))).count();
        assert!(wrong < 200, "{wrong} of 100,000");
        assert!(!filter.is_full());
    }
}
