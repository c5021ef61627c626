//! A scratch hub, as `liaison init` makes it, and its server.

use crate::process;
use anyhow::Context;
use rusqlite::OpenFlags;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A hub on disk.
pub(crate) struct Hub {
    pub(crate) dir: PathBuf,
    pub(crate) address: SocketAddr,
    /// Path of its collection's objects.
    pub(crate) objects_path: String,
}

/// A process that is stopped when this is dropped.
pub(crate) struct Server {
    child: Child,
}

impl Hub {
    /// Makes one.
    pub(crate) fn create(dir: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let done = liaison()
            .arg("init")
            .arg(dir)
            .args(["--listen", &address.to_string()])
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(done.success(), "liaison init failed");
        std::fs::write(dir.join(ADDRESS), address.to_string())?;
        Self::reopen(dir)
    }

    /// One that an earlier run has made.
    pub(crate) fn reopen(dir: &Path) -> anyhow::Result<Self> {
        let address = std::fs::read_to_string(dir.join(ADDRESS)).context("no hub of an earlier run")?;
        Ok(Self {
            dir: dir.to_owned(),
            address: address.parse()?,
            objects_path: "/exchange/collections/indicators/objects/".to_owned(),
        })
    }

    /// Runs a command on it.
    pub(crate) fn tool(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = liaison();
        command.args(arguments).arg("--config").arg(self.dir.join("liaison.toml"));
        let done = command.stdout(Stdio::null()).status()?;
        anyhow::ensure!(done.success(), "liaison {arguments:?} failed");
        Ok(())
    }

    /// Starts its server with the limits on a client's share out of the way, and further settings.
    pub(crate) fn start(&self, sets: &[&str]) -> anyhow::Result<Server> {
        let mut command = liaison();
        command.arg("serve").arg("--config").arg(self.dir.join("liaison.toml"));
        for set in SETS.iter().chain(sets) {
            command.args(["--set", set]);
        }
        let server = Server { child: command.stdin(Stdio::null()).spawn().context("cannot start liaison")? };
        wait_for(self.address)?;
        Ok(server)
    }

    /// The profile of the client that publishes.
    pub(crate) fn publisher(&self) -> PathBuf {
        self.client("cert-a", "feed", "toml")
    }

    /// The TLS settings of a client: TLS 1.3 with its certificate, as the bare server is asked too.
    pub(crate) fn tls(&self, organisation: &str, client: &str) -> anyhow::Result<Arc<rustls::ClientConfig>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.dir.join("pki/ca.crt"))?)?;
        let chain: Vec<_> = CertificateDer::pem_file_iter(self.client(organisation, client, "crt"))?
            .collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(self.client(organisation, client, "key"))?;
        let builder = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
        Ok(Arc::new(builder.with_root_certificates(roots).with_client_auth_cert(chain, key)?))
    }

    /// The database, for looking at it from outside.
    pub(crate) fn database(&self) -> anyhow::Result<rusqlite::Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(rusqlite::Connection::open_with_flags(self.dir.join("liaison.db"), flags)?)
    }

    /// Objects stored.
    pub(crate) fn objects(&self) -> anyhow::Result<u64> {
        let count: i64 = self.database()?.query_row("SELECT count(*) FROM log", [], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    fn client(&self, organisation: &str, client: &str, extension: &str) -> PathBuf {
        self.dir.join("pki/clients").join(organisation).join(format!("{client}.{extension}"))
    }
}

impl Server {
    /// Takes charge of a process.
    pub(crate) fn of(child: Child) -> Self {
        Self { child }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        process::cpu_seconds(self.pid())
    }

    /// Lets it finish, so that nothing is left in the log of the database.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        let ended = self.child.wait()?;
        anyhow::ensure!(ended.success(), "the server ended with {ended}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test, built for release.
pub(crate) fn liaison() -> Command {
    Command::new(env!("CARGO_BIN_EXE_liaison"))
}

/// The name that certificates are checked against.
pub(crate) fn server_name() -> anyhow::Result<ServerName<'static>> {
    Ok(ServerName::try_from("localhost")?)
}

/// Waits until somebody listens.
pub(crate) fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        anyhow::ensure!(started.elapsed() < Duration::from_secs(60), "nothing listens on {address}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// A port that is free now; nothing else is expected to take it before the server does.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

const ADDRESS: &str = "bench-address";
const SETS: [&str; 4] = [
    "limits.requests_per_second=10000000",
    "limits.requests_burst=10000000",
    "admin.listen=off",
    "log.level=warn",
];
