//! What is no STIX becomes objects, and is shown before anything is sent.

use super::super::args::PublishArgs;
use super::super::connect::Connection;
use super::super::output::{self, Exit, stop};
use super::input::Item;
use super::preview;
use super::terms::{ask, say, words};
use crate::client::{ClientError, Found};
use crate::http::{Preview, Whoami};
use crate::lookup::Answer;
use crate::lookup::table::{self, Row};
use crate::submission::build::{Built, ids, objects};
use crate::submission::terms::Said;
use crate::submission::{Draft, text};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// What is submitted, made ready.
pub(super) struct Submission {
    pub(super) items: Vec<Item>,
    rows: Vec<Row>,
    draft: Draft,
    built: Built,
    said: Said,
    /// Could the hub be asked?
    is_asked: bool,
}

/// Makes objects of drafts.
pub(super) async fn prepare(
    connection: &Connection,
    found: &Found,
    drafts: Vec<Draft>,
    args: &PublishArgs,
) -> anyhow::Result<Submission> {
    let draft = Draft::joined(drafts);
    let who: Whoami = connection.client.get("/liaison/v1/whoami").await.map_err(|error| {
        let text = "tables and texts are published to a hub of our kind, which says in whose name";
        stop(Exit::Failed, format!("{error}; {text}"))
    })?;
    let said = say(&args.submission, &draft, (who.identity, who.name))?;
    let known = known(connection, found, &draft, &said).await?;
    let built = objects(&draft, &said.terms(), &known).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        stop(Exit::BadData, all.join("\n"))
    })?;
    let mut items: Vec<Item> = built.objects.iter().map(item).collect();
    // Stable: markings first and the container last, as they came.
    items.sort_by_key(|item| item.together);
    let (rows, is_asked) = rows(connection, &draft).await;
    Ok(Submission { items, rows, draft, built, said, is_asked })
}

/// What the collection has of the objects that will come of a draft.
async fn known(
    connection: &Connection,
    found: &Found,
    draft: &Draft,
    said: &Said,
) -> anyhow::Result<HashMap<String, Value>> {
    let (mut known, mut asked) = (HashMap::new(), HashSet::new());
    if !found.collection.can_read {
        return Ok(known);
    }
    loop {
        let wanted: Vec<String> =
            ids(draft, &said.terms(), &known).into_iter().filter(|id| asked.insert(id.clone())).collect();
        if wanted.is_empty() {
            return Ok(known);
        }
        for ids in wanted.chunks(IDS) {
            let query = [("match[id]", ids.join(","))];
            let page = connection.client.page(found, &query).await.map_err(super::failed)?;
            let page: Value = serde_json::from_slice(&page.body)?;
            for object in page["objects"].as_array().into_iter().flatten() {
                known.insert(object["id"].as_str().unwrap_or_default().to_owned(), object.clone());
            }
        }
    }
}

fn item(object: &Value) -> Item {
    let is_marking = object["type"] == "marking-definition";
    // Observables have the level of what names them, so they go together.
    let goes_with_others = object["created"].is_null() || object["object_refs"].is_array();
    let name = object["id"].as_str().unwrap_or_default().to_owned();
    Item { name, json: Bytes::from(object.to_string()), is_marking, together: goes_with_others.then_some(0) }
}

/// What the hub knows of the values, and whether it could be asked.
async fn rows(connection: &Connection, draft: &Draft) -> (Vec<Row>, bool) {
    let mut rows = table::rows(draft);
    for (question, places) in table::questions(draft) {
        let answer: Result<Answer, ClientError> =
            connection.client.order("/liaison/v1/lookup", &json!(question)).await;
        let Ok(answer) = answer else { return (rows, false) };
        table::fill(&mut rows, &places, answer);
    }
    (rows, true)
}

