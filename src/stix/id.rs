//! STIX identifiers, `type--uuid` (STIX 2.1 §2.9).

use std::fmt;

/// An identifier that has the right form; compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StixId(Box<str>);

/// Why a text is not a STIX identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a STIX identifier: {reason}")]
pub struct IdError {
    text: String,
    reason: &'static str,
}

impl StixId {
    /// Checks the form and keeps the text as it is.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match check(text) {
            Ok(()) => Ok(Self(text.into())),
            Err(reason) => Err(IdError { text: text.chars().take(80).collect(), reason }),
        }
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before `--`: the type of the object it names.
    pub fn object_type(&self) -> &str {
        &self.0[..self.0.len() - UUID_LENGTH - 2]
    }
}

impl fmt::Display for StixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True for the name of an object type: `[a-z][a-z0-9]*(-[a-z0-9]+)*`, 3 to 250 characters.
pub fn is_type_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (3..=250).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && !name.ends_with('-')
        && !name.contains("--")
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

fn check(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    let Some(split) = bytes.len().checked_sub(UUID_LENGTH + 2) else {
        return Err("expected type--uuid");
    };
    if &bytes[split..split + 2] != b"--" {
        return Err("expected type--uuid");
    }
    // The separator is ASCII, so both cuts are character boundaries.
    if !is_type_name(&text[..split]) {
        return Err("the part before `--` is not an object type name");
    }
    check_uuid(&bytes[split + 2..])
}

/// RFC 9562 text form with variant bits `10`; the nil UUID has version 0 and is refused.
fn check_uuid(uuid: &[u8]) -> Result<(), &'static str> {
    for (at, byte) in uuid.iter().enumerate() {
        let ok = match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        if !ok {
            return Err("the part after `--` is not a UUID");
        }
    }
    if !(b'1'..=b'8').contains(&uuid[14]) {
        return Err("the UUID's version is not 1 to 8");
    }
    if !matches!(uuid[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B') {
        return Err("the UUID's variant is not that of RFC 9562");
    }
    Ok(())
}

const UUID_LENGTH: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_identifiers_are_kept_and_split() {
        let id = StixId::parse("x-misp-object--5ac47edc-31e4-4402-a7b6-040d0a00020f").unwrap();
        assert_eq!(id.object_type(), "x-misp-object");
        assert_eq!(id.to_string(), "x-misp-object--5ac47edc-31e4-4402-a7b6-040d0a00020f");
    }

    #[test]
    fn malformed_identifiers_are_refused() {
        for bad in [
            "",
            "indicator",
            "indicator--",
            "--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "indicator--00000000-0000-0000-0000-000000000000",
            "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\n",
            "indicator-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "indicator---8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "Indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "indicator--8e2e2d2b-17d4-4cbf-c38f-98ee46b3cd3f",
            "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3é",
            "indicatör--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        ] {
            assert!(StixId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
