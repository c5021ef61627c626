//! An attribute of MISP, or an object with a pattern in it.

use crate::export::row::{Facts, Row, Rule, TlpWrite};
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{Timestamp, Tlp};
use std::borrow::Cow;
use std::io::Write;
use uuid::Uuid;

/// What becomes an attribute, or an object.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    /// MISP's type; of an object its name too.
    pub(super) kind: Cow<'a, str>,
    pub(super) category: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
    pub(super) comment: Cow<'a, str>,
    pub(super) tlp: Tlp,
    pub(super) pap: Pap,
    /// What else is said; nothing of values that were retracted.
    pub(super) facts: Option<&'a Facts>,
}

impl<'a> Line<'a> {
    /// A value, by the table of export formats §6.
    pub(super) fn of_row(row: &'a Row) -> Self {
        let value = row.atom.text();
        let (kind, category) = match row.atom.kind() {
            Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network => ("ip-dst", NETWORK),
            Kind::Domain if is_registrable(value) => ("domain", NETWORK),
            Kind::Domain => ("hostname", NETWORK),
            Kind::Url => ("url", NETWORK),
            Kind::Email => ("email-src", DELIVERY),
            Kind::FileName => ("filename", DELIVERY),
            Kind::FileMd5 => ("md5", DELIVERY),
            Kind::FileSha1 => ("sha1", DELIVERY),
            Kind::FileSha256 => ("sha256", DELIVERY),
            Kind::FileSha512 => ("sha512", DELIVERY),
            Kind::FileSsdeep => ("ssdeep", DELIVERY),
            Kind::CertificateMd5 => ("x509-fingerprint-md5", NETWORK),
            Kind::CertificateSha1 => ("x509-fingerprint-sha1", NETWORK),
            Kind::CertificateSha256 => ("x509-fingerprint-sha256", NETWORK),
            Kind::AsNumber => ("AS", NETWORK),
            Kind::Iban => ("iban", FRAUD),
            Kind::Phone => ("phone-number", FRAUD),
            Kind::Wallet => (currency(value), FRAUD),
            Kind::Mac | Kind::Mutex | Kind::RegistryKey | Kind::Account | Kind::UserAgent => {
                return Self::new(PATTERN, INSTALLATION, pattern(&row.atom).into(), &row.facts);
            }
        };
        Self::new(kind, category, value.into(), &row.facts)
    }

    /// A pattern.
    pub(super) fn of_rule(rule: &'a Rule) -> Self {
        let (kind, category) = match &*rule.language {
            "yara" => ("yara", INSTALLATION),
            "sigma" => ("sigma", INSTALLATION),
            "snort" | "suricata" => ("snort", NETWORK),
            _ => (PATTERN, INSTALLATION),
        };
        Self::new(kind, category, rule.text.as_str().into(), &rule.facts)
    }

    fn new(kind: &'a str, category: &'a str, value: Cow<'a, str>, facts: &'a Facts) -> Self {
        let (kind, category) = (kind.into(), category.into());
        let comment = facts.id.as_str().into();
        Self { kind, category, value, comment, tlp: facts.tlp, pap: facts.pap, facts: Some(facts) }
    }

    /// Is it written as an object around an attribute?
    pub(super) fn is_object(&self) -> bool {
        self.kind == PATTERN
    }

