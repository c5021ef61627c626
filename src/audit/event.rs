//! What is recorded. Members stand in a record in the order of the fields here.
//!
//! No field holds an indicator's value, or anything of a person but the name of a client: so that
//! erasing content never means editing the log. Times are RFC 3339 UTC; `by` is the client or
//! operator who acts; `key` is the SHA-256 of the certificate it acted with, in hexadecimal, absent
//! where somebody acted at the machine itself. Optional members are left out when absent.

use super::hash::{Hash, from_hex, to_hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::collections::BTreeMap;

/// Something that happened. Its name in kebab case is the member `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// Objects were published.
    Publish(Box<Publish>),
    /// Pages were sent.
    Served(Box<Served>),
    /// Requests were refused for want of a right.
    Refused(Refused),
    /// The registry changed.
    Registry(Registry),
    /// A reviewer let a submission through.
    Released(Box<Decision>),
    /// A reviewer turned a submission down.
    Declined(Box<Decision>),
    /// Versions of an object were deleted.
    Deleted(Deleted),
    /// The content of versions was erased.
    Erased(Erased),
    /// A legal hold was put on or taken off.
    Hold(Hold),
    /// The hub started.
    Started {
        /// Version of the program.
        version: String,
        /// Who started it: an account of the operating system.
        by: String,
    },
    /// The hub stopped.
    Stopped,
    /// A checkpoint was signed.
    Checkpoint {
        /// Its size.
        size: u64,
        /// Its root.
        root: Hash,
    },
    /// A check of integrity failed.
    Damaged {
        /// What is damaged.
        what: String,
    },
    /// Somebody confirmed a value although a warning list names it.
    Confirmed {
        /// Who did.
        by: String,
        /// The object that names the value.
        id: String,
        /// The list.
        list: String,
        /// Its version.
        version: u64,
    },
    /// A proof was made for somebody.
    Proof {
        /// Who asked.
        by: String,
        /// What was proved.
        what: String,
    },
}

/// Objects were published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    /// Who published.
    pub by: String,
    /// The certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where to.
    pub collection: String,
    /// Id of the status resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// When the request arrived.
    pub received: String,
    /// `date_added` of the first row written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// `date_added` of the last row written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Rows written.
    pub count: u64,
    /// SHA-256 over the rows written, in hexadecimal.
    pub rows: String,
    /// Rows written of each marking level.
    pub levels: BTreeMap<String, u64>,
    /// Rows written of each handling: its number, and how many.
    pub handlings: Vec<(u32, u64)>,
    /// Versions that were there already.
    pub present: u64,
    /// Versions that await review.
    pub pending: u64,
    /// Versions that were refused.
    pub refused: Vec<RefusedVersion>,
    /// Versions whose marking was lowered.
    pub lowered: Vec<LoweredVersion>,
}

/// A version that was not accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefusedVersion {
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Why.
    pub code: String,
}

/// A version whose marking the owner lowered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoweredVersion {
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The level before.
    pub from: String,
    /// The level now.
    pub to: String,
}

/// Pages of one request, or of one poll that took several, were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// Who received them.
    pub by: String,
    /// The certificate.
    pub key: String,
    /// Where from.
    pub collection: String,
    /// What the pages were made of.
    pub view: View,
    /// What was asked for.
    pub filter: BTreeMap<String, Value>,
    /// `date_added` of the first object sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// `date_added` of the last object sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Objects sent.
    pub objects: u64,
    /// Pages sent.
    pub pages: u64,
    /// The handlings that this client could see then. With filter, `first` and `last` it says which
    /// objects were sent: those in between that match and whose handling is one of these.
    pub visible: Handlings,
    /// The newest `date_added` that the collection had given when the pages were read: versions up
    /// to it counted for what was the first or the last version of an object.
    pub newest: String,
    /// What the first so many records tell of had been done by then, such as deletions.
    pub log_from: u64,
    /// What the records from this number on tell of had not been done.
    pub log_to: u64,
    /// When the last of the pages was sent.
    pub until: String,
}

