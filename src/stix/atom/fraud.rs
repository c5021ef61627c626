//! Accounts, telephone numbers, wallets.

use super::NoAtom;

/// ISO 13616: without spaces, in upper case, with the right check digits.
pub(super) fn iban(text: &str) -> Result<String, NoAtom> {
    let iban: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
    let bytes = iban.as_bytes();
    let is_formed = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !is_formed {
        return Err(NoAtom("no IBAN"));
    }
    let rest = bytes[4..].iter().chain(&bytes[..4]).fold(0_u32, |rest, b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        _ => (rest * 100 + u32::from(b - b'A') + 10) % 97,
    });
    if rest != 1 {
        return Err(NoAtom("an IBAN with wrong check digits"));
    }
    let known = LENGTHS.iter().find(|(country, _)| iban.starts_with(country));
    if known.is_some_and(|(_, length)| iban.len() != *length) {
        return Err(NoAtom("an IBAN of the wrong length for its country"));
    }
    Ok(iban)
}

/// E.164: a plus and up to 15 digits.
pub(super) fn phone(text: &str) -> Result<String, NoAtom> {
    let kept: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
    let digits = kept.strip_prefix('+').or_else(|| kept.strip_prefix("00")).unwrap_or(&kept);
    let is_number = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    match is_number {
        true => Ok(format!("+{digits}")),
        false => Err(NoAtom("no telephone number with country code")),
    }
}

/// Letters and digits of an address; the checksum is that of many currencies, and not looked at here.
pub(super) fn wallet(text: &str) -> Result<String, NoAtom> {
    let is_address =
        (20..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':');
    match is_address {
        true => Ok(text.to_owned()),
        false => Err(NoAtom("no wallet address")),
    }
}

/// Lengths by country, ISO 13616.
const LENGTHS: [(&str, usize); 46] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("KW", 30),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("TR", 26),
];
