//! The audit log: records that nobody can change afterwards without being found out.
//!
//! Each record is one line of JSON. Its leaf hash stands in the next record (`prev`), so that a file
//! of records can be checked by itself, and it is a leaf of a Merkle tree (RFC 6962 §2.1). A signed
//! [`Checkpoint`] states the root of that tree at one size: who holds it notices every later change
//! of a record that it covers, though the log be rewritten from the first record on.
//!
//! - [`event`]: what is recorded; [`record`]: how it is sealed into a line.
//! - [`hash`], [`tree`]: the tree as it grows; [`proof`]: that a record, or an older log, is part of it.
//! - [`note`]: keys and signed text; [`checkpoint`]: the text that is signed.
//! - [`mod@verify`]: a whole log, or an export of it, against checkpoints.
//!
//! Nothing here knows a database, a clock or a server.

pub mod checkpoint;
pub mod event;
pub mod hash;
pub mod note;
pub mod proof;
pub mod record;
pub mod tree;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use event::Event;
pub use hash::Hash;
pub use note::{Signer, Verifier};
pub use record::Record;
pub use tree::{Tile, Tree};
pub use verify::{Check, Fault, Summary, verify, verify_export};
