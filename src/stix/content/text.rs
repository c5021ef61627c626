//! Strings: forms, vocabularies, references.

use super::Judge;
use super::finding::Weight;
use super::path::Path;
use crate::stix::format::{
    Fault, Verdict, address, binary, cpe, domain, email, hash, identifier, language, name, reference,
    registry, time, url,
};
use crate::stix::json::{Key, Value};
use crate::stix::schema::{self, Advice, Class, Format, Keys, Shape, Terms};

impl<'a> Judge<'a> {
    /// A string where its shape wants one.
    pub(super) fn text(&mut self, shape: &Shape, value: Value<'a>, path: &Path) {
        let needs_text =
            shape.format.is_some() || shape.terms.is_some() || self.options.advise || shape.non_empty;
        let Some(text) = needs_text.then(|| value.text()).flatten() else { return };
        if shape.non_empty && text.is_empty() {
            self.error("prop.empty", path, None, "it must not be the empty string");
        }
        if let Some(format) = shape.format {
            self.form(format, shape, value, &text, path);
        }
        if let Some(terms) = &shape.terms {
            self.terms(terms, shape, value, &text, path);
        }
        if let Some(advice) = shape.advised.filter(|_| self.options.advise && !self.defanged) {
            let (code, verdict) = advised(advice, &text);
            self.verdict(code, verdict, Some(value), path);
        }
    }

    fn form(&mut self, format: Format, shape: &Shape, value: Value<'a>, text: &str, path: &Path) {
        let fault = |checked: Result<(), Fault>| checked;
        let (code, checked) = match format {
            Format::Timestamp => return self.time(time::timestamp(text), value, path),
            Format::TimestampMs => return self.time(time::milliseconds(text), value, path),
            Format::TimestampS => return self.time(time::whole_seconds(text), value, path),
            Format::Identifier => return self.reference(shape, value, text, path),
            Format::Selector | Format::ObjectId => return,
            Format::RegistryKey => return self.fault("reg.hive", reference::registry_key(text), value, path),
            Format::RelationshipType => {
                return self.fault("rel.type-name", name::relationship_type(text), value, path);
            }
            Format::Hex => ("fmt.hex", fault(binary::hex(text))),
            Format::Base64 => ("fmt.base64", fault(binary::base64(text))),
            Format::EmailAddress => ("fmt.email", fault(email::email_address(text))),
            Format::Ipv4 => ("fmt.ipv4", fault(address::ipv4(text))),
            Format::Ipv6 => ("fmt.ipv6", fault(address::ipv6(text))),
            Format::Mac => ("fmt.mac", fault(address::mac(text))),
            other => {
                let (code, verdict) = judged(other, text);
                return self.mangled(code, verdict, value, path);
            }
        };
        match checked {
            Ok(()) => {}
            Err(fault) if self.defanged => self.advise(code, path, Some(value), || mangled(fault.expected)),
            Err(fault) => self.fault(code, Err(fault), value, path),
        }
    }

    /// A form that values written to be harmless need not have.
    fn mangled(&mut self, code: &'static str, verdict: Verdict, value: Value, path: &Path) {
        match verdict {
            Verdict::Bad(expected) if self.defanged => {
                self.advise(code, path, Some(value), || mangled(expected))
            }
            verdict => self.verdict(code, verdict, Some(value), path),
        }
    }

    pub(super) fn fault(
        &mut self,
        code: &'static str,
        checked: Result<(), Fault>,
        value: Value,
        path: &Path,
    ) {
        if let Err(fault) = checked {
            let weight = if fault.relaxed { Weight::Relaxed } else { Weight::Usual };
            self.weighed(weight, code, path, Some(value), format!("expected {}", fault.expected));
        }
    }

    pub(super) fn verdict(
        &mut self,
        code: &'static str,
        verdict: Verdict,
        value: Option<Value>,
        path: &Path,
    ) {
        match verdict {
            Verdict::Good => {}
            Verdict::Advice(expected) => self.advise(code, path, value, || format!("better {expected}")),
            Verdict::Bad(expected) => self.error(code, path, value, format!("expected {expected}")),
        }
    }

    fn time(&mut self, checked: Result<(), time::TimeFault>, value: Value, path: &Path) {
        let Err(fault) = checked else { return };
        let code = match fault {
            time::TimeFault::Form => "ts.form",
            time::TimeFault::Calendar => "ts.calendar",
            time::TimeFault::Precision(_) => "ts.precision",
        };
        // Without these two the versions of an object cannot be told apart.
        let is_version =
            code == "ts.form" && path.is_top() && matches!(&path.pointer()[..], "/created" | "/modified");
        let weight = if is_version { Weight::Always } else { Weight::Usual };
        self.weighed(weight, code, path, Some(value), format!("expected {}", fault.expected()));
    }

    fn reference(&mut self, shape: &Shape, value: Value<'a>, text: &str, path: &Path) {
        if let Some(target) = self.container.as_ref().and_then(|container| container.get(text)) {
            let object_type = target.member("type").and_then(|found| found.text()).unwrap_or_default();
            return self.target(shape, &object_type, value, path);
        }
        match identifier::identifier(text) {
            Err(fault) => self.error("ref.form", path, Some(value), format!("expected {}", fault.expected)),
            Ok(found) => {
                if let Some(advice) = found.advice {
                    self.advise("ref.form", path, Some(value), || format!("better {advice}"));
                }
                self.target(shape, found.object_type, value, path);
            }
        }
    }

