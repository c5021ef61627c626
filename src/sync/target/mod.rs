//! Where objects go.

pub mod files;
pub mod hub;
pub mod taxii;

use super::letters::Letter;
use super::{Fault, Position};
use crate::stix::Object;

/// What a target says of what it was given.
#[derive(Debug, Default)]
pub struct Taken {
    /// Stored: type of each.
    pub stored: Vec<String>,
    /// There already.
    pub unchanged: u64,
    /// Waiting for release.
    pub pending: u64,
    /// Refused.
    pub letters: Vec<Letter>,
}

/// A target for objects.
pub trait Target {
    /// Takes objects; when it answers, they are on its disk. `after` is the position that they lead to. While it
    /// only waits for them it may call `meanwhile`, once.
    fn put(
        &mut self,
        objects: &[Object],
        after: &Position,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Taken, Fault>;

    /// Does it keep the position itself, before anybody could note what it has refused?
    fn keeps_position(&self) -> bool {
        false
    }

    /// The position that the target has kept itself, together with what came before it.
    fn position(&mut self) -> Result<Option<Position>, Fault> {
        Ok(None)
    }
}

/// What the target has said of one object, as a letter.
fn refused(object: &Object, code: &str, reason: String) -> Letter {
    Letter {
        id: object.id().to_string(),
        version: object.version().as_str().to_owned(),
        code: code.to_owned(),
        reason,
        object: object.json().clone(),
    }
}
