//! Assembled pages that several pollers ask for: bounded in bytes, dropped when a row in them
//! changes.

use crate::stix::Timestamp;
use bytes::Bytes;
use parking_lot::RwLock;
use std::sync::Arc;

/// Everything that a page depends on, but for the rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// The collection's id.
    pub collection: String,
    /// What of all handlings the reader sees.
    pub visibility: Arc<[u64]>,
    /// The filter and the kind of page, in one text for each meaning.
    pub query: String,
    /// Rows after this.
    pub after: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
}

/// A page ready to be sent.
#[derive(Debug, Clone)]
pub struct CachedPage {
    /// The body.
    pub body: Bytes,
    /// `date_added` of its first and last row.
    pub range: Option<(Timestamp, Timestamp)>,
    /// `date_added` of each of its rows.
    pub added: Box<[Timestamp]>,
    /// `date_added` of the row that follows; changes to rows past it do not touch this page.
    pub following: Option<Timestamp>,
    /// For a page with nothing after it: it is whole only while this is the watermark.
    pub whole_at: Option<Timestamp>,
}

/// The pages kept.
pub struct PageCache {
    pages: moka::sync::Cache<PageKey, Arc<CachedPage>>,
    /// How many commits have changed rows; written while stale pages are dropped.
    changes: RwLock<u64>,
}

impl PageCache {
    /// Keeps pages of so many bytes together.
    pub fn new(bytes_max: u64) -> Self {
        let pages = moka::sync::Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &PageKey, page: &Arc<CachedPage>| {
                let overhead = key.query.len() + key.visibility.len() * 8 + page.added.len() * 8 + 256;
                u32::try_from(page.body.len() + overhead).unwrap_or(u32::MAX)
            })
            .build();
        Self { pages, changes: RwLock::new(0) }
    }

    /// A page, if it is kept and still what the reader would get.
    pub fn get(&self, key: &PageKey, watermark: Option<Timestamp>) -> Option<Arc<CachedPage>> {
        let page = self.pages.get(key)?;
        (page.whole_at.is_none() || page.whole_at == watermark).then_some(page)
    }

    /// To be taken before a page is read, and given back with it.
    pub fn turn(&self) -> u64 {
        *self.changes.read()
    }

    /// Keeps a page, unless rows have changed since `turn`: it may hold them as they were.
    pub fn put(&self, turn: u64, key: PageKey, page: Arc<CachedPage>) {
        let changes = self.changes.read();
        if *changes == turn {
            self.pages.insert(key, page);
        }
    }

    /// Rows of a collection have gone or changed class: drops the pages that may hold them.
    pub fn rows_changed(&self, collection: &str, rows: &[Timestamp]) {
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        let mut changes = self.changes.write();
        *changes += 1;
        for (key, page) in &self.pages {
            // What a page left out may belong in it now, so it is touched from where it was asked
            // for, up to the row that it says follows, or without end if it says that none does.
            let from = sorted.partition_point(|row| key.after.is_some_and(|after| *row <= after));
            if key.collection == collection
                && sorted.get(from).is_some_and(|row| page.following.is_none_or(|end| *row <= end))
            {
                self.pages.invalidate(key.as_ref());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn key(after: i64) -> PageKey {
        let (collection, query) = ("c".to_owned(), "last".to_owned());
        PageKey { collection, visibility: Arc::new([1]), query, after: Some(at(after)), limit: 10 }
    }

    fn cached(range: Option<(i64, i64)>, following: Option<i64>, whole_at: Option<i64>) -> Arc<CachedPage> {
        let range = range.map(|(first, last)| (at(first), at(last)));
        Arc::new(CachedPage {
            body: Bytes::new(),
            range,
            added: Box::default(),
            following: following.map(at),
            whole_at: whole_at.map(at),
        })
    }

    /// Is a page after 10 still there when a row has changed?
    fn survives(page: &Arc<CachedPage>, changed: i64) -> bool {
        let cache = PageCache::new(1 << 20);
        cache.put(cache.turn(), key(10), page.clone());
        cache.rows_changed("c", &[at(changed)]);
        cache.get(&key(10), Some(at(50))).is_some()
    }

    #[test]
    fn a_changed_row_drops_the_pages_that_hold_it_or_left_it_out() {
        let amid = cached(Some((20, 30)), Some(33), None);
        for (changed, kept) in [(10, true), (11, false), (20, false), (30, false), (33, false), (34, true)] {
            assert_eq!(survives(&amid, changed), kept, "{changed}");
        }
    }

    #[test]
    fn a_changed_row_drops_a_page_at_the_end_that_may_take_it_in_now() {
        // Another version was deleted, and the row at 40 is the last one now.
        for end in [cached(Some((20, 30)), None, Some(50)), cached(None, None, Some(50))] {
            assert!(!survives(&end, 40));
            assert!(survives(&end, 10));
        }
    }

    #[test]
    fn a_page_read_before_a_change_is_not_kept_after_it() {
        let cache = PageCache::new(1 << 20);
        let turn = cache.turn();
        cache.rows_changed("other", &[at(1)]);
        cache.put(turn, key(10), cached(Some((20, 30)), Some(33), None));
        assert!(cache.get(&key(10), None).is_none());
    }
}
