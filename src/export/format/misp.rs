//! The feed of a MISP server: a directory of events, a manifest and a list of digests (export formats §6).

mod line;
mod place;
mod previous;

use super::{Class, Files, Format, Input, options};
use crate::stix::atom::Kind;
use line::{Levels, Line, Version, json, put};
use md5::{Digest, Md5};
use place::{Event, Placed};
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Write;
use uuid::Uuid;

/// The format.
pub(super) struct Misp;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// What makes an event.
    event_by: EventBy,
    /// The organisation that the events are from: its name; the hub's host unless told.
    org_name: Option<String>,
    /// Its UUID, by which MISP knows it; made from the hub's URL unless told.
    org_uuid: Option<Uuid>,
    /// How bad it is, of all events.
    threat_level: ThreatLevel,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EventBy {
    /// A collection and a day in UTC.
    #[default]
    Day,
    /// A `grouping`; what is in none goes by days.
    Grouping,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ThreatLevel {
    High = 1,
    Medium,
    Low,
    #[default]
    Undefined,
}

impl Format for Misp {
    fn name(&self) -> &'static str {
        "misp"
    }

    fn class(&self) -> Class {
        Class::Archive
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn languages(&self) -> &'static [&'static str] {
        &["yara", "sigma", "snort", "suricata", "stix"]
    }

    fn takes_groupings(&self, table: &toml::Table) -> bool {
        options::<Options>(table).is_ok_and(|choices| choices.event_by == EventBy::Grouping)
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        let name = options::<Options>(table)?.org_name;
        match name.is_some_and(|name| name.trim().is_empty() || name.chars().any(char::is_control)) {
            true => Err("org_name must be the name of an organisation, in one line".to_owned()),
            false => Ok(()),
        }
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let feed = Feed::new(input, options(input.options)?);
        let lines = lines(input, files);
        let before = previous::files(input.previous);
        let known: Vec<previous::Event> = before.iter().filter_map(previous::event).collect();
        let events = place::events(&feed, lines, &known);
        let mut written = Written::default();
        for (uuid, event) in &events {
            let bytes = before.iter().find(|file| file.uuid == *uuid).map(|file| &*file.bytes);
            written.event(&feed, *uuid, event, bytes.unwrap_or_default());
        }
        let rows = written.events.iter().map(|(_, _, rows)| rows).sum();
        let manifest = format!("{{{}\n}}\n", written.manifest.trim_end_matches(','));
        files.add("manifest.json", JSON, manifest, rows);
        files.add("hashes.csv", "text/csv; charset=utf-8", written.hashes, rows);
        for (uuid, bytes, rows) in written.events {
            files.add(format!("{uuid}.json"), JSON, bytes, rows);
        }
        Ok(())
    }
}

/// What is to be in the feed, each value of a type once.
fn lines<'a>(input: &Input<'a>, files: &mut Files) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = Vec::with_capacity(input.rows.len() + input.rules.len());
    lines.extend(input.rows.iter().map(Line::of_row));
    let mut patterns: HashSet<String> =
        lines.iter().filter(|line| line.is_object()).map(|line| line.value.to_string()).collect();
    for line in input.rules.iter().map(Line::of_rule) {
        if line.value.len() > VALUE_MAX {
            files.leave_out("too_long");
        } else if !patterns.insert(line.value.to_string()) {
            files.leave_out("duplicate");
        } else {
            lines.push(line);
        }
    }
    lines
}

/// What all events share.
struct Feed<'a> {
    input: &'a Input<'a>,
    choices: Options,
    /// The space of the ids that this hub makes.
    space: Uuid,
    orgc: String,
    /// In seconds.
    generated: i64,
}

impl<'a> Feed<'a> {
    fn new(input: &'a Input<'a>, choices: Options) -> Self {
        let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, input.about.url.as_bytes());
        let url = &input.about.url;
        let host = url.split("://").nth(1).unwrap_or(url);
        let name = serde_json::Value::from(choices.org_name.as_deref().unwrap_or(host));
        let orgc = format!(r#"{{"uuid":"{}","name":{name}}}"#, choices.org_uuid.unwrap_or(space));
        let generated = input.about.generated.micros().div_euclid(1_000_000);
        Self { input, choices, space, orgc, generated }
    }
}

/// What is written so far.
#[derive(Default)]
struct Written {
    manifest: String,
    hashes: String,
    events: Vec<(Uuid, Vec<u8>, usize)>,
}