    /// Writes it. Levels are written where they differ from those of the event.
    pub(super) fn write(&self, out: &mut Vec<u8>, as_of: &Version, event: &Levels) {
        let Version { uuid, timestamp } = as_of;
        let deleted = if self.facts.is_none() { r#","deleted":true"# } else { "" };
        let seen = self.facts.map(seen).unwrap_or_default();
        let inner = match self.is_object() {
            true => {
                put(
                    out,
                    format_args!(
                        r#"{{"uuid":"{uuid}","name":"{PATTERN}","meta-category":"misc","description":"{DESCRIPTION}","template_uuid":"{TEMPLATE}","template_version":"4","timestamp":"{timestamp}","comment":"#
                    ),
                );
                json(out, &self.comment);
                put(out, format_args!(r#"{seen}{deleted},"Attribute":["#));
                Uuid::new_v5(uuid, PATTERN.as_bytes())
            }
            false => *uuid,
        };
        put(
            out,
            format_args!(r#"{{"uuid":"{inner}","type":"{}","category":"{}","#, self.kind, self.category),
        );
        if self.is_object() {
            put(out, format_args!(r#""object_relation":"{PATTERN}","#));
        }
        out.extend_from_slice(br#""value":"#);
        json(out, &self.value);
        let to_ids = self.facts.is_some_and(|facts| !facts.warned) && self.pap <= Pap::Green;
        put(out, format_args!(r#","to_ids":{to_ids},"timestamp":"{timestamp}","comment":"#));
        json(out, &self.comment);
        put(out, format_args!(r#"{seen}{deleted},"Tag":["#));
        self.tags(out, event);
        out.extend_from_slice(b"]}");
        if self.is_object() {
            let version = Uuid::new_v5(uuid, b"version");
            put(
                out,
                format_args!(
                    r#",{{"uuid":"{version}","type":"text","category":"Other","object_relation":"version","value":"{STIX}","to_ids":false,"timestamp":"{timestamp}","comment":""{deleted},"Tag":[]}}]}}"#
                ),
            );
        }
    }

    fn tags(&self, out: &mut Vec<u8>, event: &Levels) {
        let start = out.len();
        let of_event: Vec<_> = event.tlp_tags();
        let own = Levels { tlp: self.tlp, pap: self.pap, mode: event.mode }.tlp_tags();
        if own != of_event {
            own.iter().for_each(|(name, colour)| tag(out, start, name, colour));
        }
        if self.pap != event.pap {
            let (name, colour) = pap_tag(self.pap);
            tag(out, start, name, colour);
        }
        let Some(facts) = self.facts else { return };
        if let Some(class) = rsit_class(&facts.classification) {
            tag(out, start, &format!("rsit:{class}=\"{}\"", facts.classification), PLAIN);
        }
        if let Some(confidence) = facts.confidence {
            let word = confidence_word(confidence);
            tag(out, start, &format!("misp:confidence-level=\"{word}\""), PLAIN);
        }
    }
}

/// Which version of an attribute it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    pub(super) uuid: Uuid,
    pub(super) timestamp: i64,
}

/// The levels of an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    pub(super) tlp: Tlp,
    pub(super) pap: Pap,
    pub(super) mode: TlpWrite,
}

impl Levels {
    /// The event's tags.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.tlp_tags().iter().for_each(|(name, colour)| tag(out, start, name, colour));
        let (name, colour) = pap_tag(self.pap);
        tag(out, start, name, colour);
    }

    /// The names and colours: in one spelling or in both (governance §1.8).
    fn tlp_tags(&self) -> Vec<(&'static str, &'static str)> {
        let two = match self.tlp {
            Tlp::Clear => ("tlp:clear", "#FFFFFF"),
            Tlp::Green => ("tlp:green", "#33FF00"),
            Tlp::Amber => ("tlp:amber", "#FFC000"),
            Tlp::AmberStrict => ("tlp:amber+strict", "#FFC000"),
            Tlp::Red => ("tlp:red", "#FF2B2B"),
        };
        let one = match self.tlp {
            Tlp::Clear => ("tlp:white", "#FFFFFF"),
            Tlp::AmberStrict => ("tlp:red", "#FF2B2B"),
            _ => two,
        };
        match self.mode {
            TlpWrite::Two => vec![two],
            TlpWrite::One => vec![one],
            TlpWrite::Both if one == two => vec![two],
            TlpWrite::Both => vec![two, one],
        }
    }
}

fn pap_tag(pap: Pap) -> (&'static str, &'static str) {
    match pap {
        Pap::Clear => ("PAP:CLEAR", "#FFFFFF"),
        Pap::Green => ("PAP:GREEN", "#33FF00"),
        Pap::Amber => ("PAP:AMBER", "#FFC000"),
        Pap::Red => ("PAP:RED", "#FF2B2B"),
    }
}

fn tag(out: &mut Vec<u8>, start: usize, name: &str, colour: &str) {
    if out.len() > start {
        out.push(b',');
    }
    out.extend_from_slice(br#"{"name":"#);
    json(out, name);
    put(out, format_args!(r#","colour":"{colour}"}}"#));
}

/// Since when and until when; MISP refuses an end before the beginning.
fn seen(facts: &Facts) -> String {
    let text = |time: Timestamp| time.to_string().replace('Z', "+00:00");
    let first = facts.valid_from;
    let mut seen = format!(r#","first_seen":"{}""#, text(first));
    if let Some(last) = facts.valid_until.filter(|last| *last >= first) {
        seen += &format!(r#","last_seen":"{}""#, text(last));
    }
    seen
}

/// A value as a pattern (export formats §2).
fn pattern(atom: &Atom) -> String {
    let value = atom.text().replace('\\', "\\\\").replace('\'', "\\'");
    format!("[{}:{} = '{value}']", atom.kind().object_type(), atom.kind().path())
}

/// Is it the name right under a public suffix?
fn is_registrable(name: &str) -> bool {
    psl::domain_str(name).is_some_and(|domain| domain.len() == name.len())
}

/// Of addresses that say it by their looks.
fn currency(address: &str) -> &'static str {
    let is_base58 = |text: &str| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() && !matches!(b, b'0' | b'O' | b'I' | b'l'))
    };
    let is_old = address.starts_with(['1', '3']) && (26..=35).contains(&address.len());
    let is_new = address.starts_with("bc1") && !address.contains(':') && (42..=62).contains(&address.len());
    let is_dash = address.starts_with(['X', '7']) && address.len() == 34;
    let is_monero = address.starts_with(['4', '8']) && matches!(address.len(), 95 | 106);
    match is_base58(address) {
        true if is_old => "btc",
        true if is_dash => "dash",
        true if is_monero => "xmr",
        _ if is_new => "btc",
        _ => "other",
    }
}

/// The class of a type of RSIT (governance §9); `undetermined` says nothing.
fn rsit_class(name: &str) -> Option<&'static str> {
    RSIT.iter().find(|(_, types)| types.split(' ').any(|known| known == name)).map(|(class, _)| *class)
}

/// MISP's word for a confidence (governance §10).
fn confidence_word(confidence: u8) -> &'static str {
    match confidence {
        100.. => "completely-confident",
        75.. => "usually-confident",
        50.. => "fairly-confident",
        25.. => "rarely-confident",
        _ => "unconfident",
    }
}

/// A text in JSON.
pub(super) fn json(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a Vec takes everything");
}

/// Text as it is.
pub(super) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments) {
    out.write_fmt(text).expect("a Vec takes everything");
}

const PATTERN: &str = "stix2-pattern";
pub(super) const STIX: &str = "stix 2.1";
const DESCRIPTION: &str = "A pattern of STIX 2.1";
/// The template of MISP's own object for patterns.
const TEMPLATE: &str = "0c5bd072-7c3e-4d45-86f7-a8104d9143b9";
const NETWORK: &str = "Network activity";
const DELIVERY: &str = "Payload delivery";
const INSTALLATION: &str = "Payload installation";
const FRAUD: &str = "Financial fraud";
const PLAIN: &str = "#0088CC";
const RSIT: [(&str, &str); 11] = [
    ("abusive-content", "spam harmful-speech violence"),
    ("malicious-code", "infected-system c2-server malware-distribution malware-configuration"),
    ("information-gathering", "scanner sniffing social-engineering"),
    ("intrusion-attempts", "ids-alert brute-force exploit"),
    (
        "intrusions",
        "privileged-account-compromise unprivileged-account-compromise application-compromise system-compromise burglary",
    ),
    ("availability", "dos ddos misconfiguration sabotage outage"),
    (
        "information-content-security",
        "unauthorised-information-access unauthorised-information-modification data-loss data-leak",
    ),
    ("fraud", "unauthorised-use-of-resources copyright masquerade phishing"),
    (
        "vulnerable",
        "weak-crypto ddos-amplifier potentially-unwanted-accessible information-disclosure vulnerable-system",
    ),
    ("other", "other"),
    ("test", "test"),
];
