//! Overwriting what is left in pages when rows were taken out.
//!
//! `secure_delete` overwrites a row where it is deleted. But a page that has become too empty is joined
//! with its neighbours, and where SQLite lays rows out anew it leaves copies of them in the unused middle
//! of the page (`rebuildPage`): deleted later, a row may live on there. So after a deletion the unused
//! middles of the pages that may have been laid out anew are overwritten, in the same transaction. They
//! are leaves of the table, and siblings: within two leaves of where a row was. Adding rows moves none, since
//! they come at the end: so it must be in every table that holds content.

use crate::store::Error;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Can this SQLite show its pages? It can if it was built as `.cargo/config.toml` says.
pub(super) fn can_wipe(connection: &Connection) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_DBPAGE_VTAB'";
    Ok(connection.query_row(sql, [], |_| Ok(())).optional()?.is_some())
}

/// Overwrites what may be left around rows of a table that were deleted.
pub(super) fn wipe_around(connection: &Connection, table: &str, keys: &mut [i64]) -> Result<(), Error> {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let root = connection.query_row(sql, [table], |row| row.get(0))?;
    let mut tree = Tree { connection, root, interiors: HashMap::new(), wiped: HashSet::new() };
    keys.sort_unstable();
    let mut last: Option<Leaf> = None;
    for key in keys {
        if !last.as_ref().is_some_and(|leaf| leaf.after < *key && *key <= leaf.upto) {
            last = Some(tree.wipe_near(*key)?);
        }
    }
    Ok(())
}

/// A leaf page, and which keys belong on it.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    page: u32,
    after: i64,
    upto: i64,
}

/// The table's B-tree (SQLite's file format, §1.6).
struct Tree<'c> {
    connection: &'c Connection,
    root: u32,
    interiors: HashMap<u32, Rc<[u8]>>,
    wiped: HashSet<u32>,
}

impl Tree<'_> {
    fn wipe_near(&mut self, key: i64) -> Result<Leaf, Error> {
        let middle = self.leaf(key)?;
        self.wipe(middle.page)?;
        let (mut before, mut behind) = (middle, middle);
        for _ in 0..SIBLINGS {
            if before.after > i64::MIN {
                before = self.leaf(before.after)?;
                self.wipe(before.page)?;
            }
            if behind.upto < i64::MAX {
                behind = self.leaf(behind.upto + 1)?;
                self.wipe(behind.page)?;
            }
        }
        Ok(middle)
    }

    /// The leaf on which a key is, or would be.
    fn leaf(&mut self, key: i64) -> Result<Leaf, Error> {
        let mut leaf = Leaf { page: self.root, after: i64::MIN, upto: i64::MAX };
        for _ in 0..DEPTH_MAX {
            let page = leaf.page;
            let data = match self.interiors.get(&page) {
                Some(data) => data.clone(),
                None => self.read(page)?.into(),
            };
            match data.first() {
                Some(&LEAF) => return Ok(leaf),
                Some(&INTERIOR) => leaf = descend(&data, leaf, key).ok_or_else(|| damaged(page))?,
                _ => return Err(damaged(page)),
            }
            self.interiors.entry(page).or_insert(data);
        }
        Err(damaged(leaf.page))
    }

    fn read(&self, page: u32) -> Result<Vec<u8>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
        Ok(statement.query_row([page], |row| row.get(0))?)
    }

    /// Overwrites the unused middle of a leaf, between the pointers to its cells and the cells.
    fn wipe(&mut self, page: u32) -> Result<(), Error> {
        if !self.wiped.insert(page) {
            return Ok(());
        }
        let mut data = self.read(page)?;
        let cells = be16(&data, 3).ok_or_else(|| damaged(page))?;
        let end = be16(&data, 5).ok_or_else(|| damaged(page))?;
        let end = if end == 0 { 65_536 } else { end };
        let unused = data.get_mut(8 + 2 * cells..end).ok_or_else(|| damaged(page))?;
        if unused.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        unused.fill(0);
        let mut statement =
            self.connection.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
        statement.execute(params![page, data])?;
        Ok(())
    }
}

/// The child of an interior page that a key is under.
fn descend(data: &[u8], from: Leaf, key: i64) -> Option<Leaf> {
    let cells = be16(data, 3)?;
    let cell = |at: usize| -> Option<(u32, i64)> {
        let start = be16(data, 12 + 2 * at)?;
        Some((be32(data, start)?, varint(data.get(start + 4..)?)?))
    };
    let (mut low, mut high) = (0, cells);
    while low < high {
        let middle = usize::midpoint(low, high);
        if cell(middle)?.1 < key { low = middle + 1 } else { high = middle }
    }
    let after = if low == 0 { from.after } else { cell(low - 1)?.1 };
    match low == cells {
        true => Some(Leaf { page: be32(data, 8)?, after, upto: from.upto }),
        false => cell(low).map(|(page, upto)| Leaf { page, after, upto }),
    }
}

fn be16(data: &[u8], at: usize) -> Option<usize> {
    data.get(at..at + 2).map(|bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at + 4).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// A number of one to nine bytes: seven bits of each, and all eight of the ninth.
fn varint(data: &[u8]) -> Option<i64> {
    let mut sum: u64 = 0;
    for (at, byte) in data.iter().take(9).enumerate() {
        if at == 8 {
            return Some((sum << 8 | u64::from(*byte)).cast_signed());
        }
        sum = sum << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(sum.cast_signed());
        }
    }
    None
}

