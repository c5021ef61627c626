//! `liaison publish --preview`: what publishing would come to, and who would read it.

use super::super::output;
use super::FAILURES_SHOWN;
use crate::http::{Preview, Previewed};
use crate::policy::explain::Recipient;
use crate::policy::words;
use crate::taxii::resource::StatusDetail;
use std::collections::BTreeMap;

/// Adds what the next envelope would come to.
pub(super) fn add(whole: &mut Preview, part: Preview) {
    whole.collection = part.collection;
    whole.waits_for_release |= part.waits_for_release;
    let audiences = &mut whole.audiences;
    let place = |found: Vec<Recipient>| {
        audiences.iter().position(|known| *known == found).unwrap_or_else(|| {
            audiences.push(found);
            audiences.len() - 1
        })
    };
    let places: Vec<usize> = part.audiences.into_iter().map(place).collect();
    let moved = part.objects.into_iter().map(|object| Previewed {
        audience: object.audience.and_then(|at| places.get(at).copied()),
        ..object
    });
    whole.objects.extend(moved);
}

/// An object that is not even sent.
pub(super) fn oversized(detail: StatusDetail) -> Previewed {
    Previewed {
        id: detail.id,
        version: detail.version,
        accepted: false,
        code: Some("limit".to_owned()),
        message: detail.message,
        level: None,
        level_from: None,
        audience: None,
    }
}

/// Prints each distinct set of recipients with what they would read.
pub(super) fn tell(preview: &Preview) {
    for (at, recipients) in preview.audiences.iter().enumerate() {
        let mut levels: BTreeMap<String, usize> = BTreeMap::new();
        let objects = preview.objects.iter().filter(|one| one.accepted && one.audience == Some(at));
        for object in objects {
            let level = object.level.map(|level| level.to_string()).unwrap_or_default();
            *levels.entry(level).or_default() += 1;
        }
        let total: usize = levels.values().sum();
        if total == 0 {
            continue;
        }
        let levels: Vec<String> = levels.iter().map(|(level, count)| format!("{count} {level}")).collect();
        output::line(&format!("{total} objects ({})", levels.join(", ")));
        tell_recipients(recipients);
    }
    let refused: Vec<&Previewed> = preview.objects.iter().filter(|one| !one.accepted).collect();
    for one in refused.iter().take(FAILURES_SHOWN) {
        let why = one.message.as_deref().unwrap_or("refused");
        output::problem(&format!("{} {}: {}", one.id, one.version, output::one_line(why)));
    }
    if refused.len() > FAILURES_SHOWN {
        output::problem(&format!("and {} more; --json lists all", refused.len() - FAILURES_SHOWN));
    }
    let accepted = preview.objects.len() - refused.len();
    let waits =
        if preview.waits_for_release { ", and would wait until an officer releases them" } else { "" };
    output::line(&format!(
        "{} objects read: {accepted} would be accepted{waits}, {} refused; nothing was stored",
        preview.objects.len(),
        refused.len()
    ));
}

/// Who would read, by name, and why each other party would not.
pub(in crate::cli) fn tell_recipients(recipients: &[Recipient]) {
    let name = |one: &Recipient| format!("{} ({})", output::one_line(&one.name), one.organisation);
    let readers: Vec<String> = recipients.iter().filter(|one| one.reads).map(name).collect();
    let readers = if readers.is_empty() { "nobody".to_owned() } else { readers.join(", ") };
    output::line(&format!("  read by: {readers}"));
    for one in recipients.iter().filter(|one| !one.reads) {
        let code = one.reason.as_deref().unwrap_or_default();
        output::line(&format!("  not by {}: {}", name(one), words::reason(code)));
    }
}
