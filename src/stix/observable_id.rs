//! Deterministic ids of cyber-observable objects (STIX 2.1 §2.9).

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// The id that the content of an SCO determines.
///
/// `None` where a random version 4 UUID is due: no contributing property is present, or the type
/// is not that of a standard SCO. Where `hashes` holds no algorithm of the preferred four, the
/// first entry of the map counts, which is the first by name and perhaps not the first as sent:
/// [`deterministic_id_from_text`] keeps the order of the text.
pub fn deterministic_id(object: &Map<String, Value>) -> Option<String> {
    let first = object.get("hashes").and_then(Value::as_object).and_then(|hashes| hashes.keys().next());
    compute(object, first.map(String::as_str))
}

/// The id that the content of an SCO determines, read from its JSON text.
///
/// `None` as for [`deterministic_id`], and for a text that is not a JSON object.
pub fn deterministic_id_from_text(json: &str) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_str(json).ok()?;
    let first = first_hash(&object, json);
    compute(&object, first.as_deref())
}

/// The first algorithm of `hashes` in the text's order, read only if it can matter.
fn first_hash(object: &Map<String, Value>, json: &str) -> Option<String> {
    let hashes = object.get("hashes")?.as_object()?;
    if PREFERRED_HASHES.iter().any(|name| hashes.contains_key(*name)) {
        return None;
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    serde_json::from_str::<FirstName>(members.get("hashes")?.get()).ok()?.0
}

/// Steps 1 to 5 of the standard; `first_hash` counts where no preferred algorithm is present.
fn compute(object: &Map<String, Value>, first_hash: Option<&str>) -> Option<String> {
    let object_type = object.get("type")?.as_str()?;
    let mut content = Map::new();
    for name in super::schema::find(object_type)?.contributing.as_ref()? {
        let value = object.get(name.as_str());
        let kept =
            if name == "hashes" { value.and_then(|all| one_hash(all, first_hash)) } else { value.cloned() };
        content.extend(kept.map(|kept| (name.clone(), kept)));
    }
    if content.is_empty() {
        return None;
    }
    let canonical = serde_json_canonicalizer::to_vec(&content).ok()?;
    Some(format!("{object_type}--{}", Uuid::new_v5(&NAMESPACE, &canonical)))
}

/// A dictionary with the one entry that counts.
fn one_hash(hashes: &Value, first: Option<&str>) -> Option<Value> {
    let hashes = hashes.as_object()?;
    let preferred = PREFERRED_HASHES.iter().copied().find(|name| hashes.contains_key(*name));
    let (name, value) = hashes.get_key_value(preferred.or(first)?)?;
    Some(Value::Object(Map::from_iter([(name.clone(), value.clone())])))
}

/// The name of the first member of a JSON object, which a sorted map would lose.
struct FirstName(Option<String>);

impl<'de> Deserialize<'de> for FirstName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FirstNameVisitor)
    }
}

struct FirstNameVisitor;

impl<'de> Visitor<'de> for FirstNameVisitor {
    type Value = FirstName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FirstName, A::Error> {
        let first = members.next_key()?;
        if first.is_some() {
            members.next_value::<IgnoredAny>()?;
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(FirstName(first))
    }
}

/// The namespace of SCO ids (STIX 2.1 §2.9).
const NAMESPACE: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);

const PREFERRED_HASHES: [&str; 4] = ["MD5", "SHA-1", "SHA-256", "SHA-512"];

#[cfg(test)]
mod tests {
    use super::*;

    fn both(json: &str) -> [Option<String>; 2] {
        [deterministic_id_from_text(json), deterministic_id(&serde_json::from_str(json).unwrap())]
    }

    fn is_computed(json: &str, id: &str) {
        assert_eq!(both(json), [Some(id.to_owned()), Some(id.to_owned())], "{json}");
    }

