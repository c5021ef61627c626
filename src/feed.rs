//! Pages as they are sent: the fast paths, `next`, and the cache in front of the store.

mod journal;

pub use journal::{Journal, JournalFull, Refusal};

use crate::policy::ReadScope;
use crate::stix::Timestamp;
use crate::store::{CachedPage, Content, Error, Handle, Page, PageCache, PageKey, Query};
use crate::taxii::resource::{Manifest, ManifestRecord, VersionList};
use crate::taxii::{Cursor, CursorError, CursorKey, Filter, Match, envelope, media};
use bytes::Bytes;
use journal::{Sent, State};
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
    journal: Journal,
}

/// A page, and what it was made from.
struct Made {
    page: Arc<CachedPage>,
    /// Nothing if it has no rows for certain.
    basis: Option<Basis>,
}

struct Basis {
    after: Option<Timestamp>,
    /// Of every row that the page may have.
    visibility: Arc<[u64]>,
    description: String,
    matches: Match,
    state: State,
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
    /// It could not be recorded.
    #[error(transparent)]
    Journal(#[from] JournalFull),
}

impl Feed {
    /// A feed over a store.
    pub fn new(store: Handle, cache: Arc<PageCache>, cursors: CursorKey, limits: PageLimits) -> Self {
        Self { store, cache, cursors, limits, journal: Journal::default() }
    }

    /// What was sent and is not in the audit log yet.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The page that a filter asks for, to look at. The position in `next` wins over `added_after`.
    pub async fn page(
        &self,
        scope: &ReadScope,
        filter: Filter,
        kind: Kind,
    ) -> Result<Arc<CachedPage>, FeedError> {
        Ok(self.make(scope, filter, kind).await?.page)
    }

    /// The same, to be sent to the holder of a certificate with this key: it is noted for the audit
    /// log, and there is none if it cannot be.
    pub async fn send(
        &self,
        scope: &ReadScope,
        filter: Filter,
        kind: Kind,
        key: &str,
    ) -> Result<Arc<CachedPage>, FeedError> {
        let Made { page, basis } = self.make(scope, filter, kind).await?;
        if let (Some(range), Some(basis)) = (page.range, basis) {
            self.journal.sent(&Sent {
                client: scope.client(),
                key,
                collection: scope.collection(),
                kind,
                description: &basis.description,
                matches: &basis.matches,
                visibility: &basis.visibility,
                after: basis.after,
                range,
                objects: page.added.len(),
                state: basis.state,
                at: scope.now(),
            })?;
        }
        Ok(page)
    }

    async fn make(&self, scope: &ReadScope, filter: Filter, kind: Kind) -> Result<Made, FeedError> {
        // Taken before the page is read, so that a page called whole was whole at this time.
        let watermark = self.store.memory().watermark(scope.collection());
        let nothing = || Made { page: Arc::new(empty(kind)), basis: None };
        if filter.next.is_none() && filter.added_after >= watermark {
            return Ok(nothing());
        }
        let description = format!("{} {}", scope.collection(), filter.matches.canonical());
        let after = match &filter.next {
            Some(next) => Some(self.cursors.open(next, &description)?.after),
            None => filter.added_after,
        };
        if after >= watermark {
            return Ok(nothing());
        }
        let log_from = self.store.memory().audit().size();
        let turn = self.cache.turn();
        let state =
            || State { newest: watermark, log_from, turn, log_to: self.store.memory().audit().size_soon() };
        let limit = filter.limit.unwrap_or(u32::MAX).min(self.limits.objects);
        let key = PageKey {
            collection: scope.collection().to_owned(),
            visibility: self.store.memory().visibility(scope),
            query: format!("{kind:?} {description}"),
            after,
            limit,
        };
        if let Some(page) = self.cache.get(&key, watermark) {
            let (visibility, matches, state) = (key.visibility.clone(), filter.matches, state());
            return Ok(Made { page, basis: Some(Basis { after, visibility, description, matches, state }) });
        }
        let query = Query {
            after,
            limit,
            bytes_max: self.limits.bytes,
            matches: filter.matches.clone(),
            content: match kind {
                Kind::Objects => Content::Objects,
                Kind::Manifest | Kind::Versions => Content::Records,
            },
        };
        let reader = scope.clone();
        let page = self.store.read(move |store| store.page(&reader, &query)).await?;
        let state = state();
        let page = Arc::new(self.assemble(page, kind, &description, watermark));
        // Rows of a handling that came up meanwhile may be on the page, and the key does not name it.
        let visibility = self.store.memory().visibility(scope);
        if visibility == key.visibility {
            self.cache.put(turn, key, page.clone());
        }
        let matches = filter.matches;
        Ok(Made { page, basis: Some(Basis { after, visibility, description, matches, state }) })
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
        let added = page.rows.iter().map(|row| row.added).collect();
        CachedPage { body: body(page, kind, next), range, added, following, whole_at }
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
    let body = body(Page::default(), kind, None);
    CachedPage { body, range: None, added: Box::default(), following: None, whole_at: None }
}

fn json<T: serde::Serialize>(value: &T) -> Bytes {
    // These types have no map keys or floats that could fail to be written.
    serde_json::to_vec(value).unwrap_or_default().into()
}