    fn target(&mut self, shape: &Shape, object_type: &str, value: Value, path: &Path) {
        if shape.targets().iter().any(|target| takes(target, object_type)) {
            return;
        }
        let expected = format!("it must name an object of type {}", shape.targets().join(" or "));
        self.error(shape.rule.unwrap_or("ref.type"), path, Some(value), expected);
    }

    fn terms(&mut self, terms: &Terms, shape: &Shape, value: Value, text: &str, path: &Path) {
        if terms.open && !self.options.advise {
            return;
        }
        if terms.words.binary_search_by(|word| word.as_str().cmp(text)).is_ok() {
            return;
        }
        if !terms.open {
            let code = shape.rule.unwrap_or("enum");
            return self.error(
                code,
                path,
                Some(value),
                format!("it must be one of: {}", terms.words.join(", ")),
            );
        }
        let expected = || format!("not one of the suggested words: {}", terms.words.join(", "));
        self.advise("vocab", path, Some(value), expected);
        self.verdict("vocab.style", name::vocabulary_term(text), Some(value), path);
    }

    /// The name of a member of a dictionary.
    pub(super) fn key(&mut self, keys: &Keys, key: Key<'a>, path: &Path) {
        let text = key.name();
        let at = path.key(key);
        let (code, verdict) = match keys.format {
            Format::LanguageTag => ("fmt.lang", language::language_tag(&text)),
            Format::PropertyName => ("prop.name", member_name(&text)),
            Format::ExtensionPropertyName => {
                if let Err(fault) = name::extension_property(&text) {
                    let weight = if fault.relaxed { Weight::Relaxed } else { Weight::Usual };
                    self.weighed(weight, "ext.props", &at, None, format!("expected {}", fault.expected));
                }
                return;
            }
            Format::CasedDictionaryKey => ("prop.name", without_advice(name::dictionary_key(&text))),
            _ => ("prop.name", name::dictionary_key(&text)),
        };
        self.verdict(keys.rule.unwrap_or(code), verdict, None, &at);
        if let Some(advice) = keys.advised.filter(|_| self.options.advise) {
            let (code, verdict) = advised(advice, &text);
            self.verdict(code, verdict, None, &at);
        }
    }

    /// A member of `hashes`.
    pub(super) fn hash(&mut self, key: Key<'a>, value: Value<'a>, path: &Path) {
        let (name, at) = (key.name(), path.key(key));
        self.verdict("hash.key", hash::algorithm(&name), None, &at);
        match value.text() {
            Some(text) => self.mangled("hash.value", hash::value(&name, &text), value, &at),
            None => self.value(&STRING, value, &at),
        }
    }

    /// What is particular to external references.
    pub(super) fn external_reference(&mut self, value: Value<'a>, path: &Path) {
        let text = |name: &str| value.member(name).and_then(|member| member.text());
        if let (Some(source), Some(id)) = (text("source_name"), text("external_id")) {
            let about_capec = id.starts_with("CAPEC-") || source == "capec";
            let code = if about_capec && source != "cve" { "extref.capec" } else { "extref.cve" };
            let member = value.member("external_id");
            self.verdict(code, reference::external_id(&source, &id), member, &path.name("external_id"));
        }
        if self.options.advise && value.member("url").is_some() && value.member("hashes").is_none() {
            let expected = || "better with `hashes` of what the URL led to".to_owned();
            self.advise("extref.hash", &path.name("url"), None, expected);
        }
    }
}

/// Does a reference that may name `target` take an object of this type?
fn takes(target: &str, object_type: &str) -> bool {
    let class = || schema::find(object_type).map(|found| found.class);
    match target {
        "*" => object_type != "bundle",
        // Types that the standard does not have may be either.
        "SDO" => matches!(class(), Some(Class::Sdo) | None),
        "SCO" => matches!(class(), Some(Class::Sco) | None),
        "SRO" => class() == Some(Class::Sro),
        name => name == object_type,
    }
}

fn judged(format: Format, text: &str) -> (&'static str, Verdict) {
    match format {
        Format::Url => ("fmt.url", url::url(text)),
        Format::DomainName => ("fmt.domain", domain::domain_name(text)),
        Format::Cpe => ("fmt.cpe", cpe::cpe23(text)),
        Format::LanguageTag => ("fmt.lang", language::language_tag(text)),
        Format::Charset => ("fmt.charset", registry::charset(text)),
        _ => ("prop.type", Verdict::Good),
    }
}

fn advised(advice: Advice, text: &str) -> (&'static str, Verdict) {
    match advice {
        Advice::MediaType => ("fmt.mime", registry::media_type(text)),
        Advice::Country => ("fmt.country", registry::country(text)),
        Advice::Product => ("malware.analysis-product", name::product(text)),
        Advice::Protocol => ("fmt.protocol", registry::protocol(text)),
        Advice::IpfixElement => ("fmt.ipfix", registry::ipfix_element(text)),
        Advice::PdfInfoKey => ("fmt.pdf-info", registry::pdf_info_key(text)),
        Advice::HttpHeader => ("fmt.http-header", registry::http_header(text)),
        Advice::SocketOption => ("fmt.socket-option", registry::socket_option(text)),
        Advice::KillChainTerm => ("killchain.style", name::kill_chain(text)),
    }
}

fn member_name(text: &str) -> Verdict {
    if text == "id" { Verdict::Good } else { name::property(text).into() }
}

fn without_advice(verdict: Verdict) -> Verdict {
    if matches!(verdict, Verdict::Advice(_)) { Verdict::Good } else { verdict }
}

fn mangled(expected: &str) -> String {
    format!("the object is marked as defanged; otherwise expected {expected}")
}

static STRING: std::sync::LazyLock<Shape> = std::sync::LazyLock::new(Shape::string);
