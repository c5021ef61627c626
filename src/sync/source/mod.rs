//! Where objects come from.

pub mod file;
pub mod taxii;
pub mod taxii20;

use super::letters::Letter;
use super::sieve::Objects;
use super::{Fault, Position};
use serde_json::Value;

/// What a source gives at once.
pub struct Part {
    /// The objects.
    pub objects: Objects,
    /// What of it is no object, with the reason.
    pub letters: Vec<Letter>,
    /// Objects that the last parts have brought already, word for word, and that are not among these.
    pub repeated: u64,
    /// Is there more?
    pub more: bool,
    /// Where to go on when the target has these.
    pub after: Position,
    /// What is strange, although nothing is lost by it.
    pub remark: Option<String>,
    /// They were made here, in the name that the job says: nobody outside claims to be whoever that is.
    pub is_submitted: bool,
    /// What could not be had, though everything else came: known at the end.
    pub fault: Option<Fault>,
}

/// A source of objects.
pub trait Source {
    /// What a position of it counts in: another one starts anew.
    fn name(&self) -> String;

    /// What comes after a position.
    fn next(&mut self, position: &Position) -> Result<Part, Fault>;

    /// What markings of these ids say, as far as the source tells.
    fn definitions(&mut self, ids: &[String]) -> Result<Vec<(String, Value)>, Fault>;
}
