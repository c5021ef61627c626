//! From schema texts to shapes. A keyword that this does not know is an error, so that nothing in
//! the files can be without effect.

use super::shape::{Advice, Format, Keys, Kind, Property, Role, Rule, Shape, Terms, Then};
use super::{Class, Type};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The schema texts as trees.
pub(super) struct Sources(HashMap<&'static str, Value>);

type Compiled<T> = Result<T, String>;

impl Sources {
    pub(super) fn read(files: &[(&'static str, &'static str)]) -> Compiled<Self> {
        let read = |(name, text): &(&'static str, &str)| {
            let tree = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
            Ok((*name, tree))
        };
        files.iter().map(read).collect::<Compiled<_>>().map(Self)
    }

    /// The type that a file describes; none if it holds shared definitions only.
    pub(super) fn object_type(&self, name: &str) -> Option<Compiled<Type>> {
        let source = self.0.get(name)?;
        let class = match source.get("class")?.as_str()? {
            "sdo" => Class::Sdo,
            "sro" => Class::Sro,
            "sco" => Class::Sco,
            "meta" => Class::Meta,
            _ => Class::Bundle,
        };
        let relationships = source.get("relationships").and_then(Value::as_object).into_iter().flatten();
        let relationships = relationships.map(|(name, targets)| (name.clone(), strings(targets))).collect();
        let contributing = source.get("idContributing").map(strings);
        let shape = self.compile(source).map_err(|error| format!("{name}: {error}"));
        Some(shape.map(|shape| Type { name: name.to_owned(), class, shape, contributing, relationships }))
    }

    pub(super) fn compile(&self, source: &Value) -> Compiled<Shape> {
        let mut shape = Shape::default();
        let mut rules = Vec::new();
        self.merge(source, &mut shape, &mut rules)?;
        if shape.properties.len() > 64 {
            return Err("more than 64 properties".to_owned());
        }
        shape.index();
        shape.kind = kind(&shape);
        for source in rules {
            rule(&mut shape, source)?;
        }
        Ok(shape)
    }

    /// Adds what a schema says to the shape; rules wait until all properties are known.
    fn merge<'s>(&'s self, source: &'s Value, shape: &mut Shape, rules: &mut Vec<&'s Value>) -> Compiled<()> {
        let members = source.as_object().ok_or("a schema must be an object")?;
        // First what is shared, so that what stands beside it wins.
        if let Some(reference) = members.get("$ref") {
            self.merge(self.resolve(reference)?, shape, rules)?;
        }
        for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.merge(part, shape, rules)?;
        }
        if ["anyOf", "oneOf", "if", "dependentRequired", "timeOrder"]
            .iter()
            .any(|word| members.contains_key(*word))
        {
            rules.push(source);
        }
        for (word, value) in members {
            self.keyword(word, value, shape).map_err(|error| format!("`{word}`: {error}"))?;
        }
        for name in strings(members.get("required").unwrap_or(&Value::Null)) {
            let found = shape.properties.iter_mut().find(|property| property.name == name);
            match found {
                Some(property) => property.required = true,
                // A part that only says which members are there together.
                None if !members.contains_key("properties") => {}
                None => return Err(format!("`required` names `{name}`, which is no property")),
            }
        }
        Ok(())
    }

    fn resolve(&self, reference: &Value) -> Compiled<&Value> {
        let text = reference.as_str().unwrap_or_default();
        let (document, pointer) = text.split_once('#').unwrap_or((text, ""));
        let source = document.strip_prefix(PREFIX).and_then(|name| self.0.get(name));
        source.and_then(|source| source.pointer(pointer)).ok_or_else(|| format!("`{text}` leads nowhere"))
    }

    fn keyword(&self, word: &str, value: &Value, shape: &mut Shape) -> Compiled<()> {
        match word {
            "properties" => self.properties(value, shape)?,
            "items" => shape.item = Some(Arc::new(self.compile(value)?)),
            "additionalProperties" if value.is_object() => shape.item = Some(Arc::new(self.compile(value)?)),
            "additionalProperties" if value == false && shape.role == Role::Plain => {
                shape.role = Role::NoExtensions
            }
            "propertyNames" => shape.keys = Some(keys(value)?),
            "type" => shape.kind = json_type(value)?,
            "minItems" | "minProperties" | "minLength" => shape.non_empty = true,
            "minimum" => shape.minimum = value.as_f64(),
            "maximum" => shape.maximum = value.as_f64(),
            "format" => shape.format = Some(format(value)?),
            "advisedFormat" => shape.advised = Some(advice(value)?),
            "enum" => shape.terms = Some(terms(value, false)),
            "openVocabulary" => shape.terms = Some(terms(value, true)),
            "references" => shape.targets = strings(value),
            "const" => shape.constant = value.as_str().map(str::to_owned),
            "rule" => shape.rule = Some(code(value)?),
            "deprecated" => shape.deprecated = true,
            "not" => shape.role = Role::Never,
            "notApplicable" => shape.role = Role::NotApplicable,
            "hashes" => shape.role = Role::Hashes,
            "externalReference" => shape.role = Role::ExternalReference,
            "container" => shape.role = Role::Container,
            "relaxed" if value == "presence" => shape.tolerated = true,
            "relaxed" => shape.role = Role::ListOrItem,
            "patternProperties" => {
                let observable = value.as_object().is_some_and(|patterns| patterns.len() > 1);
                shape.role = if observable { Role::ObservableExtensions } else { Role::Extensions };
            }
            _ if KNOWN_ELSEWHERE.contains(&word) => {}
            _ => return Err("unknown keyword".to_owned()),
        }
        Ok(())
    }

    fn properties(&self, value: &Value, shape: &mut Shape) -> Compiled<()> {
        for (name, source) in value.as_object().into_iter().flatten() {
            let compiled = Arc::new(self.compile(source).map_err(|error| format!("{name}: {error}"))?);
            match shape.properties.iter_mut().find(|property| property.name == *name) {
                Some(property) => property.shape = compiled,
                None => {
                    shape.properties.push(Property { name: name.clone(), shape: compiled, required: false })
                }
            }
        }
        Ok(())
    }
}

