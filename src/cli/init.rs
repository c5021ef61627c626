//! `liaison init`: a hub that needs nothing else before `liaison serve`.

use super::account::account;
use super::args::InitArgs;
use super::connect::write_profile;
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::pki::{self, Pki};
use crate::registry::Registry;
use crate::store::sqlite::{Change, Tool};
use anyhow::Context;
use std::path::Path;

pub(super) fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).context("no randomness")?;
    let uuid = uuid::Builder::from_random_bytes(random).into_uuid();
    let registry = REGISTRY.replace("COLLECTION", &uuid.to_string());
    let hub = Hub { names: &args.names, listen: args.listen, registry: &registry, extra: "" };
    create(&args.dir, &hub)?;
    let dir = args.dir.display();
    if args.json {
        output::json(
            &serde_json::json!({"dir": args.dir, "config": args.dir.join("liaison.toml"), "collection": uuid.to_string()}),
        );
        return Ok(Exit::Done);
    }
    output::line(&format!(
        "A hub for two sample organisations, cert-a and cert-b, is in {dir}.

Start it:
  liaison serve --config {dir}/liaison.toml

Publish a file as cert-a, and fetch it as cert-b:
  liaison publish --profile {dir}/pki/clients/cert-a/feed.toml FILE
  liaison poll --profile {dir}/pki/clients/cert-b/feed.toml --out feed.jsonl

To make it yours, edit {dir}/registry.toml, then
  liaison registry apply {dir}/registry.toml --config {dir}/liaison.toml
  liaison pki issue --org ORG --client CLIENT --config {dir}/liaison.toml"
    ));
    Ok(Exit::Done)
}

/// What a new hub is made from.
pub(super) struct Hub<'a> {
    pub(super) names: &'a [String],
    pub(super) listen: std::net::SocketAddr,
    pub(super) registry: &'a str,
    /// Further settings, appended to liaison.toml.
    pub(super) extra: &'a str,
}

/// Writes a hub: settings, registry, CA, a certificate for each client, and the database.
pub(super) fn create(dir: &Path, hub: &Hub) -> anyhow::Result<()> {
    let clock = Clock::system();
    let registry = Registry::parse(hub.registry).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    for name in ["liaison.toml", "registry.toml", "liaison.db", "pki"] {
        if dir.join(name).exists() {
            let text = format!(
                "{} exists already; give another directory, or remove it first",
                dir.join(name).display()
            );
            return Err(stop(Exit::Failed, text));
        }
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut names: Vec<String> = hub.names.to_vec();
    for own in ["localhost", "127.0.0.1", "::1"] {
        if !names.iter().any(|name| name == own) {
            names.push(own.to_owned());
        }
    }
    let options = pki::InitOptions {
        hub_name: names[0].clone(),
        server_names: names.clone(),
        ca_days: pki::DEFAULT_CA_DAYS,
        server_days: pki::DEFAULT_LEAF_DAYS,
    };
    let authority = Pki::init(&dir.join("pki"), &options, clock.now_utc())?;
    super::audit::make_key(&dir.join("pki/audit.key"))?;
    let url = public_url(&names[0], hub.listen.port());
    for organisation in &registry.organisations {
        for client in &organisation.clients {
            let issued = authority.issue(
                &organisation.id,
                &client.id,
                &pki::IssueOptions::default(),
                clock.now_utc(),
            )?;
            write_profile(&issued.certificate_file, &dir.join("pki/ca.crt"), &url)?;
        }
    }
    let mut settings = include_str!("../../liaison.example.toml")
        .replace("# listen = \"127.0.0.1:8443\"", &format!("listen = \"{}\"", hub.listen))
        .replace("# public_url = \"https://localhost:8443\"", &format!("public_url = \"{url}\""));
    settings.push_str(hub.extra);
    write(&dir.join("liaison.toml"), &settings)?;
    write(&dir.join("registry.toml"), hub.registry)?;
    let mut tool = Tool::open(&dir.join("liaison.db"), clock.now())?;
    let lines =
        crate::registry::diff(&Registry::default(), &registry).iter().map(ToString::to_string).collect();
    let change = Change { by: account(), lines, reason: Some("liaison init".to_owned()) };
    tool.apply(None, &registry.to_toml(), &change, clock.now())?;
    Ok(())
}

fn public_url(name: &str, port: u16) -> String {
    match name.contains(':') {
        true => format!("https://[{name}]:{port}"),
        false => format!("https://{name}:{port}"),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

const REGISTRY: &str = include_str!("registry.sample.toml");
