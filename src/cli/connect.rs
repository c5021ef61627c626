//! How client commands find their server, and who we are to it.

use super::args::{ServerArgs, WhoamiArgs};
use super::output::{self, Exit, stop};
use crate::client::{Access, Client, ClientError, Found};
use crate::clock::Clock;
use crate::http::Whoami;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A profile file: everything that a client command needs; paths relative to the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: Option<String>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
}

/// A client ready to be used, and the collection that the profile names.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) collection: Option<String>,
    /// Who we are by our certificate; a renewed one says the same.
    pub(super) holder: String,
}

/// What a command wants to do with a collection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Read,
    Write,
}

/// Reads profile and flags; flags win.
pub(super) fn connect(args: &ServerArgs) -> anyhow::Result<Connection> {
    let mut profile = match &args.profile {
        Some(name) => read_profile(name)?,
        None => Profile::default(),
    };
    profile.url = args.url.clone().or(profile.url);
    profile.ca = args.ca.clone().or(profile.ca);
    profile.cert = args.cert.clone().or(profile.cert);
    profile.key = args.key.clone().or(profile.key);
    let missing = |what: &str| stop(Exit::Usage, format!("give --{what}, or a --profile that has it"));
    let file = |what: &str, path: Option<PathBuf>| -> anyhow::Result<Vec<u8>> {
        let path = path.ok_or_else(|| missing(what))?;
        std::fs::read(&path)
            .map_err(|error| stop(Exit::Usage, format!("cannot read --{what} {}: {error}", path.display())))
    };
    let url = profile.url.ok_or_else(|| missing("url"))?;
    let holder = profile.cert.as_deref().map(holder).unwrap_or_default();
    let (ca, cert, key) = (file("ca", profile.ca)?, file("cert", profile.cert)?, file("key", profile.key)?);
    let access = Access { url: &url, ca: Some(&ca), identity: Some((&cert, &key)), ..Access::default() };
    Ok(Connection { client: Client::new(&access).map_err(failed)?, collection: profile.collection, holder })
}

/// The identity in a certificate of a hub, or the subject of another one.
fn holder(certificate: &Path) -> String {
    // A file that cannot be understood is refused where the connection is set up.
    crate::pki::show(certificate, Clock::system().now_utc())
        .map(|shown| shown.identity.unwrap_or(shown.subject))
        .unwrap_or_default()
}

/// The collection that is meant: by id, alias or title, or the only one there is.
pub(super) async fn choose(
    connection: &Connection,
    wanted: Option<&str>,
    need: Need,
) -> anyhow::Result<Found> {
    let wanted = wanted.or(connection.collection.as_deref());
    let all = connection.client.collections().await.map_err(failed)?;
    let may = |found: &&Found| match need {
        Need::Read => found.collection.can_read,
        Need::Write => found.collection.can_write,
    };
    let deed = if need == Need::Read { "read" } else { "written to" };
    let named = |found: &&Found| {
        let collection = &found.collection;
        wanted.is_none_or(|name| {
            collection.id == name || collection.alias.as_deref() == Some(name) || collection.title == name
        })
    };
    let matching: Vec<&Found> = all.iter().filter(named).collect();
    let usable: Vec<&&Found> = matching.iter().filter(|found| may(found)).collect();
    match (&usable[..], &matching[..], wanted) {
        ([one], ..) => Ok((**one).clone()),
        ([], [], Some(name)) => Err(stop(
            Exit::NotPermitted,
            format!("the server shows us no collection `{name}`; it shows: {}", list(&all)),
        )),
        ([], ..) => Err(stop(
            Exit::NotPermitted,
            format!("none of the collections can be {deed} by us: {}", list(&all)),
        )),
        _ => Err(stop(
            Exit::Usage,
            format!("several collections can be {deed}; choose with --collection: {}", list(&all)),
        )),
    }
}

