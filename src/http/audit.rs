//! The audit log over HTTP: checkpoints and proofs for everybody, records for auditors, and for each
//! organisation what concerns its own objects.

use super::App;
use super::error::Failure;
use super::peer::Caller;
use crate::audit::Hash;
use crate::audit::event::View;
use crate::policy::Peer;
use crate::registry::Role;
use crate::store::{Concern, Receipts, Recipient};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

/// The latest checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct LatestCheckpoint {
    /// The signed note, byte for byte.
    pub checkpoint: String,
    /// The verifier key of the log: compare it with the one that the operator told you.
    pub vkey: String,
}

/// That a log begins with a smaller one (RFC 6962 §2.1.2).
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// The smaller size.
    pub old: u64,
    /// The larger size.
    pub new: u64,
    /// The path.
    pub proof: Vec<Hash>,
}

/// That a record is in a log (RFC 6962 §2.1.1).
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// The record's number.
    pub record: u64,
    /// Size of the log.
    pub size: u64,
    /// The record's leaf hash.
    pub leaf: Hash,
    /// The path.
    pub proof: Vec<Hash>,
}

/// Some of the log.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogPage {
    /// For auditors each record byte for byte, for others what concerns them; each a text of JSON.
    pub records: Vec<String>,
    /// What to ask for with `after` to go on.
    pub after: Option<u64>,
}

/// Who received an object.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receivers {
    /// The object's id.
    pub id: String,
    /// Its versions, by collection and `date_added`.
    pub versions: Vec<VersionReceivers>,
}

/// Who received a version.
#[derive(Debug, Serialize, Deserialize)]
pub struct VersionReceivers {
    /// The collection's id.
    pub collection: String,
    /// The version.
    pub version: String,
    /// Its `date_added`.
    pub date_added: String,
    /// The organisation whose object it is.
    pub owner: String,
    /// It has been deleted since.
    pub deleted: bool,
    /// Sorted by client.
    pub recipients: Vec<Receiver>,
}

/// A client that received a version.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receiver {
    /// The organisation.
    pub organisation: String,
    /// `organisation/client`.
    pub client: String,
    /// The first time.
    pub first: String,
    /// The last time.
    pub last: String,
    /// `objects`, or `manifest` if only id and version were sent.
    pub how: String,
}

/// A record of pages as those see it whose objects were on them.
#[derive(Debug, Serialize)]
struct ServedOwn {
    n: u64,
    at: String,
    kind: &'static str,
    client: String,
    collection: String,
    view: View,
    objects: u64,
}

/// `GET /liaison/v1/audit/checkpoint`
pub(super) async fn checkpoint(app: web::Data<App>, _: Caller) -> Result<HttpResponse, Failure> {
    let latest = app.store.read(|store| store.audit().latest_checkpoint()).await?;
    let checkpoint = latest.ok_or(Failure::NotFound)?;
    Ok(json(&LatestCheckpoint { checkpoint, vkey: app.vkey.clone() }))
}

/// `GET /liaison/v1/audit/consistency?old=SIZE&new=SIZE`
pub(super) async fn consistency(
    app: web::Data<App>,
    _: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let missing = || Failure::BadRequest("give old and new, the sizes of two checkpoints");
    let old = number(&request, "old")?.ok_or_else(missing)?;
    let new = number(&request, "new")?.ok_or_else(missing)?;
    let proof = app.store.read(move |store| store.audit().consistency(old, new)).await??;
    Ok(json(&ConsistencyProof { old, new, proof }))
}

/// `GET /liaison/v1/audit/inclusion?record=N&size=SIZE`
pub(super) async fn inclusion(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    if peer.role() != Role::Auditor {
        return Err(Failure::NotAuditor);
    }
    let missing = || Failure::BadRequest("give record, a number, and size, that of a checkpoint");
    let record = number(&request, "record")?.ok_or_else(missing)?;
    let size = number(&request, "size")?.ok_or_else(missing)?;
    let (leaf, proof) = app.store.read(move |store| store.audit().inclusion(record, size)).await??;
    Ok(json(&InclusionProof { record, size, leaf, proof }))
}