    #[test]
    fn the_shared_vectors_are_reproduced() {
        let Some(shared) = std::env::var_os("LIAISON_SHARED") else { return };
        let path = std::path::Path::new(&shared).join("data/sco-ids.jsonl");
        let vectors = std::fs::read_to_string(path).unwrap();
        assert!(vectors.lines().count() >= 33);
        for line in vectors.lines() {
            let vector: BTreeMap<String, &RawValue> = serde_json::from_str(line).unwrap();
            let expected: Option<String> = serde_json::from_str(vector["id"].get()).unwrap();
            assert_eq!(deterministic_id_from_text(vector["object"].get()), expected, "{line}");
        }
    }

    // Ids computed with python-stix2 3.0.2.
    #[test]
    fn ids_agree_with_python_stix2() {
        for (json, id) in [
            (
                r##"{"type":"domain-name","value":"EXAMPLE.com"}"##,
                "domain-name--c3da163e-2956-5b6f-9c53-7b8eeb91c545",
            ),
            (
                r##"{"type":"mac-addr","value":"d2:fb:49:24:37:18"}"##,
                "mac-addr--757b1725-9903-54f5-a855-1240691d7659",
            ),
            (
                r##"{"type":"email-addr","value":"john@example.com","display_name":"John"}"##,
                "email-addr--7165e2a9-671f-585d-b1e1-ca59c671d934",
            ),
            (
                r##"{"type":"ipv6-addr","value":"2001:db8::/32"}"##,
                "ipv6-addr--8da31feb-e0f9-54c3-ab30-bd8ccea361dd",
            ),
            (
                r##"{"type":"autonomous-system","number":15139,"name":"Slime"}"##,
                "autonomous-system--3aa27478-50b5-5ab8-9da9-cdc12b657fff",
            ),
            (
                r##"{"type":"mutex","name":"tab\t quote\" back\\ nl\n bell\u0007 del\u007f é € 😀 \u2028"}"##,
                "mutex--d89800ec-6baa-53b0-847c-14b4b4e9716d",
            ),
            (
                r##"{"type":"file","hashes":{"SHA-512":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SHA-256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","SHA-1":"cccccccccccccccccccccccccccccccccccccccc","MD5":"dddddddddddddddddddddddddddddddd"},"name":"x"}"##,
                "file--a385ce21-cd10-5c83-98e4-9238de0f45ca",
            ),
            (
                r##"{"type":"file","name":"qêry.dll","size":1,"parent_directory_ref":"directory--93c0a9b0-520d-545d-9094-1a08ddf46b05"}"##,
                "file--d0bfad50-32fd-5969-82ba-5d0c13151e26",
            ),
            (
                r##"{"type":"file","name":"a.exe","extensions":{"windows-pebinary-ext":{"pe_type":"exe","sections":[{"name":"X","entropy":7.0},{"name":"Y","entropy":0.061089}]}}}"##,
                "file--799d74b1-d175-5d6f-8464-a2b18156e351",
            ),
            (
                r##"{"type":"email-message","is_multipart":false,"from_ref":"email-addr--89f52ea8-d6ef-51e9-8fce-6a29236436ed","subject":"","body":"b"}"##,
                "email-message--4a8492fe-adb1-5fea-8ca8-52c8466a8dd2",
            ),
            (
                r##"{"type":"network-traffic","start":"2016-01-20T12:31:12.123Z","end":"2016-01-20T12:31:13Z","is_active":false,"src_ref":"ipv4-addr--4d22aae0-2bf9-5427-8819-e4f6abf20a53","src_port":0,"dst_port":443,"protocols":["ipv4","tcp","http"],"extensions":{"tcp-ext":{"src_flags_hex":"00000002"}}}"##,
                "network-traffic--71a11bfe-4b68-59ed-9dc9-1bbf30162a07",
            ),
            (
                r##"{"type":"software","name":"Word","cpe":"cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*","vendor":"Microsoft","version":"2002","languages":["en"]}"##,
                "software--710b0b41-d4d0-5d6c-a400-fc9254554ffc",
            ),
            (
                r##"{"type":"windows-registry-key","key":"hkey_local_machine\\system\\bar\\foo","values":[{"name":"Foo","data":"qwerty","data_type":"REG_SZ"},{"name":"","data":"42","data_type":"REG_DWORD"}]}"##,
                "windows-registry-key--0d822e40-7c0d-5c0b-843c-407058b33862",
            ),
            (
                r##"{"type":"x509-certificate","hashes":{"SHA-256":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"},"serial_number":"36:f7","issuer":"C=ZA"}"##,
                "x509-certificate--ec2720da-cd20-58f2-bd2c-75400cf930ed",
            ),
            (
                r##"{"type":"artifact","payload_bin":"VGVzdA==","mime_type":"image/jpeg"}"##,
                "artifact--78167488-cc8d-5b3e-8853-f2dd21b19bec",
            ),
            (
                r##"{"type":"artifact","url":"https://example.com/x","hashes":{"SHA-1":"cccccccccccccccccccccccccccccccccccccccc"}}"##,
                "artifact--d34ffaa0-6254-559d-a83d-c4c4c2f103ab",
            ),
        ] {
            is_computed(json, id);
        }
    }

