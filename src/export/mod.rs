//! Exports: files for those who never speak TAXII. What goes into one is decided by the policy, what it
//! looks like by its format.
//!
//! * [`row`]: what lists are made of: values, rules, and what is said of them. PURE
//! * [`format`](mod@format): one writer for each format, behind one trait. PURE

pub mod format;
pub mod row;

pub use format::{Class, FORMATS, File, Files, Format, Input};
pub use row::{About, Facts, Row, Rule, TlpWrite, Whole};
