//! `liaison demo`: an exchange at work, told step by step. Each step is a command of this program,
//! shown as a newcomer would type it, and run as it is shown.

mod data;

use super::args::{Cli, DemoArgs, HubArgs, ServeArgs};
use super::hub::serve_until;
use super::init::{Hub, create};
use super::output::{self, Exit, stop};
use anyhow::Context;
use clap::Parser;
use data::{Level, count, count_lines};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const REGISTRY: &str = include_str!("registry.toml");

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let scratch = Scratch::new(args.dir.as_deref())?;
    let demo = Demo::set_up(&scratch.path)?;
    let stop = CancellationToken::new();
    let server = demo.serve(&stop)?;
    let told = demo.story(args);
    if told.is_err() || args.once {
        stop.cancel();
    } else {
        std::thread::spawn(move || demo.keep_polling());
    }
    let ended = server.join().map_err(|_| anyhow::anyhow!("the server thread failed"))?;
    told.and(ended)
}

/// The directory of the demo; one that nobody named is removed at the end.
struct Scratch {
    path: PathBuf,
    remove: bool,
}

impl Scratch {
    fn new(dir: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(dir) = dir {
            return Ok(Self { path: dir.to_owned(), remove: false });
        }
        let mut random = [0; 4];
        aws_lc_rs::rand::fill(&mut random).context("no randomness")?;
        let name = format!("liaison-demo-{:08x}", u32::from_be_bytes(random));
        let path = std::env::temp_dir().join(name);
        Ok(Self { path, remove: true })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.remove {
            // What cannot be removed stays in the system's directory for temporary files.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A hub for two fictitious countries.
#[derive(Clone)]
struct Demo {
    dir: PathBuf,
    port: u16,
}

impl Demo {
    fn set_up(dir: &Path) -> anyhow::Result<Self> {
        say(
            "1. Two countries, Alphaland and Betaland, have agreed to share cyber-security information.\n   Their hub gets its settings, the registry of who may do what, and a private certificate authority:",
        );
        let port = free_port(8443)?;
        let admin = free_port(9443)?;
        let hub = Hub {
            names: &["localhost".to_owned()],
            listen: ([127, 0, 0, 1], port).into(),
            registry: REGISTRY,
            extra: "",
        };
        create(dir, &hub)?;
        let settings = dir.join("liaison.toml");
        let text = std::fs::read_to_string(&settings)?;
        let text = text
            .replace("# listen = \"127.0.0.1:9443\"", &format!("listen = \"127.0.0.1:{admin}\""))
            .replace("# level = \"info\"", "level = \"warn\"");
        std::fs::write(&settings, text)?;
        output::line(&format!("   {}: liaison.toml, registry.toml, liaison.db, pki/", dir.display()));
        Ok(Self { dir: dir.to_owned(), port })
    }

    /// The steps that need no reader's help.
    fn story(&self, args: &DemoArgs) -> anyhow::Result<()> {
        self.first_round(args.data.as_deref())?;
        if args.data.is_none() {
            self.reply()?;
            self.schedule()?;
            self.export()?;
        }
        if args.once {
            say("That was one whole round. Without --once the hub would go on serving now.");
        } else {
            self.what_next();
        }
        Ok(())
    }

    fn serve(
        &self,
        stop_sign: &CancellationToken,
    ) -> anyhow::Result<std::thread::JoinHandle<anyhow::Result<Exit>>> {
        say("2. The hub serves STIX 2.1 over TAXII 2.1. Only holders of a certificate get in:");
        let command = ["serve", "--config", &self.path("liaison.toml")].map(str::to_owned);
        show(&command);
        let hub = HubArgs { config: self.dir.join("liaison.toml"), sets: Vec::new(), json: false };
        let (args, sign) = (ServeArgs { hub, accept_future_watermark: false }, stop_sign.clone());
        let server = std::thread::spawn(move || serve_until(&args, &sign));
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if server.is_finished() || Instant::now() > deadline {
                return match server.join() {
                    Ok(Err(error)) => Err(error),
                    _ => Err(stop(Exit::Failed, "the server did not start")),
                };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        output::line(&format!("   serving on https://localhost:{}", self.port));
        Ok(server)
    }

    fn first_round(&self, own: Option<&Path>) -> anyhow::Result<()> {
        let file = match own {
            Some(file) => file.display().to_string(),
            None => {
                data::write(&self.dir)?;
                self.path("data/dataset.json")
            }
        };
        say(
            "3. CERT Alphaland publishes what it knows: campaigns, indicators, incidents, each with its TLP marking:",
        );
        self.step(&["publish", "--profile", &self.profile("alphaland/feed"), &file])?;
        say("4. CERT Betaland fetches everything new for it:");
        self.poll("betaland/feed", "betaland.jsonl", "jsonl")?;
        let received = count(&self.dir.join("out/betaland.jsonl"))?;
        output::line(&format!("   received {}", data::describe(&received)));
        if own.is_none() {
            output::line(
                "   The TLP:RED objects stayed with Alphaland, and of objects with several versions the last one came.",
            );
        }
        say(
            "5. Betaland's SIEM, run by a contractor, may see nothing above TLP:AMBER. It gets a directory of files:",
        );
        self.poll("betaland/siem", "siem", "directory")?;
        let seen = data::count_directory(&self.dir.join("out/siem"))?;
        output::line(&format!("   received {}", data::describe(&seen)));
        if seen.iter().any(|(level, _)| *level > Level::Amber) {
            return Err(stop(Exit::Failed, "the SIEM received objects above its ceiling"));
        }
        Ok(())
    }

    fn reply(&self) -> anyhow::Result<()> {
        say(
            "6. Betaland has seen some of this too. It publishes sightings, an opinion and indicators of its own:",
        );
        self.step(&["publish", "--profile", &self.profile("betaland/feed"), &self.path("data/reply.json")])?;
        self.poll("alphaland/feed", "alphaland.jsonl", "jsonl")?;
        let lines = count_lines(&self.dir.join("out/alphaland.jsonl"))?;
        output::line(&format!(
            "   Alphaland's copy of the collection has {lines} objects now, its own included."
        ));
        Ok(())
    }

    fn schedule(&self) -> anyhow::Result<()> {
        say(
            "7. Betaland polls on a schedule (`--every 5m` in real life; every few seconds here).\n   Meanwhile Alphaland publishes one more indicator:",
        );
        let before = count_lines(&self.dir.join("out/betaland.jsonl"))?;
        self.poll("betaland/feed", "betaland.jsonl", "jsonl")?;
        let fresh = data::write_fresh(&self.dir)?;
        self.step(&["publish", "--profile", &self.profile("alphaland/feed"), &fresh])?;
        std::thread::sleep(Duration::from_secs(2));
        self.poll("betaland/feed", "betaland.jsonl", "jsonl")?;
        let after = count_lines(&self.dir.join("out/betaland.jsonl"))?;
        let new = after - before;
        output::line(&format!(
            "   Betaland has {new} objects more than at step 4: its own reply, and the new indicator."
        ));
        match new {
            0 => Err(stop(Exit::Failed, "nothing new arrived")),
            _ => Ok(()),
        }
    }

    fn export(&self) -> anyhow::Result<()> {
        say(
            "8. Betaland's resolver and its SIEM speak no TAXII. They get files: only what is active, at most AMBER,\n   and on no warning list; an address that documentation uses, as here, is blocked nowhere by mistake:",
        );
        self.step(&["export", "run", "--all", "--config", &self.path("liaison.toml")])?;
        let zone = std::fs::read_to_string(self.dir.join("exports/resolver/resolver.rpz"))?;
        let names = zone.lines().filter(|line| line.contains(" CNAME ")).count();
        zone.lines().take(7).for_each(|line| output::line(&format!("   | {line}")));
        match names {
            0 => Err(stop(Exit::Failed, "the zone for the resolver is empty")),
            _ => Ok(()),
        }
    }

    fn what_next(&self) {
        let (dir, port) = (self.dir.display(), self.port);
        let client = format!("{dir}/pki/clients/betaland/feed");
        let collection = "0c3a8a1e-6f0b-4d0e-9d57-2f6a4f1d9b10";
        say(
            "The hub goes on serving, and Betaland goes on polling every 5 seconds. Stop it with Ctrl-C.\nTo try in another terminal:",
        );
        output::line(&format!(
            "
Publish a file of your own, and see it arrive here:
  liaison publish --profile {dir}/pki/clients/alphaland/feed.toml FILE.json

Look at the collection with curl:
  curl --cacert {dir}/pki/ca.crt --cert {client}.crt --key {client}.key \\
    'https://localhost:{port}/exchange/collections/{collection}/objects/?limit=2'

The same in Python (pip install taxii2-client; unset REQUESTS_CA_BUNDLE if you have it set):
  from taxii2client.v21 import Server
  server = Server('https://localhost:{port}/taxii2/', verify='{dir}/pki/ca.crt',
                  cert=('{client}.crt', '{client}.key'))
  for collection in server.default.collections:
      print(collection.title, len(collection.get_objects()['objects']))

Lock the SIEM out, and see its next request fail within 5 seconds:
  liaison pki revoke --client betaland/siem --config {dir}/liaison.toml
  liaison whoami --profile {dir}/pki/clients/betaland/siem.toml

Change who may do what: edit {dir}/registry.toml, then
  liaison registry plan {dir}/registry.toml --config {dir}/liaison.toml
  liaison registry apply {dir}/registry.toml --config {dir}/liaison.toml

If `liaison` is not in your PATH, use `cargo run --release --` in its place.
"
        ));
    }

    /// Betaland's schedule, for as long as the demo runs; tells only when something came.
    fn keep_polling(&self) {
        let out = self.dir.join("out/betaland.jsonl");
        loop {
            std::thread::sleep(Duration::from_secs(5));
            let before = count_lines(&out).unwrap_or(0);
            let mut command = self.poll_command("betaland/feed", "betaland.jsonl", "jsonl");
            command.push("--quiet".to_owned());
            if let Err(error) = execute(&command) {
                output::problem(&format!("Betaland's poll: {error:#}"));
            }
            let new = count_lines(&out).unwrap_or(0).saturating_sub(before);
            if new > 0 {
                output::line(&format!("Betaland received {new} new objects."));
            }
        }
    }

    fn poll(&self, client: &str, out: &str, format: &str) -> anyhow::Result<()> {
        let command = self.poll_command(client, out, format);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        self.step(&command)
    }

    fn poll_command(&self, client: &str, out: &str, format: &str) -> Vec<String> {
        let (profile, out) = (self.profile(client), self.path(&format!("out/{out}")));
        let state = self.path(&format!("state/{}", client.replace('/', "-")));
        ["poll", "--profile", &profile, "--out", &out, "--format", format, "--state", &state]
            .map(str::to_owned)
            .to_vec()
    }

    /// Shows a command and runs it.
    fn step(&self, command: &[&str]) -> anyhow::Result<()> {
        std::fs::create_dir_all(self.dir.join("out"))?;
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        show(&command);
        match execute(&command)? {
            Exit::Done => Ok(()),
            exit => Err(stop(exit, "this step did not do what it should")),
        }
    }

    fn profile(&self, client: &str) -> String {
        self.path(&format!("pki/clients/{client}.toml"))
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }
}

/// Runs a command as if it had been typed.
fn execute(command: &[String]) -> anyhow::Result<Exit> {
    let words = std::iter::once("liaison".to_owned()).chain(command.iter().cloned());
    super::dispatch(Cli::try_parse_from(words)?)
}

fn show(command: &[String]) {
    output::line(&format!("   $ liaison {}", command.join(" ")));
}

fn say(text: &str) {
    output::line(&format!("\n{text}"));
}

/// The usual port if nobody has it, else any.
fn free_port(usual: u16) -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", usual)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    Ok(listener.context("no free port")?.local_addr()?.port())
}
