//! What marks an observed-data, or a part of it, marks the observables that come out of it.

use super::ids::Fault;
use super::{Entry, Moves, restricting_labels};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The observables, and where each key of the dictionary went.
pub(super) struct Marked {
    pub(super) entries: Vec<Entry>,
    pub(super) places: HashMap<String, usize>,
}

/// The selectors of one marking: those that stay, and those of each observable.
#[derive(Default)]
struct Shares {
    outer: Vec<String>,
    inner: BTreeMap<usize, Vec<String>>,
    whole: BTreeSet<usize>,
}

impl Marked {
    /// Hands on the markings of the observed-data; `new` keeps those that are not of its observables.
    ///
    /// A marking that is not written as it must be is an error: whoever skipped it would let out what it guards.
    pub(super) fn share(&mut self, new: &mut Map<String, Value>, moves: &Moves) -> Result<(), Fault> {
        let labels = restricting_labels(new);
        let marks = list(new, "object_marking_refs")?;
        let markings = list(new, "granular_markings")?;
        for (name, list) in [("object_marking_refs", &marks), ("granular_markings", &markings)] {
            if list.len() > MARKINGS_MAX || list.len() * self.entries.len() > SHARES_MAX {
                return Err((name.to_owned(), "has too many markings for so many observables".to_owned()));
            }
        }
        for entry in &mut self.entries {
            entry.marks.extend(marks.iter().cloned());
            if !labels.is_empty() {
                entry.content.insert("labels".to_owned(), labels.clone().into());
            }
        }
        let mut kept = Vec::new();
        for (at, marking) in markings.into_iter().enumerate() {
            let path = format!("granular_markings.[{at}]");
            kept.extend(self.share_one(&marking, moves).map_err(|why| (path, why))?);
        }
        new.remove("granular_markings");
        if !kept.is_empty() {
            new.insert("granular_markings".to_owned(), kept.into());
        }
        Ok(())
    }

    /// Hands on one granular marking; what stays of it.
    fn share_one(&mut self, marking: &Value, moves: &Moves) -> Result<Option<Value>, String> {
        let mark = marking.get("marking_ref").filter(|mark| mark.is_string()).cloned();
        let mark = mark.ok_or("has no `marking_ref`")?;
        let selectors = marking.get("selectors").and_then(Value::as_array);
        let mut shares = Shares::default();
        for selector in selectors.ok_or("has no list of `selectors`")? {
            let selector = selector.as_str().ok_or("has a selector that is no string")?;
            self.divide(selector, moves, &mut shares)?;
        }
        for at in shares.whole {
            self.entries[at].marks.push(mark.clone());
        }
        for (at, selectors) in shares.inner {
            self.entries[at].granular.push(json!({ "marking_ref": mark, "selectors": selectors }));
        }
        let mut kept = marking.clone();
        kept["selectors"] = shares.outer.into();
        Ok(Some(kept).filter(|kept| kept["selectors"] != json!([])))
    }

    fn divide(&self, selector: &str, moves: &Moves, shares: &mut Shares) -> Result<(), String> {
        if selector == "objects" {
            shares.whole.extend(0..self.entries.len());
            shares.outer.push("object_refs".to_owned());
            return Ok(());
        }
        let Some(inside) = selector.strip_prefix("objects.") else {
            shares.outer.extend(moves.apply(selector));
            return Ok(());
        };
        let (at, rest) =
            self.place(inside).ok_or_else(|| format!("selects `{selector}`, which is not there"))?;
        let entry = &self.entries[at];
        let image = entry.image.as_ref().and_then(|key| self.places.get(key).copied());
        match (rest, image) {
            ("", image) => {
                shares.whole.extend([at].into_iter().chain(image));
                shares.outer.push(format!("object_refs.[{at}]"));
            }
            // Its name is that of its image now.
            ("name", Some(image)) => {
                shares.whole.insert(image);
                shares.inner.entry(at).or_default().push("image_ref".to_owned());
            }
            (rest, _) => shares.inner.entry(at).or_default().extend(entry.moves.apply(rest)),
        }
        Ok(())
    }

    /// The observable that a path begins with the key of, and the rest of the path. Keys may have dots.
    fn place<'s>(&self, path: &'s str) -> Option<(usize, &'s str)> {
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        let mut fitting = ends.filter_map(|end| Some((*self.places.get(&path[..end])?, &path[end..])));
        let (at, rest) = fitting.next_back()?;
        Some((at, rest.strip_prefix('.').unwrap_or(rest)))
    }

    /// The observables with their markings, after those that they may have had themselves.
    pub(super) fn finish(self) -> impl Iterator<Item = Value> {
        self.entries.into_iter().map(|entry| {
            let mut content = entry.content;
            for (name, more) in [("object_marking_refs", entry.marks), ("granular_markings", entry.granular)]
            {
                if !more.is_empty() {
                    let list = content.entry(name).or_insert_with(|| json!([])).as_array_mut();
                    list.into_iter().for_each(|list| add(list, &more));
                }
            }
            Value::Object(content)
        })
    }
}

/// Adds what is not there.
fn add(list: &mut Vec<Value>, more: &[Value]) {
    for value in more {
        if !list.contains(value) {
            list.push(value.clone());
        }
    }
}

/// A list, empty if it is not there.
fn list(object: &Map<String, Value>, name: &str) -> Result<Vec<Value>, Fault> {
    match object.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(_) => Err((name.to_owned(), "is no list".to_owned())),
    }
}

/// Of one observed-data, on all of it, and on parts.
const MARKINGS_MAX: usize = 1000;

/// Markings times observables.
const SHARES_MAX: usize = 100_000;