impl Written {
    fn event(&mut self, feed: &Feed, uuid: Uuid, event: &Event, before: &[u8]) {
        let levels = event.levels(feed.input.about.tlp_write);
        let mut newest = feed.generated;
        let body = body(feed, event, &levels, &mut newest);
        let mut tags = Vec::new();
        levels.write(&mut tags);
        let tags = String::from_utf8_lossy(&tags);
        let head = |timestamp: i64| head(feed, (uuid, event), timestamp, &tags);
        // MISP reads an event again only when its time has risen.
        let is_same = |time: &i64| before.strip_prefix(&*head(*time)).is_some_and(|rest| rest == body);
        let timestamp = match event.timestamp {
            Some(time) if is_same(&time) => time,
            Some(time) => newest.max(time + 1),
            None => newest,
        };
        let threat = feed.choices.threat_level as u8;
        self.manifest += &format!(
            "\n\"{uuid}\":{{\"Orgc\":{},\"Tag\":[{tags}],\"info\":{},\"date\":\"{}\",\"analysis\":\"{ANALYSIS}\",\"threat_level_id\":\"{threat}\",\"timestamp\":\"{timestamp}\"}},",
            feed.orgc,
            serde_json::Value::from(&*event.info),
            event.date,
        );
        let live = || event.placed.iter().filter(|placed| placed.line.facts.is_some());
        // What is retracted shall be found no more.
        for placed in live() {
            self.hash(uuid, &placed.line.value);
            if placed.line.is_object() {
                self.hash(uuid, line::STIX);
            }
        }
        let mut bytes = head(timestamp);
        bytes.reserve_exact(body.len());
        bytes.extend_from_slice(&body);
        self.events.push((uuid, bytes, live().count()));
    }

    fn hash(&mut self, event: Uuid, value: &str) {
        let mut digits = [0; 36];
        self.hashes += &md5(value);
        self.hashes.push(',');
        self.hashes += event.hyphenated().encode_lower(&mut digits);
        self.hashes.push('\n');
    }
}

/// The digest that MISP looks values up by, in hexadecimal. It protects nothing here.
fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::with_capacity(32), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn head(feed: &Feed, (uuid, event): (Uuid, &Event), timestamp: i64, tags: &str) -> Vec<u8> {
    let mut head = Vec::new();
    put(&mut head, format_args!(r#"{{"Event":{{"uuid":"{uuid}","info":"#));
    json(&mut head, &event.info);
    let threat = feed.choices.threat_level as u8;
    put(
        &mut head,
        format_args!(
            r#","date":"{}","timestamp":"{timestamp}","publish_timestamp":"{timestamp}","published":true,"analysis":"{ANALYSIS}","threat_level_id":"{threat}","extends_uuid":"","Orgc":{},"Tag":[{tags}],"#,
            event.date, feed.orgc,
        ),
    );
    head
}

/// The attributes and objects, and the newest time among them.
fn body(feed: &Feed, event: &Event, levels: &Levels, newest: &mut i64) -> Vec<u8> {
    let mut body = Vec::with_capacity(event.placed.len() * 512);
    for (name, is_object, end) in [("Attribute", false, "],"), ("Object", true, "]}}\n")] {
        put(&mut body, format_args!("\"{name}\":["));
        let placed = event.placed.iter().filter(|placed| placed.line.is_object() == is_object);
        for (at, placed) in placed.enumerate() {
            body.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
            let timestamp = attribute(feed, placed, levels, &mut body);
            *newest = timestamp.max(*newest);
        }
        put(&mut body, format_args!("{end}"));
    }
    body
}

/// Writes an attribute as it was, or else with a time that has risen.
fn attribute(feed: &Feed, placed: &Placed, levels: &Levels, out: &mut Vec<u8>) -> i64 {
    let Placed { line, uuid, before } = placed;
    let own = line.facts.map_or(feed.generated, |facts| facts.modified.micros().div_euclid(1_000_000));
    let start = out.len();
    let mut timestamp = before.map_or(own, |before| before.timestamp);
    line.write(out, &Version { uuid: *uuid, timestamp }, levels);
    if let Some(before) = before {
        // The time of a retraction stands, for what is retracted goes after a while.
        let is_kept = before.is_deleted && line.facts.is_none();
        if !is_kept && out[start..] != *before.text.as_bytes() {
            timestamp = own.max(before.timestamp + 1);
            out.truncate(start);
            line.write(out, &Version { uuid: *uuid, timestamp }, levels);
        }
    }
    timestamp
}

/// Completed, in MISP's numbers.
const ANALYSIS: u8 = 2;
/// What MISP stores of a value, in bytes.
const VALUE_MAX: usize = 65_535;
const JSON: &str = "application/json";

#[cfg(test)]
mod tests;
