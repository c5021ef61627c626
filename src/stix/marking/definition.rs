//! What a `marking-definition` says (STIX 2.1 §7.2).

use super::policies::Policy;
use super::terms::{Attribution, Terms};
use super::{
    ACS_EXTENSION, HANDLING_EXTENSION, IEP_EXTENSION, PAP_EXTENSION, Pap, RELEASABILITY_EXTENSION,
    TLP_2_EXTENSION, Tlp,
};
use crate::stix::format::identifier;
use crate::stix::json::{Kind, Value};
use crate::stix::timestamp::instant;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

impl Terms {
    /// Reads a definition. An extension of ours that is not written as it must be is an error:
    /// nobody knows what was meant.
    pub fn of_definition(definition: Value) -> Result<Self, String> {
        let mut terms = claims(definition);
        let extensions = definition.member("extensions");
        for (key, extension) in extensions.into_iter().flat_map(|found| found.members()) {
            let name = key.name();
            let read = Reading { extension: &name, value: extension };
            match name.as_ref() {
                TLP_2_EXTENSION => terms.tlp = terms.tlp.max(Some(read.level("tlp_2_0", Tlp::parse)?)),
                PAP_EXTENSION => terms.pap = terms.pap.max(Some(read.level("pap", Pap::parse)?)),
                RELEASABILITY_EXTENSION => terms.add(&read.releasability()?),
                HANDLING_EXTENSION => terms.add(&read.handling()?),
                IEP_EXTENSION => {
                    terms.policies.insert(read.policy()?);
                }
                ACS_EXTENSION if is_public(extension) => {}
                ACS_EXTENSION => {
                    terms.needs.insert("acs".to_owned());
                }
                other => {
                    terms.needs.insert(other.to_owned());
                }
            }
        }
        Ok(terms)
    }

    /// What a label says that is a marking in disguise.
    pub fn of_label(label: &str) -> Option<Self> {
        let tlp = Tlp::of_label(label);
        let pap = Pap::of_label(label);
        let hides = super::unquoted(label).eq_ignore_ascii_case("tlp:ex:chr");
        let attribution = hides.then_some(Attribution::MustNot);
        (tlp.is_some() || pap.is_some() || hides).then(|| Self { tlp, pap, attribution, ..Self::default() })
    }
}

/// What is said without extensions: the type, and names that are those of levels.
fn claims(definition: Value) -> Terms {
    let text = |name: &str| definition.member(name).and_then(|value| value.text());
    let mut terms = Terms::default();
    for name in ["name", "x_opencti_definition"] {
        let Some(label) = text(name) else { continue };
        terms.tlp = terms.tlp.max(Tlp::of_label(&label));
        terms.pap = terms.pap.max(Pap::of_label(&label));
    }
    let Some(kind) = text("definition_type") else { return terms };
    let kind = kind.to_ascii_lowercase();
    let within = |name: &str| definition.member("definition")?.member(name)?.text();
    match kind.as_str() {
        "statement" => {}
        // What claims to be a level and names none that we know is as high as can be.
        "tlp" => {
            let level = within("tlp").map(|level| Tlp::parse(&level).unwrap_or(Tlp::Red));
            terms.tlp = terms.tlp.max(level).or(Some(Tlp::Red));
        }
        "pap" => {
            let level = within("pap").map(|level| Pap::parse(&level).unwrap_or(Pap::Red));
            terms.pap = terms.pap.max(level).or(Some(Pap::Red));
        }
        // The consent of CISA's programme; what else such a marking says must be understood.
        "ais" => {
            terms.attribution = match within("consent").as_deref() {
                Some("EVERYONE") => Some(Attribution::May),
                Some("NONE") => Some(Attribution::MustNot),
                _ => None,
            };
            terms.needs.insert("definition_type:ais".to_owned());
        }
        other => match Tlp::of_label(other) {
            Some(tlp) => terms.tlp = terms.tlp.max(Some(tlp)),
            None => {
                terms.needs.insert(format!("definition_type:{other}"));
            }
        },
    }
    terms
}

/// Does an ACS marking say that it is public?
fn is_public(extension: Value) -> bool {
    let control = extension.member("control_set");
    let class = control.and_then(|set| set.member("classification")).and_then(|class| class.text());
    let is_unclassified = class.is_some_and(|class| class == "U");
    // Producers write it in either place, as one text or as a list.
    let within = control.and_then(|set| set.member("formal_determination"));
    let says =
        |value: Value| value.text().is_some_and(|text| text.split([' ', ',']).any(|word| word == "PUBREL"));
    let mut all = [within, extension.member("formal_determination")].into_iter().flatten();
    is_unclassified && all.any(|found| says(found) || found.items().any(says))
}

/// An extension being read.
struct Reading<'a> {
    extension: &'a str,
    value: Value<'a>,
}

impl<'a> Reading<'a> {
    fn releasability(&self) -> Result<Terms, String> {
        self.only(&["rel_to", "not_rel_to", "recipients", "audiences", "originator_control", "valid_until"])?;
        let audiences = self.set("audiences", is_uuid, "UUIDs of audiences")?;
        Ok(Terms {
            rel_to: self.set("rel_to", is_place, PLACES)?,
            not_rel_to: self.set("not_rel_to", is_place, PLACES)?.unwrap_or_default(),
            recipients: self.set("recipients", is_identity, "ids of identities")?,
            audiences: audiences.into_iter().collect(),
            originator_control: self.flag("originator_control")?,
            valid_until: self.time("valid_until")?,
            ..Terms::default()
        })
    }

