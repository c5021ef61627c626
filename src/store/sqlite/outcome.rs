//! What becomes of a POST, as the audit log is to tell it.

use super::add::Row;
use super::writer::Work;
use crate::audit::Event;
use crate::audit::event::{LoweredVersion, Publish, RefusedVersion};
use crate::stix::{StixId, StixTime, Timestamp, Tlp};
use crate::store::Batch;
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::BTreeMap;

/// The record of a POST while its objects are judged and written.
pub(super) struct Outcome {
    received: Timestamp,
    publish: Publish,
    /// Over `date_added` in microseconds (eight bytes, big end first), id, a zero byte, version, a
    /// zero byte and the SHA-256 of the text, of each row written.
    rows: Context,
    /// `date_added` of the first and the last row.
    range: Option<(i64, i64)>,
    levels: BTreeMap<Tlp, u64>,
    handlings: BTreeMap<u32, u64>,
}

impl Outcome {
    pub(super) fn new(batch: &Batch) -> Self {
        let publish = Publish {
            by: batch.client.clone(),
            key: batch.key.clone(),
            collection: batch.collection.clone(),
            request: Some(batch.status_id.clone()).filter(|id| !id.is_empty()),
            received: batch.received.to_string(),
            first: None,
            last: None,
            count: 0,
            rows: String::new(),
            levels: BTreeMap::new(),
            handlings: Vec::new(),
            present: 0,
            pending: 0,
            refused: Vec::new(),
            lowered: Vec::new(),
        };
        Self {
            received: batch.received,
            publish,
            rows: Context::new(&SHA256),
            range: None,
            levels: BTreeMap::new(),
            handlings: BTreeMap::new(),
        }
    }

    /// A version was there already.
    pub(super) fn present(&mut self) {
        self.publish.present += 1;
    }

    /// A version waits for release.
    pub(super) fn waits(&mut self) {
        self.publish.pending += 1;
    }

    /// A version was refused. What is no id and no version may be anything, so it is left out.
    pub(super) fn refused(&mut self, id: &str, version: &str, code: &str) {
        let id = if StixId::parse(id).is_ok() { id } else { "" };
        let version = if StixTime::parse(version).is_some() { version } else { "" };
        let refused = RefusedVersion { id: id.into(), version: version.into(), code: code.into() };
        self.publish.refused.push(refused);
    }

    /// A version is less restricted than the one before it.
    pub(super) fn lowered(&mut self, id: &str, version: &str, from: Tlp, to: Tlp) {
        let (from, to) = (from.to_string(), to.to_string());
        self.publish.lowered.push(LoweredVersion { id: id.into(), version: version.into(), from, to });
    }

    /// A version was written.
    pub(super) fn written(&mut self, work: &Work, row: &Row, added: i64) {
        let object = row.prepared.admitted.object();
        let parts: [&[u8]; 6] = [
            &added.to_be_bytes(),
            object.id().as_str().as_bytes(),
            &[0],
            object.version().as_str().as_bytes(),
            &[0],
            &row.prepared.sha256,
        ];
        parts.iter().for_each(|part| self.rows.update(part));
        let handling = work.classes.handling(row.class.handling);
        let level = handling.map_or(Tlp::Red, |handling| handling.level(self.received));
        *self.levels.entry(level).or_default() += 1;
        *self.handlings.entry(number(row.class.handling)).or_default() += 1;
        self.range = Some((self.range.map_or(added, |(first, _)| first), added));
        self.publish.count += 1;
    }

    /// Hands the record to the transaction. Refusals that would make it too long stand in further
    /// records of the same request.
    pub(super) fn record(mut self, work: &mut Work) {
        self.publish.rows = hex(self.rows.finish().as_ref());
        let time = |micros| Timestamp::from_micros(micros).to_string();
        self.publish.first = self.range.map(|(first, _)| time(first));
        self.publish.last = self.range.map(|(_, last)| time(last));
        self.publish.levels =
            self.levels.into_iter().map(|(level, count)| (level.to_string(), count)).collect();
        self.publish.handlings = self.handlings.into_iter().collect();
        let mut refused = std::mem::take(&mut self.publish.refused).into_iter();
        let mut next = || refused.by_ref().take(REFUSED_MAX).collect::<Vec<_>>();
        let mut publish = self.publish;
        publish.refused = next();
        loop {
            let rest = next();
            let further = Publish {
                first: None,
                last: None,
                count: 0,
                rows: hex(Context::new(&SHA256).finish().as_ref()),
                levels: BTreeMap::new(),
                handlings: Vec::new(),
                present: 0,
                lowered: Vec::new(),
                refused: rest,
                ..publish.clone()
            };
            let is_last = further.refused.is_empty();
            work.record(self.received, Event::Publish(Box::new(publish)));
            if is_last {
                return;
            }
            publish = further;
        }
    }
}

/// The number of a handling as records have it: from 0.
pub(super) fn number(key: i64) -> u32 {
    u32::try_from(key - 1).unwrap_or(u32::MAX)
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Refusals in one record.
const REFUSED_MAX: usize = 20_000;
