//! Look-ups: which shared objects name a value, and what is said of them there. As with pages and exports the
//! policy decides what is seen; what is not seen is not counted either.
//!
//! * [`value`]: what a text may be; `ask`: what of the shared values it meets, and how. PURE
//! * [`run`]: asks the store; `found`: tells what it has, as an [`Answer`] or as its `text`
//! * [`candidates`]: what in a line of a log may be looked up. PURE
//! * [`table`]: what is handed in, with what is known of it. PURE

mod ask;
pub mod candidates;
mod found;
pub mod run;
pub mod table;
mod text;
pub mod value;

pub use ask::How;
pub use found::Found;
pub use run::{LookUp, Received, TooMuch};

use crate::stix::Tlp;
use crate::stix::expiry::State;
use crate::stix::marking::Pap;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is asked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The values.
    pub values: Vec<String>,
    /// Types of observables that the values are; absent means whatever they may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Ids or aliases of collections; absent means all that the client reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collections: Option<Vec<String>>,
}

/// What is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer<'a> {
    /// So many values were looked up.
    pub looked_up: usize,
    /// Whom to ask about hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The collections that hits are in.
    pub collections: Vec<Place>,
    /// Values of which there is something to tell, in the order asked; of others there is nothing.
    pub results: Vec<Looked<'a>>,
}

/// A collection that hits are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: String,
    /// Its alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Its title.
    pub title: String,
}

/// A value that was looked up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Looked<'a> {
    /// Its place among the values asked, from 0.
    pub at: usize,
    /// As it was sent.
    pub value: Cow<'a, str>,
    /// What it meets, the closest first.
    pub hits: Vec<Hit<'a>>,
    /// It meets more than is told here: it is too common to tell all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Warning lists that have it: it may look like a threat and be none.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub warnings: Cow<'a, [Warned]>,
}

/// A shared value that is met, by one object that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit<'a> {
    /// How the two meet.
    pub how: How,
    /// The type of the shared value.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The shared value in its one spelling.
    pub value: Cow<'a, str>,
    /// The object that names it.
    pub id: Cow<'a, str>,
    /// The collection's id.
    pub collection: Cow<'a, str>,
    /// The object's name, shortened.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Cow<'a, str>,
    /// 0 to 100, as far as decay has left it; absent means unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// The state of an indicator; observables have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The effective level.
    pub tlp: Tlp,
    /// What may be done with it.
    pub pap: Pap,
    /// Type of the incident taxonomy RSIT.
    pub classification: Cow<'a, str>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub labels: Cow<'a, [String]>,
    /// Who says to have made it, if the object names that and it takes part here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Cow<'a, str>>,
    /// From when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Cow<'a, str>>,
    /// When it was last sighted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Cow<'a, str>>,
    /// Until when it holds, by its date or by decay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Cow<'a, str>>,
    /// How often it was sighted, as far as the client may know.
    pub sightings: u64,
}

/// A warning list that has a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warned {
    /// Its name.
    pub list: String,
    /// Its version.
    pub version: u64,
    /// The entry.
    pub entry: String,
    /// What it leads to.
    pub action: String,
}

/// Values of one request.
pub const VALUES_MAX: usize = 10_000;
/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 4_096;
/// Hits that are told of one value.
pub const HITS_MAX: usize = 50;
/// Hits that are told in one answer.
pub const ANSWER_HITS_MAX: usize = 50_000;
