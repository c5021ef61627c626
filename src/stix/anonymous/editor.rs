//! What has to change in the text of an object, place by place.

use super::Names;
use crate::stix::json::{Key, Kind, Value};
use crate::stix::schema;
use std::ops::Range;

/// A place in the text, and what is to stand there.
pub(super) struct Edit {
    pub(super) at: Range<usize>,
    pub(super) with: String,
}

/// All places to change in an object of this type.
pub(super) fn edits(names: &Names, object: Value, object_type: &str) -> Vec<Edit> {
    let mut editor = Editor { names, edits: Vec::new() };
    editor.object(object, object_type);
    editor.edits
}

/// Finds the places to change, one after the other.
struct Editor<'a> {
    names: &'a Names<'a>,
    edits: Vec<Edit>,
}

impl Editor<'_> {
    fn object(&mut self, object: Value, object_type: &str) {
        let is_sighting = object_type == "sighting";
        // Changed, it would no longer be the observable that its id tells.
        let content = schema::find(object_type).and_then(|found| found.contributing.as_deref());
        let withheld = self.withheld(object);
        let spans = member_spans(object);
        for (at, (key, value)) in object.members().enumerate() {
            let name = key.name();
            match name.as_ref() {
                "created_by_ref" => {
                    let community = self.names.disguise.identity;
                    self.put(value.range(), format!("\"{community}\""));
                }
                "external_references" => self.references(value, &withheld, &spans, at),
                "granular_markings" => self.granular(value, &withheld, is_sighting),
                "where_sighted_refs" if is_sighting => {
                    let community = self.names.disguise.identity;
                    self.put(value.range(), format!("[\"{community}\"]"));
                }
                "count" if is_sighting => {
                    if let Some(rounded) = rounded(value) {
                        self.put(value.range(), rounded.to_owned());
                    }
                }
                name if content.is_some_and(|content| content.iter().any(|known| known == name)) => {}
                _ => self.member(&spans[at], &name, value),
            }
        }
    }

    /// Which external references lead to the owner, and what becomes of them.
    fn withheld(&self, object: Value) -> Withheld {
        let list = object.member("external_references");
        let entries = list.into_iter().flat_map(entries);
        let granular = object.member("granular_markings").into_iter().flat_map(|list| list.items());
        let mut selectors =
            granular.filter_map(|part| part.member("selectors")).flat_map(|list| list.items());
        let is_selected = selectors.any(|selector| {
            let text = selector.text().unwrap_or_default();
            text.split('.').next() == Some("external_references")
        });
        Withheld {
            entries: entries.map(|entry| self.names.disguise.is_of_owner(entry)).collect(),
            is_selected,
        }
    }

    /// Drops the owner's external references; where markings select some, these stay in their
    /// places, with nothing in them: no marking is lost, and none slips onto another.
    fn references(&mut self, value: Value, withheld: &Withheld, spans: &[Range<usize>], at: usize) {
        let entries: Vec<Value> = entries(value).collect();
        let all = !entries.is_empty() && withheld.entries.iter().all(|own| *own);
        if all && !withheld.is_selected {
            let only: Vec<bool> = (0..spans.len()).map(|member| member == at).collect();
            return self.cut(spans, &only);
        }
        for (entry, own) in entries.iter().zip(&withheld.entries) {
            match own {
                false => self.value(*entry),
                true if withheld.is_selected => self.put(entry.range(), WITHHELD.to_owned()),
                true => {}
            }
        }
        if !withheld.is_selected {
            let places: Vec<Range<usize>> = entries.iter().map(Value::range).collect();
            self.cut(&places, &withheld.entries);
        }
    }

    /// Selectors that led into what is no longer there lead to what stands in its place.
    fn granular(&mut self, list: Value, withheld: &Withheld, is_sighting: bool) {
        let own = withheld.entries.iter().enumerate().filter(|(_, own)| **own);
        let mut ends: Vec<String> = own.map(|(at, _)| format!("external_references.[{at}]")).collect();
        if is_sighting {
            ends.push("where_sighted_refs".to_owned());
        }
        for part in list.items() {
            for (key, value) in part.members() {
                match key.is("selectors") && value.kind() == Kind::List {
                    true => value.items().for_each(|selector| self.selector(selector, &ends)),
                    false => self.value(value),
                }
            }
        }
    }

    fn selector(&mut self, selector: Value, ends: &[String]) {
        let text = selector.text().unwrap_or_default();
        let is_past = |end: &&String| text.strip_prefix(*end).is_some_and(|rest| rest.starts_with('.'));
        match ends.iter().find(is_past) {
            Some(end) => self.put(selector.range(), quoted(end)),
            None => self.value(selector),
        }
    }

    fn member(&mut self, span: &Range<usize>, name: &str, value: Value) {
        if let Some(new) = self.names.of_text(name) {
            // The colon stands between.
            self.put(span.start..value.range().start - 1, quoted(&new));
        }
        self.value(value);
    }

    fn value(&mut self, value: Value) {
        match value.kind() {
            Kind::Object => {
                let spans = member_spans(value);
                for (span, (key, value)) in spans.iter().zip(value.members()) {
                    self.member(span, &key.name(), value);
                }
            }
            Kind::List => value.items().for_each(|item| self.value(item)),
            Kind::Text | Kind::Escaped => {
                if let Some(new) = value.text().and_then(|text| self.names.of_text(&text)) {
                    self.put(value.range(), quoted(&new));
                }
            }
            _ => {}
        }
    }

    /// Takes parts out of a list or an object, each with a comma.
    fn cut(&mut self, parts: &[Range<usize>], which: &[bool]) {
        let mut is_any_kept = false;
        for (at, part) in parts.iter().enumerate() {
            match (which[at], is_any_kept) {
                (false, _) => is_any_kept = true,
                (true, true) => self.put(parts[at - 1].end..part.end, String::new()),
                (true, false) => {
                    let end = parts.get(at + 1).map_or(part.end, |next| next.start);
                    self.put(part.start..end, String::new());
                }
            }
        }
    }

    fn put(&mut self, at: Range<usize>, with: String) {
        self.edits.push(Edit { at, with });
    }
}

/// The owner's external references.
struct Withheld {
    /// Of each entry whether it is one.
    entries: Vec<bool>,
    /// Do granular markings select any entry, or all?
    is_selected: bool,
}

/// The items of a list, or what stands where a list should.
fn entries(value: Value) -> impl Iterator<Item = Value> {
    let single = (value.kind() != Kind::List).then_some(value);
    value.items().chain(single)
}

/// Where the members stand, each with its name; white space is gone from the text.
fn member_spans(object: Value) -> Vec<Range<usize>> {
    let mut start = object.range().start + 1;
    let span = |(_, value): (Key, Value)| {
        let span = start..value.range().end;
        start = span.end + 1;
        span
    };
    object.members().map(span).collect()
}

/// About how often (§13): 1, 2 to 9, 10 to 99, 100 and more; none if it is told so already.
fn rounded(count: Value) -> Option<&'static str> {
    match count.float()? {
        count if count >= 100.0 => Some("100"),
        count if count >= 10.0 => Some("10"),
        count if count >= 2.0 => Some("2"),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What stands in the place of an external reference that a marking selects.
const WITHHELD: &str = r#"{"source_name":"withheld","description":"withheld"}"#;
