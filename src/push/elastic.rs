//! Sending to the bulk interface of Elasticsearch and its kin.

use super::http::{Poster, Service};
use super::{Answer, Failure, Item, Sender};
use crate::stix::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;

/// Sends to `_bulk`: documents whose ids are the rows' keys.
pub struct Elastic<'a> {
    poster: Poster<'a>,
    index: String,
}

#[derive(Deserialize)]
struct Bulk {
    items: Vec<HashMap<String, Outcome>>,
}

#[derive(Deserialize)]
struct Outcome {
    status: u16,
    error: Option<serde_json::Value>,
}

impl<'a> Elastic<'a> {
    /// Prepares it; nothing is sent yet.
    pub fn new(service: &Service, clock: &'a dyn Fn() -> Timestamp) -> Result<Self, Failure> {
        let poster = Poster::new(service, "/_bulk", "ApiKey", clock)?;
        Ok(Self { poster, index: service.index().unwrap_or_default().to_owned() })
    }
}

impl Sender for Elastic<'_> {
    fn send(&mut self, batch: &[Item]) -> Result<Vec<Answer>, Failure> {
        let mut body = Vec::new();
        for item in batch {
            let action = if item.line.is_some() { "index" } else { "delete" };
            let place = serde_json::json!({"_index": self.index, "_id": item.key.to_string()});
            body.extend_from_slice(serde_json::json!({action: place}).to_string().as_bytes());
            body.push(b'\n');
            if let Some(line) = &item.line {
                body.extend_from_slice(line);
                body.push(b'\n');
            }
        }
        let answer = self.poster.post("application/x-ndjson", body)?;
        let bulk: Bulk = serde_json::from_slice(&answer).map_err(|_| self.poster.strange(&answer))?;
        let answers = bulk.items.into_iter().map(|item| {
            let (action, outcome) = item.into_iter().next()?;
            Some(judged(&action, &outcome))
        });
        answers.collect::<Option<Vec<_>>>().ok_or_else(|| self.poster.strange(&answer))
    }

    fn deletes(&self) -> bool {
        true
    }
}

/// What became of one action.
fn judged(action: &str, outcome: &Outcome) -> Answer {
    let what = || {
        let error = outcome.error.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("a row: {} {}", outcome.status, crate::export::format::one_line(&error, 200))
    };
    match outcome.status {
        200..=299 => Answer::Taken,
        404 if action == "delete" => Answer::Taken,
        // The document is wrong, and will be so tomorrow.
        400 | 413 => Answer::Refused(what()),
        _ => Answer::Later(what()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_for_ever_is_told_from_what_passes() {
        let judge = |action, status| match judged(action, &Outcome { status, error: None }) {
            Answer::Taken => "taken",
            Answer::Refused(_) => "refused",
            Answer::Later(_) => "later",
        };
        for (action, status, expected) in [
            ("index", 200, "taken"),
            ("index", 201, "taken"),
            ("delete", 200, "taken"),
            ("delete", 404, "taken"),
            ("index", 404, "later"),
            ("index", 400, "refused"),
            ("index", 429, "later"),
            ("index", 503, "later"),
            ("index", 403, "later"),
        ] {
            assert_eq!(judge(action, status), expected, "{action} {status}");
        }
    }
}
