//! Jobs as `sync.toml` declares them.

mod server;

pub use server::Server;

use crate::registry::{USUAL_PURPOSES, Unmarked};
use crate::stix::Tlp;
use crate::sync::schedule::{Keys, Schedule};
use serde::Deserialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// All jobs of a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// Where the states of jobs are; relative to the file.
    #[serde(default = "state")]
    pub state: PathBuf,
    /// The jobs.
    #[serde(default, rename = "job")]
    pub jobs: Vec<Job>,
}

/// A job: from a source to a target, by a schedule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its name, a slug.
    pub id: String,
    /// How often it runs: `5m`.
    pub every: Option<String>,
    /// Or when: five fields, as in crontab.
    pub cron: Option<String>,
    /// The time zone of `cron`.
    pub timezone: Option<String>,
    /// Up to so much later, by chance.
    pub jitter: Option<String>,
    /// Is one run made up for that was missed at a time of `cron`?
    pub catch_up: Option<bool>,
    /// Off: it runs only when it is told to.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where from.
    pub source: Source,
    /// Where to.
    pub target: Target,
    /// What is wanted.
    #[serde(default)]
    pub filter: Filter,
    /// What markings mean here.
    #[serde(default)]
    pub marking: Marking,
    /// Who receives it, and what may go there.
    #[serde(default)]
    pub forward: Forward,
    /// What is put up with.
    #[serde(default)]
    pub limits: Limits,
}

/// Where objects come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A collection of a TAXII 2.1 server, such as another hub.
    Taxii {
        /// How it is reached.
        server: Server,
        /// By id, alias or title.
        collection: String,
        /// Whose objects it may give: identities; or `any`.
        owners: Owners,
        /// Put right a `spec_version` that is none, as OpenTAXII gives it.
        #[serde(default)]
        repair_spec_version: bool,
    },
    /// A collection of a TAXII 2.0 server; its STIX 2.0 becomes 2.1.
    Taxii20 {
        /// How it is reached.
        server: Server,
        /// By id or title.
        collection: String,
        /// Whose objects it may give: identities; or `any`.
        owners: Owners,
    },
    /// A file, those of a directory, a file of a web server, or a feed of MISP.
    File {
        /// A file or a directory.
        path: Option<PathBuf>,
        /// A web server; `url` is that of the file, of a feed that of its directory.
        server: Option<Server>,
        /// What it is; found out if nothing is said.
        format: Option<FileKind>,
        /// Is it a feed of MISP, with a `manifest.json`?
        #[serde(default)]
        misp_feed: bool,
        /// Which columns of a table are what: a TOML file.
        mapping: Option<PathBuf>,
        /// Whose objects it may give, if it is STIX.
        #[serde(default = "anybody")]
        owners: Owners,
        /// In whose name, and on which terms, what is no STIX is said.
        submit: Option<Submit>,
    },
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// STIX: a bundle, an envelope, objects, lines of these.
    Stix,
    /// A table.
    Csv,
    /// Events of MISP.
    Misp,
    /// Events of IntelMQ.
    Intelmq,
    /// Free text.
    Text,
}

/// In whose name, and on which terms, what is no STIX is said.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// The id of the identity that says it.
    pub author: String,
    /// Its name.
    #[serde(default)]
    pub author_name: String,
    /// The least level of everything.
    pub tlp: Tlp,
    /// What it may be used for.
    pub purposes: Vec<String>,
    /// The title of a report that holds it together; none if absent.
    pub title: Option<String>,
    /// 0 to 100, for what has none of its own.
    #[serde(default = "half")]
    pub confidence: u8,
    /// Days for which what has no end of its own is valid.
    pub valid_days: Option<u32>,
    /// Labels for everything.
    #[serde(default)]
    pub labels: Vec<String>,
}

