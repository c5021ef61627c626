//! Pages as they are sent: the fast paths, `next`, and the cache in front of the store.

use crate::policy::ReadScope;
use crate::stix::Timestamp;
use crate::store::{CachedPage, Content, Error, Handle, Page, PageCache, PageKey, Query};
use crate::taxii::resource::{Manifest, ManifestRecord, VersionList};
use crate::taxii::{Cursor, CursorError, CursorKey, Filter, envelope, media};
use bytes::Bytes;
use std::sync::Arc;

/// What a page is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An envelope of objects (TAXII 2.1 §5.4, §5.6).
    Objects,
    /// A manifest (TAXII 2.1 §5.3).
    Manifest,
    /// A list of versions (TAXII 2.1 §5.8).
    Versions,
}

/// Bounds of a page.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits {
    /// Objects.
    pub objects: u32,
    /// Bytes of objects.
    pub bytes: usize,
}

/// The way to pages.
pub struct Feed {
    store: Handle,
    cache: Arc<PageCache>,
    cursors: CursorKey,
    limits: PageLimits,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The client's `next` is of no use.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Feed {
    /// A feed over a store.
    pub fn new(store: Handle, cache: Arc<PageCache>, cursors: CursorKey, limits: PageLimits) -> Self {
        Self { store, cache, cursors, limits }
    }

    /// The page that a filter asks for. The position in `next` wins over `added_after`.
    pub async fn page(
        &self,
        scope: &ReadScope,
        filter: Filter,
        kind: Kind,
    ) -> Result<Arc<CachedPage>, FeedError> {
        // Taken before the page is read, so that a page called whole was whole at this time.
        let watermark = self.store.memory().watermark(scope.collection());
        if filter.next.is_none() && filter.added_after >= watermark {
            return Ok(Arc::new(empty(kind)));
        }
        let description = format!("{} {}", scope.collection(), filter.matches.canonical());
        let after = match &filter.next {
            Some(next) => Some(self.cursors.open(next, &description)?.after),
            None => filter.added_after,
        };
        if after >= watermark {
            return Ok(Arc::new(empty(kind)));
        }
        let limit = filter.limit.unwrap_or(u32::MAX).min(self.limits.objects);
        let key = PageKey {
            collection: scope.collection().to_owned(),
            visibility: self.store.memory().visibility(scope),
            query: format!("{kind:?} {description}"),
            after,
            limit,
        };
        if let Some(page) = self.cache.get(&key, watermark) {
            return Ok(page);
        }
        let turn = self.cache.turn();
        let query = Query {
            after,
            limit,
            bytes_max: self.limits.bytes,
            matches: filter.matches,
            content: match kind {
                Kind::Objects => Content::Objects,
                Kind::Manifest | Kind::Versions => Content::Records,
            },
        };
        let reader = scope.clone();
        let page = self.store.read(move |store| store.page(&reader, &query)).await?;
        let page = Arc::new(self.assemble(page, kind, &description, watermark));
        // Rows of a handling that came up meanwhile may be on the page, and the key does not name it.
        if self.store.memory().visibility(scope) == key.visibility {
            self.cache.put(turn, key, page.clone());
        }
        Ok(page)
    }

    fn assemble(
        &self,
        page: Page,
        kind: Kind,
        description: &str,
        watermark: Option<Timestamp>,
    ) -> CachedPage {
        let range = page.rows.first().zip(page.rows.last()).map(|(first, last)| (first.added, last.added));
        let next = range
            .filter(|_| page.following.is_some())
            .map(|(_, last)| self.cursors.seal(Cursor { after: last }, description));
        let following = page.following;
        let whole_at = if following.is_some() { None } else { watermark };
        CachedPage { body: body(page, kind, next), range, following, whole_at }
    }
}

fn body(page: Page, kind: Kind, next: Option<String>) -> Bytes {
    match kind {
        Kind::Objects => {
            let objects = page.rows.iter().map(|row| row.json.as_slice());
            envelope::write(objects, next.as_deref()).into()
        }
        Kind::Manifest => {
            let records = page.rows.into_iter().map(|row| ManifestRecord {
                id: row.id,
                date_added: row.added.to_string(),
                version: row.version,
                media_type: Some(media::STIX.to_owned()),
            });
            json(&Manifest { more: next.is_some(), next, objects: records.collect() })
        }
        Kind::Versions => json(&VersionList {
            more: next.is_some(),
            next,
            versions: page.rows.into_iter().map(|row| row.version).collect(),
        }),
    }
}

/// A page with nothing on it: an empty envelope, manifest or list looks the same.
fn empty(kind: Kind) -> CachedPage {
    CachedPage { body: body(Page::default(), kind, None), range: None, following: None, whole_at: None }
}

fn json<T: serde::Serialize>(value: &T) -> Bytes {
    // These types have no map keys or floats that could fail to be written.
    serde_json::to_vec(value).unwrap_or_default().into()
}
