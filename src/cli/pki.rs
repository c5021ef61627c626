//! `liaison pki`: the private certificate authority.

use super::args::{PkiArgs, PkiCommand, PkiDir};
use super::connect::write_profile;
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::config::Config;
use crate::pki::{self, IssueOptions, Issued, Pki, Selector, ServerKey};
use std::path::{Path, PathBuf};

pub(super) fn run(args: &PkiArgs) -> anyhow::Result<Exit> {
    let now = Clock::system().now_utc();
    match &args.command {
        PkiCommand::Init { names, dir } => init(names, dir),
        PkiCommand::Issue { client, dir } => {
            let place = Place::of(dir)?;
            let issued = place.open()?.issue(&client.org, &client.client, &options(client), now)?;
            place.tell(&issued, dir.json)
        }
        PkiCommand::Sign { csr, client, dir } => {
            let place = Place::of(dir)?;
            let text = std::fs::read_to_string(csr)
                .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", csr.display())))?;
            let issued = place.open()?.sign(&text, &client.org, &client.client, &options(client), now)?;
            place.tell(&issued, dir.json)
        }
        PkiCommand::Renew { server, names, org, client, days, dir } => {
            let place = Place::of(dir)?;
            let issued = match (server, org, client) {
                (false, Some(org), Some(client)) => {
                    let options = IssueOptions { days: *days, ..IssueOptions::default() };
                    place.open()?.renew(org, client, &options, now)?
                }
                _ => place.open()?.issue_server(&place.server_names(names)?, *days, ServerKey::New, now)?,
            };
            place.tell(&issued, dir.json)
        }
        PkiCommand::Revoke { serial, client, file, reason, dir } => {
            let selector = selector(serial.as_deref(), client.as_deref(), file.as_deref())?;
            revoke(&selector, reason, dir)
        }
        PkiCommand::Crl { dir } => {
            let crl = Place::of(dir)?.open()?.crl(now)?;
            match dir.json {
                true => output::json(&crl),
                false => output::line(&format!(
                    "{}: {} revoked, good until {}",
                    crl.path.display(),
                    crl.entries,
                    crl.next_update
                )),
            }
            Ok(Exit::Done)
        }
        PkiCommand::List { dir } => {
            for listed in Place::of(dir)?.open()?.list(now)? {
                match dir.json {
                    true => output::json(&listed),
                    false => output::line(&format!(
                        "{:?}  {}  {}  until {}",
                        listed.state,
                        listed.record.serial,
                        named(&listed.record),
                        listed.record.not_after
                    )),
                }
            }
            Ok(Exit::Done)
        }
        PkiCommand::Show { file, json } => show(file, *json),
    }
}

fn init(names: &[String], dir: &PkiDir) -> anyhow::Result<Exit> {
    let options = pki::InitOptions {
        hub_name: names[0].clone(),
        server_names: names.to_vec(),
        ca_days: pki::DEFAULT_CA_DAYS,
        server_days: pki::DEFAULT_LEAF_DAYS,
    };
    let place = match &dir.pki {
        Some(pki) => pki.clone(),
        None => Place::of(dir).map_or_else(|_| PathBuf::from("pki"), |place| place.dir),
    };
    Pki::init(&place, &options, Clock::system().now_utc())?;
    match dir.json {
        true => output::json(&serde_json::json!({"dir": place})),
        false => output::line(&format!("CA and server certificate are in {}", place.display())),
    }
    Ok(Exit::Done)
}

fn revoke(selector: &Selector, reason: &str, dir: &PkiDir) -> anyhow::Result<Exit> {
    let unknown = |_| stop(Exit::Usage, format!("`{reason}` is no reason; see liaison pki revoke --help"));
    let reason = reason.parse().map_err(unknown)?;
    let records = Place::of(dir)?.open()?.revoke(selector, reason, Clock::system().now_utc())?;
    if dir.json {
        output::json(&records);
        return Ok(Exit::Done);
    }
    for record in &records {
        output::line(&format!("revoked {} ({})", record.serial, named(record)));
    }
    output::line("in the revocation list; a running server acts on it within 5 seconds");
    Ok(Exit::Done)
}

