//! Names of kinds as people and programs write them, and the values of these kinds.

use super::What;
use crate::stix::atom::{Atom, INDICATOR_TYPES, Kind};

/// The kinds that a name stands for; a value is read as the first of them that it can be.
pub(super) fn kinds(name: &str) -> Option<Named> {
    let name = name.trim().to_ascii_lowercase();
    if let Some((_, kinds)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*kinds);
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.name().to_ascii_lowercase() == name)?;
    Some(Named::Kinds(std::slice::from_ref(ALL.iter().find(|one| **one == kind)?)))
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Values of one of these kinds.
    Kinds(&'static [Kind]),
    /// A vulnerability.
    Vulnerability,
}

impl Named {
    /// Reads a value of it.
    pub(super) fn read(self, text: &str) -> Result<What, String> {
        match self {
            Self::Vulnerability => {
                vulnerability(text).ok_or_else(|| "no CVE id such as CVE-2026-1234".to_owned())
            }
            Self::Kinds(kinds) => of_kinds(kinds, text),
        }
    }

    /// Does something that was found belong to it?
    pub(super) fn holds(self, what: &What) -> bool {
        match (self, what) {
            (Self::Vulnerability, What::Vulnerability(_)) => true,
            (Self::Kinds(kinds), What::Value(atom)) => {
                let is_same = |kind: &Kind| kind.object_type() == atom.kind().object_type();
                kinds.contains(&atom.kind()) || (kinds.iter().any(is_same) && is_address(atom.kind()))
            }
            _ => false,
        }
    }
}

/// The name of what something is: a kind's, or `vulnerability`.
pub fn name(what: &What) -> String {
    match what {
        What::Value(atom) => atom.kind().name().to_owned(),
        What::Vulnerability(_) => "vulnerability".to_owned(),
    }
}

/// A CVE id in upper case.
pub fn vulnerability(text: &str) -> Option<What> {
    let id = text.trim().to_ascii_uppercase();
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_id = year.len() == 4 && (4..=19).contains(&number.len()) && is_digits(year) && is_digits(number);
    is_id.then_some(What::Vulnerability(id))
}

fn of_kinds(kinds: &[Kind], text: &str) -> Result<What, String> {
    let mut reason = None;
    for kind in kinds {
        match Atom::parse(*kind, &prepared(*kind, text)) {
            Ok(atom) => return Ok(What::Value(atom)),
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    let reason = match kinds {
        HASHES => "no hash of 32, 40, 64 or 128 hexadecimal digits".to_owned(),
        _ => reason.map_or_else(|| "no value".to_owned(), |reason| reason.to_string()),
    };
    Err(reason)
}

/// A word of STIX 2.1 §10.10, in its spelling.
pub(super) fn indicator_type(word: &str) -> Result<&'static str, String> {
    let spelt = word.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    INDICATOR_TYPES
        .into_iter()
        .find(|known| *known == spelt)
        .ok_or_else(|| format!("no indicator type; write one of {}", INDICATOR_TYPES.join(", ")))
}

/// A value as the standard spells it where people spell it otherwise.
fn prepared(kind: Kind, text: &str) -> String {
    let text = text.trim();
    match kind {
        Kind::AsNumber => {
            let is_named = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("as"));
            if is_named { text[2..].trim_start().to_owned() } else { text.to_owned() }
        }
        Kind::RegistryKey => {
            let (hive, rest) =
                text.split_once('\\').map_or((text, ""), |(hive, _)| (hive, &text[hive.len()..]));
            let long = HIVES.iter().find(|(short, _)| short.eq_ignore_ascii_case(hive));
            long.map_or_else(|| text.to_owned(), |(_, long)| format!("{long}{rest}"))
        }
        // Fingerprints are often written by bytes.
        Kind::CertificateMd5 | Kind::CertificateSha1 | Kind::CertificateSha256 => {
            text.replace([':', ' '], "")
        }
        _ => text.to_owned(),
    }
}

/// An address and a network are told apart by the value alone.
fn is_address(kind: Kind) -> bool {
    matches!(kind, Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network)
}

