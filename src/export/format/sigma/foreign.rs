//! Rules of others: only those that are one whole rule, in a part of YAML and of Sigma read here whole.

mod condition;
mod yaml;

use std::collections::HashSet;
use uuid::Uuid;
use yaml::Node;

/// Is it one whole rule?
pub(super) fn is_rule(text: &str) -> bool {
    text.len() <= LENGTH_MAX && yaml::read(text).is_some_and(|rule| check(&rule).is_some())
}

fn check(rule: &Node) -> Option<()> {
    let Node::Map(entries) = rule else { return None };
    entries.iter().all(|(key, value)| is_known(key, value)).then_some(())?;
    let title = rule.get("title")?.text()?;
    (1..=110).contains(&title.chars().count()).then_some(())?;
    let Node::Map(source) = rule.get("logsource")? else { return None };
    let is_source = |(key, value): &(String, Node)| {
        ["category", "product", "service"].contains(&key.as_str()) && value.text().is_some()
    };
    (!source.is_empty() && source.iter().all(is_source)).then_some(())?;
    let Node::Map(detection) = rule.get("detection")? else { return None };
    let parts = detection.iter().filter(|(key, _)| key != "condition");
    let names: Vec<&str> = parts.clone().map(|(key, _)| key.as_str()).collect();
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let are_read = names.iter().all(is_name) && parts.clone().all(|(_, part)| is_search(part));
    are_read.then_some(())?;
    condition::read(rule.get("detection")?.get("condition")?.text()?, &names)
}

/// Is it a key of rules, with a value such as it has?
fn is_known(key: &str, value: &Node) -> bool {
    let text = value.text();
    let one_of = |words: &[&str]| text.is_some_and(|text| words.contains(&text));
    match key {
        "title" | "author" | "description" | "license" => text.is_some(),
        "id" => value.scalar().is_some_and(|text| text.len() == 36 && Uuid::parse_str(text).is_ok()),
        "status" => one_of(&["stable", "test", "experimental", "deprecated", "unsupported"]),
        "level" => one_of(&["informational", "low", "medium", "high", "critical"]),
        "date" | "modified" => value.scalar().is_some_and(is_day),
        "references" | "falsepositives" | "fields" => value.texts().is_some(),
        "tags" => value.texts().is_some_and(|tags| tags.iter().all(|tag| is_tag(tag))),
        "logsource" | "detection" => true,
        _ => false,
    }
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, length: usize, max: u16| {
        part.len() == length && part.parse::<u16>().is_ok_and(|number| (1..=max).contains(&number))
    };
    // Days that some months lack would be refused there.
    matches!(parts[..], [year, month, day]
        if number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 28))
}

fn is_tag(tag: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
    };
    tag.split_once('.').is_some_and(|(space, name)| is_part(space) && is_part(name))
}

/// A map of fields, or several of them.
fn is_search(node: &Node) -> bool {
    match node {
        Node::Map(fields) => !fields.is_empty() && fields.iter().all(|(key, value)| is_field(key, value)),
        Node::List(maps) => maps.iter().all(|map| matches!(map, Node::Map(_)) && is_search(map)),
        _ => false,
    }
}

fn is_field(key: &str, value: &Node) -> bool {
    let mut parts = key.split('|');
    let is_name = parts.next().is_some_and(|name| !name.is_empty());
    let modifiers: Vec<&str> = parts.collect();
    let distinct: HashSet<&&str> = modifiers.iter().collect();
    let has_all = distinct.contains(&"all");
    let matches =
        modifiers.iter().filter(|modifier| ["contains", "startswith", "endswith"].contains(modifier));
    let is_understood = matches.count() + usize::from(has_all) == modifiers.len()
        && modifiers.len() == distinct.len()
        && modifiers.len() <= 1 + usize::from(has_all)
        && modifiers
            .iter()
            .position(|modifier| *modifier == "all")
            .is_none_or(|at| at + 1 == modifiers.len());
    let is_value = |node: &Node| node.text().is_some_and(|text| !text.is_empty() && !text.contains('%'));
    let are_values = match value {
        Node::List(values) => {
            !values.is_empty() && values.iter().all(is_value) && (!has_all || values.len() > 1)
        }
        _ => !has_all && is_value(value),
    };
    is_name && is_understood && are_values
}

/// The longest rule, in bytes.
const LENGTH_MAX: usize = 100_000;