fn rule(shape: &mut Shape, source: &Value) -> Compiled<()> {
    let at = |name: &str| shape.position(name.as_bytes()).ok_or_else(|| format!("no property `{name}`"));
    let set = |part: &Value| -> Compiled<u64> {
        let names = strings(part.get("required").unwrap_or(&Value::Null));
        names.iter().try_fold(0, |bits, name| Ok(bits | 1 << at(name)?))
    };
    let sets =
        |parts: &Value| parts.as_array().into_iter().flatten().map(set).collect::<Compiled<Vec<u64>>>();
    let mut rules = Vec::new();
    let members = source.as_object().cloned().unwrap_or_default();
    if let Some(parts) = members.get("anyOf") {
        rules.push(Rule::AnyOf(sets(parts)?));
    }
    if let Some(parts) = members.get("oneOf") {
        rules.push(Rule::OneOf(sets(parts)?));
    }
    for (name, needs) in members.get("dependentRequired").and_then(Value::as_object).into_iter().flatten() {
        for needed in strings(needs) {
            rules.push(Rule::Requires(at(name)?, at(&needed)?));
        }
    }
    if let (Some(condition), Some(then)) = (members.get("if"), members.get("then")) {
        rules.push(conditional(condition, then, &at)?);
    }
    for order in members.get("timeOrder").and_then(Value::as_array).into_iter().flatten() {
        match &strings(order)[..] {
            [later, sign, earlier] => rules.push(Rule::Order(at(later)?, sign == ">", at(earlier)?)),
            _ => return Err("`timeOrder`: expected [later, sign, earlier]".to_owned()),
        }
    }
    shape.rules.extend(rules);
    Ok(())
}

fn conditional(condition: &Value, then: &Value, at: &dyn Fn(&str) -> Compiled<usize>) -> Compiled<Rule> {
    let properties = condition.get("properties").and_then(Value::as_object);
    let only =
        properties.filter(|properties| properties.len() == 1).and_then(|properties| properties.iter().next());
    let (name, wanted) = only.ok_or("`if`: expected one property")?;
    let wanted = wanted.get("const").and_then(Value::as_bool).ok_or("`if`: expected a boolean `const`")?;
    let names = |part: &Value| strings(part.get("required").unwrap_or(&Value::Null));
    let then = match (&names(then)[..], then.get("not").map(names).as_deref()) {
        ([needed], None) => Then::Present(at(needed)?),
        ([], Some([excluded])) => Then::Absent(at(excluded)?),
        _ => return Err("`then`: expected one property that is required, or not".to_owned()),
    };
    Ok(Rule::If(at(name)?, wanted, then))
}