    #[test]
    fn only_the_first_preferred_hash_counts() {
        let (md5, sha1, sha256) = ("cead3f77f6cda6ec00f57d76c9a6879f", "c".repeat(40), "b".repeat(64));
        let id = deterministic_id_from_text(&format!(r#"{{"type":"file","hashes":{{"MD5":"{md5}"}}}}"#));
        assert_eq!(id.as_deref(), Some("file--5f5847ab-09d0-5569-82ff-776824486136"));
        let all = format!(
            r#"{{"hashes":{{"SHA-256":"{sha256}","SHA-1":"{sha1}","SSDEEP":"3::","MD5":"{md5}"}},"type":"file","size":1}}"#
        );
        assert_eq!(both(&all), [id.clone(), id]);
    }

    #[test]
    fn without_a_preferred_hash_the_first_of_the_text_counts() {
        let text = r#"{"type":"file","hashes":{"TLSH":"t","SSDEEP":"s"},"name":"x"}"#;
        let turned = r#"{"type":"file","ha\u0073hes":{"SSDEEP":"s","TLSH":"t"},"name":"x"}"#;
        let alone = |json| deterministic_id_from_text(json).unwrap();
        assert_eq!(alone(text), alone(r#"{"type":"file","hashes":{"TLSH":"t"},"name":"x"}"#));
        assert_eq!(alone(turned), alone(r#"{"type":"file","hashes":{"SSDEEP":"s"},"name":"x"}"#));
        assert_ne!(alone(text), alone(turned));
        let tree: Map<String, Value> = serde_json::from_str(text).unwrap();
        assert_eq!(deterministic_id(&tree), Some(alone(turned)));
    }

    #[test]
    fn numbers_are_written_as_rfc_8785_wants() {
        let id = |number: &str| {
            deterministic_id_from_text(&format!(r#"{{"type":"autonomous-system","number":{number}}}"#))
                .unwrap()
        };
        assert_eq!(id("7"), id("7.0"));
        assert_eq!(id("7"), id("70e-1"));
        assert_eq!(id("0"), id("-0"));
        assert_eq!(id("9007199254740991"), id("9007199254740991.0"));
        assert_eq!(id("1e21"), id("1000000000000000000000"));
        assert_ne!(id("7"), id("7.5"));
    }

    #[test]
    fn where_a_random_id_is_due_there_is_none() {
        for json in [
            r#"{"type":"process","pid":1,"command_line":"x"}"#,
            r#"{"type":"x509-certificate","issuer":"CN=x"}"#,
            r#"{"type":"file","size":1,"hashes":{}}"#,
            r#"{"type":"x-custom","value":"a"}"#,
            r#"{"type":"indicator","name":"a"}"#,
            r#"{"value":"a"}"#,
            r#"{"type":7,"value":"a"}"#,
        ] {
            assert_eq!(both(json), [None, None], "{json}");
        }
        for no_object in ["", "[]", "{", "null", "\"url\""] {
            assert_eq!(deterministic_id_from_text(no_object), None, "{no_object}");
        }
    }
}
