//! A job's source and target, made ready: files with certificates and secrets are read at each run, so that
//! renewed ones count.

use super::Fault;
use super::job::{Job, Limits, Server, Source as From, Target as To};
use super::source::file::{Origin, Reading};
use super::source::taxii::Repairs;
use super::source::{self, Source};
use super::state;
use super::target::{self, Target};
use crate::client::access::{Limits as Bounds, Reach};
use crate::client::{Access, Client};
use crate::clock::Clock;
use crate::submission::csv::Mapping;
use base64::Engine;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The source of a job.
pub(super) fn source(
    runtime: &Rc<Runtime>,
    job: &Job,
    dir: &Path,
    (clock, is_dry): (Clock, bool),
) -> Result<Box<dyn Source>, Fault> {
    match &job.source {
        From::Taxii { server, collection, repair_spec_version, .. } => {
            let client = client(server, &job.limits)?;
            let repairs = Repairs { tlp_1_to_2: job.marking.tlp_1_to_2, spec_version: *repair_spec_version };
            let how = (job.limits.page, repairs);
            let opened = source::taxii::Taxii::open(runtime.clone(), client, collection, how, clock)?;
            Ok(Box::new(opened))
        }
        From::File { path, server, format, misp_feed, mapping, submit, .. } => {
            let origin = match (path, server) {
                (Some(path), _) => Origin::Path(path.clone()),
                (None, Some(server)) => web(server, &job.limits, *misp_feed)?,
                (None, None) => {
                    return Err(Fault::Lasting("the source has neither path nor server".to_owned()));
                }
            };
            let mapping = mapping.as_deref().map(read_mapping).transpose()?;
            let reading = Reading { format: *format, mapping, submit: submit.clone(), clock };
            let path = state::path(dir, &job.id, "files");
            Ok(Box::new(source::file::Files::new(runtime.clone(), origin, reading, path, is_dry)))
        }
        From::Taxii20 { server, collection, .. } => {
            let client = client(server, &job.limits)?;
            let page = job.limits.page.min(1_000);
            Ok(Box::new(source::taxii20::Taxii20::open(runtime.clone(), client, collection, page)?))
        }
    }
}

/// The target of a job, and the hub if it is one.
pub(super) fn target(
    runtime: &Rc<Runtime>,
    job: &Job,
    inside: Option<&target::hub::Inside>,
    dry_run: bool,
) -> Result<Box<dyn Target>, Fault> {
    match &job.target {
        To::Files { dir, .. } if dry_run => Ok(Box::new(target::files::Files::look(dir.clone())?)),
        To::Taxii { server, collection } => {
            let client = client(server, &job.limits)?;
            let patience = Duration::from_secs(job.limits.answer_secs);
            Ok(Box::new(target::taxii::Taxii::open(runtime.clone(), client, collection, patience)?))
        }
        To::Files { dir, format } => Ok(Box::new(target::files::Files::open(dir.clone(), *format)?)),
        To::Hub { .. } => Ok(Box::new(hub(runtime, job, inside)?)),
    }
}

/// The hub as the target of a job.
pub(super) fn hub(
    runtime: &Rc<Runtime>,
    job: &Job,
    inside: Option<&target::hub::Inside>,
) -> Result<target::hub::Hub, Fault> {
    let To::Hub { collection, client } = &job.target else {
        return Err(Fault::Lasting("its target is not the hub".to_owned()));
    };
    let inside = inside.ok_or_else(|| {
        let what =
            "its target is the hub, so it runs in the hub: name the file of jobs in [sync] of liaison.toml";
        Fault::Lasting(what.to_owned())
    })?;
    Ok(target::hub::Hub::new(runtime.clone(), inside.clone(), &job.id, (collection, client)))
}

/// A file of a web server, or a feed.
fn web(server: &Server, limits: &Limits, is_feed: bool) -> Result<Origin, Fault> {
    let client = client(server, limits)?;
    let text = if is_feed { format!("{}/", server.url.trim_end_matches('/')) } else { server.url.clone() };
    let url = client.within(&text)?;
    Ok(if is_feed { Origin::Feed(client, url) } else { Origin::Web(client, url) })
}

fn read_mapping(path: &Path) -> Result<Mapping, Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::Lasting(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    Mapping::parse(&text).map_err(|error| wrong(&error))
}

/// A client for a server.
pub(super) fn client(server: &Server, limits: &Limits) -> Result<Client, Fault> {
    let read = |path: &PathBuf| {
        std::fs::read(path)
            .map_err(|error| Fault::Lasting(format!("cannot read {}: {error}", path.display())))
    };
    let optional = |path: &Option<PathBuf>| path.as_ref().map(read).transpose();
    let (ca, cert, key) = (optional(&server.ca)?, optional(&server.cert)?, optional(&server.key)?);
    let access = Access {
        url: &server.url,
        ca: ca.as_deref(),
        identity: cert.as_deref().zip(key.as_deref()),
        header: header(server)?,
        reach: Reach::Outside(server.allowed().map_err(Fault::Lasting)?),
        limits: Bounds {
            bytes_max: limits.answer_bytes,
            total: Duration::from_secs(limits.answer_secs),
            pause: Duration::from_secs(limits.answer_secs.min(60)),
        },
    };
    Ok(Client::new(&access)?)
}

/// The header that says who we are.
fn header(server: &Server) -> Result<Option<(&str, String)>, Fault> {
    if let (Some(user), Some(file)) = (&server.user, &server.password_file) {
        let pair = format!("{user}:{}", secret(file)?);
        let value = base64::engine::general_purpose::STANDARD.encode(pair);
        return Ok(Some(("authorization", format!("Basic {value}"))));
    }
    if let Some(file) = &server.token_file {
        return Ok(Some(("authorization", format!("Bearer {}", secret(file)?))));
    }
    match (&server.header, &server.header_file) {
        (Some(name), Some(file)) => Ok(Some((name, secret(file)?))),
        _ => Ok(None),
    }
}

/// A secret in a file that nobody else can read.
fn secret(path: &Path) -> Result<String, Fault> {
    crate::push::http::secret(path).map_err(|failure| Fault::Lasting(failure.to_string()))
}