fn kind(shape: &Shape) -> Kind {
    match (shape.kind, shape.format) {
        (_, Some(Format::Timestamp | Format::TimestampMs | Format::TimestampS)) => Kind::Timestamp,
        (_, Some(Format::Identifier)) => Kind::Identifier,
        (_, Some(Format::Hex)) => Kind::Hex,
        (_, Some(Format::Base64)) => Kind::Binary,
        (Kind::Object, _) if shape.role == Role::Hashes => Kind::Hashes,
        (Kind::Object, _)
            if shape.item.is_some() || (shape.keys.is_some() && shape.properties.is_empty()) =>
        {
            Kind::Dictionary
        }
        (kind, _) => kind,
    }
}

fn json_type(value: &Value) -> Compiled<Kind> {
    match value.as_str() {
        Some("string") => Ok(Kind::String),
        Some("integer") => Ok(Kind::Integer),
        Some("number") => Ok(Kind::Float),
        Some("boolean") => Ok(Kind::Boolean),
        Some("array") => Ok(Kind::List),
        Some("object") => Ok(Kind::Object),
        None if strings(value) == ["integer", "string"] => Ok(Kind::StringOrInteger),
        _ => Err(format!("{value} is not expected")),
    }
}

fn keys(value: &Value) -> Compiled<Keys> {
    let part = |name: &str| value.get(name);
    Ok(Keys {
        format: format(part("format").ok_or("expected a `format`")?)?,
        advised: part("advisedFormat").map(advice).transpose()?,
        rule: part("rule").map(code).transpose()?,
    })
}

fn terms(value: &Value, open: bool) -> Terms {
    let mut words = strings(value);
    words.sort_unstable();
    Terms { open, words }
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn named<T: Copy>(table: &[(&str, T)], value: &Value) -> Compiled<T> {
    let found = table.iter().find(|(name, _)| value.as_str() == Some(name));
    found.map(|(_, found)| *found).ok_or_else(|| format!("{value} is not known"))
}

fn format(value: &Value) -> Compiled<Format> {
    named(FORMATS, value)
}

fn advice(value: &Value) -> Compiled<Advice> {
    named(ADVICE, value)
}

fn code(value: &Value) -> Compiled<&'static str> {
    CODES
        .iter()
        .find(|code| value.as_str() == Some(code))
        .copied()
        .ok_or_else(|| format!("{value} is not known"))
}

/// The keywords of one schema that a schema in the files may have without meaning for a shape,
/// or that are read in another place.
const KNOWN_ELSEWHERE: &[&str] = &[
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "title",
    "description",
    "default",
    "class",
    "idContributing",
    "relationships",
    "required",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "then",
    "dependentRequired",
    "timeOrder",
    "additionalProperties",
];

const PREFIX: &str = "urn:liaison:schema:stix:";

const CODES: &[&str] = &[
    "spec_version",
    "mark.ref",
    "mark.granular",
    "mark.definition",
    "prop.reserved",
    "prop.not-applicable",
    "hash.key",
    "extref.detail",
    "ext.type",
    "ext.props",
    "ext.empty",
    "ext.key",
    "bundle.empty",
];

const FORMATS: &[(&str, Format)] = &[
    ("timestamp", Format::Timestamp),
    ("timestamp-ms", Format::TimestampMs),
    ("timestamp-s", Format::TimestampS),
    ("identifier", Format::Identifier),
    ("object-id", Format::ObjectId),
    ("hex", Format::Hex),
    ("base64", Format::Base64),
    ("url", Format::Url),
    ("domain-name", Format::DomainName),
    ("email-address", Format::EmailAddress),
    ("ipv4-or-cidr", Format::Ipv4),
    ("ipv6-or-cidr", Format::Ipv6),
    ("mac-48", Format::Mac),
    ("cpe-2.3", Format::Cpe),
    ("language-tag", Format::LanguageTag),
    ("charset", Format::Charset),
    ("relationship-type", Format::RelationshipType),
    ("registry-key", Format::RegistryKey),
    ("dictionary-key", Format::DictionaryKey),
    ("cased-dictionary-key", Format::CasedDictionaryKey),
    ("hash-algorithm", Format::HashAlgorithm),
    ("property-name", Format::PropertyName),
    ("extension-property-name", Format::ExtensionPropertyName),
    ("selector", Format::Selector),
];

const ADVICE: &[(&str, Advice)] = &[
    ("media-type", Advice::MediaType),
    ("country", Advice::Country),
    ("product", Advice::Product),
    ("protocol", Advice::Protocol),
    ("ipfix-element", Advice::IpfixElement),
    ("pdf-info-key", Advice::PdfInfoKey),
    ("http-header", Advice::HttpHeader),
    ("socket-option", Advice::SocketOption),
    ("kill-chain-term", Advice::KillChainTerm),
];
