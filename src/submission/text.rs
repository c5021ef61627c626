//! Values in free text: what a report, a mail or a list names, undone of what made it harmless.
//!
//! [`find`] makes one pass over the text ([`scan`]) after one over its lines ([`layout`]); a copy is made only of
//! texts that hide something ([`fold`]). Time is linear in the length of any text.
//!
//! | file | what |
//! | --- | --- |
//! | `fold` | invisible and full-width characters, quoted-printable |
//! | `layout`, `region` | headers, signatures, references; which values are indicators |
//! | `scan` | the pass over words |
//! | `lex`, `host` | labels and what people write for a dot; labels joined by dots |
//! | `name` | host or file, code, abbreviation; what the DNS is asked for |
//! | `url`, `address`, `hash`, `number`, `account`, `wallet` | values of their kinds; `address::evidence` tells addresses from versions |
//! | `around`, `table` | the words beside a place, the header above it |

mod account;
mod address;
mod around;
mod fold;
mod hash;
mod host;
mod layout;
mod lex;
mod name;
mod number;
mod region;
mod scan;
mod table;
mod url;
mod wallet;

#[cfg(test)]
mod tests;

use super::{Details, Draft, LeftOut, Record, What};
use std::collections::HashSet;
use std::ops::Range;

/// Where in a text a value stands, and what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// In the report itself: an indicator.
    Body,
    /// In the header block of a mail.
    Header,
    /// In a signature, contact details, notices.
    Footer,
    /// In what the report refers to.
    Reference,
}

/// A value that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value in its one spelling.
    pub what: What,
    /// Its place in the text, in bytes.
    pub at: Range<usize>,
    /// Was it written so that nobody follows it by accident?
    pub is_defanged: bool,
    /// Where it stands. Only what stands in the body is an indicator; a person may take the others after all.
    pub region: Region,
}

/// All values of a text, in its order, as often as they are named.
pub fn find(text: &str) -> Vec<Found> {
    let folded = fold::Folded::of(text);
    let layout = layout::Layout::of(&folded.text);
    let mut found = scan::scan(&folded.text, &layout);
    for one in &mut found {
        one.is_defanged |= folded.is_hiding(&one.at);
    }
    region::settle(&folded.text, &layout, &mut found);
    for one in &mut found {
        one.at = folded.original(&one.at);
    }
    found
}

/// What a text names: in its body; the rest is told, and taken if it is wanted.
pub fn draft(text: &str, all_values: bool) -> Draft {
    let mut draft = Draft::default();
    let (mut line, mut upto) = (1, 0);
    for found in find(text) {
        if found.at.start > upto {
            line += memchr::memchr_iter(b'\n', &text.as_bytes()[upto..found.at.start]).count();
            upto = found.at.start;
        }
        let place = format!("line {line}");
        let reason = match found.region {
            Region::Body => None,
            Region::Header => Some("in the header of a mail"),
            Region::Footer => Some("in a signature, contact details or a notice"),
            Region::Reference => Some("not made harmless, while others are: a reference"),
        };
        match reason.filter(|_| !all_values) {
            None => {
                let details = Details { for_detection: true, ..Details::default() };
                draft.records.push(Record { what: found.what, place, details });
            }
            Some(reason) => {
                let reason = format!("{reason}; it is taken if all values are asked for");
                draft.left_out.push(LeftOut::new(place, found.what.text(), reason));
            }
        }
    }
    draft.merge_same();
    // What stands in the body, too, is not left out.
    let taken: HashSet<&str> = draft.records.iter().map(|record| record.what.text()).collect();
    draft.left_out.retain(|left| !taken.contains(left.text.as_str()));
    draft
}
