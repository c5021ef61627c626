//! A hub in a directory of its own, run by the built program.

use crate::dice::Dice;
use crate::wire::Client;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The collection that everything goes through.
pub(crate) const COLLECTION: &str = "5c8a2b1e-7d0f-4a55-9a3c-2f6f6f1f0c01";
pub(crate) const ROOT: &str = "exchange";

/// A client of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) org: &'static str,
    pub(crate) name: String,
    pub(crate) publishes: bool,
    /// Position in [`LEVELS`] of the most restricted level it may handle.
    pub(crate) ceiling: usize,
}

impl Member {
    pub(crate) fn new(org: &'static str, name: &str, publishes: bool, ceiling: usize) -> Self {
        let name = name.to_owned();
        Self { org, name, publishes, ceiling }
    }
}

/// TLP levels, least restricted first, with the marking that stands for each.
pub(crate) const LEVELS: [(&str, &str); 5] = [
    ("CLEAR", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"),
    ("GREEN", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    ("AMBER", "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
    ("AMBER+STRICT", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"),
    ("RED", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"),
];
pub(crate) const RED: usize = 4;

/// A hub and, while it runs, its server.
pub(crate) struct Hub {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    pub(crate) members: Vec<Member>,
    /// Further arguments of `serve`.
    pub(crate) extra: Vec<String>,
    /// Put in front of the server's command line, such as `prlimit`.
    pub(crate) wrapper: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    server: Mutex<Option<Child>>,
    // Removed at the end unless a test failed: then it stays to be looked at.
    temporary: Option<tempfile::TempDir>,
}

impl Hub {
    /// Sets up a hub with its registry and a certificate for each member, on a directory that was
    /// prepared in some way.
    pub(crate) fn on(members: Vec<Member>, dice: &mut Dice, prepare: impl FnOnce(&Path)) -> Self {
        // Must come before the first TLS client.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let temporary = tempfile::Builder::new().prefix("torture-").tempdir().unwrap();
        let dir = temporary.path().join("disk");
        std::fs::create_dir(&dir).unwrap();
        prepare(&dir);
        let hub = Self {
            dir: dir.join("hub"),
            port: free_port(dice),
            members,
            extra: Vec::new(),
            wrapper: Vec::new(),
            variables: Vec::new(),
            server: Mutex::new(None),
            temporary: Some(temporary),
        };
        hub.tool(&["init", hub.dir.to_str().unwrap()]);
        std::fs::write(hub.dir.join("registry.toml"), hub.registry("")).unwrap();
        hub.apply("registry.toml");
        let config = hub.config();
        for member in &hub.members {
            hub.tool(&["pki", "issue", "--config", &config, "--org", member.org, "--client", &member.name]);
        }
        hub
    }

    pub(crate) fn config(&self) -> String {
        self.dir.join("liaison.toml").to_str().unwrap().to_owned()
    }

    /// The registry, with more of CERT A's clients behind it.
    pub(crate) fn registry(&self, more: &str) -> String {
        let mut text = String::new();
        for org in ["org-a", "org-b"] {
            let country = if org == "org-a" { "AA" } else { "BB" };
            writeln!(text, "[[organisation]]\nid = \"{org}\"\nname = \"{org}\"\ncountry = \"{country}\"")
                .unwrap();
            for member in self.members.iter().filter(|member| member.org == org) {
                let role = if member.publishes { "publisher" } else { "consumer" };
                let (level, _) = LEVELS[member.ceiling];
                writeln!(
                    text,
                    "[[organisation.client]]\nid = \"{}\"\nrole = \"{role}\"\ntlp_max = \"{level}\"",
                    member.name
                )
                .unwrap();
            }
            if org == "org-b" {
                text.push_str(more);
            }
        }
        write!(
            text,
            "[[agreement]]\nid = \"torture\"\ntitle = \"T\"\nparties = [\"org-a\", \"org-b\"]\npurposes = [\"cyber-defence\"]\nlegal_basis = \"none\"\ntlp_max = \"RED\"\n\
             [[agreement.collection]]\nid = \"{COLLECTION}\"\ntitle = \"T\"\napi_root = \"{ROOT}\"\nunmarked = \"reject\"\ndowngrade = \"owner\"\n"
        )
        .unwrap();
        text
    }

    pub(crate) fn apply(&self, file: &str) {
        let path = self.dir.join(file);
        self.tool(&["registry", "apply", path.to_str().unwrap(), "--config", &self.config()]);
    }

    /// Runs a command of the program to its end; it must succeed.
    pub(crate) fn tool(&self, arguments: &[&str]) -> String {
        let done = Command::new(PROGRAM).args(arguments).output().unwrap();
        let text =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "liaison {arguments:?}: {}\n{text}", done.status);
        text
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn start(&self) {
        let started = Instant::now();
        let mut words = self.wrapper.clone();
        words.extend([PROGRAM, "serve", "--config", &self.config()].map(str::to_owned));
        let mut sets = vec![format!("server.listen=127.0.0.1:{}", self.port)];
        sets.extend(SETTINGS.map(str::to_owned));
        sets.extend(self.extra.iter().cloned());
        words.extend(sets.into_iter().flat_map(|set| ["--set".to_owned(), set]));
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let gone = child.try_wait().unwrap();
            assert!(gone.is_none(), "the server does not start ({gone:?}):\n{}", self.log_tail());
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the server does not listen:\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        *self.server.lock().unwrap() = Some(child);
    }

    /// kill -9, as a power cut would end the process.
    pub(crate) fn kill(&self) {
        let mut child = self.server.lock().unwrap().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends the server a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the server to end by itself.
    pub(crate) fn wait(&self, at_most: Duration) -> ExitStatus {
        let mut child = self.server.lock().unwrap().take().unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if started.elapsed() > at_most {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("the server did not end within {at_most:?}:\n{}", self.log_tail());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.server.lock().unwrap().as_ref().unwrap().id()
    }

    /// Stops the server as an operator does, and looks at everything it leaves behind.
    pub(crate) fn stop_and_check(&self) {
        self.signal("TERM");
        let status = self.wait(Duration::from_secs(40));
        assert!(status.success(), "after SIGTERM: {status}\n{}", self.log_tail());
        self.tool(&["check", "--config", &self.config()]);
    }

    /// A connection of its own for a member.
    pub(crate) fn client(&self, member: &Member) -> Client {
        Client::new(&self.dir.join("pki"), member, self.port)
    }

    fn log_file(&self) -> PathBuf {
        self.dir.parent().unwrap().with_file_name("server.log")
    }

    /// The end of what the server said.
    pub(crate) fn log_tail(&self) -> String {
        let mut file = File::open(self.log_file()).unwrap();
        let length = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(length.saturating_sub(4_000))).unwrap();
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).unwrap();
        String::from_utf8_lossy(&tail).into_owned()
    }

    /// Does the server's log hold this?
    pub(crate) fn log_has(&self, text: &str) -> bool {
        std::fs::read_to_string(self.log_file()).unwrap().contains(text)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut child) = self.server.lock().ok().and_then(|mut child| child.take()) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let kept = self.temporary.take().map(tempfile::TempDir::keep);
            eprintln!("the hub is kept in {}", kept.as_deref().unwrap_or(Path::new("?")).display());
        }
    }
}

/// Below the ports that the system gives to outgoing connections: while the server is down, one of
/// those could take its port, or even be connected to itself.
fn free_port(dice: &mut Dice) -> u16 {
    let mut chance = Dice::new(dice.roll(), u64::from(std::process::id()));
    loop {
        let port = u16::try_from(chance.range(15_000, 31_000)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_liaison");
/// The limits on requests have tests of their own.
const SETTINGS: [&str; 6] = [
    "admin.listen=off",
    "server.page_max=1000",
    "limits.requests_per_second=100000",
    "limits.requests_burst=100000",
    "log.level=info",
    "log.format=text",
];
