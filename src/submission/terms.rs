//! On which terms something is handed in: stated by whoever does, never guessed.

use super::Draft;
use super::build::{Container, Handling, Terms};
use crate::stix::Tlp;
use crate::stix::marking::Pap;
use serde::Deserialize;

/// The terms as they are stated, in arguments or in a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stated {
    /// The TLP level of everything. Must be said.
    pub tlp: Option<String>,
    /// What it may be used for. Must be said.
    pub purposes: Vec<String>,
    /// The PAP level.
    pub pap: Option<String>,
    /// What the whole is called. Must be said where something holds it together and the source says nothing.
    pub title: Option<String>,
    /// What is said of the whole; absent: what the source says.
    pub description: Option<String>,
    /// What holds it together.
    pub container: Holder,
    /// Of a grouping.
    pub context: String,
    /// 0 to 100, for what has none of its own.
    pub confidence: u8,
    /// Days for which what has no end of its own is valid.
    pub valid_days: Option<u32>,
    /// For everything.
    pub labels: Vec<String>,
    /// H0 to H3.
    pub handling_codes: Vec<String>,
    /// The agreement or article by which it is shared.
    pub legal_basis: Option<String>,
}

/// What holds the indicators together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// A `report`.
    #[default]
    Report,
    /// A `grouping`.
    Grouping,
    /// Nothing.
    None,
}

/// A term that must be stated, or stated otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Which, by its name in [`Stated`].
    pub term: &'static str,
    /// What was stated, if anything.
    pub found: Option<String>,
    /// What is expected.
    pub expected: &'static str,
}

/// Terms that can be worked with.
#[derive(Debug, Clone)]
pub struct Said {
    author: String,
    author_name: String,
    tlp: Tlp,
    pap: Option<Pap>,
    handling: Option<Handling>,
    title: String,
    container: Container,
    now: String,
    stated: Stated,
}

impl Default for Stated {
    fn default() -> Self {
        Self {
            tlp: None,
            purposes: Vec::new(),
            pap: None,
            title: None,
            description: None,
            container: Holder::Report,
            context: CONTEXT.to_owned(),
            confidence: CONFIDENCE,
            valid_days: None,
            labels: Vec::new(),
            handling_codes: Vec::new(),
            legal_basis: None,
        }
    }
}

impl Stated {
    /// The terms of what an identity, by id and name, hands in at a time; or the first that is wrong.
    pub fn said(
        self,
        draft: &Draft,
        (author, author_name): (String, String),
        now: String,
    ) -> Result<Said, Wrong> {
        let missing = |term, expected| Wrong { term, found: None, expected };
        let level = self.tlp.clone().ok_or_else(|| missing("tlp", TLP))?;
        let tlp = Tlp::parse(&level.trim().to_uppercase());
        let tlp = tlp.ok_or(Wrong { term: "tlp", found: Some(level), expected: TLP })?;
        let pap = self.pap.clone().map(|level| {
            Pap::parse(&level.trim().to_uppercase()).ok_or(Wrong {
                term: "pap",
                found: Some(level),
                expected: "CLEAR, GREEN, AMBER or RED",
            })
        });
        if self.purposes.is_empty() {
            return Err(missing("purposes", PURPOSE));
        }
        if let Some(wrong) = self.purposes.iter().find(|purpose| !is_purpose(purpose)) {
            return Err(Wrong { term: "purposes", found: Some(wrong.clone()), expected: PURPOSE });
        }
        if self.confidence > 100 {
            let found = Some(self.confidence.to_string());
            return Err(Wrong { term: "confidence", found, expected: "0 to 100" });
        }
        let title = self.title.clone().or_else(|| draft.title.clone()).unwrap_or_default();
        if title.trim().is_empty() && self.container != Holder::None {
            return Err(missing("title", "what the whole is called: under the same title it grows"));
        }
        let has_handling = !self.handling_codes.is_empty() || self.legal_basis.is_some();
        let handling = has_handling.then(|| Handling {
            codes: self.handling_codes.clone(),
            legal_basis: self.legal_basis.clone(),
            ..Handling::default()
        });
        let container = match self.container {
            Holder::Report => Container::Report,
            Holder::Grouping => Container::Grouping { context: self.context.clone() },
            Holder::None => Container::None,
        };
        let pap = pap.transpose()?;
        Ok(Said { author, author_name, tlp, pap, handling, title, container, now, stated: self })
    }
}

