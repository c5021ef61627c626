//! The TAXII 2.1 wire protocol, shared by server and client: no server, no clock, no database.

pub mod cursor;
pub mod envelope;
pub mod filter;
pub mod media;
pub mod resource;

pub use cursor::{Cursor, CursorError, CursorKey};
pub use envelope::{Envelope, EnvelopeError};
pub use filter::{Filter, FilterError, Match, Versions};
