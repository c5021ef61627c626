//! Exports over HTTP: what SIEMs and network devices fetch (export formats §1).

use super::App;
use super::error::Failure;
use super::peer::{Caller, key_of};
use crate::export::format::TEXT;
use crate::export::place::Listed;
use crate::export::serve::{Current, served_event};
use crate::export::{ExportError, Meta};
use crate::policy::{Directory, may_fetch};
use crate::registry::Export;
use crate::stix::Timestamp;
use crate::store::Error as StoreError;
use actix_web::http::Method;
use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::sync::Arc;

/// The exports that a client may fetch.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportList {
    /// By name.
    pub exports: Vec<Offered>,
}

/// An export that a client may fetch.
#[derive(Debug, Serialize, Deserialize)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Where its main file is.
    pub url: String,
}

/// `GET /liaison/v1/export`
pub(super) async fn list(app: web::Data<App>, Caller(peer): Caller) -> HttpResponse {
    let directory = app.directory.load();
    let offered = directory.registry().exports.iter().filter(|export| may_fetch(&directory, export, &peer));
    let exports = offered.map(|export| Offered {
        name: export.id.clone(),
        format: export.format.clone(),
        url: format!("{}/liaison/v1/export/{}", app.settings.public_url, export.id),
    });
    let list = ExportList { exports: exports.collect() };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(list)
}

/// `GET /liaison/v1/export/{name}` and `GET /liaison/v1/export/{name}/{file}`
pub(super) async fn fetch(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let directory = app.directory.load_full();
    let export = find(&directory, request.match_info().query("name"))
        .filter(|export| may_fetch(&directory, export, &peer))
        .ok_or(Failure::NotFound)?;
    let key = key_of(&request).unwrap_or_default().to_owned();
    send(&app, &request, &directory, export, (peer.name().to_string(), key)).await
}

/// Makes the export if it must be made anew, and sends a file of it to somebody who may have it.
pub(super) async fn send(
    app: &web::Data<App>,
    request: &HttpRequest,
    directory: &Arc<Directory>,
    export: &Export,
    (by, key): (String, String),
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let (shared, directory, export) = (app.clone(), directory.clone(), export.clone());
    let made = app.store.read(move |store| Ok(shared.exports.current(store, &directory, &export, now)));
    let current = made.await?.map_err(failure)?;
    let wanted = request.match_info().get("file").filter(|file| !file.is_empty());
    if wanted.is_some_and(|file| file == format!("{}.meta.json", current.meta.name)) {
        return Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, CACHE))
            .json(served(&current.meta)));
    }
    if let Some(line) = wanted.and_then(|name| current.meta.checksum(name)) {
        return Ok(HttpResponse::Ok()
            .content_type(TEXT)
            .insert_header((header::CACHE_CONTROL, CACHE))
            .body(line));
    }
    let file = current.meta.file(wanted).ok_or(Failure::NotFound)?.clone();
    let coding = coding(request);
    let tag = match coding {
        ContentEncoding::Identity => format!("\"{}\"", file.sha256),
        packed => format!("\"{}-{}\"", file.sha256, packed.as_str()),
    };
    let mut response =
        if is_known(request, &file.sha256) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header(("x-content-type-options", "nosniff"));
    if let Some(made) = Timestamp::parse(&current.meta.generated) {
        let made = std::time::UNIX_EPOCH + std::time::Duration::from_micros(made.micros().unsigned_abs());
        response.insert_header((header::LAST_MODIFIED, header::HttpDate::from(made)));
    }
    if is_known(request, &file.sha256) {
        return Ok(response.finish());
    }
    response.insert_header((header::CONTENT_TYPE, file.media_type.clone()));
    let bytes = body(app, &current.meta, &file, coding).await?;
    if coding != ContentEncoding::Identity {
        response.insert_header((header::CONTENT_ENCODING, coding.as_str()));
    }
    // Before it goes out, as with pages: who received what must be known.
    if request.method() != Method::HEAD {
        note(app, &current, &by, &key, now)?;
    }
    Ok(response.body(bytes))
}

async fn body(
    app: &web::Data<App>,
    meta: &Meta,
    file: &Listed,
    coding: ContentEncoding,
) -> Result<Vec<u8>, Failure> {
    let (shared, name, listed) = (app.clone(), meta.name.clone(), file.clone());
    let read = app.store.read(move |_| {
        let bytes = shared.exports.read(&name, &listed);
        let packed = bytes.and_then(|bytes| pack(bytes, coding));
        packed.map_err(|error| StoreError::Backend(format!("export {name}, file {}: {error}", listed.name)))
    });
    Ok(read.await?)
}

fn pack(bytes: Vec<u8>, coding: ContentEncoding) -> io::Result<Vec<u8>> {
    match coding {
        ContentEncoding::Gzip => {
            let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(6));
            packer.write_all(&bytes)?;
            packer.finish()
        }
        // Its window is 2 MiB; RFC 9659 allows 8 MiB.
        ContentEncoding::Zstd => zstd::bulk::compress(&bytes, 3),
        _ => Ok(bytes),
    }
}

/// Notes for the audit log who receives what.
fn note(app: &App, current: &Current, by: &str, key: &str, now: Timestamp) -> Result<(), Failure> {
    let size = app.store.memory().audit();
    for part in current.parts.iter() {
        let objects = current.meta.rows as u64;
        let event = served_event(part, (by, key), objects, now, (size.size(), size.size_soon()));
        app.feed.journal().sends(event).map_err(|full| StoreError::Busy(full.to_string()))?;
    }
    Ok(())
}

fn find<'a>(directory: &'a Directory, name: &str) -> Option<&'a Export> {
    directory.registry().exports.iter().find(|export| export.id == name)
}

/// The metadata without what is for the writer alone.
fn served(meta: &Meta) -> Meta {
    let mut meta = meta.clone();
    meta.files.retain(|file| !file.is_state);
    meta.rights.clear();
    meta
}

/// RFC 9110 §13.1.2: any of the tags given is that of the file, packed or not.
fn is_known(request: &HttpRequest, sha256: &str) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH);
    let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        let plain = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        let is_packed = |coding: &ContentEncoding| {
            let suffix = plain.strip_prefix(sha256).and_then(|suffix| suffix.strip_prefix('-'));
            suffix == Some(coding.as_str())
        };
        tag == "*" || plain == sha256 || PACKED.iter().any(is_packed)
    })
}

/// RFC 9110 §12.5.3: the coding that the client would rather have; of those it likes as much, zstd.
fn coding(request: &HttpRequest) -> ContentEncoding {
    let supported = PACKED.into_iter().chain([ContentEncoding::Identity]).map(Encoding::Known);
    let supported: Vec<Encoding> = supported.collect();
    match AcceptEncoding::parse(request).ok().and_then(|accepted| accepted.negotiate(supported.iter())) {
        Some(Encoding::Known(coding)) => coding,
        _ => ContentEncoding::Identity,
    }
}

fn failure(error: ExportError) -> Failure {
    match error {
        ExportError::Store(error) => Failure::Store(error),
        other => Failure::Store(StoreError::Backend(other.to_string())),
    }
}

const PACKED: [ContentEncoding; 2] = [ContentEncoding::Zstd, ContentEncoding::Gzip];
const CACHE: &str = "private, no-cache";
