//! JSON lines in the Elastic Common Schema, as indicator documents.

use super::records::{JSON_LINES, Millis, NoOptions, Seconds, line, owners, summary};
use super::{Class, Files, Format, Input, options};
use crate::export::row::{Row, TlpWrite};
use crate::stix::atom::Kind;
use serde::Serialize;
use std::borrow::Cow;

/// The format (export formats §4).
pub(super) struct Ecs;

impl Format for Ecs {
    fn name(&self) -> &'static str {
        "ecs"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        !matches!(kind, Kind::FileSsdeep | Kind::UserAgent | Kind::Iban | Kind::Phone | Kind::Wallet)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let mut text = Vec::with_capacity(800 * input.rows.len());
        for row in input.rows {
            let document = document(row, input.about.tlp_write);
            serde_json::to_writer(&mut text, &document).map_err(|error| error.to_string())?;
            text.push(b'\n');
        }
        files.add(format!("{}.ecs.ndjson", input.about.name), JSON_LINES, text, input.rows.len());
        Ok(())
    }
}

fn document(row: &Row, tlp_write: TlpWrite) -> Document<'_> {
    let facts = &row.facts;
    let tags = std::iter::once(&facts.classification).chain(&facts.labels).map(|tag| line(tag));
    Document {
        timestamp: Millis(facts.modified),
        ecs: Version { version: "8.17.0" },
        event: EVENT,
        threat: Threat { feed: Feed { name: &facts.collection }, indicator: indicator(row, tlp_write) },
        liaison: Liaison {
            stix_id: &facts.id,
            network: is_network(row.atom.kind()).then(|| row.atom.text()),
            x509: certificate(row),
            valid_until: facts.valid_until.map(Seconds),
            pap: facts.pap.name(),
        },
        tags: tags.filter(|tag| !tag.is_empty()).collect(),
    }
}

fn indicator(row: &Row, tlp_write: TlpWrite) -> Indicator<'_> {
    let (kind, value, facts) = (row.atom.kind(), row.atom.text(), &row.facts);
    let of = |wanted: Kind| (kind == wanted).then_some(value);
    Indicator {
        kind: kind.object_type(),
        name: value,
        ip: of(Kind::Ipv4).or(of(Kind::Ipv6)),
        url: match kind {
            Kind::Domain => Some(Url { domain: Some(value), ..Url::default() }),
            Kind::Url => Some(Url { full: Some(value), original: Some(value), ..Url::default() }),
            _ => None,
        },
        email: of(Kind::Email).map(|address| Email { address }),
        file: file(row),
        number: of(Kind::AsNumber).and_then(|text| text.parse().ok()).map(|number| As { number }),
        registry: of(Kind::RegistryKey).map(|path| Registry { path }),
        description: Some(summary(facts)).filter(|text| !text.is_empty()),
        confidence: match facts.confidence {
            None => "Not Specified",
            Some(0) => "None",
            Some(1..=29) => "Low",
            Some(30..=69) => "Medium",
            Some(_) => "High",
        },
        first_seen: Millis(facts.valid_from),
        modified_at: Millis(facts.modified),
        provider: Some(owners(facts)).filter(|text| !text.is_empty()),
        marking: Marking {
            tlp: tlp_write.word(facts.tlp),
            tlp_version: if tlp_write == TlpWrite::One { "1.0" } else { "2.0" },
        },
    }
}

/// The address of a network is no address: matching it alone would be wrong both ways.
fn is_network(kind: Kind) -> bool {
    matches!(kind, Kind::Ipv4Network | Kind::Ipv6Network)
}

fn file(row: &Row) -> Option<File<'_>> {
    let value = Some(row.atom.text());
    let hash = match row.atom.kind() {
        Kind::FileMd5 => Hash { md5: value, ..Hash::default() },
        Kind::FileSha1 => Hash { sha1: value, ..Hash::default() },
        Kind::FileSha256 => Hash { sha256: value, ..Hash::default() },
        Kind::FileSha512 => Hash { sha512: value, ..Hash::default() },
        Kind::FileName => return Some(File { hash: None, name: value }),
        _ => return None,
    };
    Some(File { hash: Some(hash), name: None })
}

/// The schema's `x509` has no place for a certificate's hash.
fn certificate(row: &Row) -> Option<X509<'_>> {
    let value = Some(row.atom.text());
    let hash = match row.atom.kind() {
        Kind::CertificateMd5 => Hash { md5: value, ..Hash::default() },
        Kind::CertificateSha1 => Hash { sha1: value, ..Hash::default() },
        Kind::CertificateSha256 => Hash { sha256: value, ..Hash::default() },
        _ => return None,
    };
    Some(X509 { hash })
}