/// What a page is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Objects (TAXII 2.1 §5.4, §5.6).
    Objects,
    /// A manifest (TAXII 2.1 §5.3).
    Manifest,
    /// A list of versions (TAXII 2.1 §5.8).
    Versions,
    /// An export: of the objects that this says could be in it, those that were active and that it asks for.
    Export,
    /// A look-up: of the objects that the filter names, values and what is said of them.
    Lookup,
}

/// Requests were refused for want of a right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Who asked, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The certificate, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The code of the refusal.
    pub what: String,
    /// How often in a row.
    pub count: u64,
    /// Which resource; the member is `where`.
    #[serde(rename = "where")]
    pub where_: String,
}

/// The registry changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// Who changed it.
    pub by: String,
    /// The generation that it has now.
    pub generation: u64,
    /// What changed, one sentence each.
    pub changes: Vec<String>,
    /// SHA-256 of the registry as it is now, in hexadecimal.
    pub sha256: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A reviewer decided on a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Who decided.
    pub by: String,
    /// The certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where it was submitted to.
    pub collection: String,
    /// The submission.
    pub submission: String,
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The marking level.
    pub level: String,
    /// Who had submitted it.
    pub submitter: String,
    /// When it was added, if it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_added: Option<String>,
}

/// Versions of an object were deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deleted {
    /// Who deleted them.
    pub by: String,
    /// The certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where from.
    pub collection: String,
    /// The object.
    pub id: String,
    /// The versions.
    pub versions: Vec<String>,
}

/// The content of versions was erased.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Erased {
    /// Who erased it.
    pub by: String,
    /// Where from.
    pub collection: String,
    /// The object.
    pub id: String,
    /// The versions.
    pub versions: Vec<String>,
    /// Why.
    pub reason: String,
    /// What brought it about.
    pub cause: Cause,
}

/// What brought an erasure about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The time for keeping it was over.
    Retention,
    /// Somebody asked for it.
    Request,
}

/// A legal hold was put on or taken off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Who did it.
    pub by: String,
    /// Which of the two.
    pub action: HoldAction,
    /// What is held.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What was done to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldAction {
    /// It was put on.
    Add,
    /// It was taken off.
    Lift,
}

/// A set of handling numbers. As text a bit set in hexadecimal, bytes first to last: number `k` is a
/// member if byte `k / 8` has bit `k % 8`, counted from the lowest. There is no zero byte at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handlings(Vec<u8>);

impl Handlings {
    /// The numbers of the bits that are set, from the lowest of the first word on.
    pub fn of_bits(words: &[u64]) -> Self {
        let bits = words.iter().enumerate().flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u32 * 64 + bit)
        });
        bits.collect()
    }

    /// Is the handling with this number in the set?
    pub fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize / 8).is_some_and(|byte| byte & (1 << (number % 8)) != 0)
    }
}

impl FromIterator<u32> for Handlings {
    /// Takes memory for the largest number, not for how many there are: handlings are numbered from 0.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut bytes = Vec::new();
        for number in numbers {
            let at = number as usize / 8;
            bytes.resize(bytes.len().max(at + 1), 0);
            bytes[at] |= 1 << (number % 8);
        }
        Self(bytes)
    }
}

impl Serialize for Handlings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Handlings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = from_hex(&String::deserialize(deserializer)?).filter(|bytes| bytes.last() != Some(&0));
        bytes.map(Self).ok_or_else(|| de::Error::custom("not a bit set in hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlings_are_a_bit_set_from_the_lowest_bit() {
        let set: Handlings = [17, 0, 3].into_iter().collect();
        assert_eq!(serde_json::to_string(&set).unwrap(), "\"090002\"");
        let again: Handlings = serde_json::from_str("\"090002\"").unwrap();
        assert_eq!(again, set);
        let members: Vec<_> = (0..100).filter(|number| again.contains(*number)).collect();
        assert_eq!(members, [0, 3, 17]);
        assert_eq!(serde_json::to_string(&Handlings::default()).unwrap(), "\"\"");
        for wrong in ["\"0\"", "\"0900\"", "\"0G\"", "9"] {
            assert!(serde_json::from_str::<Handlings>(wrong).is_err(), "{wrong}");
        }
    }
}
