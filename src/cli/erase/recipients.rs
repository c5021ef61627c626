//! Who has received what is erased, and what to tell them.

use crate::store::erasure::Version;
use crate::store::sqlite::Tool;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A version that a client has received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Receipt {
    /// The organisation's slug.
    pub organisation: String,
    /// `organisation/client`.
    pub client: String,
    /// The collection's id.
    pub collection: String,
    /// The object's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// When it was sent, at the latest.
    pub at: String,
}

/// Who has received any of these versions, by the audit log.
pub(super) fn recipients_of(tool: &Tool, versions: &[Version]) -> anyhow::Result<Vec<Receipt>> {
    let wanted: BTreeSet<(&str, &str, &str)> =
        versions.iter().map(|one| (&*one.collection, &*one.id, &*one.version)).collect();
    let ids: BTreeSet<&str> = versions.iter().map(|one| one.id.as_str()).collect();
    let mut receipts = Vec::new();
    for (id, found) in tool.recipients(ids)? {
        if !wanted.contains(&(&*found.collection, id, &*found.version)) {
            continue;
        }
        for recipient in found.recipients.into_iter().filter(|recipient| recipient.has_content) {
            let organisation = recipient.client.split('/').next().unwrap_or_default().to_owned();
            receipts.push(Receipt {
                organisation,
                client: recipient.client,
                collection: found.collection.clone(),
                id: id.to_owned(),
                version: found.version.clone(),
                at: recipient.last,
            });
        }
    }
    Ok(receipts)
}

/// A notice for each organisation that has received something: its slug, and the text.
pub(super) fn notices(receipts: &[Receipt], reason: &str, today: &str) -> Vec<(String, String)> {
    let mut by_organisation: BTreeMap<&str, Vec<&Receipt>> = BTreeMap::new();
    for receipt in receipts {
        by_organisation.entry(&receipt.organisation).or_default().push(receipt);
    }
    let told = by_organisation.into_iter();
    told.map(|(organisation, receipts)| {
        (organisation.to_owned(), notice(organisation, &receipts, reason, today))
    })
    .collect()
}

fn notice(organisation: &str, receipts: &[&Receipt], reason: &str, today: &str) -> String {
    let clients: BTreeSet<&str> = receipts.iter().map(|receipt| receipt.client.as_str()).collect();
    let lines: BTreeSet<String> = receipts
        .iter()
        .map(|one| {
            format!(
                "  {}  version {}  (collection {}, received {})",
                one.id, one.version, one.collection, one.at
            )
        })
        .collect();
    format!(
        "To: {organisation}\nDate: {today}\nSubject: Erasure of objects that you received from this hub\n\n\
         The objects below were erased from this hub. Reason: {reason}\n\n\
         By our records your organisation received them ({}). Please erase your copies, and those of\n\
         everybody that you passed them on to, and tell us when that is done.\n\n{}\n",
        clients.into_iter().collect::<Vec<_>>().join(", "),
        lines.into_iter().collect::<Vec<_>>().join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(organisation: &str, id: &str) -> Receipt {
        Receipt {
            organisation: organisation.to_owned(),
            client: format!("{organisation}/feed"),
            collection: "c".to_owned(),
            id: id.to_owned(),
            version: "2026-01-01T00:00:00.000Z".to_owned(),
            at: "2026-02-01T00:00:00.000000Z".to_owned(),
        }
    }

    #[test]
    fn each_organisation_is_told_of_what_it_received_and_of_nothing_else() {
        let receipts =
            [receipt("cert-b", "note--1"), receipt("cert-c", "note--2"), receipt("cert-b", "note--3")];
        let notices = notices(&receipts, "a request", "2026-03-01");
        assert_eq!(notices.len(), 2);
        let (organisation, text) = &notices[0];
        assert_eq!(organisation, "cert-b");
        for part in ["cert-b/feed", "note--1", "note--3", "a request", "2026-03-01"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("note--2") && !text.contains("cert-c"), "{text}");
    }
}