fn list(all: &[Found]) -> String {
    let names = all.iter().map(|found| {
        let collection = &found.collection;
        let alias = collection.alias.as_ref().map(|alias| format!(" (alias {alias})")).unwrap_or_default();
        format!("{}{alias} \"{}\"", collection.id, collection.title)
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// A client error with the exit it leads to.
pub(super) fn failed(error: ClientError) -> anyhow::Error {
    let exit = match &error {
        ClientError::Setup(_) => Exit::Usage,
        ClientError::Unreachable(_) => Exit::Unreachable,
        ClientError::Refused { status: 401 | 403, .. } => Exit::NotPermitted,
        ClientError::Refused { status: 502..=504, .. } => Exit::Unreachable,
        ClientError::Refused { .. } => Exit::Failed,
        ClientError::Protocol(..) | ClientError::TooLarge { .. } => Exit::BadData,
    };
    stop(exit, error.to_string())
}

pub(super) fn whoami(args: &WhoamiArgs) -> anyhow::Result<Exit> {
    let connection = connect(&args.server)?;
    let answer: Whoami = runtime()?.block_on(connection.client.get("/liaison/v1/whoami")).map_err(failed)?;
    if args.json {
        output::json(&answer);
        return Ok(Exit::Done);
    }
    let role = serde_json::to_value(answer.role).unwrap_or_default();
    output::line(&format!(
        "{}, role {}, up to {}",
        answer.client,
        role.as_str().unwrap_or_default(),
        answer.tlp_max
    ));
    output::line(&format!(
        "server: liaison {}, its clock says {}",
        answer.server_version, answer.server_time
    ));
    for root in &answer.api_roots {
        output::line(&root.url);
        for collection in &root.collections {
            let rights = match (collection.can_read, collection.can_write) {
                (true, true) => "read and write",
                (true, false) => "read",
                _ => "write",
            };
            let alias =
                collection.alias.as_ref().map(|alias| format!(" (alias {alias})")).unwrap_or_default();
            output::line(&format!("  {}{alias}  {}: {rights}", collection.id, collection.title));
        }
    }
    Ok(Exit::Done)
}

/// Client commands wait for one server; one thread is enough.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn read_profile(name: &str) -> anyhow::Result<Profile> {
    let path = match name.contains('/') || name.ends_with(".toml") {
        true => PathBuf::from(name),
        false => {
            user_dir("XDG_CONFIG_HOME", ".config")?.join("liaison/profiles").join(format!("{name}.toml"))
        }
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| stop(Exit::Usage, format!("cannot read the profile {}: {error}", path.display())))?;
    let mut profile: Profile =
        toml::from_str(&text).map_err(|error| stop(Exit::Usage, format!("{}:\n{error}", path.display())))?;
    let base = path.parent().unwrap_or(Path::new(""));
    for file in [&mut profile.ca, &mut profile.cert, &mut profile.key].into_iter().flatten() {
        *file = base.join(&file);
    }
    Ok(profile)
}

/// A directory of the user's by the XDG rules.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for the user's directories")]
pub(super) fn user_dir(variable: &str, under_home: &str) -> anyhow::Result<PathBuf> {
    if let Ok(dir) = std::env::var(variable) {
        return Ok(dir.into());
    }
    let home = std::env::var("HOME")
        .map_err(|_| stop(Exit::Usage, format!("neither {variable} nor HOME is set")))?;
    Ok(Path::new(&home).join(under_home))
}

/// Writes a profile beside a certificate, so that the folder can be handed over as it is.
pub(super) fn write_profile(certificate: &Path, ca: &Path, url: &str) -> anyhow::Result<PathBuf> {
    let folder = certificate.parent().unwrap_or(Path::new(""));
    let name = |extension: &str| certificate.with_extension(extension).file_name().map(PathBuf::from);
    let own_ca = folder.join("ca.crt");
    std::fs::copy(ca, &own_ca).with_context(|| format!("cannot write {}", own_ca.display()))?;
    let profile = Profile {
        url: Some(url.to_owned()),
        ca: Some("ca.crt".into()),
        cert: name("crt"),
        key: name("key"),
        collection: None,
    };
    let path = certificate.with_extension("toml");
    let text = toml::to_string(&profile)?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
