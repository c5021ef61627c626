//! What a registry must hold beyond its form.

use super::{
    Agreement, Audience, Collection, Consent, Extension, Organisation, Registry, USUAL_PURPOSES, is_identity,
};
use crate::stix::StixId;
use crate::stix::content::Extensions;
use crate::stix::expiry::Model;
use std::collections::HashSet;
use std::fmt;

/// Something wrong with a registry: where, and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The element, or the place in the file.
    pub place: String,
    /// What to change.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl From<&toml::de::Error> for Problem {
    fn from(error: &toml::de::Error) -> Self {
        Self { place: "registry".to_owned(), what: error.to_string().trim_end().to_owned() }
    }
}

/// Names that no API root may have, because other paths of the server start with them.
pub const RESERVED_ROOTS: [&str; 3] = ["taxii2", "liaison", "console"];

/// True for a slug: `a-z`, `0-9` and inner hyphens, 1 to 63 characters.
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Everything that is wrong, so that one reading mends it all.
pub(super) fn check(registry: &Registry) -> Vec<Problem> {
    let mut check = Check::default();
    for organisation in &registry.organisations {
        check.organisation(organisation);
    }
    let known: HashSet<&str> = registry.organisations.iter().map(|o| o.id.as_str()).collect();
    for extension in &registry.extensions {
        check.extension(extension);
    }
    for audience in &registry.audiences {
        check.audience(audience, &known);
    }
    for agreement in &registry.agreements {
        check.agreement(agreement, &known, registry);
    }
    for consent in &registry.consents {
        check.consent(consent, &known);
    }
    for model in &registry.decays {
        check.decay(model);
    }
    for export in &registry.exports {
        check.export(export, registry);
    }
    check.problems
}

#[derive(Default)]
pub(super) struct Check {
    problems: Vec<Problem>,
    /// Everything that must be unique, prefixed with its kind.
    seen: HashSet<String>,
}

impl Check {
    pub(super) fn add(&mut self, place: &str, what: impl Into<String>) {
        self.problems.push(Problem { place: place.to_owned(), what: what.into() });
    }

    pub(super) fn slug(&mut self, place: &str, id: &str) {
        if !is_slug(id) {
            self.add(place, format!("`{id}` must be 1 to 63 of a-z, 0-9 and inner hyphens"));
        }
    }

    pub(super) fn unique(&mut self, place: &str, kind: &str, value: &str) {
        if !self.seen.insert(format!("{kind} {value}")) {
            self.add(place, format!("{kind} `{value}` occurs twice"));
        }
    }

    fn organisation(&mut self, organisation: &Organisation) {
        let place = format!("organisation {}", organisation.id);
        self.slug(&place, &organisation.id);
        self.unique(&place, "organisation", &organisation.id);
        let country = organisation.country.as_bytes();
        if country.len() != 2 || !country.iter().all(u8::is_ascii_uppercase) {
            self.add(&place, "country must be two capital letters (ISO 3166-1 alpha-2)");
        }
        let identity = organisation.identity();
        if !is_identity(&identity) {
            self.add(&place, format!("`{identity}` is not a STIX identity id"));
        }
        self.unique(&place, "identity", &identity);
        for client in &organisation.clients {
            let place = format!("client {}/{}", organisation.id, client.id);
            self.slug(&place, &client.id);
            self.unique(&place, "client", &format!("{}/{}", organisation.id, client.id));
            if client.poll_minutes == Some(0) {
                self.add(&place, "poll_minutes must be 1 or more; leave it out to go by the client's habit");
            }
            let own = client.key_sha256.is_some() || client.san.is_some();
            if own && organisation.trust_anchor.is_none() {
                self.add(&place, "key_sha256 and san need a trust_anchor of the organisation");
            }
            if let Some(key) = &client.key_sha256 {
                let hex = key.len() == 64 && key.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !hex {
                    self.add(&place, "key_sha256 must be 64 lower-case hexadecimal digits");
                }
                self.unique(&place, "key", key);
            }
            if let Some(identity) = &client.identity {
                if !is_identity(identity) {
                    self.add(&place, format!("`{identity}` is not a STIX identity id"));
                }
                self.unique(&place, "identity", identity);
            }
            if let Some(san) = &client.san {
                self.unique(&place, "san", &format!("{} {san}", organisation.id));
            }
        }
    }

