//! Words of mail and reports, in lower case, in several languages.

mod contact;
mod mail;
mod reference;

pub(super) use contact::{CONTACT_LINES, CONTACT_PHRASES, CONTACTS, DESKS, STRANGERS};
pub(super) use mail::{ATTRIBUTIONS, CLOSINGS, FORWARDS, HEADERS, LIST_FOOTERS, NOTICES, STRONG_HEADERS};
pub(super) use reference::{COLUMNS, MORE, PAPERS, REFERENCE_LINES, REFERENCES};
