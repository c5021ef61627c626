//! A looked-up value as JSON. PURE
//!
//! By hand, as its derived serialization writes it too: an answer has ten thousand of them, of forty short texts
//! each, and a serializer looks at every byte of every name again.

use super::{Hit, Warned};
use serde::Serialize;
use serde_json::Error;

/// Writes a value with its place, its hits, and whether there are more; as [`super::Looked`] is written.
pub(super) fn write<'h>(
    out: &mut Vec<u8>,
    (at, value): (usize, &str),
    hits: impl Iterator<Item = Hit<'h>>,
    (more, warnings): (bool, &[Warned]),
) -> Result<(), Error> {
    out.extend_from_slice(b"{\"at\":");
    out.extend_from_slice(itoa::Buffer::new().format(at).as_bytes());
    text(out, ",\"value\":", value)?;
    out.extend_from_slice(b",\"hits\":[");
    for (at, one) in hits.enumerate() {
        out.extend_from_slice(if at == 0 { b"" } else { b"," });
        hit(out, &one)?;
    }
    out.push(b']');
    if more {
        out.extend_from_slice(b",\"more\":true");
    }
    if !warnings.is_empty() {
        other(out, ",\"warnings\":", warnings)?;
    }
    out.push(b'}');
    Ok(())
}

fn hit(out: &mut Vec<u8>, hit: &Hit) -> Result<(), Error> {
    other(out, "{\"how\":", &hit.how)?;
    text(out, ",\"type\":", &hit.kind)?;
    text(out, ",\"value\":", &hit.value)?;
    text(out, ",\"id\":", &hit.id)?;
    text(out, ",\"collection\":", &hit.collection)?;
    if !hit.name.is_empty() {
        text(out, ",\"name\":", &hit.name)?;
    }
    if let Some(confidence) = hit.confidence {
        other(out, ",\"confidence\":", &confidence)?;
    }
    if let Some(state) = hit.state {
        other(out, ",\"state\":", &state)?;
    }
    other(out, ",\"tlp\":", &hit.tlp)?;
    other(out, ",\"pap\":", &hit.pap)?;
    text(out, ",\"classification\":", &hit.classification)?;
    if !hit.labels.is_empty() {
        other(out, ",\"labels\":", &hit.labels)?;
    }
    if !hit.sources.is_empty() {
        other(out, ",\"sources\":", &hit.sources)?;
    }
    let times = [
        (",\"first_seen\":", &hit.first_seen),
        (",\"last_seen\":", &hit.last_seen),
        (",\"valid_until\":", &hit.valid_until),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            text(out, name, time)?;
        }
    }
    other(out, ",\"sightings\":", &hit.sightings)?;
    out.push(b'}');
    Ok(())
}

/// A text behind its name.
fn text(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), Error> {
    let is_odd = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // All of it, without leaving early: so it is looked at in steps of many bytes.
    if value.bytes().fold(false, |odd, byte| odd | is_odd(byte)) {
        return other(out, name, value);
    }
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
    Ok(())
}

fn other<T: Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, value: &T) -> Result<(), Error> {
    out.extend_from_slice(name.as_bytes());
    serde_json::to_writer(out, value)
}

#[cfg(test)]
mod tests {
    use super::super::{How, Looked};
    use super::*;
    use crate::stix::Tlp;
    use crate::stix::expiry::State;
    use crate::stix::marking::Pap;
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn any_text() -> impl Strategy<Value = Cow<'static, str>> {
        prop_oneof!["[a-z0-9.:-]{0,60}", "[\\x00-\\x7f]{0,9}", "\\PC{0,9}"].prop_map(Cow::Owned)
    }

    fn any_hit() -> impl Strategy<Value = Hit<'static>> {
        let how =
            [How::Exact, How::UrlPrefix, How::UrlHost, How::Subdomain, How::InsideNetwork, How::UrlsOfHost];
        let how = prop::sample::select(how.to_vec());
        let state = prop::sample::select(vec![State::Active, State::Expired, State::Pending, State::Revoked]);
        let tlp = prop::sample::select(vec![Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red]);
        let pap = prop::sample::select(vec![Pap::Clear, Pap::Green, Pap::Amber, Pap::Red]);
        let lists = prop::array::uniform2(prop::collection::vec(any_text(), 0..3));
        let texts = prop::collection::vec(any_text(), 6);
        let times = prop::array::uniform3(prop::option::of(any_text()));
        let numbers = (any::<Option<u8>>(), any::<u64>());
        let words = (how, prop::option::of(state), tlp, pap);
        (words, texts, lists, times, numbers).prop_map(|(words, texts, [labels, sources], times, numbers)| {
            let [kind, value, id, collection, name, classification] = texts.try_into().unwrap();
            let [first_seen, last_seen, valid_until] = times;
            Hit {
                how: words.0,
                kind,
                value,
                id,
                collection,
                name,
                confidence: numbers.0,
                state: words.1,
                tlp: words.2,
                pap: words.3,
                classification,
                labels: labels.into_iter().map(Cow::into_owned).collect::<Vec<_>>().into(),
                sources,
                first_seen,
                last_seen,
                valid_until,
                sightings: numbers.1,
            }
        })
    }

    proptest! {
        #[test]
        fn it_is_what_a_serializer_writes(
            (at, value, more) in (any::<usize>(), any_text(), any::<bool>()),
            hits in prop::collection::vec(any_hit(), 0..3),
            lists in prop::collection::vec("\\PC{0,9}", 0..3),
        ) {
            let warned = |list: String| Warned { entry: list.clone(), action: "review".to_owned(), version: 3, list };
            let warnings = lists.into_iter().map(warned).collect::<Vec<_>>().into();
            let looked = Looked { at, value, hits, more, warnings };
            let mut out = Vec::new();
            let hits = looked.hits.iter().cloned();
            write(&mut out, (at, &looked.value), hits, (more, &looked.warnings)).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&looked).unwrap());
        }
    }
}
