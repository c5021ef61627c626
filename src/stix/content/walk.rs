//! Values against shapes.

use super::Judge;
use super::finding::Weight;
use super::path::Path;
use crate::stix::json::{Kind as Json, Value};
use crate::stix::schema::{Kind, Role, Rule, Shape, Then};
use crate::stix::timestamp::instant;

/// The members of an object that its shape knows.
pub(super) struct Known<'a> {
    /// One bit for each property that is there.
    pub(super) present: u64,
    /// Their values, for those that a rule asks about.
    object: Value<'a>,
}

impl<'a> Known<'a> {
    fn value(&self, shape: &Shape, at: usize) -> Option<Value<'a>> {
        self.object.member(&shape.properties()[at].name)
    }

    fn has(&self, at: usize) -> bool {
        self.present >> at & 1 == 1
    }
}

impl<'a> Judge<'a> {
    /// Checks a value against its shape.
    pub(super) fn value(&mut self, shape: &Shape, value: Value<'a>, path: &Path) {
        if shape.deprecated {
            self.advise("deprecated", path, None, || "still allowed, but no longer advised".to_owned());
        }
        match shape.role {
            Role::Never => {
                self.never(shape, path);
                if !shape.tolerated {
                    return;
                }
            }
            Role::NotApplicable => {
                let expected = || "not a property of this type; it means nothing here".to_owned();
                return self.advise("prop.not-applicable", path, Some(value), expected);
            }
            _ => {}
        }
        match (value.kind(), shape.kind()) {
            (Json::Null, _) => self.null(path),
            (_, Kind::Any) if shape.constant.is_some() => self.constant(shape, value, path),
            (Json::Text | Json::Escaped, _) if is_text(shape.kind()) => self.text(shape, value, path),
            (Json::Text | Json::Escaped, Kind::List) if shape.role == Role::ListOrItem => {
                self.weighed(Weight::Relaxed, "prop.type", path, Some(value), "a list, even of one item");
            }
            (Json::Integer | Json::BigInteger | Json::Fraction, kind) if is_number(kind) => {
                self.number(shape, value, path);
            }
            (Json::True | Json::False, Kind::Boolean) | (_, Kind::Any) => {}
            (Json::List, Kind::List) => self.list(shape, value, path),
            (Json::Object, Kind::Object | Kind::Dictionary | Kind::Hashes) => {
                self.members(shape, value, path);
            }
            (_, kind) => {
                let named = shape.rule.filter(|code| matches!(*code, "ext.type" | "mark.definition"));
                let code = named.unwrap_or("prop.type");
                self.error(code, path, Some(value), name_of(kind));
            }
        }
    }

    /// Null where a value should be.
    pub(super) fn null(&mut self, path: &Path) {
        self.weighed(Weight::Always, "json.null", path, None, "leave it out instead of null");
    }

    fn never(&mut self, shape: &Shape, path: &Path) {
        let (code, expected) = match shape.rule {
            Some("prop.not-applicable") => ("prop.not-applicable", "not a property of this type; remove it"),
            _ => ("prop.reserved", "the name is reserved; use another"),
        };
        let weight = if shape.tolerated { Weight::Relaxed } else { Weight::Usual };
        self.weighed(weight, code, path, None, expected);
    }

    fn constant(&mut self, shape: &Shape, value: Value, path: &Path) {
        let wanted = shape.constant.as_deref().unwrap_or_default();
        if value.text().as_deref() == Some(wanted) {
            return;
        }
        match shape.rule {
            Some(code) => {
                self.weighed(Weight::Always, code, path, Some(value), format!("it must be \"{wanted}\""))
            }
            None => self.error("prop.type", path, Some(value), format!("it must be \"{wanted}\"")),
        }
    }

