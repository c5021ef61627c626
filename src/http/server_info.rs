//! Discovery, API roots, statuses (TAXII 2.1 §4).

use super::App;
use super::error::Failure;
use super::peer::Caller;
use crate::taxii::media;
use crate::taxii::resource::{ApiRoot, Discovery};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

/// An answer in TAXII's media type; nothing of ours may be kept by caches on the way.
pub(super) fn taxii() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type(media::TAXII).insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// TAXII 2.1 §4.1.
pub(super) async fn discovery(app: web::Data<App>, Caller(peer): Caller) -> HttpResponse {
    let directory = app.directory.load();
    let roots = directory.roots(&peer);
    let api_roots: Vec<String> =
        roots.iter().map(|root| format!("{}/{root}/", app.settings.public_url)).collect();
    taxii().json(Discovery {
        title: app.settings.title.clone(),
        description: app.settings.description.clone(),
        contact: app.settings.contact.clone(),
        default: api_roots.first().cloned(),
        api_roots,
    })
}

/// TAXII 2.1 §4.2.
pub(super) async fn api_root(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let root = visible_root(&app, &peer, request.match_info().query("root"))?;
    Ok(taxii().json(ApiRoot {
        title: root,
        description: None,
        versions: vec![media::TAXII.to_owned()],
        max_content_length: app.settings.max_content_length,
    }))
}

/// TAXII 2.1 §4.3: only for who sent the POST.
pub(super) async fn status(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let path = request.match_info();
    let root = visible_root(&app, &peer, path.query("root"))?;
    let id = path.query("status").to_owned();
    let client = peer.name().clone();
    let body = app.store.read(move |store| store.status(&client, &root, &id)).await?;
    Ok(taxii().body(body.ok_or(Failure::NotFound)?))
}

/// The API root if this client may use anything in it.
pub(super) fn visible_root(app: &App, peer: &crate::policy::Peer, root: &str) -> Result<String, Failure> {
    let directory = app.directory.load();
    let found = directory.roots(peer).into_iter().find(|visible| *visible == root);
    found.map(str::to_owned).ok_or(Failure::NotFound)
}
