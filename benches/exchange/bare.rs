//! The yardstick for reading: actix-web and rustls with the hub's certificates, TLS settings and
//! number of threads, answering from memory with the bytes and headers that the hub gave.

use crate::http::{Connection, get};
use crate::hub::{Hub, Server, wait_for};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use arc_swap::ArcSwap;
use liaison::http::tls::{ServerIdentity, Trust, TrustFiles, server_config};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// An answer of the hub, to be given again.
#[derive(Serialize, Deserialize)]
struct Recorded {
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Asks the hub, and writes down what it answers.
pub(crate) async fn record(
    connection: &mut Connection,
    targets: &[String],
    file: &Path,
) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for target in targets {
        let answer = connection.exchange(&get(target)).await?;
        anyhow::ensure!(answer.status == 200, "the hub answers {target} with {}", answer.status);
        let headers = answer.head.lines().filter_map(|line| line.split_once(": "));
        // These two the server writes by itself.
        let own = headers.filter(|(name, _)| !["content-length", "date"].contains(name));
        all.push(Recorded {
            target: target.clone(),
            headers: own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: std::str::from_utf8(answer.body)?.to_owned(),
        });
    }
    std::fs::write(file, serde_json::to_vec(&all)?)?;
    Ok(())
}

/// Starts this program again as the bare server.
pub(crate) fn start(hub: &Hub, recorded: &Path) -> anyhow::Result<(Server, SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--bare").arg(&hub.dir).arg(recorded);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let out = child.stdout.take().context("no output")?;
    BufReader::new(out).read_line(&mut line)?;
    let server = Server::of(child);
    let address = line.trim().parse().context("the bare server did not start")?;
    wait_for(address)?;
    Ok((server, address))
}

struct Canned {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: web::Bytes,
}

/// Serves until standard input closes, which it does when the parent ends.
pub(crate) fn serve(paths: &[PathBuf]) -> anyhow::Result<()> {
    let [hub, recorded] = paths else { anyhow::bail!("--bare HUB ANSWERS") };
    let canned = web::Data::new(load(recorded)?);
    let tls = tls(&hub.join("pki"))?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    // Everything that bears on speed is as `src/http/server.rs` has it.
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(canned.clone()).default_service(web::to(answer))
    })
    .workers(workers)
    .keep_alive(Duration::from_secs(75))
    .h1_write_buffer_size(65_536)
    .listen_rustls_0_23(listener, tls)?;
    actix_web::rt::System::new().block_on(server.run())?;
    Ok(())
}

async fn answer(request: HttpRequest, canned: web::Data<HashMap<String, Canned>>) -> HttpResponse {
    let target = request.uri().path_and_query().map(|target| target.as_str());
    let Some(found) = target.and_then(|target| canned.get(target)) else {
        return HttpResponse::NotFound().finish();
    };
    let mut response = HttpResponse::Ok();
    for header in &found.headers {
        response.insert_header(header.clone());
    }
    response.body(found.body.clone())
}

fn load(recorded: &Path) -> anyhow::Result<HashMap<String, Canned>> {
    let all: Vec<Recorded> = serde_json::from_slice(&std::fs::read(recorded)?)?;
    let mut canned = HashMap::new();
    for one in all {
        let mut headers = Vec::new();
        for (name, value) in &one.headers {
            headers.push((name.parse()?, value.parse()?));
        }
        let body = one.body.into();
        canned.insert(one.target, Canned { headers, body });
    }
    Ok(canned)
}

fn tls(pki: &Path) -> anyhow::Result<rustls::ServerConfig> {
    let file = |name: &str| std::fs::read(pki.join(name)).with_context(|| format!("cannot read {name}"));
    let trust =
        Trust::new(&TrustFiles { hub_ca: &file("ca.crt")?, hub_crl: &file("ca.crl")?, anchors: Vec::new() })?;
    let identity = ServerIdentity::new(&file("server.crt")?, &file("server.key")?)?;
    Ok(server_config(Arc::new(ArcSwap::from_pointee(trust)), Arc::new(identity))?)
}