    fn number(&mut self, shape: &Shape, value: Value, path: &Path) {
        let is_whole = matches!(shape.kind(), Kind::Integer | Kind::StringOrInteger);
        let Some(number) = value.float() else { return };
        if is_whole && number.fract() != 0.0 {
            return self.error("prop.type", path, Some(value), name_of(shape.kind()));
        }
        let is_safe = value.kind() != Json::BigInteger && !(is_whole && value.integer().is_none());
        let low = shape.minimum.is_some_and(|minimum| number < minimum);
        let high = shape.maximum.is_some_and(|maximum| number > maximum);
        if !is_safe || low || high {
            let bound =
                |bound: Option<f64>, other: &str| bound.map_or(other.to_owned(), |bound| bound.to_string());
            let expected = format!(
                "a number from {} to {}",
                bound(shape.minimum, "-(2^53-1)"),
                bound(shape.maximum, "2^53-1")
            );
            self.error("prop.range", path, Some(value), expected);
        }
    }

    fn list(&mut self, shape: &Shape, value: Value<'a>, path: &Path) {
        if value.is_empty() && shape.non_empty {
            let code = shape.rule.unwrap_or("prop.empty");
            return self.error(
                code,
                path,
                None,
                "a list has at least one item; leave it out if there is none",
            );
        }
        let Some(item_shape) = shape.item() else { return };
        for (at, item) in value.items().enumerate() {
            self.value(item_shape, item, &path.item(at));
        }
    }

