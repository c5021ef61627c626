//! The version that revokes an indicator at the end of its time (governance §11.1).

use super::json::{self, Seen, Value};
use super::object::Header;
use super::timestamp::instant;
use super::{Object, Timestamp};
use std::ops::Range;

impl Object {
    /// The version that revokes it: as it is, with `revoked`, and `modified` at the end of its time. So whoever
    /// makes it makes the same. Nothing of what has no end, no versions, or is revoked.
    pub fn revocation(&self) -> Option<Self> {
        let document = json::read(self.json().to_vec(), |seen: Seen| parts(seen.value)).ok()?;
        let json = revoked(&document.text, document.root.part.seen?);
        let read = json::read(json, |seen| Header::read(seen).map(|header| header.with_values(seen))).ok()?;
        Some(Self::new(read.root.part.seen.ok()?, read.text))
    }
}

/// What of the text becomes another.
struct Parts {
    modified: Range<usize>,
    revoked: Option<Range<usize>>,
    time: Timestamp,
}

fn parts(object: Value) -> Option<Parts> {
    let time = |name| Some((object.member(name)?, instant(&object.member(name)?.text()?)?.0));
    let ((modified, before), (_, until)) = (time("modified")?, time("valid_until")?);
    let revoked = object.member("revoked");
    if revoked.is_some_and(|value| value.kind() == json::Kind::True) {
        return None;
    }
    // What was made after its time was over is revoked at once.
    let time = if until > before { until } else { before + 1_000 };
    let revoked = revoked.map(|value| value.range());
    Some(Parts { modified: modified.range(), revoked, time: Timestamp::from_micros(time) })
}

fn revoked(text: &[u8], parts: Parts) -> Vec<u8> {
    let Parts { modified, revoked, time } = parts;
    let time = if time.micros() % 1_000 == 0 { time.to_millis() } else { time.to_string() };
    let mut changes = vec![(modified.clone(), format!("\"{time}\""))];
    match revoked {
        Some(value) => changes.push((value, "true".to_owned())),
        None => changes[0].1.push_str(",\"revoked\":true"),
    }
    changes.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at) = (Vec::with_capacity(text.len() + 32), 0);
    for (range, new) in changes {
        out.extend_from_slice(&text[at..range.start]);
        out.extend_from_slice(new.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object(json: &Value) -> Object {
        let read = json::read(json.to_string().into_bytes(), Header::read).unwrap();
        Object::new(read.root.part.seen.unwrap(), read.text)
    }

    fn indicator(more: &Value) -> Value {
        let mut object = json!({"type": "indicator", "spec_version": "2.1", "id": "indicator--0f1e7c52-6f0b-4d43-8a4c-1f6f2f0f3a02",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "name": "\"modified\":\"x\"",
            "pattern": "[domain-name:value = 'a.example']", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2026-03-01T00:00:00Z"});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    }

    fn revocation(more: &Value) -> Option<Object> {
        object(&indicator(more)).revocation()
    }

    #[test]
    fn it_is_the_same_but_revoked_at_the_end_of_its_time() {
        for more in
            [json!({}), json!({"revoked": false}), json!({"confidence": 5, "labels": ["revoked", "ä\n"]})]
        {
            let found = revocation(&more).unwrap();
            let mut expected = indicator(&more);
            expected["revoked"] = json!(true);
            expected["modified"] = json!("2026-03-01T00:00:00.000Z");
            let json: Value = serde_json::from_slice(found.json()).unwrap();
            assert_eq!((json, found.version().as_str()), (expected, "2026-03-01T00:00:00.000Z"));
            assert!(found.is_revoked() && found.revocation().is_none());
        }
    }

    #[test]
    fn its_time_is_after_that_of_the_version_before() {
        for (modified, until, expected) in [
            ("2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.5Z", "2026-03-01T00:00:00.500Z"),
            ("2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000001Z", "2026-03-01T00:00:00.000001Z"),
            ("2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.0000019Z", "2026-03-01T00:00:00.000001Z"),
            ("2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00.001Z"),
            ("2026-03-01T00:00:00.0000019Z", "2026-03-01T00:00:00.0000019Z", "2026-03-01T00:00:00.001001Z"),
            ("2026-04-01T00:00:00.999Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:01.000Z"),
        ] {
            let before = object(&indicator(&json!({"modified": modified, "valid_until": until})));
            let found = before.revocation().unwrap();
            assert_eq!(found.version().as_str(), expected);
            assert!(found.version() > before.version());
        }
    }

    #[test]
    fn escaped_names_are_names() {
        let text = indicator(&json!({"revoked": false})).to_string();
        let text = text
            .replace("\"modified\":\"2026", "\"m\\u006fdified\":\"2026")
            .replace("\"revoked\"", "\"r\\u0065voked\"");
        let read = json::read(text.into_bytes(), Header::read).unwrap();
        let found = Object::new(read.root.part.seen.unwrap(), read.text).revocation().unwrap();
        assert!(found.is_revoked() && found.version().as_str() == "2026-03-01T00:00:00.000Z");
    }

    #[test]
    fn what_has_no_end_is_not_revoked() {
        let mut endless = indicator(&json!({}));
        endless.as_object_mut().unwrap().remove("valid_until");
        assert!(object(&endless).revocation().is_none());
        let address = json!({"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--0f1e7c52-6f0b-5d43-8a4c-1f6f2f0f3a02", "value": "192.0.2.1"});
        assert!(object(&address).revocation().is_none());
    }
}
