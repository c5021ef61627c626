//! IDEA0, as Warden and Mentat exchange it: JSON lines.

use super::records::{JSON_LINES, Seconds, summary};
use super::{Class, Files, Format, Input, options};
use crate::export::row::Row;
use crate::stix::atom::Kind;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// The format (export formats §7).
pub(super) struct Idea;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// The name of this hub among those who send; missing: the hub's host, last label first.
    node: Option<String>,
}

impl Format for Idea {
    fn name(&self) -> &'static str {
        "idea"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, kind: Kind) -> bool {
        matches!(
            kind,
            Kind::Ipv4
                | Kind::Ipv4Network
                | Kind::Ipv6
                | Kind::Ipv6Network
                | Kind::Domain
                | Kind::Url
                | Kind::Email
        )
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        match options::<Options>(table)?.node {
            Some(node) if !is_node(&node) => Err(
                "node must be words of a to z, 0 to 9 and _ with dots between, such as example.cert.liaison"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: Options = options(input.options)?;
        let node = choices.node.unwrap_or_else(|| own_node(&input.about.url));
        let mut text = Vec::with_capacity(620 * input.rows.len());
        let mut written = 0;
        for row in input.rows {
            if !self.takes(row.atom.kind()) {
                files.leave_out("no_place");
                continue;
            }
            serde_json::to_writer(&mut text, &event(row, &node, input)).map_err(|error| error.to_string())?;
            text.push(b'\n');
            written += 1;
        }
        files.add(format!("{}.idea.jsonl", input.about.name), JSON_LINES, text, written);
        Ok(())
    }
}

fn event<'a>(row: &'a Row, node: &'a str, input: &Input) -> Event<'a> {
    let facts = &row.facts;
    let (category, source_type) = category(&facts.classification);
    let of = |is_it: bool| is_it.then(|| [row.atom.text()]);
    let kind = row.atom.kind();
    // One indicator may name several values, and a changed one is a new event.
    let id = format!("{} {} {} {}", facts.id, facts.modified, kind.number(), row.atom.text());
    Event {
        format: "IDEA0",
        id: Uuid::new_v5(&Uuid::NAMESPACE_URL, id.as_bytes()),
        detect_time: Seconds(facts.valid_from),
        create_time: Seconds(facts.modified),
        cease_time: facts.valid_until.map(Seconds),
        category: [category],
        confidence: facts.confidence.map(|confidence| f64::from(confidence) / 100.0),
        description: Some(summary(facts)).filter(|text| !text.is_empty()),
        note: format!("tlp={} pap={}", input.about.tlp_write.word(facts.tlp), facts.pap.name()),
        source: [Source {
            types: source_type.map(|word| [word]),
            ip4: of(matches!(kind, Kind::Ipv4 | Kind::Ipv4Network)),
            ip6: of(matches!(kind, Kind::Ipv6 | Kind::Ipv6Network)),
            hostname: of(kind == Kind::Domain),
            url: of(kind == Kind::Url),
            email: of(kind == Kind::Email),
        }],
        node: [Node { name: node, types: ["Relay", "External"], software: ["Liaison"] }],
        references: [format!("urn:stix:{}", facts.id)],
    }
}

/// Its category and the source's type for a type of the incident taxonomy.
fn category(classification: &str) -> (&'static str, Option<&'static str>) {
    match classification {
        "c2-server" => ("Intrusion.Botnet", Some("CC")),
        "phishing" => ("Fraud.Phishing", Some("Phishing")),
        "infected-system" | "malware-distribution" | "malware-configuration" => ("Malware", Some("Malware")),
        "scanner" => ("Recon.Scanning", None),
        "spam" => ("Abusive.Spam", Some("OriginSpam")),
        "ddos" => ("Availability.DDoS", None),
        "weak-crypto"
        | "ddos-amplifier"
        | "potentially-unwanted-accessible"
        | "information-disclosure"
        | "vulnerable-system"
        | "misconfiguration" => ("Vulnerable.Config", None),
        _ => ("Other", None),
    }
}

/// The host of a URL as a name of Warden's: last label first, `_` for what it does not allow.
fn own_node(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| "liaison".to_owned());
    let word = |label: &str| {
        let word: String = label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if word.starts_with(|c: char| c.is_ascii_digit()) { format!("_{word}") } else { word }
    };
    host.to_ascii_lowercase().rsplit('.').map(word).collect::<Vec<_>>().join(".")
}