impl Source {
    /// How it is reached, if it is a server.
    pub fn server(&self) -> Option<&Server> {
        match self {
            Self::Taxii { server, .. } | Self::Taxii20 { server, .. } => Some(server),
            Self::File { server, .. } => server.as_ref(),
        }
    }

    /// Whose objects it may give.
    pub fn owners(&self) -> &Owners {
        match self {
            Self::Taxii { owners, .. } | Self::Taxii20 { owners, .. } | Self::File { owners, .. } => owners,
        }
    }
}

/// Where objects go.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// A collection of the hub that runs the job.
    Hub {
        /// By id or alias.
        collection: String,
        /// On whose behalf: `organisation/client` of the registry.
        client: String,
    },
    /// A collection of a TAXII 2.1 server.
    Taxii {
        /// How it is reached.
        server: Box<Server>,
        /// By id, alias or title.
        collection: String,
    },
    /// Files in a directory.
    Files {
        /// The directory.
        dir: PathBuf,
        /// `bundles`: a numbered bundle for each part; `jsonl`: one file of lines.
        #[serde(default)]
        format: FileFormat,
    },
}

/// How files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// Numbered STIX bundles.
    #[default]
    Bundles,
    /// Lines of one file, `objects.jsonl`.
    Jsonl,
}

/// Whose objects a source may give.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Owners {
    /// `any`
    Word(String),
    /// Identities.
    Listed(Vec<String>),
}

impl Owners {
    /// May it give an object of this creator?
    pub fn include(&self, creator: &str) -> bool {
        match self {
            Self::Word(_) => true,
            Self::Listed(list) => list.iter().any(|one| one == creator),
        }
    }
}

/// What is wanted; everything, if nothing is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Types of objects; what these refer to for being understood comes along.
    pub types: Option<Vec<String>>,
    /// One of these labels.
    pub labels: Option<Vec<String>>,
    /// The least `confidence` of those that have one.
    pub confidence_min: Option<u8>,
    /// Only versions from this date on.
    pub since: Option<String>,
}

/// What markings mean here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Marking {
    /// `reject`, `inherit`, `assume:LEVEL` or `stamp:LEVEL`, of objects without a TLP marking. Absent, they are
    /// refused; where the hub is the target, its collection's rule decides.
    pub unmarked: Option<Unmarked>,
    /// Nothing above this is taken.
    pub tlp_max: Option<Tlp>,
    /// Ids of TLP 1.0 become those of TLP 2.0.
    pub tlp_1_to_2: bool,
}

/// Who receives what a job moves, and what may go there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forward {
    /// Our own identities: objects of others are passed on only if nobody has to be asked.
    pub ours: Vec<String>,
    /// The recipient's identities.
    pub identities: Vec<String>,
    /// The recipient's country.
    pub country: Option<String>,
    /// The most restricted level that goes there.
    pub tlp_max: Option<Tlp>,
    /// The same of objects of others.
    pub tlp_max_of_others: Option<Tlp>,
    /// What the recipient uses it for.
    pub purposes: Option<Vec<String>>,
    /// Originators that have consented.
    pub consents: Vec<String>,
}

impl Forward {
    /// What the recipient uses it for.
    pub fn purposes(&self) -> Vec<String> {
        let usual = || USUAL_PURPOSES.iter().map(|purpose| (*purpose).to_owned()).collect();
        self.purposes.clone().unwrap_or_else(usual)
    }
}

/// What is put up with.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Objects asked for at once.
    pub page: u32,
    /// Bytes of one answer.
    pub answer_bytes: usize,
    /// Seconds that one answer may take.
    pub answer_secs: u64,
    /// Objects of one run; the next one goes on at once.
    pub run_objects: u64,
    /// So many times the usual number of objects holds the job.
    pub volume_factor: u64,
    /// But never fewer than these.
    pub volume_least: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page: 5_000,
            answer_bytes: 64 * 1024 * 1024,
            answer_secs: 120,
            run_objects: 1_000_000,
            volume_factor: 10,
            volume_least: 10_000,
        }
    }
}