    /// An object of known members, or a dictionary, or both.
    pub(super) fn members(&mut self, shape: &Shape, value: Value<'a>, path: &Path) -> Known<'a> {
        let mut known = Known { present: 0, object: value };
        if value.is_empty() && shape.non_empty {
            let code = shape.rule.filter(|code| *code == "ext.empty").unwrap_or("prop.empty");
            self.error(code, path, None, "at least one member is needed; leave it out if there is none");
            if shape.properties().is_empty() {
                return known;
            }
        }
        for (key, member) in value.members() {
            let plain = key.plain();
            let name = if plain.is_none() { key.name() } else { std::borrow::Cow::Borrowed("") };
            match shape.position(plain.unwrap_or(name.as_bytes())) {
                Some(at) => {
                    known.present |= 1 << at;
                    self.value(&shape.properties()[at].shape, member, &path.key(key));
                }
                None => self.unknown(shape, value, key, member, path),
            }
        }
        self.required(shape, known.present, path);
        for rule in &shape.rules {
            self.rule(shape, rule, &known, path);
        }
        match shape.role {
            Role::ExternalReference => self.external_reference(value, path),
            Role::Container => self.container(value, path),
            _ => {}
        }
        known
    }

    /// A member that the shape does not name.
    fn unknown(
        &mut self,
        shape: &Shape,
        object: Value<'a>,
        key: crate::stix::json::Key<'a>,
        member: Value<'a>,
        path: &Path,
    ) {
        match shape.role {
            Role::Extensions | Role::ObservableExtensions | Role::NoExtensions => {
                return self.extension(shape.role, key, member, path);
            }
            Role::Hashes => return self.hash(key, member, path),
            Role::Container => return,
            _ => {}
        }
        if let Some(keys) = &shape.keys {
            self.key(keys, key, path);
            let at = path.key(key);
            match shape.item() {
                Some(item) => self.value(item, member, &at),
                None if shape.kind() == Kind::Dictionary => self.plain(member, &at),
                None => self.inner(member, &at),
            }
            return;
        }
        match shape.item() {
            Some(item) => self.value(item, member, &path.key(key)),
            None => self.custom(key, member, object, path),
        }
    }

    fn required(&mut self, shape: &Shape, present: u64, path: &Path) {
        for (at, property) in shape.properties().iter().enumerate() {
            // Whether these are there has been told already.
            let is_shape = matches!(&property.name[..], "type" | "id");
            if !property.required || is_shape || present >> at & 1 == 1 {
                continue;
            }
            let code = property.shape.rule.unwrap_or("prop.required");
            let weight = if code == "spec_version" { Weight::Always } else { Weight::Usual };
            self.weighed(weight, code, &path.name(&property.name), None, "it is missing, and required");
        }
    }

    fn rule(&mut self, shape: &Shape, rule: &Rule, known: &Known<'a>, path: &Path) {
        let present = known.present;
        let name = |at: usize| shape.properties()[at].name.as_str();
        let code = shape
            .rule
            .filter(|code| matches!(*code, "extref.detail" | "mark.granular"))
            .unwrap_or("rule.oneof");
        let all = |set: &&u64| present & **set == **set;
        match rule {
            Rule::AnyOf(sets) if sets.iter().filter(all).count() == 0 => {
                self.error(code, path, None, format!("at least one is needed of: {}", names(shape, sets)));
            }
            Rule::OneOf(sets) if sets.iter().filter(all).count() != 1 => {
                self.error(code, path, None, format!("exactly one is needed of: {}", names(shape, sets)));
            }
            Rule::Requires(one, other) if known.has(*one) && !known.has(*other) => {
                let expected = format!("it is needed beside `{}`", name(*one));
                self.error("rule.requires", &path.name(name(*other)), None, expected);
            }
            Rule::If(one, wanted, then)
                if known.value(shape, *one).is_some_and(|value| is(value, *wanted)) =>
            {
                let (other, expected) = match then {
                    Then::Present(other) if !known.has(*other) => (other, "needed"),
                    Then::Absent(other) if known.has(*other) => (other, "not allowed"),
                    _ => return,
                };
                let expected = format!("it is {expected} where `{}` is {wanted}", name(*one));
                self.error("rule.requires", &path.name(name(*other)), None, expected);
            }
            Rule::Order(later, strictly, earlier) => {
                self.order(shape, (*later, *strictly, *earlier), known, path)
            }
            _ => {}
        }
    }

    fn order(
        &mut self,
        shape: &Shape,
        (later, strictly, earlier): (usize, bool, usize),
        known: &Known<'a>,
        path: &Path,
    ) {
        if !known.has(later) || !known.has(earlier) {
            return;
        }
        let (late, early) = (known.value(shape, later), known.value(shape, earlier));
        let (Some(late), Some(early)) = (late.and_then(|v| v.text()), early.and_then(|v| v.text())) else {
            return;
        };
        let (Some(one), Some(other)) = (instant(&late), instant(&early)) else { return };
        if one < other || (strictly && one == other) {
            let (name, than) = (&shape.properties()[later].name, &shape.properties()[earlier].name);
            let word = if strictly { "later than" } else { "not earlier than" };
            self.error(
                "ts.order",
                &path.name(name),
                None,
                format!("{late} must be {word} `{than}`, {early}"),
            );
        }
    }
}

fn is(value: Value, wanted: bool) -> bool {
    value.kind() == if wanted { Json::True } else { Json::False }
}

fn names(shape: &Shape, sets: &[u64]) -> String {
    let one = |set: &u64| {
        let members = shape.properties().iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        members.map(|(_, property)| format!("`{}`", property.name)).collect::<Vec<_>>().join(" with ")
    };
    sets.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn is_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::String | Kind::Timestamp | Kind::Identifier | Kind::Hex | Kind::Binary | Kind::StringOrInteger
    )
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Float | Kind::StringOrInteger)
}

pub(super) fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "it must be a whole number",
        Kind::Float => "it must be a number",
        Kind::Boolean => "it must be true or false, without quotes",
        Kind::List => "it must be a list",
        Kind::Object | Kind::Dictionary | Kind::Hashes => "it must be an object",
        Kind::StringOrInteger => "it must be a string or a whole number",
        Kind::Timestamp => "it must be a time in UTC as a string, such as \"2026-02-09T08:00:00.000Z\"",
        Kind::Identifier => "it must be a string of the form type--uuid",
        Kind::String | Kind::Hex | Kind::Binary | Kind::Any => "it must be a string",
    }
}
