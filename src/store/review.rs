//! What waits for release, as the store takes and gives it.

use super::Prepared;
use crate::policy::{Handling, ReviewScope};
use crate::stix::Timestamp;
use crate::stix::object::Label;
use std::sync::Arc;

/// What an object of a batch would come to.
#[derive(Debug)]
pub struct Tried {
    /// The object.
    pub label: Label,
    /// A remark if it would be taken, or why not: a code and the message.
    pub verdict: Result<Option<String>, (&'static str, String)>,
    /// Who would see it; nothing if that is nobody's business or nobody's question.
    pub handling: Option<Arc<Handling>>,
}

/// Some of the submissions that wait.
#[derive(Debug, Default)]
pub struct Submissions {
    /// They.
    pub listed: Vec<Listed>,
    /// Where to go on, if there are more.
    pub next: Option<i64>,
}

/// A submission without its text.
#[derive(Debug)]
pub struct Listed {
    /// A version 4 UUID.
    pub id: String,
    /// The object.
    pub object: Label,
    /// Its name, shortened.
    pub name: Option<String>,
    /// Who will see it.
    pub handling: Handling,
    /// The API root it came in by.
    pub api_root: String,
    /// The collection's id.
    pub collection: String,
    /// Who submitted it: `organisation/client`.
    pub client: String,
    /// When it came in.
    pub received: Timestamp,
}

/// What an officer decides on one submission.
#[derive(Debug)]
pub struct Decision {
    /// Who decides, and on what.
    pub scope: ReviewScope,
    /// How.
    pub ruling: Ruling,
    /// A word to the submitter.
    pub message: Option<String>,
    /// The key of the certificate that the officer acts with.
    pub key: Option<String>,
}

/// How an officer decides.
#[derive(Debug)]
pub enum Ruling {
    /// It goes out, as admitted a second time.
    Release(Box<Prepared>),
    /// It does not.
    Decline,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is out, since this date.
    Released(Timestamp),
    /// It is gone, and its submitter knows.
    Declined,
    /// It waits on: what is stored by now speaks against it. A code and the reason.
    Refused(&'static str, String),
    /// It does not wait any more.
    Gone,
}
