//! A collection of a TAXII 2.0 server: STIX 2.0, which becomes 2.1.
//!
//! Such a server dates ids and not versions, so what comes after a date leaves new versions out: the collection is
//! read whole at each run, by ranges. Two forms of these are in use, and some servers give less than was asked
//! for, so the next range begins after what came.

use super::{Part, Source};
use crate::client::{Answer, Client, ClientError};
use crate::stix::content::{Options, Profile};
use crate::sync::elevate::elevate;
use crate::sync::{Fault, Position};
use crate::taxii::Envelope;
use reqwest::header::{CONTENT_RANGE, RANGE};
use serde_json::{Map, Value, json};
use std::rc::Rc;
use tokio::runtime::Runtime;
use url::Url;

/// A collection that is read.
pub struct Taxii20 {
    runtime: Rc<Runtime>,
    client: Client,
    /// The collection's objects.
    url: Url,
    limit: u64,
    /// What stands between `items` and the numbers.
    sign: char,
}

impl Taxii20 {
    /// Finds the collection by id or title.
    pub fn open(runtime: Rc<Runtime>, client: Client, wanted: &str, limit: u32) -> Result<Self, Fault> {
        let read = |url: &Url| -> Result<Value, Fault> {
            let answer = runtime.block_on(client.fetch(url, TAXII, &[]))?;
            serde_json::from_slice(&answer.body)
                .map_err(|error| Fault::Lasting(format!("the answer of {url} is no JSON: {error}")))
        };
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let mut shown = Vec::new();
        for root in list(&read(&client.within("/taxii/")?)?, "api_roots") {
            let root =
                client.within(&format!("{}/", root.as_str().unwrap_or_default().trim_end_matches('/')))?;
            let collections = client.within(&format!("{root}collections/"))?;
            for one in list(&read(&collections)?, "collections") {
                let (id, title) = (one["id"].as_str().unwrap_or_default(), one["title"].as_str());
                let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                if is_plain && (id == wanted || title == Some(wanted)) {
                    let url = client.within(&format!("{collections}{id}/objects/"))?;
                    let limit = u64::from(limit);
                    return Ok(Self { runtime, client, url, limit, sign: '=' });
                }
                shown.push(title.unwrap_or(id).to_owned());
            }
        }
        Err(Fault::Lasting(format!(
            "the server shows no collection `{wanted}`; it shows: {}",
            shown.join(", ")
        )))
    }

    /// The items from a number on; nothing if there are none.
    fn range(&mut self, start: u64) -> Result<Option<Answer>, ClientError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let range = format!("items{}{start}-{}", self.sign, start + self.limit - 1);
            let asked = [(RANGE, range.as_str())];
            match self.runtime.block_on(self.client.fetch(&self.url, STIX, &asked)) {
                Err(ClientError::Refused { status: 416, .. }) => return Ok(None),
                Err(ClientError::Refused { status: 400, .. }) if tries == 1 => {
                    self.sign = if self.sign == '=' { ' ' } else { '=' };
                }
                Err(ClientError::TooLarge { .. }) if self.limit > 1 => self.limit = (self.limit / 4).max(1),
                other => return other.map(Some),
            }
        }
    }
}

impl Source for Taxii20 {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn next(&mut self, position: &Position) -> Result<Part, Fault> {
        let start = position.next.as_deref().and_then(|next| next.parse().ok()).unwrap_or(0);
        let done = |objects, remark| Part {
            objects,
            letters: Vec::new(),
            repeated: 0,
            more: false,
            after: Position::default(),
            remark,
            is_submitted: false,
            fault: None,
        };
        let Some(answer) = self.range(start)? else { return Ok(done(Vec::new(), None)) };
        let bad = |what: &dyn std::fmt::Display| Fault::Lasting(format!("{} from {start}: {what}", self.url));
        let bundle: Value = serde_json::from_slice(&answer.body).map_err(|error| bad(&error))?;
        let Some(found) = bundle["objects"].as_array() else { return Ok(done(Vec::new(), None)) };
        let (count, total) = (found.len() as u64, total(&answer));
        let body = json!({"objects": elevated(found)}).to_string().into_bytes();
        let options = Options { profile: Profile::Interop, ..Options::default() };
        let (envelope, _) = Envelope::parse_page(body, options).map_err(|error| bad(&error))?;
        let objects = envelope.objects().collect();
        let end = start + count;
        // Without a total the server has given everything at once.
        match count > 0 && total.is_some_and(|total| end < total) {
            true => {
                let after = Position { next: Some(end.to_string()), ..Position::default() };
                Ok(Part {
                    objects,
                    letters: Vec::new(),
                    repeated: 0,
                    more: end < ITEMS_MAX,
                    after,
                    remark: None,
                    is_submitted: false,
                    fault: None,
                })
            }
            false => Ok(done(objects, None)),
        }
    }

    fn definitions(&mut self, _: &[String]) -> Result<Vec<(String, Value)>, Fault> {
        // They come with the rest: the collection is read whole.
        Ok(Vec::new())
    }
}

/// Objects of STIX 2.1; one that cannot become such stays what it is, and is refused as that.
fn elevated(found: &[Value]) -> Vec<Value> {
    let one = |value: &Value| match value.as_object().map(|object: &Map<String, Value>| elevate(object)) {
        Some(Ok(objects)) => objects,
        _ => vec![value.clone()],
    };
    found.iter().flat_map(one).collect()
}

/// How many items there are, as `Content-Range: items 0-9/30` says.
fn total(answer: &Answer) -> Option<u64> {
    let range = answer.headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range.rsplit_once('/')?.1.trim().parse().ok()
}

const TAXII: &str = "application/vnd.oasis.taxii+json; version=2.0";
const STIX: &str = "application/vnd.oasis.stix+json; version=2.0";
/// Items of one collection.
const ITEMS_MAX: u64 = 10_000_000;
