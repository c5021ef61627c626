//! International bank account numbers (ISO 13616).

use super::lex;
use crate::stix::atom::{Atom, Kind};

/// An account number that begins at a place, in one piece or in groups, and where it ends.
pub(super) fn iban(text: &str, at: usize) -> Option<(Atom, usize)> {
    let country = text.get(at..at + 2)?;
    let is_lower = country.bytes().all(|b| b.is_ascii_lowercase());
    let (_, length) = LENGTHS.iter().find(|(code, _)| code.eq_ignore_ascii_case(country))?;
    let mut written = String::with_capacity(*length);
    let mut end = at;
    while written.len() < *length {
        let byte = lex::byte(text, end)?;
        if byte.is_ascii_alphanumeric() {
            written.push(char::from(byte));
        } else if !matches!(byte, b' ' | b'-' | b'.')
            || !written.len().is_multiple_of(4)
            || !is_alphanumeric(text, end + 1)
        {
            return None;
        }
        end += 1;
    }
    let is_one_case =
        written.bytes().all(|b| if is_lower { !b.is_ascii_uppercase() } else { !b.is_ascii_lowercase() });
    let is_apart = !is_alphanumeric(text, end) && lex::byte(text, end) != Some(b'_');
    let is_account = is_one_case && is_apart && written.bytes().skip(2).take(2).all(|b| b.is_ascii_digit());
    is_account.then(|| Atom::parse(Kind::Iban, &written).ok()).flatten().map(|atom| (atom, end))
}

fn is_alphanumeric(text: &str, at: usize) -> bool {
    lex::byte(text, at).is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Lengths by country, from the registry of ISO 13616.
const LENGTHS: [(&str, usize); 89] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_with_and_without_groups() {
        for text in [
            "GB33BUKB20201555555555",
            "GB33 BUKB 2020 1555 5555 55.",
            "gb33 bukb 2020 1555 5555 55",
            "GB33-BUKB-2020-1555-5555-55",
        ] {
            let (atom, end) = iban(text, 0).unwrap();
            assert_eq!((atom.text(), end), ("GB33BUKB20201555555555", text.trim_end_matches('.').len()));
        }
    }

    #[test]
    fn what_is_no_account_is_left() {
        for text in [
            "GB33BUKB20201555555556",
            "GB33BUKB202015555555557",
            "GB33 BUKB 2020 1555",
            "GB33BUKB 20201 555555555",
            "Gb33bUKB20201555555555",
            "XX33BUKB20201555555555",
            "GB",
            "éa",
        ] {
            assert!(iban(text, 0).is_none(), "{text}");
        }
    }
}