    fn extension(&mut self, extension: &Extension) {
        let place = format!("extension {}", extension.id);
        if !is_extension(&extension.id) {
            self.add(&place, "id must be that of an extension-definition object");
        }
        self.unique(&place, "extension", &extension.id);
        // Before it is applied the text is the name of a file.
        let schema = extension.schema.as_deref().filter(|text| text.trim_start().starts_with('{'));
        if let Err(error) = Extensions::default().add(&extension.id, schema) {
            self.add(&place, error);
        }
    }

    fn audience(&mut self, audience: &Audience, known: &HashSet<&str>) {
        let place = format!("audience {}", audience.name);
        let exact = uuid::Uuid::parse_str(&audience.id)
            .is_ok_and(|uuid| uuid.hyphenated().to_string() == audience.id);
        if !exact {
            self.add(&place, "id must be a UUID in lower case (for example from `uuidgen -r`)");
        }
        self.unique(&place, "audience id", &audience.id);
        self.unique(&place, "audience", &audience.name);
        self.organisations(&place, "members", &audience.members, known);
        self.organisations(&place, "extendable_by", &audience.extendable_by, known);
    }

    fn consent(&mut self, consent: &Consent, known: &HashSet<&str>) {
        let place = format!("consent \"{}\"", consent.reference);
        self.organisations(&place, "originator", std::slice::from_ref(&consent.originator), known);
        self.organisations(&place, "to", &consent.to, known);
        if consent.reference.trim().is_empty() {
            self.add(&place, "reference must name the letter or message that says so");
        }
        if let Some(id) =
            consent.collection.as_ref().filter(|id| !self.seen.contains(&format!("collection {id}")))
        {
            self.add(&place, format!("collection `{id}` is not in this registry"));
        }
        self.days(&place, &[consent.valid_until]);
    }

    fn organisations(&mut self, place: &str, key: &str, list: &[String], known: &HashSet<&str>) {
        for name in list.iter().filter(|name| !known.contains(name.as_str())) {
            self.add(place, format!("{key} names `{name}`, which is not an organisation of this registry"));
        }
    }

    fn days(&mut self, place: &str, days: &[Option<toml::value::Datetime>]) {
        if days.iter().flatten().any(|day| day.date.is_none() || day.time.is_some()) {
            self.add(place, "valid_from and valid_until must be dates such as 2026-02-09");
        }
    }

    fn agreement(&mut self, agreement: &Agreement, known: &HashSet<&str>, registry: &Registry) {
        let place = format!("agreement {}", agreement.id);
        self.slug(&place, &agreement.id);
        self.unique(&place, "agreement", &agreement.id);
        if agreement.parties.is_empty() {
            self.add(&place, "parties must name at least one organisation");
        }
        for party in &agreement.parties {
            if !known.contains(party.as_str()) {
                self.add(&place, format!("party `{party}` is not an organisation of this registry"));
            }
            self.unique(&place, &format!("party of {}", agreement.id), party);
        }
        self.subset(&place, "relays", &agreement.relays, &agreement.parties);
        self.days(&place, &[agreement.valid_from, agreement.valid_until]);
        self.purposes(&place, agreement);
        self.retention(&place, agreement.retention_days);
        for collection in &agreement.collections {
            self.collection(collection, agreement);
            self.governance(collection, agreement, registry);
        }
    }

    /// What goes beyond the defence of networks needs a law or a treaty behind it.
    fn purposes(&mut self, place: &str, agreement: &Agreement) {
        let unusual = agreement.purposes().into_iter().find(|purpose| !USUAL_PURPOSES.contains(purpose));
        let basis = agreement.legal_basis.as_deref().unwrap_or_default().trim();
        if let Some(purpose) = unusual.filter(|_| basis.is_empty()) {
            self.add(
                place,
                format!(
                    "purpose `{purpose}` goes beyond {}: name the legal_basis, for example the treaty and its article",
                    USUAL_PURPOSES.join(" and ")
                ),
            );
        }
        if agreement.purposes.iter().any(|purpose| purpose.trim().is_empty()) {
            self.add(place, "purposes must not hold an empty word");
        }
    }

