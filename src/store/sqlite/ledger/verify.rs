//! Holding the whole stored log against everything that is known of it.

use super::{Range, look};
use crate::audit::record::Head;
use crate::audit::{Check, Checkpoint, Event, Hash, Record, Summary, Tree};
use crate::store::Error;
use rusqlite::{Connection, OptionalExtension, params};

/// Something wrong with a stored log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Problem {
    /// The first record that is wrong, if it is a record.
    pub record: Option<u64>,
    /// What is wrong.
    pub text: String,
}

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self { record: None, text: text.into() }
    }
}

/// Checks chain, tree, tiles, index and checkpoints, those stored and `further` ones, in one
/// snapshot. The first thing that is wrong ends it.
pub(in crate::store::sqlite) fn verify(
    connection: &Connection,
    further: &[Checkpoint],
) -> Result<Result<Summary, Problem>, Error> {
    let transaction = connection.unchecked_transaction()?;
    let checkpoints = match checkpoints(&transaction, further)? {
        Ok(checkpoints) => checkpoints,
        Err(problem) => return Ok(Err(problem)),
    };
    Walk::new(&transaction, &checkpoints).all()
}

fn checkpoints(
    connection: &Connection,
    further: &[Checkpoint],
) -> Result<Result<Vec<Checkpoint>, Problem>, Error> {
    let keys = look::keys(connection)?;
    let mut all = further.to_vec();
    for (size, note) in look::checkpoints(connection)? {
        match Checkpoint::open(&note, &keys) {
            Ok(checkpoint) if checkpoint.size == size => all.push(checkpoint),
            Ok(other) => {
                let text =
                    format!("the checkpoint stored for {size} records is one of {} records", other.size);
                return Ok(Err(Problem::new(text)));
            }
            Err(error) => {
                return Ok(Err(Problem::new(format!("the stored checkpoint of {size} records: {error}"))));
            }
        }
    }
    Ok(Ok(all))
}

/// Goes through the records.
struct Walk<'a> {
    connection: &'a Connection,
    check: Check,
    tree: Tree,
    tiles: i64,
    ranges: i64,
}

type Step = Result<Result<(), Problem>, Error>;

impl<'a> Walk<'a> {
    fn new(connection: &'a Connection, checkpoints: &[Checkpoint]) -> Self {
        Self { connection, check: Check::new(checkpoints), tree: Tree::new(), tiles: 0, ranges: 0 }
    }

    fn all(mut self) -> Result<Result<Summary, Problem>, Error> {
        let mut statement = self.connection.prepare("SELECT n, leaf, record FROM audit ORDER BY n")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // A leaf of another type or length is as wrong as a leaf with another value.
            let leaf = row.get_ref(1)?.as_blob().unwrap_or_default().try_into();
            let leaf = Hash::from_bytes(leaf.unwrap_or_default());
            let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
            if let Err(problem) = self.record(row.get::<_, i64>(0)?.cast_unsigned(), bytes, leaf)? {
                return Ok(Err(problem));
            }
        }
        if let Err(problem) = self.end()? {
            return Ok(Err(problem));
        }
        let summary = self.check.finish();
        Ok(summary.map_err(|fault| Problem { record: Some(fault.record), text: fault.to_string() }))
    }

    fn record(&mut self, n: u64, bytes: &[u8], leaf: Hash) -> Step {
        if let Err(fault) = self.check.record(Some(n), bytes, Some(leaf)) {
            return Ok(Err(Problem { record: Some(fault.record), text: fault.to_string() }));
        }
        for tile in self.tree.push(leaf) {
            self.tiles += 1;
            let sql = "SELECT hash FROM audit_tile WHERE height = ?1 AND idx = ?2";
            let mut statement = self.connection.prepare_cached(sql)?;
            let key = params![tile.height, tile.index.cast_signed()];
            let stored: Option<Vec<u8>> = statement.query_row(key, |row| row.get(0)).optional()?;
            if stored.as_deref() != Some(tile.hash.as_bytes().as_slice()) {
                let text = format!(
                    "the stored hash at height {}, index {} is not that of the records",
                    tile.height, tile.index
                );
                return Ok(Err(Problem::new(text)));
            }
        }
        self.range(n, bytes)
    }

    /// The index by rows must have what the record says, or recipients would be forgotten.
    fn range(&mut self, n: u64, bytes: &[u8]) -> Step {
        let is_served = Head::parse(bytes).is_ok_and(|head| head.kind == "served");
        let served = if is_served { Record::parse(bytes).ok() } else { None };
        let Some(Event::Served(served)) = served.map(|record| record.event) else { return Ok(Ok(())) };
        let Some(range) = Range::of(&served) else { return Ok(Ok(())) };
        let sql = "SELECT count(*) FROM audit_served JOIN collection ON pk = coll WHERE id = ?1 AND level = ?2 AND first = ?3 AND n = ?4 AND last = ?5";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = params![served.collection, range.level(), range.first, n.cast_signed(), range.last];
        let found: i64 = statement.query_row(key, |row| row.get(0))?;
        self.ranges += 1;
        match found {
            1 => Ok(Ok(())),
            _ => Ok(Err(Problem {
                record: Some(n),
                text: format!(
                    "record {n}: it is sound, but the index by which recipients are found lacks it"
                ),
            })),
        }
    }

    /// What is stored beside the records must end with them.
    fn end(&self) -> Step {
        let sql = "SELECT value FROM meta WHERE name = 'audit_tree'";
        let stored: Option<Vec<u8>> = self.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        let stored = stored.map_or(Ok(Tree::new()), |bytes| Tree::from_bytes(&bytes));
        let size = self.tree.size();
        match stored {
            Err(error) => return Ok(Err(Problem::new(error.to_string()))),
            Ok(stored) if stored.size() > size => {
                let text = format!("record {size}: it is missing: the stored tree has {}", stored.size());
                return Ok(Err(Problem { record: Some(size), text }));
            }
            Ok(stored) if stored != self.tree => {
                return Ok(Err(Problem::new("the stored tree is not that of the records")));
            }
            Ok(_) => {}
        }
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        if count("SELECT count(*) FROM audit_tile")? != self.tiles {
            return Ok(Err(Problem::new("there are stored hashes that belong to no record")));
        }
        if count("SELECT count(*) FROM audit_served")? != self.ranges {
            return Ok(Err(Problem::new("the index of recipients has entries that belong to no record")));
        }
        Ok(Ok(()))
    }
}
