//! The values that objects name: of an indicator those that each alone fulfil its pattern, of an observable
//! its own.

use super::{Atom, Kind};
use crate::stix::pattern;
use serde_json::Value;

/// What an indicator's pattern says as a list of values, if it can be said so.
pub fn of_indicator(pattern: &str) -> Option<Vec<Atom>> {
    // All or nothing: a list with some of them would say less than the pattern.
    let atoms: Option<Vec<Atom>> = match plain(pattern) {
        Some(plain) => plain.into_iter().map(|(name, path, value)| of_path(name, path, value)).collect(),
        None => {
            let parsed = pattern::Pattern::parse(pattern).ok()?;
            parsed.atoms().iter().map(|one| of_path(&one.object_type, &one.path, &one.value)).collect()
        }
    };
    let mut atoms = atoms.filter(|atoms| !atoms.is_empty())?;
    atoms.sort_unstable();
    atoms.dedup();
    (atoms.len() <= ATOMS_MAX).then_some(atoms)
}

/// Type, path and value of each comparison of a pattern that is written like nearly all,
/// `[type:path = 'value' OR type:path = 'value']`, with nothing that must be understood first. Any other one is
/// for the parser.
fn plain(pattern: &str) -> Option<Vec<(&str, &str, &str)>> {
    let mut rest = pattern.strip_prefix('[')?.strip_suffix(']')?;
    let mut found = Vec::with_capacity(1);
    loop {
        let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let end = rest.bytes().position(|b| !is_letter(b)).filter(|end| *end > 0)?;
        let (object_type, after) = rest.split_at(end);
        let after = after.strip_prefix(':')?;
        let (path, after) = PLAIN_PATHS
            .iter()
            .find_map(|path| Some((*path, after.strip_prefix(path)?.strip_prefix(" = '")?)))?;
        let (value, after) = after.split_at(memchr::memchr2(b'\'', b'\\', after.as_bytes())?);
        let after = after.strip_prefix('\'').filter(|_| !value.is_empty())?;
        found.push((object_type, path, value));
        if after.is_empty() {
            return Some(found);
        }
        rest = after.strip_prefix(" OR ")?;
    }
}

/// The values of an observable.
pub fn of_observable(object: &Value) -> Vec<Atom> {
    let Some(object_type) = object["type"].as_str() else { return Vec::new() };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let plain = ["value", "name", "number", "key", "account_login", "user_id", "iban"].into_iter();
    let plain = plain.filter_map(|path| Some((path.to_owned(), text(&object[path])?)));
    let hashes = object["hashes"].as_object().into_iter().flatten();
    let hashes = hashes.filter_map(|(name, value)| Some((format!("hashes.{name}"), text(value)?)));
    let mut atoms: Vec<Atom> =
        plain.chain(hashes).filter_map(|(path, value)| of_path(object_type, &path, &value)).collect();
    atoms.sort_unstable();
    atoms.dedup();
    atoms
}

/// The value at a path of an observable.
pub(super) fn of_path(object_type: &str, path: &str, value: &str) -> Option<Atom> {
    if object_type == "network-traffic" || object_type == "email-message" {
        return of_reference(path, value);
    }
    let name = path.strip_prefix("hashes.").map(|name| name.trim_matches('\'').to_ascii_uppercase());
    let kind = match (object_type, path, name.as_deref()) {
        ("ipv4-addr", "value", _) => Kind::Ipv4,
        ("ipv6-addr", "value", _) => Kind::Ipv6,
        ("domain-name", "value", _) => Kind::Domain,
        ("url", "value", _) => Kind::Url,
        ("email-addr", "value", _) => Kind::Email,
        ("file", "name", _) => Kind::FileName,
        ("file", _, Some("MD5")) => Kind::FileMd5,
        ("file", _, Some("SHA-1" | "SHA1")) => Kind::FileSha1,
        ("file", _, Some("SHA-256" | "SHA256")) => Kind::FileSha256,
        ("file", _, Some("SHA-512" | "SHA512")) => Kind::FileSha512,
        ("file", _, Some("SSDEEP")) => Kind::FileSsdeep,
        ("x509-certificate", _, Some("MD5")) => Kind::CertificateMd5,
        ("x509-certificate", _, Some("SHA-1" | "SHA1")) => Kind::CertificateSha1,
        ("x509-certificate", _, Some("SHA-256" | "SHA256")) => Kind::CertificateSha256,
        ("autonomous-system", "number", _) => Kind::AsNumber,
        ("mac-addr", "value", _) => Kind::Mac,
        ("mutex", "name", _) => Kind::Mutex,
        ("windows-registry-key", "key", _) => Kind::RegistryKey,
        ("user-account", "account_login" | "user_id", _) => Kind::Account,
        ("user-agent", "value", _) => Kind::UserAgent,
        ("bank-account", "iban", _) => Kind::Iban,
        ("phone-number", "value", _) => Kind::Phone,
        ("cryptocurrency-wallet", "value", _) => Kind::Wallet,
        _ => return None,
    };
    Atom::parse(kind, value).ok()
}

/// The value of what a reference names: an end of a connection, the sender of a mail.
fn of_reference(path: &str, value: &str) -> Option<Atom> {
    let kinds: &[Kind] = match path {
        "dst_ref.value" | "src_ref.value" => &[Kind::Ipv4, Kind::Ipv6, Kind::Domain],
        "from_ref.value" | "sender_ref.value" => &[Kind::Email],
        _ => return None,
    };
    kinds.iter().find_map(|kind| Atom::parse(*kind, value).ok())
}

/// Paths as patterns mostly write them, which are in their canonical spelling.
const PLAIN_PATHS: [&str; 8] = [
    "value",
    "name",
    "hashes.MD5",
    "hashes.'SHA-1'",
    "hashes.'SHA-256'",
    "hashes.'SHA-512'",
    "hashes.SSDEEP",
    "key",
];
/// More values than this in one pattern make no lists.
const ATOMS_MAX: usize = 4096;
