//! How values stand in the rows of table atom, as migrations 0010 and 0012 say.

use crate::stix::atom::{Atom, put_length, take_length};
use crate::store::Error;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};

/// How many of these values stand in one row.
pub(super) fn fitting(atoms: &[Atom]) -> usize {
    let mut bytes = 0;
    let fits = |atom: &&Atom| {
        let fits = bytes < TOGETHER_BYTES_MAX;
        bytes += atom.text().len();
        fits
    };
    atoms.iter().take(TOGETHER_MAX).take_while(fits).count()
}

/// The first value of a row.
pub(super) struct First<'a>(pub(super) &'a str);

impl ToSql for First<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(digest(self.0).map_or_else(|| self.0.into(), |bytes| bytes.into()))
    }
}

/// The values behind it.
pub(super) fn join(atoms: &[Atom]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(atoms.iter().map(|atom| 3 + atom.text().len()).sum());
    for atom in atoms {
        let (kind, text) = (atom.kind().number() | SHORT, atom.text());
        match digest(text) {
            Some(bytes) => put(&mut joined, kind | DIGEST, &bytes),
            None => put(&mut joined, kind, text.as_bytes()),
        }
    }
    joined
}

fn put(joined: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    joined.push(kind);
    put_length(joined, bytes.len());
    joined.extend_from_slice(bytes);
}

/// Gives the values of a row to `take`, each with the number of its kind: that in the columns `kind` and `value`
/// from this one on, and those in `more`, the next. Of what is no list there is one of kind 0.
pub(super) fn each(
    row: &Row,
    column: usize,
    take: &mut dyn FnMut(u8, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    each_bytes(row, column, &mut |kind, text| match std::str::from_utf8(text) {
        Ok(text) => take(kind, text),
        Err(_) => Err(Error::Damaged("table atom: a value that is no text".to_owned())),
    })
}

type TakeBytes<'t> = dyn FnMut(u8, &[u8]) -> Result<(), Error> + 't;

/// The same, before anybody has looked whether the bytes are text.
pub(super) fn each_bytes(row: &Row, column: usize, take: &mut TakeBytes) -> Result<(), Error> {
    let damaged = || Error::Damaged("table atom: values that do not end".to_owned());
    let kind = row.get(column)?;
    match row.get_ref(column + 1)? {
        ValueRef::Blob(bytes) => spelt(bytes, &mut |text| take(kind, text))?,
        text => take(kind, text.as_bytes().map_err(rusqlite::Error::from)?)?,
    }
    let more = row.get_ref(column + 2)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let mut more = more.unwrap_or_default();
    while let Some((kind, rest)) = more.split_first() {
        let (length, rest) = length(*kind & SHORT != 0, rest).ok_or_else(damaged)?;
        let (text, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        match kind & DIGEST {
            0 => take(kind & KIND, text)?,
            _ => spelt(text, &mut |text| take(kind & KIND, text))?,
        }
        more = rest;
    }
    Ok(())
}

fn length(is_short: bool, bytes: &[u8]) -> Option<(usize, &[u8])> {
    if is_short {
        return take_length(bytes);
    }
    let (length, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*length) as usize, rest))
}

/// The bytes of a digest that is spelt as ours are: half as long as its text.
fn digest(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let is_digest = matches!(text.len(), 32 | 40 | 64 | 128);
    let pairs = is_digest.then(|| text.as_bytes().chunks_exact(2))?;
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Gives the text of a digest to `take`.
fn spelt(bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut text = [0; DIGEST_BYTES_MAX * 2];
    let text = text.get_mut(..bytes.len() * 2);
    let text = text.ok_or_else(|| Error::Damaged("table atom: a digest that is too long".to_owned()))?;
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    take(text)
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const DIGEST_BYTES_MAX: usize = 64;
/// Beside the number of a kind: its length is short, and it is a digest.
const SHORT: u8 = 0x80;
const DIGEST: u8 = 0x40;
const KIND: u8 = 0x3F;
/// So many values of an object at most stand in one row, and no more once they have so many bytes: to read them
/// all for one costs little, and a row is less than a page.
const TOGETHER_MAX: usize = 64;
const TOGETHER_BYTES_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stix::atom::Kind;
    use proptest::prelude::*;
    use rusqlite::{Connection, params};

    /// What is read of a row.
    fn read(kind: u8, value: &dyn ToSql, more: Option<&[u8]>) -> Result<Vec<(u8, String)>, Error> {
        let connection = Connection::open_in_memory().unwrap();
        let mut found = Vec::new();
        let mut statement = connection.prepare("SELECT ?1, ?2, ?3").unwrap();
        let mut rows = statement.query(params![kind, value, more]).unwrap();
        each(rows.next().unwrap().unwrap(), 0, &mut |kind, text| {
            found.push((kind, text.to_owned()));
            Ok(())
        })?;
        Ok(found)
    }

    fn any_value() -> impl Strategy<Value = Atom> {
        let text = prop_oneof![
            "[0-9a-f]{32}",
            "[0-9a-f]{40}",
            "[0-9a-f]{64}",
            "[0-9a-f]{128}",
            "[0-9a-fA-F]{31,33}",
            "\\PC{0,300}",
            "[a-z]{127,129}",
        ];
        (prop::sample::select(Kind::ALL.to_vec()), text).prop_map(|(kind, text)| Atom::stored(kind, text))
    }

    proptest! {
        #[test]
        fn what_stands_in_a_row_is_read_as_it_was(atoms in prop::collection::vec(any_value(), 1..9)) {
            let found = read(atoms[0].kind().number(), &First(atoms[0].text()), Some(&join(&atoms[1..]))).unwrap();
            let given: Vec<_> = atoms.iter().map(|atom| (atom.kind().number(), atom.text().to_owned())).collect();
            prop_assert_eq!(found, given);
        }

        #[test]
        fn whatever_stands_there_nothing_breaks(more in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = read(1, &"x", Some(&more));
        }
    }

    #[test]
    fn rows_of_old_are_read_and_damage_is_told() {
        let old = b"\x05\x03\0\0\0a.b\x09\x20\0\0\x000123456789abcdef0123456789abcdef";
        let found = read(5, &"0123456789abcdef0123456789abcdef", Some(old)).unwrap();
        let digest = "0123456789abcdef0123456789abcdef".to_owned();
        assert_eq!(found, [(5, digest.clone()), (5, "a.b".to_owned()), (9, digest)]);
        assert!(Kind::ALL.iter().all(|kind| kind.number() & !KIND == 0));
        for more in [&b"\x05\x03\0\0"[..], b"\x85\x03a.", b"\x85\x80\x80\x80\x80\x01a"] {
            assert!(matches!(read(5, &"x", Some(more)), Err(Error::Damaged(_))), "{more:?}");
        }
        assert!(matches!(read(9, &vec![0_u8; 65], None), Err(Error::Damaged(_))));
    }

    #[test]
    fn a_digest_takes_half_of_its_text() {
        let atom = |kind, text: String| Atom::stored(kind, text);
        assert_eq!(join(&[atom(Kind::FileSha256, "ab".repeat(32))]).len(), 2 + 32);
        assert_eq!(join(&[atom(Kind::Domain, "a.example".to_owned())]).len(), 2 + 9);
        assert_eq!(digest(&"AB".repeat(32)), None);
    }
}
