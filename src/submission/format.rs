//! What a file is: by its content first, by its name where that leaves a choice.

use super::csv;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// What analysts hand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Objects, a bundle or an envelope of STIX: to be published as they are.
    Stix,
    /// A table.
    Csv,
    /// Events of MISP.
    Misp,
    /// Events of IntelMQ, one a line.
    Intelmq,
    /// Free text.
    Text,
}

impl Format {
    /// What a file is. Of what cannot be read the error says how to make it readable, without the file's name.
    pub fn guess(name: &str, bytes: &[u8]) -> Result<Self, String> {
        if let Some(advice) = binary(bytes) {
            return Err(advice.to_owned());
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| NOT_UTF8.to_owned())?;
        let extension = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
        if is_json_name(&extension) && text.trim_start().is_empty() {
            return Err("there is no object in it".to_owned());
        }
        // Text may begin with a bracket too.
        let must_be = is_json_name(&extension) || is_json(text);
        if must_be || text.trim_start().starts_with('[') {
            match json(text) {
                Ok(Some(format)) => return Ok(format),
                Ok(None) if must_be => return Err(UNKNOWN_JSON.to_owned()),
                Err(broken) if must_be => return Err(format!("cut off, or not JSON: {broken}")),
                Ok(None) | Err(_) => {}
            }
        }
        let is_table = matches!(extension.as_str(), "csv" | "tsv") || csv::has_known_header(text);
        Ok(if is_table { Self::Csv } else { Self::Text })
    }
}

/// What to do with what is no text.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    SIGNATURES
        .iter()
        .find(|(signature, _)| head.starts_with(signature))
        .map(|(_, advice)| *advice)
        .or_else(|| head.contains(&0).then_some("a binary file; hand in its text"))
}

fn is_json_name(extension: &str) -> bool {
    matches!(extension, "json" | "jsonl" | "ndjson" | "stix" | "stix2")
}

/// Does the text begin with a JSON object, or a list that is not that of a footnote?
fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') && text[1..].trim_start().starts_with('"')
}

/// By the first JSON value.
fn json(text: &str) -> serde_json::Result<Option<Format>> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let Some(first) = values.next().transpose()? else { return Ok(None) };
    Ok(match first.get().trim_start().starts_with('[') {
        true => serde_json::from_str::<First>(first.get())?.0.and_then(object),
        false => object(first),
    })
}

fn object(raw: &RawValue) -> Option<Format> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    let has = |name: &str| members.contains_key(name);
    let text = |name: &str| members.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let begins = |start: char, name: &str| members.get(name).is_some_and(|raw| raw.get().starts_with(start));
    let is_id = |id: String| id.split_once("--").is_some();
    if has("Event")
        || begins('[', "response")
        || (has("info") && (has("Attribute") || has("Object") || has("Tag")))
    {
        return Some(Format::Misp);
    }
    if (text("type").is_some() && text("id").is_some_and(is_id))
        || begins('[', "objects")
        || text("type").as_deref() == Some("bundle")
    {
        return Some(Format::Stix);
    }
    let is_key = |key: &String| INTELMQ.iter().any(|start| key.starts_with(start));
    let is_nested = ["source", "classification"].iter().any(|name| begins('{', name));
    (members.keys().any(is_key) || is_nested).then_some(Format::Intelmq)
}

/// The first item of a list, the others only passed over.
struct First<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> serde::de::Visitor<'de> for List<'a> {
            type Value = First<'a>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element::<&'de RawValue>()?;
                while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(List(std::marker::PhantomData))
    }
}

/// The text of a scalar, wherever readers take it from; of numbers and booleans as they are written.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

const INTELMQ: [&str; 5] = ["source.", "classification.", "malware.hash.", "feed.", "time.observation"];
const HEAD_BYTES: usize = 8 * 1024;
const NOT_UTF8: &str = "not UTF-8; convert it first, for instance: iconv -f WINDOWS-1252 -t UTF-8";
const UNKNOWN_JSON: &str = "JSON, but neither STIX (a bundle, an envelope, an object), nor an event of MISP, nor events of IntelMQ (one a line)";
const ZIP: &str =
    "a compressed file or an office document; unpack it, or save it as text or as a table in CSV";