fn is_node(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 255
        && name.split('.').all(|word| {
            !word.is_empty() && word.chars().all(is_part) && !word.starts_with(|c: char| c.is_ascii_digit())
        })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    format: &'static str,
    #[serde(rename = "ID")]
    id: Uuid,
    detect_time: Seconds,
    create_time: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    cease_time: Option<Seconds>,
    category: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    /// The format has no field for markings.
    note: String,
    source: [Source<'a>; 1],
    node: [Node<'a>; 1],
    #[serde(rename = "Ref")]
    references: [String; 1],
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    types: Option<[&'static str; 1]>,
    #[serde(rename = "IP4", skip_serializing_if = "Option::is_none")]
    ip4: Option<[&'a str; 1]>,
    #[serde(rename = "IP6", skip_serializing_if = "Option::is_none")]
    ip6: Option<[&'a str; 1]>,
    #[serde(rename = "Hostname", skip_serializing_if = "Option::is_none")]
    hostname: Option<[&'a str; 1]>,
    #[serde(rename = "URL", skip_serializing_if = "Option::is_none")]
    url: Option<[&'a str; 1]>,
    #[serde(rename = "Email", skip_serializing_if = "Option::is_none")]
    email: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
struct Node<'a> {
    #[serde(rename = "Name")]
    name: &'a str,
    #[serde(rename = "Type")]
    types: [&'static str; 2],
    #[serde(rename = "SW")]
    software: [&'static str; 1],
}

#[cfg(test)]
mod tests {
    use super::super::records::testing::{json_lines, rows, three, written};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_comes_back_in_its_list(rows in rows()) {
            let files = written(&Idea, &rows, "");
            let events = json_lines(&files.files[0].bytes);
            let taken: Vec<_> = rows.iter().filter(|row| Idea.takes(row.atom.kind())).collect();
            prop_assert_eq!(events.len(), taken.len());
            for (row, event) in taken.iter().zip(&events) {
                let source = event["Source"][0].as_object().unwrap();
                let lists: Vec<_> = source.iter().filter(|(key, _)| *key != "Type").collect();
                prop_assert_eq!(lists.len(), 1);
                let name = match row.atom.kind().object_type() {
                    "ipv4-addr" => "IP4",
                    "ipv6-addr" => "IP6",
                    "domain-name" => "Hostname",
                    "url" => "URL",
                    _ => "Email",
                };
                prop_assert_eq!(lists[0].0, name);
                prop_assert_eq!(lists[0].1, &serde_json::json!([row.atom.text()]));
                prop_assert_eq!(&event["Ref"][0], &format!("urn:stix:{}", row.facts.id));
            }
        }
    }

    #[test]
    fn several_values_of_one_indicator_are_several_events() {
        let events =
            json_lines(&written(&Idea, &three(Kind::Domain, [Some(80), Some(0), None]), "").files[0].bytes);
        assert!(events[0]["ID"] != events[1]["ID"] && events[1]["ID"] != events[2]["ID"]);
        assert_eq!((&events[0]["Confidence"], &events[1]["Confidence"]), (&0.8.into(), &0.0.into()));
        assert!(events[2].get("Confidence").is_none());
        assert_eq!(events[0]["Node"][0]["Name"], "example.liaison");
    }

    #[test]
    fn node_is_a_name_that_warden_takes() {
        assert_eq!(own_node("https://taxii-1.cert.example:8443"), "example.cert.taxii_1");
        assert_eq!(own_node("https://127.0.0.1:8443"), "_1._0._0._127");
        assert!(is_node(&own_node("https://[::1]:8443")));
        for bad in ["", "a..b", "A.b", "a-b", "1a", "a.b\n"] {
            let table = toml::Table::from_iter([("node".to_owned(), toml::Value::from(bad))]);
            assert!(Idea.check(&table).unwrap_err().contains("node must be"), "{bad:?}");
        }
    }
}
