//! What analysts hand in becomes STIX objects. Pure: bytes in, values out; no clock, no files, no server.
//!
//! A file goes through three steps, each of which can be looked at before the next:
//!
//! 1. [`Format::guess`] says what it is, and [`fn@read`] has its reader ([`csv`], [`misp`], [`intelmq`], [`text`];
//!    STIX needs none) make a [`Draft`] of it: one [`Record`] for each value, with what the source says of it, and
//!    one [`LeftOut`] for everything that has no place.
//! 2. [`Draft::joined`] joins drafts, and what is said of the same value in several places.
//! 3. [`build::objects`] writes, on [`terms`] that are stated, the objects, under ids that author and content give, so that handing in the
//!    same again changes nothing, and handing in more makes new versions.
//!
//! `value` knows the names of kinds, `scale` the words for confidence, `moment` the spellings of times.

pub mod build;
pub mod csv;
mod draft;
mod format;
pub mod intelmq;
pub mod misp;
mod moment;
mod read;
mod scale;
pub mod terms;
pub mod text;
mod value;

pub use format::Format;
pub use read::{Hints, read};
pub use value::{name, vulnerability};

use crate::stix::atom::Atom;
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp};

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A value that can be looked for.
    Value(Atom),
    /// The CVE id of a vulnerability, such as `CVE-2026-1234`.
    Vulnerability(String),
}

impl What {
    /// Its one spelling.
    pub fn text(&self) -> &str {
        match self {
            Self::Value(atom) => atom.text(),
            Self::Vulnerability(id) => id,
        }
    }
}

/// One thing that was handed in, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub what: What,
    /// Where it stands: `line 7`, `Event.Attribute[3]`, `record 2`.
    pub place: String,
    /// What is said of it.
    pub details: Details,
}

/// What a source says of a value. What it does not say is absent, and decided when objects are built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// A name for it, other than the value.
    pub name: Option<String>,
    /// What an analyst wrote of it.
    pub description: Option<String>,
    /// Labels, without those that are levels in disguise: see [`Details::add_label`].
    pub labels: Vec<String>,
    /// 0 to 100.
    pub confidence: Option<u8>,
    /// Words of STIX 2.1 §10.10.
    pub indicator_types: Vec<String>,
    /// From when on.
    pub valid_from: Option<StixTime>,
    /// Up to when.
    pub valid_until: Option<StixTime>,
    /// Where more can be read.
    pub references: Vec<Reference>,
    /// The level of this one value, if it has its own.
    pub tlp: Option<Tlp>,
    /// What may be done with this one value.
    pub pap: Option<Pap>,
    /// To be looked for (MISP: `to_ids`); else it is only context of what is.
    pub for_detection: bool,
}

/// Where more can be read (STIX 2.1 §2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Who has it.
    pub source_name: String,
    /// Its address, which is a URL by RFC 3986.
    pub url: String,
}

/// Something that was handed in and has no place among the records. Nothing is dropped in silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands.
    pub place: String,
    /// What stands there, shortened.
    pub text: String,
    /// Why, and what to do.
    pub reason: String,
}

/// Everything that a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What the source calls it.
    pub title: Option<String>,
    /// What the source says of the whole.
    pub description: Option<String>,
    /// When the source published it.
    pub published: Option<StixTime>,
    /// The level that the source gives the whole; everything in it has at least this one.
    pub tlp: Option<Tlp>,
    /// What may be done with the whole, as the source says.
    pub pap: Option<Pap>,
    /// Where more can be read of the whole.
    pub references: Vec<Reference>,
    /// The values.
    pub records: Vec<Record>,
    /// The rest.
    pub left_out: Vec<LeftOut>,
}

/// Why something that was handed in cannot be taken at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Error {
    /// Where: a line, a column, a key of a mapping file.
    pub place: String,
    /// What is wrong, and what to change.
    pub what: String,
}

impl Error {
    fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

impl LeftOut {
    /// Something at a place; its text is shortened.
    pub fn new(place: impl Into<String>, text: &str, reason: impl Into<String>) -> Self {
        Self { place: place.into(), text: shortened(text), reason: reason.into() }
    }
}

/// Text on one line of a bearable length.
fn shortened(text: &str) -> String {
    let mut line: String =
        text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        line.push('…');
    }
    line
}

/// Characters of what was left out.
const SHOWN_CHARS: usize = 80;
/// Records that one draft may have; more are told apart by nobody, and belong in several files.
pub const RECORDS_MAX: usize = 200_000;
/// Entries of what was left out; beyond these they are counted.
const LEFT_OUT_MAX: usize = 10_000;
