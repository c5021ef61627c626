//! One rule for one value.

use crate::export::row::{About, Facts, Row};
use crate::stix::atom::Kind;
use std::fmt::Write;

/// A value's rule up to its number, or why there can be none.
pub(super) fn of(row: &Row, about: &About) -> Result<String, &'static str> {
    let value = row.atom.text();
    let mut text = String::with_capacity(400);
    match row.atom.kind() {
        Kind::Domain => {
            text += "alert dns $HOME_NET any -> any any (msg:\"LIAISON ";
            escape_text(&mut text, value);
            text += "\"; dns.query; dotprefix; ";
            content(&mut text, &format!(".{value}"))?;
            text += " nocase; endswith;";
        }
        Kind::Ipv4 | Kind::Ipv4Network | Kind::Ipv6 | Kind::Ipv6Network => {
            let _ = write!(text, "alert tcp $HOME_NET any -> [{value}] any (msg:\"LIAISON ");
            escape_text(&mut text, value);
            text += "\"; flow:to_server; threshold:type limit,track by_src,count 1,seconds 3600;";
        }
        Kind::Url => url(&mut text, value, row.atom.host().unwrap_or(""))?,
        _ => return Err("no_place"),
    }
    text += " classtype:trojan-activity; ";
    if let Some(hub) = reference(&about.url) {
        let _ = write!(text, "reference:url,{hub}/o/{}; ", row.facts.short_id());
    }
    text += &metadata(&row.facts, about);
    Ok(text)
}

/// What is said of a rule, as its `metadata`.
pub(super) fn metadata(facts: &Facts, about: &About) -> String {
    let tlp = about.tlp_write.word(facts.tlp).to_ascii_lowercase();
    let mut text = format!("metadata:collection {}, tlp {tlp}, ", word(&facts.collection));
    if let Some(confidence) = facts.confidence {
        let _ = write!(text, "confidence {confidence}, ");
    }
    let _ = write!(text, "stix_id {};", word(facts.uuid()));
    text
}

/// A name with nothing in it that ends a word.
pub(super) fn word(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect()
}

/// Host and path of a URL. Suricata undoes escapes and doubled slashes in `http.uri`, so that a path with
/// such is looked for in the raw one.
fn url(text: &mut String, value: &str, host: &str) -> Result<(), &'static str> {
    let (scheme, rest) = value.split_once("://").ok_or("no_place")?;
    if !matches!(scheme, "http" | "https") || host.contains(':') {
        return Err("no_place");
    }
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    let is_raw = path.contains(['%', '\\', '+']) || path.contains("//");
    let buffer = if is_raw { "http.uri.raw" } else { "http.uri" };
    text.push_str("alert http $HOME_NET any -> any any (msg:\"LIAISON url\"; http.host; ");
    content(text, host)?;
    let _ = write!(text, " bsize:{}; {buffer}; ", host.len());
    content(text, path)?;
    text.push_str(" startswith;");
    if path == "/" {
        // Every path starts with it.
        text.push_str(" bsize:1;");
    }
    Ok(())
}

/// A `content`: all that means something in one, or is no printable ASCII, in hex.
fn content(text: &mut String, bytes: &str) -> Result<(), &'static str> {
    if bytes.len() > CONTENT_MAX {
        return Err("too_long");
    }
    text.push_str("content:\"");
    for byte in bytes.bytes() {
        match byte {
            b';' | b'"' | b'\\' | b':' | b'|' | ..0x20 | 0x7f.. => {
                let _ = write!(text, "|{byte:02x}|");
            }
            _ => text.push(char::from(byte)),
        }
    }
    text.push_str("\";");
    Ok(())
}

/// Text in `msg`.
fn escape_text(text: &mut String, value: &str) {
    for c in value.chars() {
        if matches!(c, ';' | '"' | '\\' | ':') {
            text.push('\\');
        }
        text.push(c);
    }
}

/// The hub's URL without its scheme, if it can stand in a rule.
fn reference(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b".:/-_~[]".contains(&b);
    (!rest.is_empty() && rest.bytes().all(is_plain)).then_some(rest)
}

/// Suricata's longest `content`, in bytes.
const CONTENT_MAX: usize = 255;