fn damaged(page: u32) -> Error {
    Error::Damaged(format!("page {page} of the database is not what a table should have there"))
}

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
/// SQLite joins a page with at most two on one side.
const SIBLINGS: usize = 2;
/// No file is large enough for more levels.
const DEPTH_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_sqlite_writes_them() {
        for (bytes, number) in
            [(&[0][..], 0), (&[0x7f], 127), (&[0x81, 0], 128), (&[0x82, 0x80, 0], 2 << 14), (&[0xff; 9], -1)]
        {
            assert_eq!(varint(bytes), Some(number), "{bytes:x?}");
        }
        assert_eq!(varint(&[0x80; 3]), None);
    }

    #[test]
    fn every_key_is_found_on_its_leaf_and_only_unused_bytes_are_overwritten() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(can_wipe(&connection).unwrap(), "SQLite was not built as .cargo/config.toml says");
        connection
            .execute_batch(
                "PRAGMA page_size = 512; PRAGMA secure_delete = ON;
                 CREATE TABLE object (seq INTEGER PRIMARY KEY, json BLOB);
                 WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 5000)
                 INSERT INTO object SELECT k, 'row ' || k || ' ' || hex(randomblob(k % 90)) FROM n;",
            )
            .unwrap();
        let all = |from: &str| -> Vec<(i64, String)> {
            let mut statement = connection.prepare(from).unwrap();
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        let before = all("SELECT seq, json FROM object WHERE seq % 7 = 0");
        let mut gone: Vec<i64> = (1..=5000).filter(|seq| seq % 7 != 0).collect();
        for some in gone.chunks_mut(60) {
            for seq in &*some {
                connection.execute("DELETE FROM object WHERE seq = ?1", [seq]).unwrap();
            }
            wipe_around(&connection, "object", some).unwrap();
        }
        assert_eq!(all("SELECT seq, json FROM object"), before);
        assert_eq!(all("SELECT 0, integrity_check FROM pragma_integrity_check"), [(0, "ok".to_owned())]);
    }

    /// Numbers of rows of which something is in any page.
    fn traces(connection: &Connection) -> HashSet<i64> {
        let mut statement = connection.prepare("SELECT data FROM sqlite_dbpage").unwrap();
        let pages = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let mark = b"secret-";
        let number = |bytes: &[u8]| std::str::from_utf8(bytes.get(7..12)?).ok()?.parse().ok();
        pages
            .flat_map(|page| {
                let page = page.unwrap();
                let marks = page.windows(12).filter(|bytes| bytes.starts_with(mark));
                marks.filter_map(number).collect::<Vec<i64>>()
            })
            .collect()
    }

    /// Deletes as many objects as there are, some at a time, and says after how many steps something was left of
    /// what had gone.
    fn steps_with_traces(order: &[i64], wipes: bool) -> usize {
        let connection = Connection::open_in_memory().unwrap();
        let table = include_str!("../migrations/sqlite/0007_atom.sql")
            .lines()
            .skip_while(|line| line.starts_with("--"));
        let table = table.take(2).collect::<Vec<_>>().join("\n");
        connection
            .execute_batch(&format!("PRAGMA page_size = 1024; PRAGMA secure_delete = ON; {table}"))
            .unwrap();
        let mut insert =
            connection.prepare("INSERT INTO atom (key, kind, value, source) VALUES (?1, 5, ?2, ?3)").unwrap();
        for object in 0..order.len() as i64 {
            for place in 0..1 + object * 7_919 % 7 {
                let value = format!("secret-{object:05}-{place}.example");
                let source = (place == 0).then(|| value.repeat(1 + object as usize * 31 % 9));
                insert.execute(params![object * 4096 + place, value, source]).unwrap();
            }
        }
        let mut with_traces = 0;
        for (step, some) in order.chunks(5).enumerate() {
            let mut gone = Vec::new();
            for object in some {
                let range = [object * 4096, object * 4096 + 4095];
                gone.extend((0..7).map(|place| object * 4096 + place));
                connection.execute("DELETE FROM atom WHERE key BETWEEN ?1 AND ?2", range).unwrap();
            }
            if wipes {
                wipe_around(&connection, "atom", &mut gone).unwrap();
            }
            let stays: HashSet<i64> = order[order.len().min(5 * (step + 1))..].iter().copied().collect();
            let found = traces(&connection);
            assert!(found.is_superset(&stays));
            with_traces += usize::from(found.len() > stays.len());
        }
        with_traces
    }

    #[test]
    fn nothing_is_left_of_values_in_whatever_order_they_go() {
        let all: Vec<i64> = (0..600).collect();
        let runs: Vec<i64> = (0..24).flat_map(|run| (0..25).map(move |at| run * 7 % 24 * 25 + at)).collect();
        let apart: Vec<i64> = (0..600).map(|at| at * 101 % 600).collect();
        let backwards: Vec<i64> = (0..600).rev().collect();
        let orders = [all, runs, apart, backwards];
        let without: usize = orders.iter().map(|order| steps_with_traces(order, false)).sum();
        assert!(without > 0, "nothing is left anyway, so this shows nothing");
        for order in orders {
            assert_eq!(steps_with_traces(&order, true), 0);
        }
    }
}
