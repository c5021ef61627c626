//! STIX identifiers, `type--uuid` (STIX 2.1 §2.9).

use super::format::identifier::identifier;
use super::format::name;
use std::fmt;

/// An identifier that has the right form; compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StixId(Box<str>);

/// Why a text is not a STIX identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a STIX identifier: expected {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

impl StixId {
    /// Checks the form and keeps the text as it is.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match identifier(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(fault) => Err(IdError { text: text.chars().take(80).collect(), expected: fault.expected }),
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

/// True for the name of an object type (STIX 2.1 §3.1).
pub fn is_type_name(name: &str) -> bool {
    name::object_type(name).is_ok()
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