impl Said {
    /// As the builder takes them.
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            author: &self.author,
            author_name: &self.author_name,
            tlp: self.tlp,
            pap: self.pap,
            purposes: &self.stated.purposes,
            handling: self.handling.as_ref(),
            title: &self.title,
            description: self.stated.description.as_deref(),
            container: self.container.clone(),
            now: &self.now,
            valid_days: self.stated.valid_days,
            confidence: self.stated.confidence,
            labels: &self.stated.labels,
        }
    }
}

fn is_purpose(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Of a grouping, where nothing is said.
pub const CONTEXT: &str = "suspicious-activity";
/// Where nothing is said.
pub const CONFIDENCE: u8 = 50;
const TLP: &str = "CLEAR, GREEN, AMBER, AMBER+STRICT or RED";
const PURPOSE: &str =
    "what it may be used for, such as cyber-defence, in lower-case letters, digits and - only";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stated: Stated, draft: &Draft) -> Result<Said, &'static str> {
        let author = ("identity--x".to_owned(), "X".to_owned());
        stated.said(draft, author, "2026-05-01T00:00:00.000Z".to_owned()).map_err(|wrong| wrong.term)
    }

    fn whole() -> Stated {
        let purposes = vec!["cyber-defence".to_owned()];
        Stated {
            tlp: Some(" amber+strict".to_owned()),
            purposes,
            title: Some("t".to_owned()),
            ..Stated::default()
        }
    }

    #[test]
    fn what_must_be_said_is_never_guessed() {
        let draft = Draft { tlp: Some(Tlp::Red), ..Draft::default() };
        assert_eq!(said(whole(), &draft).unwrap().terms().tlp, Tlp::AmberStrict);
        assert_eq!(
            said(Stated { tlp: None, ..whole() }, &draft).unwrap_err(),
            "tlp",
            "though the source says one"
        );
        assert_eq!(said(Stated { purposes: Vec::new(), ..whole() }, &draft).unwrap_err(), "purposes");
        assert_eq!(said(Stated { title: None, ..whole() }, &draft).unwrap_err(), "title");
        assert_eq!(said(Stated { title: Some(" ".to_owned()), ..whole() }, &draft).unwrap_err(), "title");
        let titled = Draft { title: Some("of the source".to_owned()), ..Draft::default() };
        assert_eq!(said(Stated { title: None, ..whole() }, &titled).unwrap().terms().title, "of the source");
        let loose = Stated { title: None, container: Holder::None, ..whole() };
        assert_eq!(said(loose, &draft).unwrap().terms().container, Container::None);
    }

    #[test]
    fn what_is_no_term_is_refused_with_what_was_said() {
        let draft = Draft::default();
        assert_eq!(said(Stated { tlp: Some("WHITE-ISH".to_owned()), ..whole() }, &draft).unwrap_err(), "tlp");
        assert_eq!(
            said(Stated { pap: Some("AMBER+STRICT".to_owned()), ..whole() }, &draft).unwrap_err(),
            "pap"
        );
        assert_eq!(
            said(Stated { purposes: vec!["Any thing".to_owned()], ..whole() }, &draft).unwrap_err(),
            "purposes"
        );
        assert_eq!(said(Stated { confidence: 101, ..whole() }, &draft).unwrap_err(), "confidence");
        assert!(serde_json::from_str::<Stated>(r#"{"tlq": "RED"}"#).is_err());
    }
}