fn show(file: &Path, json: bool) -> anyhow::Result<Exit> {
    let shown = pki::show(file, Clock::system().now_utc())?;
    if json {
        output::json(&shown);
        return Ok(Exit::Done);
    }
    let identity = shown.identity.as_deref().unwrap_or("none: this is no client certificate of a hub");
    for (name, value) in [
        ("subject", &shown.subject),
        ("issuer", &shown.issuer),
        ("names", &shown.names.join(", ")),
        ("identity", &identity.to_owned()),
        ("serial", &shown.serial),
        ("valid", &format!("{} to {} ({} days left)", shown.not_before, shown.not_after, shown.days_left)),
        ("key", &shown.key_type),
        ("key_sha256", &shown.spki_sha256),
        ("certificate sha256", &shown.cert_sha256),
    ] {
        output::line(&format!("{name}: {value}"));
    }
    Ok(Exit::Done)
}

/// Where the CA is, and which server its certificates are for.
struct Place {
    dir: PathBuf,
    url: Option<String>,
}

impl Place {
    fn of(args: &PkiDir) -> anyhow::Result<Self> {
        if let Some(dir) = &args.pki {
            return Ok(Self { dir: dir.clone(), url: None });
        }
        let config = Config::load(&args.config, std::env::vars(), &[]).map_err(|error| {
            stop(Exit::Usage, format!("{error}; or name the CA's directory with --pki DIR"))
        })?;
        let dir = config.tls.client_ca.parent().unwrap_or(Path::new("")).to_owned();
        let port = config.server.listen.port();
        let url = config.server.public_url.unwrap_or_else(|| format!("https://localhost:{port}"));
        Ok(Self { dir, url: Some(url) })
    }

    fn open(&self) -> anyhow::Result<Pki> {
        Ok(Pki::open(&self.dir)?)
    }

    /// The names given, else those of the certificate in use.
    fn server_names(&self, given: &[String]) -> anyhow::Result<Vec<String>> {
        if !given.is_empty() {
            return Ok(given.to_vec());
        }
        let shown = pki::show(&self.dir.join("server.crt"), Clock::system().now_utc())?;
        let names =
            shown.names.iter().filter_map(|name| name.strip_prefix("DNS:").or(name.strip_prefix("IP:")));
        Ok(names.map(str::to_owned).collect())
    }

    fn tell(&self, issued: &Issued, json: bool) -> anyhow::Result<Exit> {
        let profile = match (&self.url, &issued.record.org) {
            (Some(url), Some(_)) => {
                Some(write_profile(&issued.certificate_file, &self.dir.join("ca.crt"), url)?)
            }
            _ => None,
        };
        if json {
            output::json(issued);
            return Ok(Exit::Done);
        }
        output::line(&format!(
            "issued {} ({}), until {}",
            issued.record.serial,
            named(&issued.record),
            issued.record.not_after
        ));
        let files = [
            Some(&issued.certificate_file),
            issued.key_file.as_ref(),
            issued.p12_file.as_ref(),
            issued.password_file.as_ref(),
            profile.as_ref(),
        ];
        for file in files.into_iter().flatten() {
            output::line(&format!("  {}", file.display()));
        }
        Ok(Exit::Done)
    }
}

/// Whose fault it is: the arguments', the files', or neither's.
pub(super) fn exit_of(error: &pki::Error) -> Exit {
    use pki::Error::*;
    match error {
        Slug(..) | HubName(..) | ServerName(..) | Days(..) => Exit::Usage,
        Damaged(..) | Request(..) | Io(_, "read", _) => Exit::BadData,
        Io(..) | NoCa(..) | CaExists(..) | KeyExposed(..) | OutlivesCa(..) | ClientExists(..)
        | NothingToRenew(..) | KeyNotOurs(..) | KeyTaken(..) | NotIssued(..) | Crypto(..) => Exit::Failed,
    }
}

fn options(args: &super::args::ClientArgs) -> IssueOptions {
    IssueOptions { days: args.days, out: args.out.clone(), replace: args.replace }
}

fn selector(serial: Option<&str>, client: Option<&str>, file: Option<&Path>) -> anyhow::Result<Selector> {
    match (serial, client, file) {
        (Some(serial), _, _) => Ok(Selector::Serial(serial.to_owned())),
        (_, Some(client), _) => match client.split_once('/') {
            Some((org, client)) => Ok(Selector::Client { org: org.to_owned(), client: client.to_owned() }),
            None => Err(stop(Exit::Usage, "--client takes ORG/CLIENT")),
        },
        (_, _, Some(file)) => Ok(Selector::CertificateFile(file.to_owned())),
        _ => {
            Err(stop(Exit::Usage, "say what to revoke: --serial, --client ORG/CLIENT or --file CERTIFICATE"))
        }
    }
}

fn named(record: &pki::Record) -> String {
    match (&record.org, &record.client) {
        (Some(org), Some(client)) => format!("{org}/{client}"),
        _ => "server".to_owned(),
    }
}