const EVENT: Event = Event {
    kind: "enrichment",
    category: ["threat"],
    types: ["indicator"],
    module: "liaison",
    dataset: "liaison.indicator",
};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: Millis,
    ecs: Version,
    event: Event,
    threat: Threat<'a>,
    liaison: Liaison<'a>,
    tags: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

#[derive(Serialize)]
struct Event {
    kind: &'static str,
    category: [&'static str; 1],
    #[serde(rename = "type")]
    types: [&'static str; 1],
    module: &'static str,
    dataset: &'static str,
}

#[derive(Serialize)]
struct Threat<'a> {
    feed: Feed<'a>,
    indicator: Indicator<'a>,
}

#[derive(Serialize)]
struct Feed<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Indicator<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File<'a>>,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    number: Option<As>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<Registry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    confidence: &'static str,
    first_seen: Millis,
    modified_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Cow<'a, str>>,
    marking: Marking,
}

#[derive(Serialize, Default)]
struct Url<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<&'a str>,
}

#[derive(Serialize)]
struct Email<'a> {
    address: &'a str,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<Hash<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize, Default)]
struct Hash<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha512: Option<&'a str>,
}

#[derive(Serialize)]
struct X509<'a> {
    hash: Hash<'a>,
}

#[derive(Serialize)]
struct As {
    number: u32,
}

#[derive(Serialize)]
struct Registry<'a> {
    path: &'a str,
}

#[derive(Serialize)]
struct Marking {
    tlp: &'static str,
    tlp_version: &'static str,
}

#[derive(Serialize)]
struct Liaison<'a> {
    stix_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x509: Option<X509<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Seconds>,
    pap: &'static str,
}

#[cfg(test)]
mod tests {
    use super::super::records::testing::{json_lines, rows, three, written};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_comes_back_where_its_type_has_it(rows in rows()) {
            let files = written(&Ecs, &rows, "");
            let taken: Vec<_> = rows.iter().filter(|row| Ecs.takes(row.atom.kind())).collect();
            let documents = json_lines(&files.files[0].bytes);
            prop_assert_eq!(documents.len(), taken.len());
            for (row, document) in taken.iter().zip(&documents) {
                let (value, found) = (row.atom.text(), &document["threat"]["indicator"]);
                prop_assert_eq!(&found["name"], value);
                prop_assert_eq!(&document["liaison"]["stix_id"], &row.facts.id);
                prop_assert_eq!(&found["marking"]["tlp"], row.facts.tlp.name());
                let kind = row.atom.kind();
                let place = match kind.name() {
                    "ipv4-addr" | "ipv6-addr" if is_network(kind) => {
                        prop_assert!(found.get("ip").is_none());
                        &document["liaison"]["network"]
                    }
                    "ipv4-addr" | "ipv6-addr" => &found["ip"],
                    "domain-name" => &found["url"]["domain"],
                    "url" => &found["url"]["full"],
                    "email-addr" => &found["email"]["address"],
                    "file:name" => &found["file"]["name"],
                    "file:hashes.MD5" => &found["file"]["hash"]["md5"],
                    "file:hashes.'SHA-1'" => &found["file"]["hash"]["sha1"],
                    "file:hashes.'SHA-256'" => &found["file"]["hash"]["sha256"],
                    "x509-certificate:hashes.'SHA-1'" => &document["liaison"]["x509"]["hash"]["sha1"],
                    "windows-registry-key" => &found["registry"]["path"],
                    _ => &found["name"],
                };
                prop_assert_eq!(place, value);
            }
        }
    }

    #[test]
    fn confidence_is_a_word_and_unknown_is_not_none() {
        let word = |confidence| {
            let rows = three(Kind::Domain, [confidence; 3]);
            json_lines(&written(&Ecs, &rows, "").files[0].bytes)[0]["threat"]["indicator"]["confidence"]
                .clone()
        };
        let expected = [
            (None, "Not Specified"),
            (Some(0), "None"),
            (Some(1), "Low"),
            (Some(29), "Low"),
            (Some(30), "Medium"),
            (Some(69), "Medium"),
            (Some(70), "High"),
            (Some(100), "High"),
        ];
        for (confidence, expected) in expected {
            assert_eq!(word(confidence), expected);
        }
    }
}
