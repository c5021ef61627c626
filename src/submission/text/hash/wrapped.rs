//! Hashes that the column of a table has cut into several lines.

use super::kinds;
use crate::submission::text::{around, lex};

/// A hash that goes on in the next lines, as the columns of tables make it.
pub(super) struct Wrapped {
    pub(super) digits: String,
    /// Where its first row ends, or its last one if nothing stands between them.
    pub(super) end: usize,
    /// Where the other rows begin if something stands between them.
    pub(super) rows: Vec<usize>,
}

/// Reads a hash whose first row is given.
pub(super) fn wrapped(text: &str, start: usize, end: usize, column_name: Option<&str>) -> Option<Wrapped> {
    let column = end - start;
    let is_whole = kinds(column).is_some();
    let named_length = named_length(text, start).or_else(|| length_of(column_name?));
    if !(WRAPPED_DIGITS_LEAST..128).contains(&column)
        || is_whole && named_length.is_none_or(|length| length <= column)
    {
        return None;
    }
    let mut digits = text[start..end].to_owned();
    let first_end = end;
    let mut end = end;
    let mut row_start = start;
    let mut rows = Vec::new();
    let mut is_apart = false;
    for _ in 0..WRAPPED_LINES_MAX {
        let next = match next_row(text, end).filter(|_| !is_apart) {
            Some(next) => next,
            None => {
                is_apart = true;
                below(text, row_start)?
            }
        };
        row_start = next;
        rows.push(next);
        let length = lex::label_end(text, next) - next;
        let row = &text[next..next + length];
        // All rows but the last are as wide as the column.
        if length == 0 || length > column || !row.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        digits.push_str(row);
        end = next + length;
        let is_enough = match named_length {
            Some(length) => digits.len() == length,
            None => kinds(digits.len()).is_some(),
        };
        if is_enough {
            return Some(match is_apart {
                true => Wrapped { digits, end: first_end, rows },
                false => Wrapped { digits, end, rows: Vec::new() },
            });
        }
        if length < column {
            return None;
        }
    }
    None
}

/// Where the text of the next line begins, if nothing else stands in the rest of this one.
fn next_row(text: &str, at: usize) -> Option<usize> {
    let is_frame = |byte: u8| matches!(byte, b' ' | b'\t' | b'|' | b'\r' | b'"' | b'\\');
    let bytes = text.as_bytes();
    let skip =
        |from: usize| from + bytes[from..].iter().take(FRAME_BYTES_MAX).take_while(|b| is_frame(**b)).count();
    let line_end = skip(at);
    (bytes.get(line_end) == Some(&b'\n')).then(|| skip(line_end + 1))
}

/// What begins in the next line at the same character as a row, with other columns beside it.
fn below(text: &str, row: usize) -> Option<usize> {
    // By bytes: the window may begin within a character.
    let window = row.saturating_sub(FRAME_BYTES_MAX);
    let start = match text.as_bytes()[window..row].iter().rposition(|byte| *byte == b'\n') {
        Some(at) => window + at + 1,
        None if window == 0 => 0,
        None => return None,
    };
    let characters = text[start..row].chars().count();
    let line_end = row + text[row..].find('\n')?;
    let line = text[line_end + 1..].split('\n').next()?;
    let (offset, _) = line.char_indices().nth(characters)?;
    let is_apart = |c: char| c == ' ' || c == '|';
    let is_cell = characters == 0 || line[..offset].ends_with(is_apart);
    is_cell.then_some(line_end + 1 + offset)
}

/// How many digits the hash has that the words before name.
fn named_length(text: &str, at: usize) -> Option<usize> {
    around::before(text, at).take(2).find_map(|word| length_of(word.text))
}

fn length_of(name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    match lower.contains("sha") {
        true if lower.contains("256") => Some(64),
        true if lower.contains("512") => Some(128),
        _ => None,
    }
}

const WRAPPED_DIGITS_LEAST: usize = 16;
const WRAPPED_LINES_MAX: usize = 8;
const FRAME_BYTES_MAX: usize = 160;
