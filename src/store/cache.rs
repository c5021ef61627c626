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
    pub visibility: Vec<u64>,
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
                let overhead = key.query.len() + key.visibility.len() * 8 + 256;
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
