//! Sending to Splunk's HTTP Event Collector.

use super::http::{Poster, Service};
use super::rows::Shape;
use super::{Answer, Failure, Item, Sender};
use crate::stix::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What events are called at Splunk.
pub struct Names {
    source: String,
    sourcetype: String,
    is_json: bool,
}

impl Names {
    /// Of an export.
    pub fn new(export: &str, format: &str, shape: Shape) -> Self {
        Self {
            source: format!("liaison:{export}"),
            sourcetype: format!("liaison:{format}"),
            is_json: shape == Shape::Json,
        }
    }
}

/// Sends to an HTTP Event Collector. It keeps events, and deletes none.
pub struct Splunk<'a> {
    poster: Poster<'a>,
    names: Names,
    index: Option<String>,
}

#[derive(Serialize)]
struct Event<'a, T> {
    event: T,
    source: &'a str,
    sourcetype: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<&'a str>,
}

impl<'a> Splunk<'a> {
    /// Prepares it; nothing is sent yet.
    pub fn new(service: &Service, names: Names, clock: &'a dyn Fn() -> Timestamp) -> Result<Self, Failure> {
        let poster = Poster::new(service, "/services/collector/event", "Splunk", clock)?;
        Ok(Self { poster, names, index: service.index().map(str::to_owned) })
    }

    fn event(&self, out: &mut Vec<u8>, line: &[u8]) -> serde_json::Result<()> {
        match serde_json::from_slice::<&RawValue>(line) {
            Ok(event) if self.names.is_json => serde_json::to_writer(&mut *out, &self.with(event)),
            _ => serde_json::to_writer(&mut *out, &self.with(String::from_utf8_lossy(line))),
        }?;
        out.push(b'\n');
        Ok(())
    }

    fn with<T>(&self, event: T) -> Event<'_, T> {
        let Names { source, sourcetype, .. } = &self.names;
        Event { event, source, sourcetype, index: self.index.as_deref() }
    }
}

impl Sender for Splunk<'_> {
    fn send(&mut self, batch: &[Item]) -> Result<Vec<Answer>, Failure> {
        #[derive(Deserialize)]
        struct Told {
            code: i64,
        }
        let mut body = Vec::new();
        for line in batch.iter().filter_map(|item| item.line.as_deref()) {
            self.event(&mut body, line).map_err(|error| Failure::Failed(error.to_string()))?;
        }
        let answer = self.poster.post("application/json", body)?;
        match serde_json::from_slice::<Told>(&answer) {
            Ok(Told { code: 0 }) => Ok(vec![Answer::Taken; batch.len()]),
            _ => Err(self.poster.strange(&answer)),
        }
    }
}
