//! What the place of a value, and the value itself, say of whether it is an indicator.

use super::layout::{self, Layout};
use super::{Found, Region};
use crate::stix::atom::{Atom, Kind};
use crate::submission::What;
use aho_corasick::AhoCorasick;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Sets the region of each found value, by its place and by what it is.
pub(super) fn settle(text: &str, layout: &Layout, found: &mut [Found]) {
    for one in found.iter_mut() {
        one.region = region(text, layout, one);
    }
    // Who makes one harmless makes all harmless that may not be followed; the others may.
    let is_defanging =
        found.iter().any(|one| one.is_defanged && one.region == Region::Body && names_place(&one.what));
    if !is_defanging && is_demand(text, found) {
        // Those who demand money leave their own addresses.
        found.iter_mut().filter(|one| one.region == Region::Footer).for_each(|one| one.region = Region::Body);
    }
    if !is_defanging {
        settle_kin(text, found);
    }
    if is_defanging {
        let live = found.iter_mut().filter(|one| {
            !one.is_defanged && one.region == Region::Body && is_name(&one.what) && !is_at_address(&one.what)
        });
        live.for_each(|one| one.region = Region::Reference);
    }
}

/// A link of the same owner as a name that counts is of the same kind: swindlers write contacts and notices too.
/// So is the address that a lure asks to write to, if a link of it counts; other texts have addresses of their
/// writers, or of victims that they only mention.
fn settle_kin(text: &str, found: &mut [Found]) {
    let owners = |is_meant: fn(&What) -> bool| -> HashSet<String> {
        let counted = found.iter().filter(|one| one.region == Region::Body && is_meant(&one.what));
        counted.filter_map(|one| owner(&one.what)).collect()
    };
    let mut linked = owners(|what| is_of_kind(what, Kind::Url));
    if !linked.is_empty() && !is_lure(text) {
        linked.clear();
    }
    let counted = owners(|_| true);
    for one in found.iter_mut().filter(|one| matches!(one.region, Region::Footer | Region::Reference)) {
        let owners = match &one.what {
            What::Value(atom) if atom.kind() == Kind::Url && !is_furniture(atom) => &counted,
            What::Value(atom) if atom.kind() == Kind::Email && sentence(text, one) == Region::Footer => {
                &linked
            }
            _ => continue,
        };
        if owner(&one.what).is_some_and(|owner| owners.contains(&owner)) {
            one.region = Region::Body;
        }
    }
}

fn is_of_kind(what: &What, kind: Kind) -> bool {
    matches!(what, What::Value(atom) if atom.kind() == kind)
}

/// The name that the owner of a host has registered.
fn owner(what: &What) -> Option<String> {
    let What::Value(atom) = what else { return None };
    psl::domain_str(atom.host().filter(|_| is_name(what))?).map(str::to_owned)
}

fn region(text: &str, layout: &Layout, one: &Found) -> Region {
    let section = layout.at(one.at.start).region;
    match (section, &one.what) {
        // Numbers and hashes in a list of references are of no other meaning than elsewhere.
        (Region::Reference, what) if one.is_defanged || !is_name(what) => Region::Body,
        (Region::Body, what) if is_name(what) && !one.is_defanged && sentence(text, one) != Region::Body => {
            sentence(text, one)
        }
        (Region::Body, What::Value(atom))
            if is_furniture(atom)
                || is_namespace(text, one, atom)
                || is_name(&one.what) && is_in_agent(text, one) =>
        {
            Region::Reference
        }
        (section, _) => section,
    }
}

