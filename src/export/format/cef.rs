//! Common Event Format: one event a line.

use super::records::{NoOptions, line, summary};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::export::row::Row;
use crate::stix::atom::{Atom, Kind};
use std::borrow::Cow;
use std::fmt::Write;

/// The format (export formats §5.1).
pub(super) struct Cef;

impl Format for Cef {
    fn name(&self) -> &'static str {
        "cef"
    }

    fn class(&self) -> Class {
        Class::Detect
    }

    fn takes(&self, _: Kind) -> bool {
        true
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(drop)
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let mut text = String::with_capacity(360 * input.rows.len());
        for row in input.rows {
            event(&mut text, row, input.about.tlp_write.word(row.facts.tlp))
                .map_err(|error| error.to_string())?;
        }
        files.add(format!("{}.cef", input.about.name), TEXT, text, input.rows.len());
        Ok(())
    }
}

fn event(text: &mut String, row: &Row, tlp: &str) -> std::fmt::Result {
    let facts = &row.facts;
    *text += "CEF:0|Liaison|Liaison|1.0|indicator|";
    title(text, &row.atom);
    match facts.confidence {
        Some(confidence) => write!(text, "|{}|", tenth(confidence))?,
        None => *text += "|Unknown|",
    }
    write!(text, "externalId={} rt={}", escaped(&facts.id), facts.modified.micros().div_euclid(1000))?;
    value(text, &row.atom)?;
    write!(text, " cs1Label=tlp cs1={tlp}")?;
    if !facts.classification.is_empty() {
        write!(text, " cs2Label=classification cs2={}", escaped(&facts.classification))?;
    }
    if let Some(confidence) = facts.confidence {
        write!(text, " cn1Label=confidence cn1={confidence}")?;
    }
    let summary = summary(facts);
    if !summary.is_empty() {
        write!(text, " msg={}", escaped(&summary))?;
    }
    text.push('\n');
    Ok(())
}

/// Confidence from 0 to 10, rounded (governance §10).
pub(super) fn tenth(confidence: u8) -> u8 {
    confidence.saturating_add(5) / 10
}

/// The event's name: the value if it can stand there. Parsers exist that split at escaped pipes, and some
/// that lose a header with an equals sign or a back-slash, so such values are in the extension only.
fn title(text: &mut String, atom: &Atom) {
    *text += "Known-bad ";
    *text += word(atom.kind());
    let value = line(atom.text());
    if value.is_empty() || value.contains(['=', '\\']) {
        return;
    }
    text.push(' ');
    for c in value.chars() {
        text.push(if c == '|' { '/' } else { c });
    }
}

/// The key of a value's kind, and the value; a pattern where there is no such key.
fn value(text: &mut String, atom: &Atom) -> std::fmt::Result {
    let value = escaped(atom.text());
    let hash = |text: &mut String, kind| write!(text, " fileHash={value} fileType={kind}");
    match atom.kind() {
        Kind::Ipv4 | Kind::Ipv6 => write!(text, " dst={value}"),
        Kind::Domain => write!(text, " dhost={value}"),
        Kind::Url => write!(text, " request={value}"),
        Kind::Email => write!(text, " suser={value}"),
        Kind::FileMd5 => hash(text, "md5"),
        Kind::FileSha1 => hash(text, "sha1"),
        Kind::FileSha256 => hash(text, "sha256"),
        Kind::FileSha512 => hash(text, "sha512"),
        Kind::FileSsdeep => hash(text, "ssdeep"),
        _ => write!(text, " cs3Label=stixPattern cs3={}", escaped(&pattern(atom))),
    }
}