/// `GET /liaison/v1/audit?after=N&limit=M`
pub(super) async fn log(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let after = number(&request, "after")?;
    let limit = number(&request, "limit")?.unwrap_or(u64::from(RECORDS_USUAL));
    let limit = u32::try_from(limit).unwrap_or(u32::MAX).clamp(1, RECORDS_MAX);
    let from = after.map_or(0, |after| after.saturating_add(1));
    let page = match peer.role() {
        Role::Auditor => {
            let read = app.store.read(move |store| store.audit().records(from, limit, BYTES_MAX));
            let found = read.await?;
            let after = found.last().map(|(n, _)| *n).or(after);
            LogPage { records: found.into_iter().map(|(_, bytes)| text(bytes)).collect(), after }
        }
        role if role.reads() => {
            let organisation = peer.organisation().to_owned();
            let read = app.store.read(move |store| store.audit().concerning(&organisation, from, limit));
            let found = read.await?;
            let records = found.records.into_iter().map(concern).collect();
            LogPage { records, after: found.next.checked_sub(1) }
        }
        _ => return Err(Failure::NotAuditor),
    };
    Ok(json(&page))
}

/// `GET /liaison/v1/audit/recipients/{object}`
pub(super) async fn recipients(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    if peer.role() != Role::Auditor && !peer.role().reads() {
        return Err(Failure::NotAuditor);
    }
    let id = request.match_info().query("object").to_owned();
    let wanted = id.clone();
    let found = app.store.read(move |store| store.audit().recipients(&wanted, None)).await?;
    let now = app.clock.now();
    let found: Vec<_> = found.into_iter().filter(|one| may_know(&peer, one, now)).collect();
    match found.is_empty() {
        true => Err(Failure::NotFound),
        false => Ok(json(&Receivers::new(id, found))),
    }
}

/// Auditors may know of every object, others of their own organisation's up to their own ceiling.
fn may_know(peer: &Peer, receipts: &Receipts, now: crate::stix::Timestamp) -> bool {
    let handling = &receipts.handling;
    peer.role() == Role::Auditor
        || handling.owner == peer.organisation() && handling.level(now) <= peer.tlp_max()
}

impl Receivers {
    /// As the store tells it.
    pub fn new(id: String, found: Vec<Receipts>) -> Self {
        let versions = found.into_iter().map(|one| VersionReceivers {
            collection: one.collection,
            version: one.version,
            date_added: one.added.to_string(),
            owner: one.handling.owner.clone(),
            deleted: one.is_deleted,
            recipients: one.recipients.into_iter().map(receiver).collect(),
        });
        Self { id, versions: versions.collect() }
    }
}

fn receiver(found: Recipient) -> Receiver {
    let Recipient { client, first, last, has_content } = found;
    let organisation = client.split('/').next().unwrap_or_default().to_owned();
    let how = if has_content { "objects" } else { "manifest" };
    Receiver { organisation, client, first, last, how: how.to_owned() }
}

fn concern(found: Concern) -> String {
    match found {
        Concern::Own(bytes) => text(bytes),
        Concern::Served { n, at, client, collection, view, objects } => {
            let own = ServedOwn { n, at, kind: "served", client, collection, view, objects };
            // Numbers and texts can always be written.
            serde_json::to_string(&own).unwrap_or_default()
        }
    }
}

/// Records are UTF-8 by what reading them checks; a damaged one is shown as well as it can be.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn json<T: Serialize>(answer: &T) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer)
}

/// A number in the query.
fn number(request: &HttpRequest, name: &str) -> Result<Option<u64>, Failure> {
    let mut found = url::form_urlencoded::parse(request.query_string().as_bytes());
    let Some((_, value)) = found.find(|(found, _)| found == name) else { return Ok(None) };
    let wrong = || Failure::BadRequest("the numbers in the query must be whole and not negative");
    value.parse().map(Some).map_err(|_| wrong())
}

const RECORDS_USUAL: u32 = 1_000;
const RECORDS_MAX: u32 = 10_000;
const BYTES_MAX: usize = 8 * 1024 * 1024;
