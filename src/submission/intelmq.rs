//! Events of IntelMQ, as JSON lines (export formats §7).
//!
//! Of each line one value is taken: the most specific of `source.url`, `.fqdn`, `.ip`, `.account`, `.network`
//! and `.asn`, since the others mostly say where that one is; and with it the hashes of `malware.hash.*`. On
//! demand all of them are. What the `destination.*` of an event and its other keys say is about a victim, or
//! about the way the event took, and is left alone on purpose. A line that gives nothing is left out with the
//! reason.

use super::draft::{add_once, one_line, prose};
use super::format::scalar;
use super::moment::Reading;
use super::{Details, Draft, Error, Record, Reference, What, scale, value};
use crate::stix::Tlp;
use crate::stix::atom::Kind;
use crate::stix::classification::Classification;
use serde_json::{Map, Value};

/// Which values of an event are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Take {
    /// The most specific, and hashes.
    #[default]
    MostSpecific,
    /// All.
    All,
}

/// Reads events.
pub fn read(bytes: &[u8], take: Take) -> Result<Draft, Error> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut draft = Draft::default();
    for (nth, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let place = format!("line {}", nth + 1);
        match serde_json::from_slice::<Map<String, Value>>(line) {
            Ok(event) => Event(&event).take(&mut draft, &place, take)?,
            Err(error) => {
                // What the line number of a single line would say is known.
                let what = error.to_string();
                let what = what.split(" at line ").next().unwrap_or_default();
                let text = String::from_utf8_lossy(&line[..line.len().min(LINE_SHOWN)]);
                draft.leave_out(place, &text, format!("no JSON object on one line: {what}"));
            }
        }
    }
    Ok(draft)
}

/// An event, with dots in its keys or in levels.
struct Event<'a>(&'a Map<String, Value>);

impl Event<'_> {
    fn take(&self, draft: &mut Draft, place: &str, take: Take) -> Result<(), Error> {
        if self.text("classification.type").as_deref() == Some("test") {
            draft.leave_out(place, "classification.type test", "an event made for testing");
            return Ok(());
        }
        let details = match self.details() {
            Ok(details) => details,
            Err((key, found, what)) => {
                draft.leave_out(format!("{place}, {key}"), &found, what);
                return Ok(());
            }
        };
        let mut found = Vec::new();
        for (key, kinds) in NETWORK {
            if take == Take::All || found.is_empty() {
                self.value(key, kinds, draft, place, &mut found);
            }
        }
        for (key, kinds) in HASHES {
            self.value(key, kinds, draft, place, &mut found);
        }
        if found.is_empty() {
            let keys: Vec<&str> = self.0.keys().map(String::as_str).take(KEYS_SHOWN).collect();
            draft.leave_out(
                place,
                &keys.join(" "),
                "no value of source.* or malware.hash.* that can be taken",
            );
        }
        for what in found {
            draft.add(Record { what, place: place.to_owned(), details: details.clone() })?;
        }
        Ok(())
    }

    fn value(
        &self,
        key: &str,
        kinds: &'static [Kind],
        draft: &mut Draft,
        place: &str,
        found: &mut Vec<What>,
    ) {
        let Some(text) = self.text(key) else { return };
        // An account is a mail address or a name.
        let kinds = if key == ACCOUNT && !text.contains('@') { &[Kind::Account] } else { kinds };
        match value::Named::Kinds(kinds).read(&text) {
            Ok(what) => add_once(found, what),
            Err(reason) => draft.leave_out(format!("{place}, {key}"), &text, reason),
        }
    }

    fn details(&self) -> Result<Details, (&'static str, String, String)> {
        let time = |key: &'static str| {
            let text = self.text(key);
            let read = text.map(|text| Reading::default().read(&text).map_err(|what| (key, text, what)));
            read.transpose()
        };
        let mut details = Details {
            description: self.text("event_description.text").and_then(|text| prose(&text)),
            confidence: self.text("feed.accuracy").and_then(|text| scale::percent(text.parse().ok()?)),
            valid_from: time("time.source")?,
            valid_until: time("extra.valid_until")?,
            for_detection: true,
            ..Details::default()
        };
        // Our export writes the level of TLP 2.0 too.
        for key in ["extra.tlp2", "tlp"] {
            let Some(text) = self.text(key).filter(|_| details.tlp.is_none()) else { continue };
            let what = "no level; TLP has CLEAR or WHITE, GREEN, AMBER, AMBER+STRICT, RED";
            details.tlp = Some(Tlp::parse(&text).ok_or_else(|| (key, text.clone(), what.to_owned()))?);
        }
        self.classify(&mut details);
        if let Some(address) = self.text("event_description.url") {
            let source = ["feed.provider", "feed.name"].into_iter().find_map(|key| self.text(key));
            let named = source.and_then(|source| Reference::new(&source, &address));
            details.references.extend(named.or_else(|| Reference::to(&address)));
        }
        Ok(details)
    }

    /// The types of IntelMQ are those of RSIT and five more (governance §9).
    fn classify(&self, details: &mut Details) {
        let word = self.text("classification.type").unwrap_or_default().to_ascii_lowercase();
        let class = Classification::of_type(&word).filter(|class| *class != Classification::UNDETERMINED);
        if let Some(class) = class {
            details.add_label(&class.label());
        }
        let (kind, is_sign) = match (word.as_str(), class.map(Classification::class)) {
            ("tor" | "proxy", _) => ("anonymization", true),
            ("infected-system", _) | (_, Some("intrusions")) => ("compromised", true),
            // Who can be attacked has done nothing.
            (_, Some("vulnerable")) => ("anomalous-activity", false),
            ("blacklist" | "dga-domain" | "malware", _) => ("malicious-activity", true),
            (_, None | Some("other")) => ("unknown", true),
            _ => ("malicious-activity", true),
        };
        details.indicator_types.push(kind.to_owned());
        details.for_detection = is_sign;
        if matches!(word.as_str(), "blacklist" | "dga-domain" | "malware" | "proxy" | "tor") {
            details.add_label(&word);
        }
        for key in ["classification.identifier", "malware.name"] {
            if let Some(text) = self.text(key) {
                details.add_label(&one_line(&text, 100));
            }
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        let nested = || {
            let (first, rest) = key.split_once('.')?;
            let mut found = self.0.get(first)?;
            for step in rest.split('.') {
                found = found.get(step)?;
            }
            Some(found)
        };
        self.0.get(key).or_else(nested).and_then(scalar)
    }
}

const ACCOUNT: &str = "source.account";
/// The most specific first.
const NETWORK: [(&str, &[Kind]); 6] = [
    ("source.url", &[Kind::Url]),
    ("source.fqdn", &[Kind::Domain]),
    ("source.ip", &[Kind::Ipv4, Kind::Ipv6]),
    (ACCOUNT, &[Kind::Email, Kind::Account]),
    ("source.network", &[Kind::Ipv4, Kind::Ipv6]),
    ("source.asn", &[Kind::AsNumber]),
];
const HASHES: [(&str, &[Kind]); 3] = [
    ("malware.hash.md5", &[Kind::FileMd5]),
    ("malware.hash.sha1", &[Kind::FileSha1]),
    ("malware.hash.sha256", &[Kind::FileSha256]),
];
const LINE_SHOWN: usize = 400;
const KEYS_SHOWN: usize = 10;

#[cfg(test)]
mod tests;
