//! Was a version on the pages that a record tells of?
//!
//! Where the log leaves it open the answer is yes: nobody is to be told that a client has not
//! received what it has. It is open where something changed while a page was being read, and for
//! rows that were raised since: a page may have been read by the handling before or after.

use crate::audit::event::Served;
use crate::stix::{StixTime, Timestamp};
use crate::store::sqlite::outcome::number;
use crate::store::sqlite::rows::version_key;
use rusqlite::types::Value;
use std::collections::HashSet;

/// A version, stored or deleted.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) coll: i64,
    pub(super) added: i64,
    pub(super) id: String,
    pub(super) version: StixTime,
    /// The handling it has, then those that it had before.
    pub(super) handlings: Vec<i64>,
    /// How many records the log had when it was about to be deleted.
    pub(super) gone: Option<u64>,
}

/// What pages were made of, from their record.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) served: Served,
    ids: Option<HashSet<String>>,
    types: Option<HashSet<String>>,
    versions: Words,
    newest: i64,
}

/// The versions asked for.
#[derive(Debug, Default)]
struct Words {
    all: bool,
    first: bool,
    last: bool,
    exact: Vec<Value>,
}

impl Pages {
    pub(super) fn new(served: Served) -> Self {
        let list = |name: &str| -> Option<Vec<&str>> {
            let values = served.filter.get(name)?.as_array()?;
            Some(values.iter().filter_map(|value| value.as_str()).collect())
        };
        let set = |name: &str| -> Option<HashSet<String>> {
            Some(list(name)?.into_iter().map(str::to_owned).collect())
        };
        let mut versions = Words::default();
        for word in list("version").unwrap_or_else(|| vec!["last"]) {
            match word {
                "all" => versions.all = true,
                "first" => versions.first = true,
                "last" => versions.last = true,
                exact => versions.exact.extend(StixTime::parse(exact).map(|time| version_key(&time))),
            }
        }
        let newest = Timestamp::parse(&served.newest).map_or(i64::MIN, Timestamp::micros);
        Self { ids: set("id"), types: set("type"), versions, newest, served }
    }

    /// Does every row count whose handling could be seen, whatever its id, type and other versions?
    pub(super) fn take_all(&self) -> bool {
        self.ids.is_none() && self.types.is_none() && self.versions.all
    }

    /// As [`Self::take_all`], but only for rows that are the only version of their object.
    pub(super) fn take_single(&self) -> bool {
        let versions = &self.versions;
        self.ids.is_none() && self.types.is_none() && (versions.all || versions.last || versions.first)
    }

    /// Could the reader see this handling?
    pub(super) fn shows(&self, handling: i64) -> bool {
        self.served.visible.contains(number(handling))
    }

    /// Was the row on the pages? `family` is all versions of the object in the collection.
    pub(super) fn hold(&self, row: &Row, family: &[Row]) -> bool {
        let object_type = row.id.split("--").next().unwrap_or_default();
        let was_there = row.gone.is_none_or(|gone| self.served.log_from <= gone);
        was_there
            && row.handlings.iter().any(|handling| self.shows(*handling))
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&row.id))
            && self.types.as_ref().is_none_or(|types| types.contains(object_type))
            && self.selects(row, family)
    }

    fn selects(&self, row: &Row, family: &[Row]) -> bool {
        let words = &self.versions;
        let is_hidden = |by: fn(&StixTime, &StixTime) -> bool| {
            family.iter().any(|other| by(&other.version, &row.version) && self.surely_had(other))
        };
        words.all
            || words.exact.contains(&version_key(&row.version))
            || words.last && !is_hidden(|other, own| other > own)
            || words.first && !is_hidden(|other, own| other < own)
    }

    /// Did the reader see this version when the pages were read, without any doubt?
    fn surely_had(&self, other: &Row) -> bool {
        other.added <= self.newest
            && other.gone.is_none_or(|gone| gone >= self.served.log_to)
            && other.handlings.iter().all(|handling| self.shows(*handling))
    }
}