static ALL: [Kind; 25] = Kind::ALL;
const HASHES: &[Kind] = &[Kind::FileMd5, Kind::FileSha1, Kind::FileSha256, Kind::FileSha512];
const CERTIFICATES: &[Kind] = &[Kind::CertificateMd5, Kind::CertificateSha1, Kind::CertificateSha256];
const ADDRESSES: &[Kind] = &[Kind::Ipv4, Kind::Ipv6];

/// Names beside those of the kinds themselves: types of STIX whose path is left away, types of MISP, and what
/// people write.
const NAMES: &[(&str, Named)] = &[
    ("ip", Named::Kinds(ADDRESSES)),
    ("ip-src", Named::Kinds(ADDRESSES)),
    ("ip-dst", Named::Kinds(ADDRESSES)),
    ("cidr", Named::Kinds(ADDRESSES)),
    ("network", Named::Kinds(ADDRESSES)),
    ("ipv4", Named::Kinds(&[Kind::Ipv4])),
    ("ipv6", Named::Kinds(&[Kind::Ipv6])),
    ("domain", Named::Kinds(&[Kind::Domain])),
    ("hostname", Named::Kinds(&[Kind::Domain])),
    ("fqdn", Named::Kinds(&[Kind::Domain])),
    ("host", Named::Kinds(&[Kind::Domain])),
    ("onion-address", Named::Kinds(&[Kind::Domain])),
    ("uri", Named::Kinds(&[Kind::Url])),
    ("email", Named::Kinds(&[Kind::Email])),
    ("e-mail", Named::Kinds(&[Kind::Email])),
    ("email-src", Named::Kinds(&[Kind::Email])),
    ("email-dst", Named::Kinds(&[Kind::Email])),
    ("email-reply-to", Named::Kinds(&[Kind::Email])),
    ("dns-soa-email", Named::Kinds(&[Kind::Email])),
    ("whois-registrant-email", Named::Kinds(&[Kind::Email])),
    (
        "file",
        Named::Kinds(&[Kind::FileMd5, Kind::FileSha1, Kind::FileSha256, Kind::FileSha512, Kind::FileName]),
    ),
    ("hash", Named::Kinds(HASHES)),
    ("file-hash", Named::Kinds(HASHES)),
    ("md5", Named::Kinds(&[Kind::FileMd5])),
    ("sha1", Named::Kinds(&[Kind::FileSha1])),
    ("sha-1", Named::Kinds(&[Kind::FileSha1])),
    ("sha256", Named::Kinds(&[Kind::FileSha256])),
    ("sha-256", Named::Kinds(&[Kind::FileSha256])),
    ("sha512", Named::Kinds(&[Kind::FileSha512])),
    ("sha-512", Named::Kinds(&[Kind::FileSha512])),
    ("ssdeep", Named::Kinds(&[Kind::FileSsdeep])),
    ("filename", Named::Kinds(&[Kind::FileName])),
    ("file-name", Named::Kinds(&[Kind::FileName])),
    ("email-attachment", Named::Kinds(&[Kind::FileName])),
    ("x509-certificate", Named::Kinds(CERTIFICATES)),
    ("certificate", Named::Kinds(CERTIFICATES)),
    ("x509-fingerprint-md5", Named::Kinds(&[Kind::CertificateMd5])),
    ("x509-fingerprint-sha1", Named::Kinds(&[Kind::CertificateSha1])),
    ("x509-fingerprint-sha256", Named::Kinds(&[Kind::CertificateSha256])),
    ("as", Named::Kinds(&[Kind::AsNumber])),
    ("asn", Named::Kinds(&[Kind::AsNumber])),
    ("mac", Named::Kinds(&[Kind::Mac])),
    ("mac-address", Named::Kinds(&[Kind::Mac])),
    ("regkey", Named::Kinds(&[Kind::RegistryKey])),
    ("registry-key", Named::Kinds(&[Kind::RegistryKey])),
    ("account", Named::Kinds(&[Kind::Account])),
    ("github-username", Named::Kinds(&[Kind::Account])),
    ("twitter-id", Named::Kinds(&[Kind::Account])),
    ("iban", Named::Kinds(&[Kind::Iban])),
    ("phone", Named::Kinds(&[Kind::Phone])),
    ("whois-registrant-phone", Named::Kinds(&[Kind::Phone])),
    ("wallet", Named::Kinds(&[Kind::Wallet])),
    ("btc", Named::Kinds(&[Kind::Wallet])),
    ("xmr", Named::Kinds(&[Kind::Wallet])),
    ("dash", Named::Kinds(&[Kind::Wallet])),
    ("cve", Named::Vulnerability),
    ("vulnerability", Named::Vulnerability),
    ("ipv4-network", Named::Kinds(&[Kind::Ipv4])),
    ("ipv6-network", Named::Kinds(&[Kind::Ipv6])),
    ("link", Named::Kinds(&[Kind::Url])),
    ("useragent", Named::Kinds(&[Kind::UserAgent])),
    ("http-user-agent", Named::Kinds(&[Kind::UserAgent])),
    ("mail", Named::Kinds(&[Kind::Email])),
];
const HIVES: [(&str, &str); 5] = [
    ("HKCC", "HKEY_CURRENT_CONFIG"),
    ("HKCR", "HKEY_CLASSES_ROOT"),
    ("HKCU", "HKEY_CURRENT_USER"),
    ("HKLM", "HKEY_LOCAL_MACHINE"),
    ("HKU", "HKEY_USERS"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<String, String> {
        kinds(name).unwrap().read(text).map(|what| format!("{} {}", super::name(&what), what.text()))
    }

    #[test]
    fn every_kind_is_known_by_its_own_name() {
        for kind in Kind::ALL {
            let named = kinds(kind.name()).unwrap();
            let Named::Kinds(found) = named else { panic!("{kind:?}") };
            assert!(found.iter().any(|one| one.object_type() == kind.object_type()), "{kind:?}");
        }
        assert_eq!(kinds("x509"), None);
    }

    #[test]
    fn names_of_others_lead_to_their_kinds() {
        for (name, text, expected) in [
            ("ip", "198.51.100.7", "ipv4-addr 198.51.100.7"),
            ("ip-dst", "2001:DB8::66", "ipv6-addr 2001:db8::66"),
            ("IP", "203.0.113.0/24", "ipv4-addr 203.0.113.0/24"),
            ("ipv4-addr", "203.0.113.0/24", "ipv4-addr 203.0.113.0/24"),
            ("hash", "D41D8CD98F00B204E9800998ECF8427E", "file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e"),
            ("file", "a b.exe", "file:name a b.exe"),
            ("AS", "AS64496", "autonomous-system 64496"),
            ("regkey", r"HKLM\Software\X", r"windows-registry-key HKEY_LOCAL_MACHINE\Software\X"),
            ("regkey", r"hkcu", "windows-registry-key HKEY_CURRENT_USER"),
            ("regkey", r"HKLMX\a", r"windows-registry-key HKLMX\a"),
            (
                "x509-fingerprint-md5",
                "D4:1D:8C:D9:8F:00:B2:04:E9:80:09:98:EC:F8:42:7E",
                "x509-certificate:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e",
            ),
            ("cve", "cve-2026-1234", "vulnerability CVE-2026-1234"),
            ("file:hashes.'sha-1'", &"a".repeat(40), &format!("file:hashes.'SHA-1' {}", "a".repeat(40))),
        ] {
            assert_eq!(read(name, text).as_deref(), Ok(expected), "{name} {text}");
        }
        for (name, text) in [
            ("ip", "1.2.3"),
            ("ipv6", "198.51.100.7"),
            ("hash", "abc"),
            ("cve", "CVE-2026-1"),
            ("AS", "é"),
            ("cve", "CVE-2026-12٣4"),
        ] {
            assert!(read(name, text).is_err(), "{name} {text}");
        }
    }
}
