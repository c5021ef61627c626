//! What an indicator is worth at a time (governance §11, §13).

use super::feedback::Said;
use crate::stix::Timestamp;
use crate::stix::atom::{Kind, Source};
use crate::stix::expiry::{self, Model, State};

/// How fast the objects of a collection lose weight.
#[derive(Debug, Clone)]
pub struct Decay {
    /// The model; none lets them keep it until their time is over.
    pub model: Option<Model>,
}

/// What an indicator is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// What is left of its confidence, 0 to 100.
    pub confidence: Option<u8>,
    /// When it is over, if it is known.
    pub until: Option<Timestamp>,
    /// When time alone changes any of this.
    pub changes: Option<Timestamp>,
}
