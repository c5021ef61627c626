//! Tables: which column a value stands in, and what its header is.

/// May a line be the header of a table? Short cells, at least two.
pub(super) fn is_header(line: &str) -> bool {
    let Some(separator) = separator(line) else { return false };
    let mut cells = cells(line, separator);
    let is_cell = |cell: &str| {
        cell.len() <= CELL_BYTES_MAX
            && cell.split_whitespace().count() <= CELL_WORDS_MAX
            && !cell.contains(['.', '@', '='])
    };
    line.len() <= HEADER_BYTES_MAX && cells.clone().nth(1).is_some() && cells.all(|(_, cell)| is_cell(cell))
}

/// The header above a place, if the line of the place has the same columns.
pub(super) fn column<'a>(text: &'a str, header: &'a str, at: usize) -> Option<&'a str> {
    let separator = separator(header)?;
    let mut from = at.saturating_sub(ROW_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let row = text[from..at].rsplit('\n').next()?;
    match separator {
        Separator::Byte(byte) => {
            let index = row.bytes().filter(|b| *b == byte).count();
            cells(header, separator).nth(index).map(|(_, cell)| cell)
        }
        Separator::Blanks => {
            let offset = characters(row) + SLACK_CHARACTERS;
            let starts =
                cells(header, separator).take_while(|(start, _)| characters(&header[..*start]) <= offset);
            starts.last().map(|(_, cell)| cell)
        }
    }
}

fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

#[derive(Clone, Copy)]
enum Separator {
    Byte(u8),
    /// Two blanks or more.
    Blanks,
}

fn separator(header: &str) -> Option<Separator> {
    let of = |byte: u8, least: usize| header.bytes().filter(|b| *b == byte).count() >= least;
    // Prose has commas too, but before blanks.
    let least = if header.trim().contains(' ') { 2 } else { 1 };
    match () {
        () if of(b'|', 1) => Some(Separator::Byte(b'|')),
        () if of(b'\t', 1) => Some(Separator::Byte(b'\t')),
        () if of(b';', least) => Some(Separator::Byte(b';')),
        () if of(b',', least) => Some(Separator::Byte(b',')),
        () if header.trim().contains("  ") => Some(Separator::Blanks),
        () => None,
    }
}

/// The cells of a header, with their places.
fn cells(header: &str, separator: Separator) -> impl Iterator<Item = (usize, &str)> + Clone {
    let mut at = 0;
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let part = rest?;
        let end = match separator {
            Separator::Byte(byte) => part.bytes().position(|b| b == byte).map(|end| (end, end + 1)),
            Separator::Blanks => {
                let lead = part.len() - part.trim_start().len();
                part[lead..].find("  ").map(|end| (lead + end, lead + end))
            }
        };
        let (end, next) = end.unwrap_or((part.len(), part.len()));
        let cell = part[..end].trim();
        let start = at + part[..end].len() - part[..end].trim_start().len();
        rest = part.get(next..).filter(|left| {
            next < part.len() && !(matches!(separator, Separator::Blanks) && left.trim().is_empty())
        });
        at += next;
        Some((start, cell))
    })
}

const HEADER_BYTES_MAX: usize = 300;
const CELL_BYTES_MAX: usize = 40;
const CELL_WORDS_MAX: usize = 5;
const ROW_BYTES_MAX: usize = 1000;
/// Rows may begin a little before their headers.
const SLACK_CHARACTERS: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of<'a>(text: &'a str, needle: &str) -> Option<&'a str> {
        column(text, text.lines().next()?, text.find(needle)?)
    }

    #[test]
    fn columns_are_counted_or_measured() {
        for text in [
            "| name | JA3 | MD5 |\n|---|---|---|\n| x | aaa | bbb |",
            "name\tJA3\tMD5\nx\taaa\tbbb",
            "name,JA3,MD5\nx,aaa,bbb",
            "name   JA3       MD5\nx      aaa       bbb",
        ] {
            assert!(is_header(text.lines().next().unwrap()), "{text}");
            assert_eq!(
                (header_of(text, "aaa"), header_of(text, "bbb")),
                (Some("JA3"), Some("MD5")),
                "{text}"
            );
        }
    }

    #[test]
    fn sentences_are_no_headers() {
        for line in
            ["We saw MD5 and SHA1.", "MD5", "the version, as we said before in the last report, is old", ""]
        {
            assert!(!is_header(line), "{line}");
        }
    }
}
