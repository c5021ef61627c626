//! Preview: what publishing would come to, and who would read it.

use super::App;
use super::error::Failure;
use super::objects::{check_headers, read_body};
use super::peer::At;
use super::review::ours;
use crate::ingest;
use crate::policy::explain::{self, Recipient};
use crate::policy::{self, Directory, Grant, Handling, words};
use crate::stix::{Timestamp, Tlp};
use crate::store::{Error, Tried};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What publishing an envelope would come to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Preview {
    /// The collection's id.
    pub collection: String,
    /// Would what is accepted wait for an officer first?
    pub waits_for_release: bool,
    /// Every object, in order.
    pub objects: Vec<Previewed>,
    /// The different lists of parties with who reads and why others do not; objects name theirs by its place.
    pub audiences: Vec<Vec<Recipient>>,
}

/// What publishing one object would come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Previewed {
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Would it be taken?
    pub accepted: bool,
    /// A code, if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What its status would say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its effective level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Tlp>,
    /// What gives that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_from: Option<String>,
    /// Its place in `audiences`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<usize>,
}

/// `POST /liaison/v1/preview/{root}/{collection}`
pub(super) async fn preview(
    app: web::Data<App>,
    At(grant): At,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let scope = policy::write_scope(&grant, app.clock.now())?;
    check_headers(&app, &request)?;
    let (body, permits) = read_body(&app, &request, payload, app.settings.max_content_length).await?;
    let (directory, clock) = (app.directory.load_full(), app.clock);
    let lists = app.exports.lists().clone();
    let answer = app
        .store
        .write(move |store| -> Result<Result<Preview, Failure>, Error> {
            let _permits = permits;
            let judged = match ingest::judge(store, &directory, &scope, &lists, body, clock.now()) {
                Ok(judged) => judged,
                Err(unjudged) => return Ok(Err(unjudged.into())),
            };
            let now = judged.received;
            let tried = store.try_out(judged)?;
            Ok(Ok(answer(&directory, &grant, scope.is_reviewed(), tried, now)))
        })
        .await?;
    Ok(ours().json(answer?))
}

pub(super) fn answer(
    directory: &Directory,
    grant: &Grant,
    waits_for_release: bool,
    tried: Vec<Tried>,
    now: Timestamp,
) -> Preview {
    let (mut places, mut audiences): (HashMap<Arc<Handling>, usize>, Vec<Vec<Recipient>>) =
        Default::default();
    let mut objects = Vec::with_capacity(tried.len());
    for one in tried {
        let audience = one.handling.as_ref().map(|handling| {
            *places.entry(handling.clone()).or_insert_with(|| {
                let found = explain::audience(directory, grant, handling, now);
                audiences.iter().position(|known| *known == found).unwrap_or_else(|| {
                    audiences.push(found);
                    audiences.len() - 1
                })
            })
        });
        let accepted = one.verdict.is_ok();
        let (code, message) = match one.verdict {
            Ok(message) => (None, message),
            Err((code, message)) => (Some(code.to_owned()), Some(message)),
        };
        objects.push(Previewed {
            id: one.label.id,
            version: one.label.version,
            accepted,
            code,
            message,
            level: one.handling.as_ref().map(|handling| handling.level(now)),
            level_from: one.handling.as_ref().map(|handling| words::level_from(handling, now)),
            audience,
        });
    }
    Preview { collection: grant.collection().id.clone(), waits_for_release, objects, audiences }
}
