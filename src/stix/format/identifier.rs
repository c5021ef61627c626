//! Identifiers, `type--uuid` (STIX 2.1 §2.9).

use super::{Fault, name, require};

/// The parts of an identifier that has the right form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identifier<'a> {
    /// The part before `--`.
    pub object_type: &'a str,
    /// The part after `--`.
    pub uuid: &'a str,
    /// The version of the UUID, 1 to 8.
    pub version: u8,
    /// What would be better, for a person: upper-case digits and versions past 5 are accepted.
    pub advice: Option<&'static str>,
}

/// Takes an identifier apart; the nil UUID is refused.
pub fn identifier(text: &str) -> Result<Identifier<'_>, Fault> {
    let split = text.len().checked_sub(UUID_LENGTH + 2).ok_or(Fault::new(FORM))?;
    let (object_type, tail) = text.split_at_checked(split).ok_or(Fault::new(FORM))?;
    let uuid = tail.strip_prefix("--").ok_or(Fault::new(FORM))?;
    name::object_type(object_type).map_err(|_| Fault::new(TYPE))?;
    let version = uuid_version(uuid.as_bytes())?;
    Ok(Identifier { object_type, uuid, version, advice: advice(uuid, version) })
}

/// The version digit of a UUID in text form with variant bits `10` (RFC 9562 §4).
fn uuid_version(uuid: &[u8]) -> Result<u8, Fault> {
    let is_hyphen_place = |at| matches!(at, 8 | 13 | 18 | 23);
    let is_form = uuid.iter().enumerate().all(|(at, byte)| match byte {
        b'-' => is_hyphen_place(at),
        other => other.is_ascii_hexdigit() && !is_hyphen_place(at),
    });
    require(is_form, FORM)?;
    require(uuid.iter().any(|byte| !matches!(byte, b'0' | b'-')), NIL)?;
    require((b'1'..=b'8').contains(&uuid[14]), VERSION)?;
    require(matches!(uuid[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B'), VARIANT)?;
    Ok(uuid[14] - b'0')
}

fn advice(uuid: &str, version: u8) -> Option<&'static str> {
    if uuid.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some("a UUID in lower case");
    }
    (version > 5).then_some("a UUID of version 4, or version 5 for an SCO")
}

const UUID_LENGTH: usize = 36;
const FORM: &str = "type--uuid with 32 hex digits in groups of 8-4-4-4-12, \
    like indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
const TYPE: &str = "the name of an object type before `--`";
const NIL: &str = "a UUID of its own: the nil UUID names nothing";
const VERSION: &str = "a UUID of version 1 to 5 (the digit after the second hyphen)";
const VARIANT: &str = "a UUID of the RFC 9562 variant (8, 9, a or b after the third hyphen)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_gives_its_parts() {
        let found = identifier("x-misp-object--5ac47edc-31e4-4402-a7b6-040d0a00020f").unwrap();
        assert_eq!(found.object_type, "x-misp-object");
        assert_eq!(found.uuid, "5ac47edc-31e4-4402-a7b6-040d0a00020f");
        assert_eq!((found.version, found.advice), (4, None));
        for version in 1..=5 {
            let text = format!("url--be22e93a-5e33-{version}678-b19f-8b4ea06df0bd");
            let found = identifier(&text).unwrap();
            assert_eq!((found.version, found.advice), (version, None));
        }
    }

    #[test]
    fn upper_case_and_later_versions_are_accepted_with_advice() {
        for (text, version) in [
            ("url--BE22E93A-5e33-5678-b19f-8b4ea06df0bd", 5),
            ("url--be22e93a-5e33-5678-B19f-8b4ea06df0bd", 5),
            ("url--be22e93a-5e33-6678-b19f-8b4ea06df0bd", 6),
            ("url--be22e93a-5e33-7678-b19f-8b4ea06df0bd", 7),
            ("url--be22e93a-5e33-8678-b19f-8b4ea06df0bd", 8),
        ] {
            let found = identifier(text).unwrap();
            assert_eq!(found.version, version);
            assert!(found.advice.is_some(), "{text}");
        }
    }

    #[test]
    fn every_malformed_identifier_has_its_reason() {
        for (bad, reason) in [
            ("", FORM),
            ("indicator", FORM),
            ("indicator--", FORM),
            ("8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", FORM),
            ("--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", TYPE),
            ("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\n", FORM),
            ("indicator-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", FORM),
            ("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3g", FORM),
            ("indicator--8e2e2d2b17d4-4cbf-938f-98ee46b3cd3f-", FORM),
            ("indicator--{e2e2d2b-17d4-4cbf-938f-98ee46b3cd3}", FORM),
            ("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cdé", FORM),
            ("indicatoré-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3", FORM),
            ("indicator---8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", TYPE),
            ("Indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", TYPE),
            ("ab--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", TYPE),
            ("indicator--00000000-0000-0000-0000-000000000000", NIL),
            ("indicator--ffffffff-ffff-ffff-ffff-ffffffffffff", VERSION),
            ("indicator--8e2e2d2b-17d4-0cbf-938f-98ee46b3cd3f", VERSION),
            ("indicator--8e2e2d2b-17d4-9cbf-938f-98ee46b3cd3f", VERSION),
            ("indicator--8e2e2d2b-17d4-4cbf-c38f-98ee46b3cd3f", VARIANT),
            ("indicator--8e2e2d2b-17d4-4cbf-738f-98ee46b3cd3f", VARIANT),
        ] {
            assert_eq!(identifier(bad), Err(Fault::new(reason)), "{bad:?}");
        }
    }
}
