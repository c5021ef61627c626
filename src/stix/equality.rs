//! When two texts of one version are the same content (STIX 2.1 §3.6.2).

use super::json::{self, Kind, Seen, Value};

/// A form that texts of the same content share: order of members, spelling of numbers and strings,
/// and members that hold their default value make no difference. None of what is no object.
pub fn canonical(json: &[u8]) -> Option<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_slice(json).ok()?;
    let members = value.as_object_mut()?;
    for name in ["revoked", "defanged", "summary"] {
        if members.get(name) == Some(&serde_json::Value::Bool(false)) {
            members.remove(name);
        }
    }
    if !members.contains_key("created") && members.get("spec_version").is_some_and(|v| v == "2.1") {
        members.remove("spec_version");
    }
    let mut form = serde_json_canonicalizer::to_vec(&value).ok()?;
    for number in big_integers(json) {
        form.push(b'\n');
        form.extend(number);
    }
    Some(form)
}

/// The integers that doubles cannot tell apart, as written.
fn big_integers(json: &[u8]) -> Vec<Vec<u8>> {
    fn collect(value: Value, found: &mut Vec<Vec<u8>>) {
        if value.kind() == Kind::BigInteger {
            found.push(value.raw().to_vec());
        }
        value.items().for_each(|item| collect(item, found));
        value.members().for_each(|(_, member)| collect(member, found));
    }
    let visit = |seen: Seen| {
        let mut found = Vec::new();
        collect(seen.value, &mut found);
        found.sort_unstable();
        found
    };
    json::read(json.to_vec(), visit).map(|document| document.root.part.seen).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_content(one: &[u8], other: &[u8]) -> bool {
        canonical(one).is_some_and(|form| Some(form) == canonical(other))
    }

    #[test]
    fn content_is_the_same_whatever_the_spelling() {
        let one = br#"{"a":1.0,"b":"\u00e9","revoked":false}"#;
        assert!(same_content(one, r#"{"b":"é","a":1}"#.as_bytes()));
        assert!(!same_content(one, br#"{"a":1,"b":"e"}"#));
        assert!(!same_content(one, r#"{"a":1,"b":"é","revoked":true}"#.as_bytes()));
        let [two, three] = [r#"{"a":9007199254740992}"#, r#"{"a":9007199254740993}"#].map(str::as_bytes);
        assert!(!same_content(two, three) && same_content(two, two));
    }
}
