//! Compares what was acknowledged with what was seen. It knows the rules of visibility from the
//! standard's and the project's texts, not from the program.

use crate::hub::{Hub, Member, RED};
use crate::poller::{Poller, Style};
use crate::publisher::{Book, Sent};
use crate::wire::{Client, PLACE};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

type Key = (String, String);

/// Everything that publishers did, for looking things up.
pub(crate) struct Ledger {
    sent: HashMap<Key, Sent>,
    /// Objects of which any version was deleted.
    touched: HashSet<String>,
}

impl Ledger {
    pub(crate) fn new<'a>(books: impl Iterator<Item = &'a Book>) -> Self {
        let (mut sent, mut touched) = (HashMap::new(), HashSet::new());
        for one in books.flat_map(|book| &book.sent) {
            assert!(one.acknowledged, "{one:?} was given up");
            if one.deleted {
                touched.insert(one.id.clone());
            }
            let before = sent.insert((one.id.clone(), one.version.clone()), one.clone());
            assert!(before.is_none(), "the test sent {one:?} twice as different things");
        }
        Self { sent, touched }
    }

    pub(crate) fn len(&self) -> usize {
        self.sent.len()
    }

    /// What must be there for a member to read now.
    fn standing<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = (&'a Key, &'a Sent)> {
        self.sent.iter().filter(|(_, sent)| !sent.deleted && sees(member, sent))
    }

    /// Checks one poller's whole sequence against `manifest`, the keys in order as they stand.
    pub(crate) fn check(&self, poller: &Poller, manifest: &[(Key, String)]) {
        let who = format!(
            "{}/{} {:?} all={} limits={:?}",
            poller.member.org, poller.member.name, poller.style, poller.all, poller.limits
        );
        let mut order: Vec<Key> = Vec::new();
        let mut got: HashMap<Key, usize> = HashMap::new();
        for seen in &poller.seen {
            let key = (seen.id.clone(), seen.version.clone());
            let Some(sent) = self.sent.get(&key) else {
                panic!("{who}: {key:?} was never sent");
            };
            assert_eq!(seen.hash, sent.hash, "{who}: {key:?} came back with another text");
            assert!(sees(&poller.member, sent), "{who}: {key:?} is not for this client: {sent:?}");
            match got.insert(key.clone(), seen.page) {
                None => order.push(key),
                Some(before) => {
                    let (page, earlier) = (&poller.pages[seen.page], &poller.pages[before]);
                    let overlap = poller.style == Style::Cut
                        && page.first <= earlier.last
                        && page.first[..23] == earlier.last[..23];
                    assert!(overlap, "{who}: {key:?} came twice, on {earlier:?} and {page:?}");
                }
            }
        }
        self.check_dates(&who, poller, manifest);
        if poller.all {
            for (key, sent) in self.standing(&poller.member) {
                assert!(got.contains_key(key), "{who}: {key:?} is lost: {sent:?}");
            }
            let standing: Vec<&Key> = order.iter().filter(|key| !self.sent[key].deleted).collect();
            let listed: Vec<&Key> = manifest.iter().map(|(key, _)| key).collect();
            assert!(standing == listed, "{who}: the order is not that of the manifest");
        } else {
            for key in self.last_versions(&poller.member) {
                // A poller that saw only the later version, now deleted, does not meet the earlier one again.
                assert!(
                    self.touched.contains(&key.0) || got.contains_key(&key),
                    "{who}: {key:?} is the last version and is lost"
                );
            }
        }
    }

    /// Checks one who polled from the start when nothing was changing.
    pub(crate) fn check_afresh(&self, poller: &Poller) {
        let found: HashSet<Key> =
            poller.seen.iter().map(|seen| (seen.id.clone(), seen.version.clone())).collect();
        assert_eq!(
            found.len(),
            poller.seen.len(),
            "{:?} {:?}: something came twice",
            poller.member,
            poller.style
        );
        let wanted = match poller.all {
            true => self.standing(&poller.member).map(|(key, _)| key.clone()).collect(),
            false => self.last_versions(&poller.member),
        };
        let differs = found.symmetric_difference(&wanted).next();
        assert!(
            differs.is_none(),
            "{:?} {:?}: {:?}",
            poller.member,
            poller.style,
            differs.map(|key| &self.sent[key])
        );
    }

    /// Every date lies on the page where its object came, and pages follow each other.
    fn check_dates(&self, who: &str, poller: &Poller, manifest: &[(Key, String)]) {
        let dates: HashMap<&Key, &String> = manifest.iter().map(|(key, date)| (key, date)).collect();
        for seen in &poller.seen {
            let key = (seen.id.clone(), seen.version.clone());
            let page = &poller.pages[seen.page];
            if let Some(date) = dates.get(&key) {
                assert!(
                    page.first <= **date && **date <= page.last,
                    "{who}: {key:?} of {date} came on {page:?}"
                );
            }
        }
        for pair in poller.pages.windows(2).filter(|_| poller.style != Style::Cut) {
            assert!(pair[0].last < pair[1].first, "{who}: {pair:?} overlap");
        }
    }

    /// The last version of each object, among those that a member sees.
    fn last_versions(&self, member: &Member) -> HashSet<Key> {
        let mut last: HashMap<&str, &str> = HashMap::new();
        for ((id, version), _) in self.standing(member) {
            let best = last.entry(id).or_insert(version);
            if instant(version) > instant(best) {
                *best = version;
            }
        }
        last.into_iter().map(|(id, version)| (id.to_owned(), version.to_owned())).collect()
    }

    /// Manifest, versions, single objects and `last` agree with the books; the manifest is returned.
    pub(crate) async fn check_resources(
        &self,
        hub: &Hub,
        member: &Member,
        samples: usize,
    ) -> Vec<(Key, String)> {
        let client = hub.client(member);
        let manifest = list(&client, &format!("{PLACE}manifest/"), "objects", "all").await;
        let manifest: Vec<(Key, String)> = manifest.iter().map(record).collect();
        for pair in manifest.windows(2) {
            assert!(pair[0].1 < pair[1].1, "manifest of {member:?}: {pair:?}");
        }
        let listed: HashSet<&Key> = manifest.iter().map(|(key, _)| key).collect();
        let wanted: HashSet<&Key> = self.standing(member).map(|(key, _)| key).collect();
        assert!(
            listed == wanted,
            "manifest of {member:?}: lacks {:?}, has {:?}",
            first(&wanted, &listed),
            first(&listed, &wanted)
        );
        let last: HashSet<Key> = list(&client, &format!("{PLACE}manifest/"), "objects", "last")
            .await
            .iter()
            .map(|one| record(one).0)
            .collect();
        let wanted = self.last_versions(member);
        assert!(
            last == wanted,
            "last versions of {member:?} differ: {:?}",
            last.symmetric_difference(&wanted).next()
        );
        let ids: HashSet<&String> = self.sent.keys().map(|(id, _)| id).collect();
        for id in ids.into_iter().take(samples) {
            let wanted: Vec<&str> =
                manifest.iter().filter(|(key, _)| key.0 == *id).map(|(key, _)| key.1.as_str()).collect();
            let found = client.settled(&format!("{PLACE}objects/{id}/versions/"), &[]).await;
            let texts = |found: &Value, list: &str, name: Option<&str>| -> Vec<String> {
                let items = found[list].as_array().unwrap();
                items
                    .iter()
                    .map(|one| {
                        name.map_or(one, |name| &one[name])
                            .as_str()
                            .unwrap_or("1970-01-01T00:00:00.000Z")
                            .to_owned()
                    })
                    .collect()
            };
            assert_eq!(
                found.as_ref().map(|found| texts(found, "versions", None)).unwrap_or_default(),
                wanted,
                "versions of {id} for {member:?}"
            );
            let all = [("match[version]", "all".to_owned())];
            let found = client.settled(&format!("{PLACE}objects/{id}/"), &all).await;
            assert_eq!(
                found.as_ref().map(|found| texts(found, "objects", Some("modified"))).unwrap_or_default(),
                wanted,
                "{id} for {member:?}"
            );
        }
        manifest
    }
}

