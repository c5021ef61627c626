//! Exports: files for those who never speak TAXII. What goes into one is decided by the policy, what it
//! looks like by its format.
//!
//! * [`run`]: makes an export: what may be in it is selected (`gather`, `objects`, with `feedback` and
//!   [`standing`]), its format writes it, and it takes its [`place`]
//! * [`serve`]: exports while the hub runs, made anew only when something may have changed
//! * [`row`]: what lists are made of: values, rules, and what is said of them. PURE
//! * [`format`](mod@format): one writer for each format, behind one trait. PURE

pub mod feedback;
pub mod format;
mod gather;
mod objects;
pub mod place;
pub mod row;
pub mod run;
pub mod serve;
pub mod standing;

pub use format::{Class, FORMATS, File, Files, Format, Input};
pub use place::Meta;
pub use row::{About, Facts, Row, Rule, TlpWrite, Whole};
pub use run::{ExportError, Job, Made};
pub use serve::Exports;
