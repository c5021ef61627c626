//! The command line.

use clap::{Parser, ValueEnum};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measures a hub beside what the machine could do at best.
#[derive(Parser)]
pub(crate) struct Args {
    /// At most two minutes: fewer objects, fewer rounds.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Objects in the small and in the large collection.
    #[arg(long, value_delimiter = ',', value_name = "FEW,MANY")]
    objects: Vec<u64>,
    /// Measure only these.
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Group>,
    /// Rounds of alternation for each figure.
    #[arg(long)]
    rounds: Option<usize>,
    /// Keep the filled hubs here, and use those that are here already.
    #[arg(long, value_name = "DIR")]
    pub(crate) hubs: Option<PathBuf>,
    /// Write the figures here too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Exit with 1 if a target is missed.
    #[arg(long)]
    pub(crate) check: bool,
    /// Where data/attack/ with the ATT&CK file is.
    #[arg(long, env = "LIAISON_SHARED", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"))]
    shared: PathBuf,
    /// Cargo gives this when it runs benches, and not when it runs tests.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
    /// Be the bare server: with the certificates of this hub, and the answers in this file.
    #[arg(long, hide = true, num_args = 2)]
    pub(crate) bare: Option<Vec<PathBuf>>,
}

/// What can be measured on its own.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// One client publishes ATT&CK.
    Publish,
    /// Empty polls and cached pages.
    Polls,
    /// Does an empty poll touch the database?
    Silent,
    /// Pages that are in no cache.
    Pages,
    /// Pages under many handlings, for many clients.
    Handlings,
    /// Inserting into a large collection.
    Insert,
    /// Exports of a large collection.
    Exports,
    /// Looking 10,000 values up among as many as the large collection has.
    Lookup,
}

impl Args {
    pub(crate) fn wants(&self, group: Group) -> bool {
        self.only.is_empty() || self.only.contains(&group)
    }

    /// Objects in the small and in the large collection.
    pub(crate) fn sizes(&self) -> anyhow::Result<[u64; 2]> {
        match self.objects[..] {
            [] if self.quick => Ok([10_000, 100_000]),
            [] => Ok([10_000, 1_000_000]),
            [few, many] if few >= 10_000 && many >= few => Ok([few, many]),
            _ => anyhow::bail!("--objects FEW,MANY: two numbers from 10000 up"),
        }
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 5 } else { 9 })
    }

    /// How long each side has its turn. Processor time comes in ticks of 10 ms, so that much less
    /// than a second would be too coarse.
    pub(crate) fn slice(&self) -> Duration {
        Duration::from_millis(if self.quick { 700 } else { 1_000 })
    }

    /// The ATT&CK file, if it is there.
    pub(crate) fn attack(&self) -> Option<PathBuf> {
        let path = self.shared.join(Path::new("data/attack/enterprise-attack-18.1.json.gz"));
        path.exists().then_some(path)
    }
}