/// What the sentence up to a value makes of it.
fn sentence(text: &str, one: &Found) -> Region {
    let mut start = one.at.start.saturating_sub(SENTENCE_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lead = text[start..one.at.start].rsplit(['\n', '|', ';', '•']).next().unwrap_or_default();
    layout::of_sentence(lead.rsplit(". ").next().unwrap_or_default())
}

/// A name of a place that one may follow, which live values of reports often only refer to.
fn is_name(what: &What) -> bool {
    matches!(what, What::Value(atom) if matches!(atom.kind(), Kind::Domain | Kind::Url | Kind::Email))
}

/// A URL at an address: nobody refers to one.
fn is_at_address(what: &What) -> bool {
    let What::Value(atom) = what else { return false };
    let host = atom.host().filter(|_| atom.kind() == Kind::Url).unwrap_or_default();
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

/// A place in the network.
fn names_place(what: &What) -> bool {
    use Kind::{Ipv4, Ipv4Network, Ipv6, Ipv6Network};
    is_name(what)
        || matches!(what, What::Value(atom) if matches!(atom.kind(), Ipv4 | Ipv4Network | Ipv6 | Ipv6Network))
}

/// Definitions, schemas and catalogues that every report links to.
fn is_furniture(atom: &Atom) -> bool {
    if !matches!(atom.kind(), Kind::Domain | Kind::Url) {
        return false;
    }
    let Some(host) = atom.host() else { return false };
    let host = host.strip_prefix("www.").unwrap_or(host);
    let is_below =
        |one: &str| host.strip_suffix(one).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let path =
        atom.text().split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    FURNITURE.iter().any(|one| is_below(one))
        || host.starts_with("schemas.")
        || FURNITURE_PATHS.iter().any(|(one, start)| is_below(one) && path.starts_with(start))
}

/// The name of a vocabulary of XML, JSON or RDF: nobody follows it.
fn is_namespace(text: &str, one: &Found, atom: &Atom) -> bool {
    if atom.kind() != Kind::Url {
        return false;
    }
    let mut start = one.at.start.saturating_sub(SENTENCE_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lead = text[start..one.at.start].trim_end_matches(['"', '\'', '<', ' ']);
    let key = lead.trim_end_matches(['=', ':', '"', '\'', ' ']);
    let name = key.rsplit(|c: char| c.is_whitespace() || "\"'{,<".contains(c)).next().unwrap_or_default();
    let is_named = lead.len() > key.len()
        && (name.starts_with("xmlns") || NAMESPACES.iter().any(|one| name.eq_ignore_ascii_case(one)));
    let opened = text[start..one.at.start].rsplit(['"', '\'']).nth(1).unwrap_or_default();
    let is_schema = [".dtd", ".xsd"].iter().any(|end| atom.text().ends_with(end));
    is_named || is_schema || opened.ends_with("schemaLocation=") || key.ends_with("@prefix")
}

/// Does a text demand money: a wallet or an account, and a threat to those who read it?
fn is_demand(text: &str, found: &[Found]) -> bool {
    let is_account = |one: &Found| {
        one.region == Region::Body
            && matches!(&one.what, What::Value(atom) if matches!(atom.kind(), Kind::Wallet | Kind::Iban))
    };
    found.iter().any(is_account)
        && !OFFICIAL.iter().any(|word| text.contains(word))
        && DEMANDS.as_ref().is_some_and(|phrases| phrases.is_match(text))
}

/// Does a text speak to the customers of somebody, as messages of swindlers do?
fn is_lure(text: &str) -> bool {
    !OFFICIAL.iter().any(|word| text.contains(word))
        && LURES.as_ref().is_some_and(|phrases| phrases.is_match(text))
}

/// Is a value part of a user agent, in quotation marks or up to the end of its line?
fn is_in_agent(text: &str, one: &Found) -> bool {
    let mut start = one.at.start.saturating_sub(AGENT_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lead = &text[start..one.at.start];
    let lead = lead.rsplit(['\n', '"']).next().unwrap_or_default();
    // `(+http://` in the name of a robot; in a request a plus sign stands for a blank.
    let is_added = lead.strip_suffix('+').is_some_and(|lead| !lead.ends_with(char::is_alphanumeric));
    is_added || lead.contains("Mozilla/") || AGENTS.iter().any(|label| lead.contains(label))
}

/// Attributes and keys whose value is the name of a vocabulary.
const NAMESPACES: &[&str] = &[
    "targetNamespace",
    "namespace",
    "$schema",
    "@context",
    "@vocab",
    "xsi:noNamespaceSchemaLocation",
    "prefix",
];
/// Words of those who write reports.
const OFFICIAL: &[&str] = &["TLP", "CERT", "CSIRT", "dvisory"];
/// Phrases of those who write demands.
static DEMANDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let phrases = [
        "you pay",
        "your files",
        "your data",
        "your network",
        "your documents",
        "your server",
        "pay us",
        "your password",
        "i recorded you",
        "ihre dateien",
        "ihre daten",
        "vos fichiers",
        "sus archivos",
        "i tuoi file",
        "ваши файлы",
        "twoje pliki",
        "decrypt",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(phrases).ok()
});
/// Phrases of those who want somebody to sign in or to pay; letters beyond ASCII in one case.
static LURES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let phrases = [
        "dear customer",
        "dear client",
        "your account has",
        "your account will",
        "your account is",
        "your parcel",
        "your package",
        "your card",
        "your invoice",
        "update your data",
        "verify your",
        "kundin",
        "lieber kunde",
        "geehrter kunde",
        "ihre daten",
        "ihr konto",
        "ihr paket",
        "ihre karte",
        "cher client",
        "votre compte",
        "votre colis",
        "votre carte",
        "estimado cliente",
        "su cuenta",
        "su paquete",
        "gentile cliente",
        "suo conto",
        "suo account",
        "geachte klant",
        "uw rekening",
        "uw pakket",
        "drogi kliencie",
        "twoje konto",
        "twoja paczka",
        "уважаемый клиент",
        "ваш аккаунт",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(phrases).ok()
});
const SENTENCE_BYTES_MAX: usize = 120;
const AGENT_BYTES_MAX: usize = 300;
const AGENTS: &[&str] = &["User-Agent:", "User-agent:", "user-agent:", "user_agent=", "User Agent:"];

/// Hosts of definitions and catalogues.
const FURNITURE: &[&str] = &[
    "nvd.nist.gov",
    "cve.org",
    "cve.mitre.org",
    "attack.mitre.org",
    "capec.mitre.org",
    "cwe.mitre.org",
    "d3fend.mitre.org",
    "w3.org",
    "json-schema.org",
    "docs.oasis-open.org",
    "xml.org",
    "xmlns.com",
    "purl.org",
    "xmlsoap.org",
    "openxmlformats.org",
    "creativecommons.org",
    "opensource.org",
    "choosealicense.com",
    "spdx.org",
];
/// Parts of other hosts.
const FURNITURE_PATHS: &[(&str, &str)] = &[
    ("first.org", "tlp"),
    ("first.org", "cvss"),
    ("first.org", "epss"),
    ("cisa.gov", "tlp"),
    ("us-cert.gov", "tlp"),
    ("apache.org", "licenses"),
    ("gnu.org", "licenses"),
    ("cisa.gov", "known-exploited-vulnerabilities"),
    ("cisa.gov", "news-events/news/traffic-light-protocol"),
    ("first.org", "global/sigs/tlp"),
    ("enisa.europa.eu", "topics/csirts-in-europe/glossary/considerations-on-the-traffic-light-protocol"),
];
