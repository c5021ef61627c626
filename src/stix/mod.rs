//! STIX 2.1 content: pure functions and types, no clock, no database, no server.
//!
//! [`json`] reads strictly and shows each object to [`content`], which judges it by the shapes of
//! [`schema`] with the help of [`mod@format`] (forms of values), [`pattern`] and [`observable_id`];
//! [`object`] is what is kept of one that passed.

pub mod anonymous;
pub mod atom;
pub mod claims;
pub mod classification;
pub mod content;
pub mod equality;
pub mod expiry;
pub mod format;
pub mod id;
pub mod json;
pub mod marking;
pub mod object;
pub mod observable_id;
pub mod pattern;
mod revocation;
pub mod schema;
pub mod timestamp;

pub use id::StixId;
pub use marking::Tlp;
pub use object::{Object, ObjectError, Version};
pub use timestamp::{StixTime, Timestamp};
