//! What a text that somebody looks up may be.

use crate::stix::atom::{Atom, Kind, Kinds};
use std::borrow::Cow;

/// A value that a text may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The value.
    pub atom: Atom,
    /// Of a URL its host, if that is an address.
    pub address: Option<Box<Atom>>,
}

/// The kinds of these types of observables; the first type that has none is an error.
pub fn kinds_of(types: &[String]) -> Result<Kinds, String> {
    let mut found = Vec::new();
    for name in types {
        let before = found.len();
        found.extend(Kind::ALL.into_iter().filter(|kind| kind.object_type() == name));
        if found.len() == before {
            let mut known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.object_type()).collect();
            known.dedup();
            return Err(format!("types: `{name}` is none of {}", known.join(", ")));
        }
    }
    Ok(Kinds::of(&found))
}

/// Gives everything that a text may be to `give`, of certain kinds or of those that its form suggests. `known` are
/// kinds that there is anything to say of; of others nothing is read, if their values meet only their like.
pub fn readings(text: &str, kinds: Option<Kinds>, known: Kinds, give: &mut impl FnMut(Reading)) {
    let text = refanged(text.trim());
    let mut take = |kind: Kind| {
        let number = (kind == Kind::AsNumber).then(|| as_number(&text)).flatten();
        let Ok(atom) = Atom::parse(kind, number.unwrap_or(&text)) else { return };
        let host = if kind == Kind::Url { atom.host() } else { None };
        let address =
            |host: &str| Atom::parse(Kind::Ipv4, host).or_else(|_| Atom::parse(Kind::Ipv6, host)).ok();
        let address = host.filter(|host| is_like_address(host)).and_then(address).map(Box::new);
        give(Reading { address, atom });
    };
    let is_of_use = |kind: &Kind| MEETING.has(*kind) || known.has(*kind);
    match kinds {
        // An address is the same whether it is asked for as a network or not.
        Some(kinds) => Kind::ALL
            .into_iter()
            .filter(|kind| kinds.has(*kind) && !matches!(kind, Kind::Ipv4Network | Kind::Ipv6Network))
            .filter(is_of_use)
            .for_each(&mut take),
        None => suggested(&text).filter(is_of_use).for_each(&mut take),
    }
}

/// The kinds that the form of a text suggests.
fn suggested(text: &str) -> impl Iterator<Item = Kind> {
    let colons = text.bytes().take(64).filter(|byte| *byte == b':').count();
    let is_digit = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let is_hash = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lists: [&'static [Kind]; 2] = match text.len() {
        _ if text.contains("://") => [&[Kind::Url], if text.contains(' ') { PLAIN } else { &[] }],
        32 if is_hash => [&[Kind::FileMd5, Kind::CertificateMd5], &[]],
        40 if is_hash => [&[Kind::FileSha1, Kind::CertificateSha1], &[]],
        64 if is_hash => [&[Kind::FileSha256, Kind::CertificateSha256], &[]],
        128 if is_hash => [&[Kind::FileSha512], &[]],
        _ if is_digit && is_like_v4(text) => [&[Kind::Ipv4], &[]],
        _ if colons > 1 && is_like_address(text) => [&[Kind::Ipv6, Kind::Mac], &[]],
        _ if text.contains('@') => [&[Kind::Email], PLAIN],
        _ if colons == 2 => [&[Kind::FileSsdeep], PLAIN],
        _ if text.contains('.') => [&[Kind::Domain], PLAIN],
        _ => [&[Kind::AsNumber, Kind::Mac, Kind::Iban, Kind::Phone, Kind::Wallet], PLAIN],
    };
    lists.into_iter().flatten().copied()
}

fn is_like_v4(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'))
}

/// Nothing else is an address or a network.
fn is_like_address(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b'/' | b':');
    text.bytes().all(is_part) && (text.contains(':') || is_like_v4(text))
}

/// `AS64500` without its letters.
fn as_number(text: &str) -> Option<&str> {
    text.get(..2).filter(|start| start.eq_ignore_ascii_case("as")).map(|_| &text[2..])
}

/// People write addresses so that nobody follows them by mistake: `hxxps://a[.]example`.
fn refanged(text: &str) -> Cow<'_, str> {
    let is_hxx = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("hxx"));
    let is_marked = || ["[.]", "[:]", "[@]", "[at]"].iter().any(|mark| text.contains(mark));
    if !(is_hxx || text.contains('[') && is_marked()) {
        return Cow::Borrowed(text);
    }
    let mut text = text.replace("[.]", ".").replace("[:]", ":").replace("[@]", "@").replace("[at]", "@");
    if is_hxx && (text[3..].starts_with("p:") || text[3..].starts_with("ps:")) {
        text.replace_range(..3, "htt");
    }
    Cow::Owned(text)
}