    fn retention(&mut self, place: &str, days: Option<u32>) {
        if days == Some(0) {
            self.add(place, "retention_days must be 1 or more; leave it out to keep objects");
        }
    }

    fn governance(&mut self, collection: &Collection, agreement: &Agreement, registry: &Registry) {
        let place = format!("collection {}", collection.id);
        let agreed = agreement.purposes();
        for purpose in collection.purposes.iter().flatten().filter(|name| !agreed.contains(&name.as_str())) {
            self.add(&place, format!("purposes names `{purpose}`, which is not among the agreement's"));
        }
        for name in collection.audiences.iter().flatten() {
            if !registry.audiences.iter().any(|audience| audience.name == *name) {
                self.add(&place, format!("audiences names `{name}`, which no [[audience]] has as its name"));
            }
        }
        if collection.tlp_max.is_some_and(|tlp| tlp > agreement.tlp_max) {
            self.add(&place, "tlp_max is above that of the agreement, which is the lower one and so counts");
        }
        if collection.tlp_max.zip(collection.unmarked.level()).is_some_and(|(limit, level)| level > limit) {
            self.add(&place, "unmarked gives a level above tlp_max");
        }
        self.retention(&place, collection.retention_days);
        let is_model = |name: &String| {
            registry.decays.iter().any(|model| model.id == *name) || Model::named(name).is_some()
        };
        if let Some(name) = collection.decay.as_ref().filter(|name| !is_model(name)) {
            let known: Vec<&str> = Model::names().collect();
            self.add(
                &place,
                format!("decay names `{name}`, which is no [[decay]] and none of {}", known.join(", ")),
            );
        }
    }

    fn collection(&mut self, collection: &Collection, agreement: &Agreement) {
        let place = format!("collection {}", collection.id);
        let uuid = uuid::Uuid::parse_str(&collection.id);
        let exact = uuid
            .is_ok_and(|uuid| uuid.get_version_num() == 4 && uuid.hyphenated().to_string() == collection.id);
        if !exact {
            self.add(&place, "id must be a version 4 UUID in lower case (for example from `uuidgen -r`)");
        }
        self.unique(&place, "collection", &collection.id);
        self.slug(&place, &collection.api_root);
        if RESERVED_ROOTS.contains(&collection.api_root.as_str()) {
            self.add(&place, format!("api_root `{}` is reserved", collection.api_root));
        }
        if let Some(alias) = &collection.alias {
            self.slug(&place, alias);
            if uuid::Uuid::parse_str(alias).is_ok() {
                self.add(&place, "alias must not look like an id");
            }
            self.unique(&place, "alias", &format!("{}/{alias}", collection.api_root));
        }
        for (key, list) in [("read", &collection.read), ("write", &collection.write)] {
            self.subset(&place, key, list.as_deref().unwrap_or_default(), &agreement.parties);
        }
        for id in collection.require_extensions.iter().filter(|id| !is_extension(id)) {
            self.add(
                &place,
                format!("require_extensions names `{id}`, which is not the id of an extension-definition"),
            );
        }
        let agreed = |name: &&String| agreement.types.as_ref().is_some_and(|types| !types.contains(name));
        for name in collection.types.iter().flatten().filter(agreed) {
            self.add(&place, format!("types names `{name}`, which the agreement does not permit"));
        }
        if collection.unmarked.level().is_some_and(|level| level > agreement.tlp_max) {
            self.add(&place, "unmarked gives a level above the agreement's tlp_max");
        }
    }

    fn subset(&mut self, place: &str, key: &str, list: &[String], parties: &[String]) {
        for name in list.iter().filter(|name| !parties.contains(name)) {
            self.add(place, format!("{key} names `{name}`, which is not a party of the agreement"));
        }
    }
}

fn is_extension(id: &str) -> bool {
    StixId::parse(id).is_ok_and(|id| id.object_type() == "extension-definition")
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
