//! Events of IntelMQ, as JSON lines.

use super::records::{JSON_LINES, NoOptions, Seconds, line, old_tlp, owners};
use super::{Class, Files, Format, Input, options};
use crate::export::row::{Facts, Row};
use crate::stix::atom::Kind;
use serde::Serializer;
use serde::ser::SerializeMap;

/// The format (export formats §7).
pub(super) struct IntelMq;

impl Format for IntelMq {
    fn name(&self) -> &'static str {
        "intelmq"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes_descriptions(&self) -> bool {
        true
    }

    fn takes(&self, kind: Kind) -> bool {
        key(kind).is_some()
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let mut text = Vec::with_capacity(480 * input.rows.len());
        let mut written = 0;
        for row in input.rows {
            let Some(key) = key(row.atom.kind()) else {
                files.leave_out("no_place");
                continue;
            };
            if !keeps(row.atom.text()) {
                files.leave_out("no_place");
                continue;
            }
            event(&mut text, key, row).map_err(|error| error.to_string())?;
            text.push(b'\n');
            written += 1;
        }
        files.add(format!("{}.intelmq.jsonl", input.about.name), JSON_LINES, text, written);
        Ok(())
    }
}

/// Does it keep such a value? It takes white space off the ends, and a few words for no value.
fn keeps(value: &str) -> bool {
    value.trim() == value && !matches!(value, "-" | "N/A")
}

fn event(text: &mut Vec<u8>, key: &str, row: &Row) -> serde_json::Result<()> {
    let facts = &row.facts;
    let mut serializer = serde_json::Serializer::new(text);
    let mut event = serializer.serialize_map(None)?;
    event.serialize_entry("classification.type", classification(facts))?;
    match row.atom.text().parse::<u32>() {
        Ok(number) if row.atom.kind() == Kind::AsNumber => event.serialize_entry(key, &number)?,
        _ => event.serialize_entry(key, row.atom.text())?,
    }
    let from = Seconds(facts.valid_from).to_string().replace('Z', "+00:00");
    event.serialize_entry("time.source", &from)?;
    event.serialize_entry("feed.name", &facts.collection)?;
    let texts = [("feed.provider", owners(facts)), ("comment", comment(facts))];
    for (key, text) in texts.iter().filter(|(_, text)| keeps(text) && !text.is_empty()) {
        event.serialize_entry(key, text)?;
    }
    if let Some(confidence) = facts.confidence {
        event.serialize_entry("feed.accuracy", &f64::from(confidence))?;
    }
    event.serialize_entry("tlp", old_tlp(facts.tlp))?;
    event.serialize_entry("extra.stix_id", &facts.id)?;
    event.serialize_entry("extra.tlp2", facts.tlp.name())?;
    if let Some(until) = facts.valid_until {
        event.serialize_entry("extra.valid_until", &Seconds(until))?;
    }
    event.end()
}

fn comment(facts: &Facts) -> std::borrow::Cow<'_, str> {
    match line(&facts.description) {
        description if description.is_empty() => line(&facts.name),
        description => description,
    }
}

/// The key of a kind of value.
fn key(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Ipv4 | Kind::Ipv6 => "source.ip",
        Kind::Ipv4Network | Kind::Ipv6Network => "source.network",
        Kind::Domain => "source.fqdn",
        Kind::Url => "source.url",
        Kind::Email | Kind::Account => "source.account",
        Kind::FileMd5 => "malware.hash.md5",
        Kind::FileSha1 => "malware.hash.sha1",
        Kind::FileSha256 => "malware.hash.sha256",
        Kind::AsNumber => "source.asn",
        _ => return None,
    })
}

/// Its word for the incident taxonomy's type (governance §9). It drops events with a word that it does not
/// know, so what is none of the taxonomy's is undetermined.
fn classification(facts: &Facts) -> &str {
    match &*facts.classification {
        "unauthorised-use-of-resources" => "unauthorized-use-of-resources",
        "other" if facts.indicator_types.iter().any(|word| word == "anonymization") => "tor",
        word if TYPES.contains(&word) => word,
        _ => "undetermined",
    }
}

/// Types of the taxonomy that it spells alike.
const TYPES: [&str; 38] = [
    "spam",
    "harmful-speech",
    "violence",
    "infected-system",
    "c2-server",
    "malware-distribution",
    "malware-configuration",
    "scanner",
    "sniffing",
    "social-engineering",
    "ids-alert",
    "brute-force",
    "exploit",
    "privileged-account-compromise",
    "unprivileged-account-compromise",
    "application-compromise",
    "system-compromise",
    "burglary",
    "dos",
    "ddos",
    "misconfiguration",
    "sabotage",
    "outage",
    "unauthorised-information-access",
    "unauthorised-information-modification",
    "data-loss",
    "data-leak",
    "copyright",
    "masquerade",
    "phishing",
    "weak-crypto",
    "ddos-amplifier",
    "potentially-unwanted-accessible",
    "information-disclosure",
    "vulnerable-system",
    "other",
    "undetermined",
    "test",
];

#[cfg(test)]
mod tests {
    use super::super::records::testing::{json_lines, rows, three, written};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_comes_back_at_its_key(rows in rows()) {
            let files = written(&IntelMq, &rows, "");
            let events = json_lines(&files.files[0].bytes);
            let taken: Vec<_> = rows.iter().filter(|row| IntelMq.takes(row.atom.kind())).collect();
            let kept: Vec<_> = taken.iter().filter(|row| keeps(row.atom.text())).collect();
            prop_assert_eq!(events.len(), kept.len());
            let left_out = files.left_out.get("no_place").copied().unwrap_or(0);
            prop_assert_eq!(left_out, (taken.len() - kept.len()) as u64);
            for (row, event) in kept.iter().zip(&events) {
                let found = &event[key(row.atom.kind()).unwrap()];
                let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                prop_assert_eq!(&found, row.atom.text());
                prop_assert_eq!(&event["extra.stix_id"], &row.facts.id);
                prop_assert_eq!(&event["extra.tlp2"], row.facts.tlp.name());
                prop_assert_eq!(event["feed.accuracy"].as_f64(), row.facts.confidence.map(f64::from));
            }
        }
    }

    #[test]
    fn words_are_those_that_it_knows() {
        let word = |classification: &str, types: &[&str]| {
            let mut rows = three(Kind::Domain, [None; 3]);
            rows.truncate(1);
            rows[0].facts.classification = classification.to_owned();
            rows[0].facts.indicator_types = types.iter().map(|word| (*word).to_owned()).collect();
            json_lines(&written(&IntelMq, &rows, "").files[0].bytes)[0]["classification.type"].clone()
        };
        assert_eq!(word("unauthorised-use-of-resources", &[]), "unauthorized-use-of-resources");
        assert_eq!(word("other", &["anonymization"]), "tor");
        assert_eq!(word("phishing", &["anonymization"]), "phishing");
        assert_eq!(word("new-type", &[]), "undetermined");
    }

    #[test]
    fn strict_amber_is_red_to_those_who_know_only_the_first_version() {
        let mut rows = three(Kind::Domain, [None; 3]);
        rows[0].facts.tlp = crate::stix::Tlp::AmberStrict;
        let event = &json_lines(&written(&IntelMq, &rows, "").files[0].bytes)[0];
        assert_eq!((&event["tlp"], &event["extra.tlp2"]), (&"RED".into(), &"AMBER+STRICT".into()));
    }
}