const SIGNATURES: [(&[u8], &str); 12] = [
    (b"%PDF", "a PDF; hand in its text: pdftotext -layout report.pdf -"),
    (b"PK\x03\x04", ZIP),
    (b"\xD0\xCF\x11\xE0", "an old office document; save it as text or as a table in CSV"),
    (b"{\\rtf", "a document in RTF; save it as text"),
    (b"\x1F\x8B", "compressed by gzip; unpack it: gunzip -c"),
    (b"BZh", "compressed by bzip2; unpack it: bunzip2 -c"),
    (b"\xFD7zXZ", "compressed by xz; unpack it: xz -dc"),
    (b"7z\xBC\xAF\x27\x1C", ZIP),
    (b"\x28\xB5\x2F\xFD", "compressed by zstd; unpack it: zstd -dc"),
    (b"\xFF\xFE", "UTF-16; convert it: iconv -f UTF-16 -t UTF-8"),
    (b"\xFE\xFF", "UTF-16; convert it: iconv -f UTF-16 -t UTF-8"),
    (b"\x89PNG", "a picture; hand in what it says as text"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn content_tells() {
        for (name, text, expected) in [
            ("a", r#"{"type":"bundle","id":"bundle--x","objects":[]}"#, Format::Stix),
            ("a", r#"{"objects":[]}"#, Format::Stix),
            (
                "a.txt",
                "\u{feff} {\"type\":\"indicator\",\"id\":\"indicator--x\"}\n{\"type\":\"x\"}",
                Format::Stix,
            ),
            ("a", r#"[{"type":"indicator","id":"indicator--x"}]"#, Format::Stix),
            ("a.csv", r#"{"Event":{"info":"x"}}"#, Format::Misp),
            ("a", r#"{"response":[{"Event":{}}]}"#, Format::Misp),
            ("a", r#"[ {"Event":{}}, 7 ]"#, Format::Misp),
            ("a", r#"{"info":"x","Attribute":[]}"#, Format::Misp),
            ("a", "{\"source.ip\":\"198.51.100.7\"}\n{}", Format::Intelmq),
            ("a", "{\"feed.name\":\"x\",\"classification.type\":\"c2-server\"}", Format::Intelmq),
            ("a", "{\"classification\":{\"type\":\"c2-server\"}}", Format::Intelmq),
            ("a", "value\nc2.evil.example\n", Format::Csv),
            ("a", "# list\n\nType;VALUE;x\n", Format::Csv),
            ("a", "\"type\"|\"value\"\n", Format::Csv),
            ("a.CSV", "IOC,Kind\n", Format::Csv),
            ("a.md", "# value\nThe value, as we know, is 3.", Format::Text),
            ("a.txt", "[1] see https://press.example\n", Format::Text),
            ("a", "[.NET loader] {x}", Format::Text),
            ("a", "{ braces } in text", Format::Text),
            ("", "", Format::Text),
        ] {
            assert_eq!(Format::guess(name, text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        for (name, bytes, expected) in [
            ("x.pdf", &b"%PDF-1.7\n"[..], "pdftotext -layout"),
            ("x.txt", b"%PDF-1.7", "pdftotext"),
            ("x.docx", b"PK\x03\x04", "save it as text"),
            ("x.gz", b"\x1F\x8B\x08", "gunzip"),
            ("x", b"a\0b", "binary"),
            ("x.csv", b"\xFF\xFEv\0a\0", "iconv -f UTF-16"),
            ("x.csv", b"value\nb\xFCcher.example", "iconv"),
            ("x.json", b"{}", "neither STIX"),
            ("x.json", b"{\"Event\":", "cut off"),
            ("x", b"{\"type\":\"x\"", "cut off"),
            ("x.json", b" \n", "no object"),
            ("x.jsonl", b"hello", "not JSON: expected value at line 1 column 1"),
            ("x.json", b"[]", "neither STIX"),
        ] {
            let error = Format::guess(name, bytes).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_file_panics(name in ".{0,8}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Format::guess(&name, &bytes);
        }

        #[test]
        fn no_text_panics(name in "(a|a.json|a.csv)", text in "[\\[{]?[\"a-z:,{}\\[\\] 0-9|;]{0,60}") {
            let _ = Format::guess(&name, text.as_bytes());
        }
    }
}