/// The rule of the project: up to the client's ceiling, RED to the owner's organisation only.
fn sees(member: &Member, sent: &Sent) -> bool {
    sent.level <= member.ceiling && (sent.level < RED || sent.org == member.org)
}

/// A version as something to compare: all have the same form but for digits at the end.
fn instant(version: &str) -> String {
    format!("{:0<26}", version.trim_end_matches('Z'))
}

/// All of a list, page by page.
async fn list(client: &Client, path: &str, name: &str, versions: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut query = vec![("limit", "1000".to_owned()), ("match[version]", versions.to_owned())];
    loop {
        let page = client.settled(path, &query).await.unwrap();
        all.extend(page[name].as_array().cloned().unwrap_or_default());
        let Some(next) = page["next"].as_str() else {
            return all;
        };
        query.truncate(2);
        query.push(("next", next.to_owned()));
    }
}

fn record(value: &Value) -> (Key, String) {
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    ((text("id"), text("version")), text("date_added"))
}

fn first<'a>(of: &HashSet<&'a Key>, without: &HashSet<&'a Key>) -> Option<&'a Key> {
    of.difference(without).next().copied()
}

/// Every status ever returned can still be had, unchanged, by its sender.
pub(crate) async fn check_receipts(hub: &Hub, org: &str, book: &Book) {
    let Some((name, _)) = book.receipts.first() else {
        return;
    };
    let member = hub.members.iter().find(|member| member.org == org && member.name == *name).unwrap();
    let client = hub.client(member);
    for (_, receipt) in &book.receipts {
        let id = receipt["id"].as_str().unwrap();
        let found = client.settled(&format!("status/{id}/"), &[]).await;
        assert_eq!(found.as_ref(), Some(receipt), "status {id} of {name}");
    }
}
