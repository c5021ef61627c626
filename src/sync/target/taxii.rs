//! A collection of a TAXII 2.1 server that is written to.

use super::{Taken, Target, refused};
use crate::client::{Client, Found};
use crate::stix::{Object, StixTime};
use crate::sync::source::taxii::find;
use crate::sync::{Fault, Position};
use crate::taxii::envelope;
use crate::taxii::resource::{Progress, Status, StatusDetail};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A collection that is written to.
pub struct Taxii {
    runtime: Rc<Runtime>,
    client: Client,
    found: Found,
    /// For so long a status may take.
    patience: Duration,
}

impl Taxii {
    /// Finds the collection by id, alias or title.
    pub fn open(
        runtime: Rc<Runtime>,
        client: Client,
        collection: &str,
        patience: Duration,
    ) -> Result<Self, Fault> {
        let found = find(&runtime, &client, collection, |found| found.collection.can_write)?;
        Ok(Self { runtime, client, found, patience })
    }

    /// Envelopes that the server takes; markings go first, since others refer to them.
    fn split<'o>(&self, objects: &'o [Object], taken: &mut Taken) -> [Vec<Vec<&'o Object>>; 2] {
        let limit = usize::try_from(self.found.max_content_length).unwrap_or(usize::MAX);
        let wanted = limit.min(ENVELOPE_BYTES);
        let mut all = [Vec::new(), Vec::new()];
        for (markings, envelopes) in [true, false].into_iter().zip(&mut all) {
            let (mut current, mut bytes) = (Vec::new(), FRAME);
            for object in objects.iter().filter(|object| object.is_marking() == markings) {
                let size = object.json().len() + 1;
                if FRAME + size > limit {
                    let reason = format!("larger than the {limit} bytes that the server takes at once");
                    taken.letters.push(refused(object, "too_large", reason));
                    continue;
                }
                if bytes + size > wanted || current.len() == ENVELOPE_OBJECTS {
                    envelopes.push(std::mem::take(&mut current));
                    bytes = FRAME;
                }
                bytes += size;
                current.push(object);
            }
            if !current.is_empty() {
                envelopes.push(current);
            }
        }
        all
    }

    /// Which of the failures are there already: some servers call that a failure, with no word to tell it by.
    fn present(&self, status: &Status) -> Result<HashSet<(String, String)>, Fault> {
        let mut present = HashSet::new();
        if !self.found.collection.can_read {
            return Ok(present);
        }
        let is_plain = |id: &&str| crate::stix::StixId::parse(id).is_ok();
        let mut ids: Vec<&str> =
            status.failures.iter().map(|detail| detail.id.as_str()).filter(is_plain).collect();
        ids.sort_unstable();
        ids.dedup();
        for ids in ids.chunks(IDS) {
            let query = [("match[id]", ids.join(",")), ("match[version]", "all".to_owned())];
            let query = query.into_iter().chain([("limit", "1000".to_owned())]).collect::<Vec<_>>();
            let page = self.runtime.block_on(self.client.page(&self.found, &query))?;
            let page: Value = serde_json::from_slice(&page.body).unwrap_or_default();
            for object in page["objects"].as_array().into_iter().flatten() {
                let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
                present.insert((text("id"), text("modified")));
            }
        }
        Ok(present)
    }
}

impl Target for Taxii {
    fn put(&mut self, objects: &[Object], _: &Position, _: &mut dyn FnMut()) -> Result<Taken, Fault> {
        let mut taken = Taken::default();
        for envelopes in self.split(objects, &mut taken) {
            let (client, found, patience) = (&self.client, &self.found, self.patience);
            let sending = envelopes.iter().map(|objects| async move {
                let texts = objects.iter().map(|object| object.json().as_ref());
                let body = envelope::write(texts, None).into();
                let again = |error: &crate::client::ClientError| tracing::info!(%error, "sent again");
                client.deliver(found, body, (TRIES, patience), &again).await
            });
            let answers =
                self.runtime.block_on(stream::iter(sending).buffered(IN_FLIGHT).collect::<Vec<_>>());
            for (objects, status) in envelopes.iter().zip(answers) {
                let status = status?;
                if status.status == Progress::Pending && !status.awaits_officer() {
                    let what = format!("the server has not decided on {} after {patience:?}", status.id);
                    return Err(Fault::passing(what));
                }
                let present = self.present(&status)?;
                taken.count(objects, &status, &present)?;
            }
        }
        Ok(taken)
    }
}

impl Taken {
    /// Counts what a status says; one that does not add up is none.
    fn count(
        &mut self,
        objects: &[&Object],
        status: &Status,
        present: &HashSet<(String, String)>,
    ) -> Result<(), Fault> {
        let told = status.success_count + status.failure_count + status.pending_count;
        if told != status.total_count || status.total_count != objects.len() as u64 {
            return Err(Fault::Lasting(format!(
                "status {}: {told} objects are told of, {} in all, but {} were sent",
                status.id,
                status.total_count,
                objects.len()
            )));
        }
        let mut failures: HashMap<&str, Vec<&StatusDetail>> = HashMap::new();
        for detail in &status.failures {
            failures.entry(&detail.id).or_default().push(detail);
        }
        // Not every server says of each object what became of it.
        if failures.is_empty() && status.failure_count > 0 {
            return Err(Fault::Lasting(format!(
                "status {}: {} objects were refused, but not which",
                status.id, status.failure_count
            )));
        }
        let unchanged = status.successes.iter().filter(|detail| detail.is_unchanged()).count() as u64;
        (self.unchanged, self.pending) = (self.unchanged + unchanged, self.pending + status.pending_count);
        let mut stored = status.success_count.saturating_sub(unchanged);
        for object in objects {
            let version = (object.id().to_string(), object.version().as_str().to_owned());
            let told = failures.get(object.id().as_str()).into_iter().flatten();
            match told.copied().find(|detail| is_about(detail, object)) {
                Some(_) if present.contains(&version) => self.unchanged += 1,
                Some(detail) => {
                    let reason = detail.message.as_deref().unwrap_or("refused, without a reason");
                    self.letters.push(refused(object, "target", reason.to_owned()));
                }
                None if stored > 0 => {
                    stored -= 1;
                    self.stored.push(object.id().object_type().to_owned());
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Some servers spell times otherwise, and some name no version.
fn is_about(detail: &StatusDetail, object: &Object) -> bool {
    let version = StixTime::parse(&detail.version);
    version.is_none_or(|version| object.is_version(&version) || version.micros() == object.version().micros())
}

const TRIES: u32 = 4;
/// Ids in one question.
const IDS: usize = 50;
const IN_FLIGHT: usize = 6;
const FRAME: usize = "{\"objects\":[]}".len();
const ENVELOPE_BYTES: usize = 2 * 1024 * 1024;
const ENVELOPE_OBJECTS: usize = 1_000;
