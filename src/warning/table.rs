//! Texts of many lists in one hash table: a text may be an entry of several lists.

use super::Error;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Rows are kept in two arrays and one text, because hundreds of thousands of small strings would cost
/// several times as much memory.
#[derive(Debug, Default)]
pub(super) struct Table {
    texts: String,
    rows: Vec<Row>,
    /// Open addressing: the upper half of a hash, and the number of a row plus one; 0 is free.
    slots: Box<[(u32, u32)]>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    from: u32,
    length: u16,
    list: u16,
}

impl Table {
    /// Adds an entry; may be called until [`Table::finish`].
    pub(super) fn add(&mut self, text: &str, list: u16) -> Result<(), Error> {
        let (Ok(from), Ok(length)) = (u32::try_from(self.texts.len()), u16::try_from(text.len())) else {
            return Err(Error::TooMany("4 GiB of entries"));
        };
        self.texts.push_str(text);
        self.rows.push(Row { from, length, list });
        Ok(())
    }

    /// Makes what was added findable.
    pub(super) fn finish(&mut self) {
        self.texts.shrink_to_fit();
        self.rows.shrink_to_fit();
        // At most three quarters full, or probing gets long.
        let size = (self.rows.len() * 4 / 3 + 1).next_power_of_two();
        let mut slots = vec![(0, 0); size].into_boxed_slice();
        for (number, row) in (1_u32..).zip(&self.rows) {
            let (mut at, tag) = self.place(self.text(*row), size);
            while slots[at].1 != 0 {
                at = (at + 1) % size;
            }
            slots[at] = (tag, number);
        }
        self.slots = slots;
    }

    /// The lists that have a text, with their own copy of it.
    pub(super) fn find(&self, text: &str) -> impl Iterator<Item = (u16, &str)> {
        let size = self.slots.len();
        let (start, tag) = if self.rows.is_empty() { (0, 0) } else { self.place(text, size) };
        (start..)
            .map_while(move |at| self.slots.get(at % size.max(1)).filter(|slot| slot.1 != 0))
            .filter(move |slot| slot.0 == tag)
            .map(|slot| self.rows[slot.1 as usize - 1])
            .map(|row| (row.list, self.text(row)))
            .filter(move |(_, found)| *found == text)
    }

    fn text(&self, row: Row) -> &str {
        &self.texts[row.from as usize..row.from as usize + usize::from(row.length)]
    }

    fn place(&self, text: &str, size: usize) -> (usize, u32) {
        let hash = self.hasher.hash_one(text);
        (hash as usize & (size - 1), (hash >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_table_has_nothing() {
        let mut table = Table::default();
        assert_eq!(table.find("").count(), 0);
        table.finish();
        assert_eq!(table.find("").count(), 0);
    }

    proptest! {
        #[test]
        fn every_list_of_a_text_is_found_and_no_other(
            rows in proptest::collection::vec(("[ab]{0,3}", 0_u16..4), 0..60),
            asked in "[ab]{0,3}",
        ) {
            let mut table = Table::default();
            for (text, list) in &rows {
                table.add(text, *list).unwrap();
            }
            table.finish();
            let mut found: Vec<u16> = table.find(&asked).map(|(list, _)| list).collect();
            let mut expected: Vec<u16> = rows.iter().filter(|row| row.0 == asked).map(|row| row.1).collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
