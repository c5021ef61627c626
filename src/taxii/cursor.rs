//! Our `next`: a position that carries everything needed to go on, and a seal.
//!
//! It holds no rights and no state of the server, so it can be used again, by anyone, at any
//! time: what it shows is decided anew at each use (TAXII 2.1 §3.5, R133).

use crate::stix::Timestamp;
use aws_lc_rs::{digest, hmac};

/// A position in a collection's log, bound to one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Go on after this.
    pub after: Timestamp,
}

/// Why a received `next` is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not one that this server made.
    #[error("this `next` was not made by this server; start again with `added_after`")]
    Unusable,
    /// Made for another collection or other filters.
    #[error(
        "this `next` belongs to another collection or to other filters; repeat those of the first request"
    )]
    OtherQuery,
    /// Made before the data were restored from a backup.
    #[error("feed was restored; start again with `added_after`")]
    Restored,
}

/// What seals cursors: a secret, and the epoch of the data.
pub struct CursorKey {
    key: hmac::Key,
    epoch: [u8; 8],
}

impl CursorKey {
    /// From a secret and the epoch that a restore changes.
    pub fn new(secret: &[u8; 32], epoch: [u8; 8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), epoch }
    }

    /// Writes a cursor for the query that `query` describes.
    pub fn seal(&self, cursor: Cursor, query: &str) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&cursor.after.micros().to_be_bytes());
        bytes.extend_from_slice(&self.epoch);
        bytes.extend_from_slice(&query_digest(query));
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(&tag.as_ref()[..TAG]);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a cursor back for the same query.
    pub fn open(&self, text: &str, query: &str) -> Result<Cursor, CursorError> {
        let bytes = unhex(text).ok_or(CursorError::Unusable)?;
        let (body, tag) = bytes.split_at_checked(BODY).ok_or(CursorError::Unusable)?;
        let expected = hmac::sign(&self.key, body);
        let sealed = aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..TAG], tag);
        if sealed.is_err() || body[0] != FORMAT {
            return Err(CursorError::Unusable);
        }
        if body[9..17] != self.epoch {
            return Err(CursorError::Restored);
        }
        if body[17..] != query_digest(query) {
            return Err(CursorError::OtherQuery);
        }
        let micros = body[1..9].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        Ok(Cursor { after: Timestamp::from_micros(micros.cast_signed()) })
    }
}

fn query_digest(query: &str) -> [u8; 8] {
    let digest = digest::digest(&digest::SHA256, query.as_bytes());
    let mut short = [0; 8];
    short.copy_from_slice(&digest.as_ref()[..8]);
    short
}

/// Lower-case hexadecimal only, so that one cursor has one spelling.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * (BODY + TAG) {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    bytes.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// The first byte: changes when the layout does.
const FORMAT: u8 = 1;
const BODY: usize = 1 + 8 + 8 + 8;
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(epoch: u8) -> CursorKey {
        CursorKey::new(&[7; 32], [epoch; 8])
    }

    proptest! {
        #[test]
        fn a_sealed_cursor_opens_for_its_query_only(micros in any::<i64>(), query in ".*", other in ".*") {
            let cursor = Cursor { after: Timestamp::from_micros(micros) };
            let text = key(1).seal(cursor, &query);
            prop_assert_eq!(key(1).open(&text, &query), Ok(cursor));
            prop_assert_eq!(key(2).open(&text, &query), Err(CursorError::Restored));
            if other != query {
                prop_assert_eq!(key(1).open(&text, &other), Err(CursorError::OtherQuery));
            }
        }

        #[test]
        fn an_altered_cursor_is_unusable(at in 0_usize..82, by in 1_u8..16) {
            let text = key(1).seal(Cursor { after: Timestamp::from_micros(1) }, "q");
            let digit = char::from(text.as_bytes()[at]).to_digit(16).unwrap() as u8 ^ by;
            let altered = format!("{}{digit:x}{}", &text[..at], &text[at + 1..]);
            prop_assert_eq!(key(1).open(&altered, "q"), Err(CursorError::Unusable));
        }

        #[test]
        fn what_we_did_not_make_is_unusable(text in ".{0,100}") {
            prop_assert_eq!(key(1).open(&text, "q"), Err(CursorError::Unusable));
        }
    }
}