impl Jobs {
    /// Reads a file of jobs; what is wrong is an error that names the job.
    pub fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let mut jobs: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        jobs.state = base.join(&jobs.state);
        let mut ids = HashSet::new();
        for job in &mut jobs.jobs {
            job.resolve(base);
            job.check().map_err(|what| format!("job {}: {what}", job.id))?;
            if !ids.insert(job.id.clone()) {
                return Err(format!("job {}: there are two of this id", job.id));
            }
        }
        Ok(jobs)
    }
}

impl Job {
    fn resolve(&mut self, base: &Path) {
        match &mut self.source {
            Source::Taxii { server, .. } | Source::Taxii20 { server, .. } => server.resolve(base),
            Source::File { path, server, mapping, .. } => {
                [path, mapping].into_iter().flatten().for_each(|path| *path = base.join(&path));
                server.iter_mut().for_each(|server| server.resolve(base));
            }
        }
        match &mut self.target {
            Target::Hub { .. } => {}
            Target::Taxii { server, .. } => server.resolve(base),
            Target::Files { dir, .. } => *dir = base.join(&dir),
        }
    }

    fn check(&self) -> Result<(), String> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_slug = (1..=64).contains(&self.id.len()) && self.id.bytes().all(is_plain);
        if !is_slug || self.id.starts_with('-') {
            return Err("its id is a slug: lower-case letters, digits and -".to_owned());
        }
        self.schedule()?;
        let owners = self.source.owners();
        if let Some(server) = self.source.server() {
            server.check().map_err(|what| format!("source: {what}"))?;
        }
        if let Source::File { path, server, misp_feed, submit, .. } = &self.source {
            if path.is_some() == server.is_some() || *misp_feed && server.is_none() {
                return Err("source: either path or server, and a feed of MISP has a server".to_owned());
            }
            if let Some(submit) = submit {
                let is_identity = submit.author.starts_with("identity--");
                if !is_identity || submit.purposes.is_empty() || submit.confidence > 100 {
                    return Err("source.submit: author is the id of an identity, purposes are not empty, confidence is 0 to 100".to_owned());
                }
            }
        }
        if matches!(owners, Owners::Word(word) if word != "any") {
            return Err("source.owners is a list of identities, or \"any\"".to_owned());
        }
        if let Target::Taxii { server, .. } = &self.target {
            server.check().map_err(|what| format!("target: {what}"))?;
        }
        if !matches!(self.target, Target::Hub { .. }) && self.forward.identities.is_empty() {
            return Err("forward.identities must name who receives it: the identities of the organisation, so that nothing of its own is sent back and its markings can be looked at".to_owned());
        }
        if self.limits.page == 0 || self.limits.answer_bytes < 1024 || self.limits.answer_secs == 0 {
            return Err("limits must be greater than 0, and answer_bytes at least 1024".to_owned());
        }
        Ok(())
    }
}

fn state() -> PathBuf {
    "sync".into()
}

fn anybody() -> Owners {
    Owners::Word("any".to_owned())
}

fn half() -> u8 {
    50
}

fn yes() -> bool {
    true
}

impl Job {
    /// When it runs.
    pub fn schedule(&self) -> Result<Schedule, String> {
        Schedule::parse(&Keys {
            every: self.every.clone(),
            cron: self.cron.clone(),
            timezone: self.timezone.clone(),
            jitter: self.jitter.clone(),
            catch_up: self.catch_up,
        })
    }

    /// What becomes of objects without a TLP marking.
    pub fn unmarked(&self) -> Unmarked {
        let of_target = match self.target {
            // What its collection makes of them is seen there.
            Target::Hub { .. } => Unmarked::Assume(Tlp::Clear),
            Target::Taxii { .. } | Target::Files { .. } => Unmarked::Reject,
        };
        self.marking.unmarked.unwrap_or(of_target)
    }
}

#[cfg(test)]
mod tests;