/// The pattern that names a value (export formats §2).
fn pattern(atom: &Atom) -> String {
    let (kind, value) = (atom.kind(), atom.text());
    let (object, path) = (kind.object_type(), kind.path());
    match kind {
        Kind::AsNumber => format!("[{object}:{path} = {value}]"),
        Kind::Ipv4Network | Kind::Ipv6Network => format!("[{object}:{path} ISSUBSET '{value}']"),
        _ => format!("[{object}:{path} = '{}']", value.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// A value of the extension. Its text is one line.
fn escaped(text: &str) -> Cow<'_, str> {
    match text.contains(['\\', '=']) {
        true => Cow::Owned(text.replace('\\', "\\\\").replace('=', "\\=")),
        false => Cow::Borrowed(text),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 => "address",
        Kind::Ipv4Network | Kind::Ipv6Network => "network",
        Kind::Domain => "domain",
        Kind::Url => "URL",
        Kind::Email => "mail address",
        Kind::FileName => "file name",
        Kind::FileMd5 | Kind::FileSha1 | Kind::FileSha256 | Kind::FileSha512 | Kind::FileSsdeep => "file",
        Kind::CertificateMd5 | Kind::CertificateSha1 | Kind::CertificateSha256 => "certificate",
        Kind::AsNumber => "autonomous system",
        Kind::Mac => "MAC address",
        Kind::Mutex => "mutex",
        Kind::RegistryKey => "registry key",
        Kind::Account => "account",
        Kind::UserAgent => "user agent",
        Kind::Iban => "bank account",
        Kind::Phone => "telephone number",
        Kind::Wallet => "wallet",
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::testing::{rows, three, written};
    use super::*;
    use proptest::prelude::*;

    type Pairs = Vec<(String, String)>;

    /// Header and extension by the rules: seven pipes that no back-slash escapes, then keys and values.
    fn read(line: &str) -> Result<(Vec<String>, Pairs), String> {
        let mut header = vec![String::new()];
        let mut chars = line.chars();
        while header.len() < 8 {
            let last = header.last_mut().unwrap();
            match chars.next().ok_or("a short header")? {
                '\\' => last.push(chars.next().filter(|c| matches!(c, '\\' | '|')).ok_or("a bad escape")?),
                '|' => header.push(String::new()),
                c => last.push(c),
            }
        }
        header.pop();
        let extension: Vec<char> = chars.collect();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut text = String::new();
        let mut at = 0;
        while at < extension.len() {
            match extension[at] {
                '\\' => {
                    at += 1;
                    text.push(*extension.get(at).filter(|c| matches!(c, '\\' | '=')).ok_or("a bad escape")?);
                }
                '=' => {
                    // The key is the last word; what is before it ends the value before.
                    let (before, key) = text.rsplit_once(' ').unwrap_or(("", &text));
                    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
                        return Err(format!("{key:?} is no key"));
                    }
                    let (before, key) = (before.to_owned(), key.to_owned());
                    if let Some(last) = pairs.last_mut() {
                        last.1 = before
                    }
                    pairs.push((key, String::new()));
                    text.clear();
                }
                c => text.push(c),
            }
            at += 1;
        }
        pairs.last_mut().ok_or("no extension")?.1 = text;
        Ok((header, pairs))
    }

    proptest! {
        #[test]
        fn every_value_comes_back_and_no_field_besides(rows in rows()) {
            let files = written(&Cef, &rows, "");
            let text = std::str::from_utf8(&files.files[0].bytes).unwrap();
            prop_assert_eq!(text.split_terminator('\n').count(), rows.len());
            for (row, line) in rows.iter().zip(text.split_terminator('\n')) {
                prop_assert!(!line.contains(char::is_control));
                let (header, pairs) = read(line).unwrap();
                prop_assert_eq!(&header[..5], ["CEF:0", "Liaison", "Liaison", "1.0", "indicator"]);
                prop_assert!(header[5].starts_with("Known-bad ") && !header[5].contains(['=', '\\', '|']));
                let keys: Vec<&str> = pairs.iter().map(|(key, _)| &**key)
                    .filter(|key| !matches!(*key, "fileType" | "cs3Label" | "cn1" | "cn1Label" | "msg")).collect();
                prop_assert_eq!(&keys[..2], ["externalId", "rt"]);
                prop_assert_eq!(&keys[3..], ["cs1Label", "cs1", "cs2Label", "cs2"]);
                let get = |wanted: &str| pairs.iter().find(|(key, _)| key == wanted).map(|(_, text)| &**text);
                prop_assert_eq!(get("externalId"), Some(&*row.facts.id));
                prop_assert_eq!(get("cs1"), Some(row.facts.tlp.name()));
                prop_assert_eq!(get("cn1").is_some(), row.facts.confidence.is_some());
                if keys[2] == "cs3" {
                    let atoms = crate::stix::atom::of_indicator(get("cs3").unwrap()).unwrap();
                    prop_assert_eq!(atoms, vec![row.atom.clone()]);
                } else {
                    prop_assert_eq!(get(keys[2]), Some(row.atom.text()));
                }
            }
        }
    }

    #[test]
    fn example_of_the_page() {
        let files = written(&Cef, &three(Kind::Domain, [Some(80), None, Some(0)])[..], "");
        let text = String::from_utf8(files.files[0].bytes.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "CEF:0|Liaison|Liaison|1.0|indicator|Known-bad domain c1.evil.example|8|externalId=indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1 rt=1795413600000 dhost=c1.evil.example cs1Label=tlp cs1=AMBER cs2Label=classification cs2=c2-server cn1Label=confidence cn1=80 msg=Name"
        );
        assert!(lines[1].contains("|Unknown|") && !lines[1].contains("cn1"));
        assert!(lines[2].contains("|0|") && lines[2].contains("cn1=0"));
    }
}
