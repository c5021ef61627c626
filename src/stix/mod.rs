//! STIX 2.1 content: pure functions and types, no clock, no database, no server.

pub mod content;
pub mod format;
pub mod id;
pub mod json;
pub mod marking;
pub mod object;
pub mod observable_id;
pub mod pattern;
pub mod schema;
pub mod timestamp;

pub use id::StixId;
pub use marking::Tlp;
pub use object::{Object, ObjectError, Version};
pub use timestamp::{StixTime, Timestamp};