impl Submission {
    /// Shows it, and asks whether it is to be sent.
    pub(super) fn review(&self, preview: Option<&Preview>, args: &PublishArgs) -> anyhow::Result<bool> {
        if args.json {
            return self.decide(args);
        }
        let width = |text: fn(&Row) -> &str| {
            self.rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0).min(WIDTH_MAX)
        };
        let (values, kinds) = (width(|row| &row.value), width(|row| &row.kind));
        for row in self.rows.iter().take(ROWS_SHOWN) {
            let value = output::one_line(&row.value);
            let mut line = format!("{value:<values$}  {:<kinds$}", row.kind);
            if !row.known.is_empty() {
                line += &format!("  known: {}", row.known.join("; "));
            }
            if !row.warnings.is_empty() {
                line += &format!("  WARNING {}", row.warnings.join("; "));
            }
            output::line(line.trim_end());
        }
        if self.rows.len() > ROWS_SHOWN {
            output::line(&format!("and {} more; --json shows all", self.rows.len() - ROWS_SHOWN));
        }
        for left in self.left_out().take(LEFT_OUT_SHOWN) {
            output::line(&format!(
                "left out: {} ({}): {}",
                output::one_line(&left.text),
                left.place,
                left.reason
            ));
        }
        let left_out = self.left_out().count();
        if left_out > LEFT_OUT_SHOWN {
            output::line(&format!("and {} more were left out; --json shows all", left_out - LEFT_OUT_SHOWN));
        }
        let known = self.rows.iter().filter(|row| !row.known.is_empty()).count();
        let warned = self.rows.iter().filter(|row| !row.warnings.is_empty()).count();
        let asked = if self.is_asked { "" } else { " (the hub could not be asked)" };
        output::line(&format!(
            "{} values, {known} known already, {warned} on warning lists{asked}; {}",
            self.rows.len(),
            words(&self.said.terms())
        ));
        output::line(&format!(
            "{} objects are new or have changed, {} are there just so",
            self.items.len(),
            self.built.unchanged.len()
        ));
        if let Some(preview) = preview.filter(|_| !self.items.is_empty()) {
            preview::tell(preview);
        }
        self.decide(args)
    }

    fn decide(&self, args: &PublishArgs) -> anyhow::Result<bool> {
        if args.dry_run || args.preview || self.items.is_empty() {
            return Ok(false);
        }
        if args.submission.yes {
            return Ok(true);
        }
        let answer = ask("--yes", "Send it? [y/N] ")?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }

    fn left_out(&self) -> impl Iterator<Item = &crate::submission::LeftOut> {
        self.draft.left_out.iter().chain(&self.built.left_out)
    }

    /// All of it, for programs.
    pub(super) fn told(&self) -> Value {
        let left_out: Vec<Value> = self
            .left_out()
            .map(|left| json!({"place": left.place, "text": left.text, "reason": left.reason}))
            .collect();
        let ids: Vec<&str> = self.items.iter().map(|item| item.name.as_str()).collect();
        json!({"values": self.rows, "left_out": left_out, "new": ids, "unchanged": self.built.unchanged})
    }
}

/// All values of some text files, without a server.
pub(in crate::cli) fn of_texts(args: &super::super::args::ExtractArgs) -> anyhow::Result<Exit> {
    let mut found = false;
    for file in &args.files {
        let mut bytes = Vec::new();
        let name = super::super::input::name(file);
        let read = match name.as_str() {
            "standard input" => std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(drop),
            _ => std::fs::read(file).map(|read| bytes = read),
        };
        read.map_err(|error| stop(Exit::BadData, format!("cannot read {name}: {error}")))?;
        let draft = text::draft(&String::from_utf8_lossy(&bytes), args.all_values);
        found |= !draft.records.is_empty();
        for record in &draft.records {
            let (kind, value) = (crate::submission::name(&record.what), record.what.text());
            match args.json {
                true => {
                    output::json(&json!({"file": name, "type": kind, "value": value, "place": record.place}))
                }
                false => output::line(&format!("{kind} {value}")),
            }
        }
    }
    Ok(if found { Exit::Done } else { Exit::Failed })
}

/// Ids in one question.
const IDS: usize = 50;
const ROWS_SHOWN: usize = 200;
const LEFT_OUT_SHOWN: usize = 20;
const WIDTH_MAX: usize = 72;