    fn handling(&self) -> Result<Terms, String> {
        self.only(&[
            "handling_codes",
            "handling_text",
            "purposes",
            "evidence_use",
            "onward_transfer",
            "personal_data",
            "legal_basis",
            "retention_until",
            "source_evaluation",
            "information_evaluation",
        ])?;
        let is_code = |code: &str| matches!(code, "H0" | "H1" | "H2" | "H3");
        let codes = self.set("handling_codes", is_code, "H0, H1, H2 or H3")?.unwrap_or_default();
        self.text("handling_text")?;
        self.text("legal_basis")?;
        if codes.contains("H3") && self.value.member("handling_text").is_none() {
            return Err(self.wrong("handling_text", "it is needed with H3, to say what the restriction is"));
        }
        self.word::<Letter>("source_evaluation", "A, B, C or X")?;
        self.word::<Digit>("information_evaluation", "1, 2, 3 or 4")?;
        Ok(Terms {
            handling_codes: codes,
            purposes: self.set("purposes", |word| !word.is_empty(), "words such as cyber-defence")?,
            evidence_use: self.word("evidence_use", "permitted, permission-required or prohibited")?,
            onward_transfer: self.word("onward_transfer", "permitted, originator-consent or prohibited")?,
            personal_data: self.word("personal_data", "none, incidental or yes")?,
            retention_until: self.time("retention_until")?,
            ..Terms::default()
        })
    }

    fn policy(&self) -> Result<Policy, String> {
        let tlp = match self.value.member("tlp") {
            None => None,
            Some(_) => Some(self.level("tlp", Tlp::parse)?),
        };
        Ok(Policy {
            start: self.time("start_date")?,
            end: self.time("end_date")?,
            tlp,
            actions: self.word("permitted_actions", "one of the five words of IEP 2.0")?,
            attribution: self.word("provider_attribution", "may, must or must-not")?,
            encrypt: self.word::<Duty>("encrypt_in_transit", "must or may")? == Some(Duty::Must),
            no_notification: self.word::<Duty>("affected_party_notifications", "may or must-not")?
                == Some(Duty::MustNot),
        })
    }

    /// A property of ours that we do not know may restrict in a way that we do not know.
    fn only(&self, names: &[&str]) -> Result<(), String> {
        if self.value.kind() != Kind::Object {
            return Err(format!("extension {}: it must be a JSON object", self.extension));
        }
        let is_foreign = |name: &str| name != "extension_type" && !names.contains(&name);
        match self.value.members().map(|(key, _)| key.name()).find(|name| is_foreign(name)) {
            Some(name) => Err(self.wrong(&name, "this extension has no such property; leave it out")),
            None => Ok(()),
        }
    }

    fn set(
        &self,
        name: &str,
        accepts: impl Fn(&str) -> bool,
        what: &str,
    ) -> Result<Option<BTreeSet<String>>, String> {
        let Some(list) = self.value.member(name) else { return Ok(None) };
        if list.kind() != Kind::List || list.items().count() > NAMES_MAX {
            return Err(self.wrong(name, &format!("it must be a list of at most {NAMES_MAX} {what}")));
        }
        let take = |item: Value| item.text().map(String::from).filter(|text| accepts(text));
        let set: Option<BTreeSet<String>> = list.items().map(take).collect();
        set.map(Some).ok_or_else(|| self.wrong(name, &format!("it must hold only {what}")))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.value.member(name).map(|value| value.kind()) {
            None | Some(Kind::False) => Ok(false),
            Some(Kind::True) => Ok(true),
            Some(_) => Err(self.wrong(name, "it must be true or false")),
        }
    }

    fn text(&self, name: &str) -> Result<(), String> {
        match self.value.member(name) {
            Some(value) if value.text().is_none_or(|text| text.is_empty()) => {
                Err(self.wrong(name, "it must be a text"))
            }
            _ => Ok(()),
        }
    }

    fn time(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(value) = self.value.member(name) else { return Ok(None) };
        let time = value.text().and_then(|text| instant(&text).map(|found| found.0));
        time.map(Some)
            .ok_or_else(|| self.wrong(name, "it must be a time in UTC such as 2027-02-09T00:00:00Z"))
    }

    fn level<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let level = self.value.member(name).and_then(|value| parse(&value.text()?));
        level.ok_or_else(|| self.wrong(name, "it must be the name of a level"))
    }

    fn word<T: DeserializeOwned>(&self, name: &str, words: &str) -> Result<Option<T>, String> {
        let Some(value) = self.value.member(name) else { return Ok(None) };
        let word = value.text().and_then(|text| serde_json::from_value(text.into()).ok());
        word.map(Some).ok_or_else(|| self.wrong(name, &format!("it must be {words}")))
    }

    fn wrong(&self, name: &str, what: &str) -> String {
        format!("extension {}, `{name}`: {what}", self.extension)
    }
}

#[derive(PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Duty {
    May,
    Must,
    MustNot,
}

#[derive(serde::Deserialize)]
enum Letter {
    A,
    B,
    C,
    X,
}

#[derive(serde::Deserialize)]
enum Digit {
    #[serde(rename = "1")]
    One,
    #[serde(rename = "2")]
    Two,
    #[serde(rename = "3")]
    Three,
    #[serde(rename = "4")]
    Four,
}

fn is_place(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) || is_identity(text)
}

fn is_identity(text: &str) -> bool {
    text.starts_with("identity--") && identifier::identifier(text).is_ok()
}

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
}

const PLACES: &str = "country codes (ISO 3166-1 alpha-2) and ids of identities";
/// Names that one list may hold.
const NAMES_MAX: usize = 1_000;
