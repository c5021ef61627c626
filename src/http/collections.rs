//! Collections and manifests (TAXII 2.1 §5.1 to §5.3).

use super::App;
use super::error::Failure;
use super::objects::serve;
use super::peer::{At, Caller};
use super::server_info::{taxii, visible_root};
use crate::feed::Kind;
use crate::policy::Grant;
use crate::registry::{Release, Unmarked};
use crate::stix::Tlp;
use crate::taxii::media;
use crate::taxii::resource::{Collection, Collections};
use actix_web::{HttpRequest, HttpResponse, web};

/// TAXII 2.1 §5.1.
pub(super) async fn list(
    app: web::Data<App>,
    Caller(peer): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let root = visible_root(&app, &peer, request.match_info().query("root"))?;
    let grants = app.directory.load().grants(&peer, &root);
    Ok(taxii().json(Collections { collections: grants.iter().map(resource).collect() }))
}

/// TAXII 2.1 §5.2.
pub(super) async fn one(At(grant): At) -> HttpResponse {
    taxii().json(resource(&grant))
}

/// TAXII 2.1 §5.3.
pub(super) async fn manifest(
    app: web::Data<App>,
    At(grant): At,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    serve(&app, &grant, &caller, &request, None, Kind::Manifest).await
}

/// A collection as this client may use it.
pub(super) fn resource(grant: &Grant) -> Collection {
    let collection = grant.collection();
    Collection {
        id: collection.id.clone(),
        title: collection.title.clone(),
        description: description(grant),
        alias: collection.alias.clone(),
        can_read: grant.can_read(),
        can_write: grant.can_write(),
        media_types: vec![media::STIX.to_owned()],
    }
}

/// The declared description, and what readers and senders must know about markings.
fn description(grant: &Grant) -> Option<String> {
    let agreement = grant.agreement();
    let rule = match grant.collection().unmarked {
        Unmarked::Reject => "Objects must carry a TLP marking.".to_owned(),
        Unmarked::Inherit => {
            "Objects must carry a TLP marking, or be named by one that does in the same envelope.".to_owned()
        }
        Unmarked::Stamp(tlp) => format!("Objects without a TLP marking are given {tlp}."),
        Unmarked::Assume(tlp) => format!("Objects without a TLP marking count as {tlp}."),
    };
    let limit = format!(
        "Under the agreement \"{}\", up to {}.",
        agreement.title,
        agreement.tlp_max.min(grant.collection().tlp_max.unwrap_or(Tlp::Red))
    );
    let own = grant.collection().description.clone();
    let review = (agreement.release == Release::Reviewed)
        .then(|| "Objects wait until an officer of the publishing organisation releases them.".to_owned());
    Some(own.into_iter().chain([limit, rule]).chain(review).collect::<Vec<_>>().join(" "))
}