/// Kinds whose values meet values of other kinds too.
const MEETING: Kinds = Kinds::of(&[
    Kind::Ipv4,
    Kind::Ipv4Network,
    Kind::Ipv6,
    Kind::Ipv6Network,
    Kind::Domain,
    Kind::Url,
    Kind::Email,
]);
/// Kinds that any text may be of.
const PLAIN: &[Kind] = &[Kind::FileName, Kind::Mutex, Kind::RegistryKey, Kind::Account, Kind::UserAgent];

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, kinds: Option<Kinds>, known: Kinds) -> Vec<Reading> {
        let mut found = Vec::new();
        readings(text, kinds, known, &mut |reading| found.push(reading));
        found
    }

    fn read(text: &str) -> Vec<String> {
        let shown = |reading: Reading| format!("{:?} {}", reading.atom.kind(), reading.atom);
        all(text, None, Kinds::ALL).into_iter().map(shown).filter(|text| !is_plain(text)).collect()
    }

    fn is_plain(text: &str) -> bool {
        PLAIN.iter().any(|kind| text.starts_with(&format!("{kind:?} ")))
    }

    #[test]
    fn texts_are_what_they_look_like() {
        assert_eq!(read("198.51.100.7"), ["Ipv4 198.51.100.7"]);
        assert_eq!(read("198.51.100.7/24"), ["Ipv4Network 198.51.100.0/24"]);
        assert_eq!(read("2001:DB8::1"), ["Ipv6 2001:db8::1"]);
        assert_eq!(read("00:00:5e:00:53:01"), ["Mac 00:00:5e:00:53:01"]);
        assert_eq!(read("Evil.Example."), ["Domain evil.example"]);
        assert_eq!(read("HTTP://Evil.example:80/x#y"), ["Url http://evil.example/x"]);
        assert_eq!(read("Bad@Evil.example"), ["Email bad@evil.example"]);
        assert_eq!(read(&"AB".repeat(16)).len(), 2);
        assert_eq!(read(&"AB".repeat(64)), [format!("FileSha512 {}", "ab".repeat(64))]);
        assert_eq!(read("AS64500"), ["AsNumber 64500"]);
        assert_eq!(read("999.1.1.1"), [""; 0]);
        assert_eq!(read("   "), [""; 0]);
        let names: Vec<Kind> =
            all("invoice.exe", None, Kinds::ALL).iter().map(|reading| reading.atom.kind()).collect();
        assert!(names.contains(&Kind::FileName) && names.contains(&Kind::Domain));
    }

    #[test]
    fn what_was_made_harmless_is_read_as_it_was_meant() {
        assert_eq!(read("hxxps://evil[.]example/a"), ["Url https://evil.example/a"]);
        assert_eq!(read("198.51.100[.]7"), ["Ipv4 198.51.100.7"]);
        assert_eq!(read("bad[@]evil[.]example"), ["Email bad@evil.example"]);
        assert_eq!(read("hxxperts.example"), ["Domain hxxperts.example"]);
    }

    #[test]
    fn types_leave_the_others_out_and_must_be_known() {
        let kinds =
            |names: &[&str]| kinds_of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let found = all("a.exe", Some(kinds(&["file"]).unwrap()), Kinds::ALL);
        assert_eq!(found.iter().map(|reading| reading.atom.kind()).collect::<Vec<_>>(), [Kind::FileName]);
        assert_eq!(all("198.51.100.7", Some(kinds(&["domain-name"]).unwrap()), Kinds::ALL), []);
        assert_eq!(all("198.51.100.7", Some(kinds(&["ipv4-addr"]).unwrap()), Kinds::ALL).len(), 1);
        assert!(kinds(&["indicator"]).unwrap_err().contains("ipv4-addr"));
    }

    #[test]
    fn what_nothing_is_known_of_is_not_read_unless_it_meets_other_kinds() {
        let read = |text: &str, known: &[Kind]| {
            let found = all(text, None, Kinds::of(known));
            found.iter().map(|reading| reading.atom.kind()).collect::<Vec<_>>()
        };
        assert_eq!(read("a.example", &[]), [Kind::Domain]);
        assert_eq!(read("a.example", &[Kind::Mutex, Kind::Url]), [Kind::Domain, Kind::Mutex]);
        assert_eq!(read("a@b.example", &[Kind::Account]), [Kind::Email, Kind::Account]);
        assert_eq!(read("http://a.example/", &[]), [Kind::Url]);
        assert_eq!(read("2001:db8::/32", &[]), [Kind::Ipv6Network]);
        assert_eq!(read(&"ab".repeat(16), &[Kind::CertificateMd5]), [Kind::CertificateMd5]);
        assert_eq!(read("anything", &[]), []);
    }

    #[test]
    fn urls_of_addresses_have_the_address_too() {
        let address = |text: &str| all(text, None, Kinds::ALL)[0].address.as_ref().map(ToString::to_string);
        assert_eq!(address("http://198.51.100.7:81/x").as_deref(), Some("198.51.100.7"));
        assert_eq!(address("http://[2001:db8::7]/x").as_deref(), Some("2001:db8::7"));
        assert_eq!(address("http://abc.example/x"), None);
    }
}
