//! The values that objects name: of an indicator those that each alone fulfil its pattern, of an observable
//! its own.

use super::{Atom, Kind};
use crate::stix::pattern;
use serde_json::Value;

/// What an indicator's pattern says as a list of values, if it can be said so.
pub fn of_indicator(pattern: &str) -> Option<Vec<Atom>> {
    let parsed = pattern::Pattern::parse(pattern).ok()?;
    let plain = parsed.atoms();
    if plain.is_empty() {
        return None;
    }
    // All or nothing: a list with some of them would say less than the pattern.
    let atoms: Option<Vec<Atom>> =
        plain.iter().map(|one| of_path(&one.object_type, &one.path, &one.value)).collect();
    let mut atoms = atoms?;
    atoms.sort_unstable();
    atoms.dedup();
    (atoms.len() <= ATOMS_MAX).then_some(atoms)
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
fn of_path(object_type: &str, path: &str, value: &str) -> Option<Atom> {
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

/// More values than this in one pattern make no lists.
const ATOMS_MAX: usize = 4096;
