//! Making an export: what may be in it is selected, its format writes it, and it takes its place.

use super::feedback::Feedback;
use super::format::{Files, Format, Input};
use super::gather::{self, Gather};
use super::objects;
use super::place::{self, Meta, Place};
use super::row::{About, Row, Rule, TlpWrite, Whole};
use super::standing::Decay;
use crate::policy::{Directory, ExportScope, export_scope};
use crate::registry::{Collection, Export};
use crate::stix::atom::{Atom, Kind};
use crate::stix::{Timestamp, Tlp};
use crate::store::Store;
use crate::store::atoms::AtomQuery;
use crate::warning::{Action, WarningLists};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

/// An export to be made.
pub struct Job<'a> {
    /// As declared.
    pub export: &'a Export,
    /// Its format.
    pub format: &'static dyn Format,
    /// Who may see what.
    pub directory: &'a Directory,
    /// What must not be published.
    pub lists: &'a WarningLists,
    /// What somebody has confirmed nevertheless: object, list and its version.
    pub confirmed: &'a HashSet<(String, String, u64)>,
    /// The hub's URL.
    pub url: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// What an export holds of a collection, as the audit log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The collection's id.
    pub collection: String,
    /// What was visible.
    pub visible: std::sync::Arc<[u64]>,
    /// The collection's last `date_added` then.
    pub newest: Option<Timestamp>,
}

/// What an export holds.
pub struct Selected {
    about: About,
    rows: Vec<Row>,
    rules: Vec<Rule>,
    objects: Vec<Whole>,
    /// SHA-256 of what the registry lets it hold.
    rights: String,
    /// Where it is from.
    pub parts: Vec<Part>,
    /// When time alone makes another one of it.
    pub changes: Option<Timestamp>,
}

impl Selected {
    /// Values, rules and objects.
    fn rows(&self) -> usize {
        self.rows.len() + self.rules.len() + self.objects.len()
    }
}

/// What came of making an export.
#[derive(Debug)]
pub enum Made {
    /// Nothing is new.
    Unchanged(Meta),
    /// New files are in place.
    Written(Meta),
    /// What would be written; nothing was.
    Tried(Meta),
    /// Too much would have gone: rows before, rows now. The old files stay.
    Held(usize, usize),
}

/// Why an export cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What it is declared to be.
    #[error("export {0}: {1}")]
    Declared(String, String),
    /// The store.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The files.
    #[error("export {0}: its files cannot be written: {1}")]
    Files(String, std::io::Error),
}

impl Job<'_> {
    /// What the export may read, by collection; collections out of reach are left out.
    pub fn scopes(&self) -> Vec<(&Collection, ExportScope)> {
        let registry = self.directory.registry();
        let all = registry.agreements.iter().flat_map(|agreement| &agreement.collections);
        let all = all.filter(|collection| self.export.collections.contains(&collection.id));
        let scope = |collection: &Collection| {
            let pap_max = self.format.class().pap_max();
            export_scope(self.directory, self.export, &collection.id, pap_max, self.now)
        };
        all.filter_map(|collection| Some((collection, scope(collection)?))).collect()
    }

    /// Reads everything that goes into it.
    pub fn select(&self, store: &dyn Store) -> Result<Selected, ExportError> {
        let warned = |atom: &Atom, id: &str| self.is_warned(atom, id);
        let mut gather = Gather {
            export: self.export,
            class: self.format.class(),
            places: gather::places(|kind| self.format.takes_objects() || self.format.takes(kind)),
            takes_objects: self.format.takes_objects(),
            languages: self.format.languages(),
            warned: &warned,
            now: self.now,
            rows: HashMap::new(),
            rules: HashMap::new(),
            included: HashSet::new(),
            fresh: HashSet::new(),
            left_out: BTreeMap::new(),
            caveats: BTreeSet::new(),
            changes: None,
        };
        let names = self.directory.organisation_names();
        let mut parts = Vec::new();
        let (mut whole, mut texts) = (Vec::new(), HashMap::new());
        let scopes = self.scopes();
        for (collection, scope) in &scopes {
            // Before reading: what comes meanwhile makes another export of it.
            parts.push(Part {
                collection: collection.id.clone(),
                visible: store.visibility(scope.scope()),
                newest: store.watermark(&collection.id),
            });
            let feedback = Feedback::read(store, scope.scope())?;
            let decay = Decay::of(self.directory.registry(), collection);
            let place = gather::Place {
                scope,
                feedback: &feedback,
                decay: &decay,
                name: collection.alias.as_deref().unwrap_or(&collection.id),
                names: &names,
                nobody: &collection.title,
            };
            gather.begin();
            let query = self.query();
            let over = store.atoms(scope.scope(), &query, &mut |named| gather.take(&place, named))?;
            if over > 0 {
                *gather.left_out.entry("not_active").or_default() += over;
            }
            if self.format.takes_objects() {
                let types = self.export.types.clone().unwrap_or_default();
                whole.extend(objects::read(store, &place, types, &mut gather)?);
                continue;
            }
            objects::patterns(store, scope.scope(), &gather.fresh, &mut texts)?;
            if self.format.takes_groupings(&self.export.options) {
                whole.extend(objects::read(store, &place, vec!["grouping".to_owned()], &mut gather)?);
            }
        }
        let rules = gather.rules(texts);
        let (mut rows, highest) = gather.rows();
        let objects = objects::sorted(whole);
        if self.format.takes_objects() {
            rows.clear();
        }
        let highest = highest.max(rules.iter().map(|rule| rule.facts.tlp).max());
        let highest = highest.max(objects.iter().map(|object| object.tlp).max());
        Ok(Selected {
            about: self.about(&scopes, highest.unwrap_or(Tlp::Clear), &mut gather),
            rows,
            rules,
            objects,
            rights: self.rights(&scopes),
            parts,
            changes: gather.changes,
        })
    }

    /// Of what is over only the number is read, if that says whether it is asked for.
    fn query(&self) -> AtomQuery {
        let types = self.export.types.as_ref().filter(|_| !self.format.takes_objects());
        let asked = |kind: Kind| types.is_none_or(|types| types.iter().any(|one| one == kind.object_type()));
        let is_plain = self.export.labels.is_none() && (types.is_some() || self.export.types.is_none());
        let alive_at = if is_plain { self.now } else { Timestamp::from_micros(i64::MIN) };
        AtomQuery {
            kinds: gather::places(asked),
            alive_at,
            with_observables: false,
            with_descriptions: self.format.takes_descriptions(),
        }
    }

    fn rights(&self, scopes: &[(&Collection, ExportScope)]) -> String {
        let rights: Vec<String> = scopes.iter().map(|(_, scope)| scope.rights()).collect();
        place::hex(format!("{rights:?} {:?}", self.export).as_bytes())
    }

    fn about(&self, scopes: &[(&Collection, ExportScope)], tlp: Tlp, gather: &mut Gather) -> About {
        let purposes: BTreeSet<String> = scopes.iter().flat_map(|(_, scope)| scope.purposes()).collect();
        let names = scopes.iter().map(|(found, _)| found.alias.clone().unwrap_or_else(|| found.id.clone()));
        About {
            name: self.export.id.clone(),
            collections: names.collect(),
            tlp,
            pap_max: self.format.class().pap_max(),
            purposes: purposes.into_iter().collect(),
            caveats: std::mem::take(&mut gather.caveats).into_iter().collect(),
            generated: self.now,
            left_out: std::mem::take(&mut gather.left_out),
            url: self.url.to_owned(),
            tlp_write: match self.export.tlp_write.as_deref() {
                Some("1.0") => TlpWrite::One,
                Some("both") => TlpWrite::Both,
                _ => TlpWrite::Two,
            },
        }
    }

    /// Is a value on a list that keeps it out? What analysts keep for themselves may hold it.
    fn is_warned(&self, atom: &Atom, id: &str) -> bool {
        if self.format.class() == super::Class::Archive
            || self.lists.verdict(atom).is_none_or(|a| a < Action::Review)
        {
            return false;
        }
        self.lists.hits(atom).iter().any(|hit| match hit.action {
            Action::Inform => false,
            Action::Block => true,
            Action::Review => !self.confirmed.contains(&(id.to_owned(), hit.list.to_owned(), hit.version)),
        })
    }

    /// Writes what was selected, and puts it in its place. With `force` however much goes.
    pub fn put(&self, exports: &Path, mut selected: Selected, force: bool) -> Result<Made, ExportError> {
        let failed = |error| ExportError::Files(self.export.id.clone(), error);
        let place = Place::take(exports, &self.export.id).map_err(failed)?;
        let before = place.meta().filter(|meta| meta.format == self.format.name());
        let then = before.as_ref().and_then(|meta| Timestamp::parse(&meta.generated));
        if let (Some(meta), Some(then)) = (&before, then) {
            // As if nothing were new: then it is the same, to the last byte.
            selected.about.generated = then;
            let files = self.write(&place, &selected)?;
            if place.is_as(meta, &files) && meta.rights == selected.rights {
                place.forget_held().map_err(failed)?;
                return Ok(Made::Unchanged(meta.clone()));
            }
        }
        let now = Timestamp::from_micros(self.now.micros().div_euclid(SECOND) * SECOND);
        let next = then.map(|then| Timestamp::from_micros(then.micros() + SECOND));
        selected.about.generated = next.map_or(now, |next| next.max(now));
        let files = self.write(&place, &selected)?;
        let rows = selected.rows();
        // What the registry does not let it hold any more must go, however much that is.
        let known = before.filter(|meta| meta.rights == selected.rights).map_or(0, |meta| meta.rows);
        if !force && rows * 100 < known * (100 - usize::from(self.export.max_shrink)) {
            place.hold(&files).map_err(failed)?;
            return Ok(Made::Held(known, rows));
        }
        let mut meta = Meta::of(&selected.about, self.format.name(), &self.export.organisation, &files);
        meta.rows = rows;
        meta.rights = selected.rights;
        place.replace(&meta, &files).map_err(failed)?;
        Ok(Made::Written(meta))
    }

    /// What would be said of it, if it were written anew; nothing is.
    pub fn meta(&self, selected: &Selected) -> Result<Meta, ExportError> {
        let files = self.written(&|_| None, selected)?;
        let mut meta = Meta::of(&selected.about, self.format.name(), &self.export.organisation, &files);
        meta.rows = selected.rows();
        Ok(meta)
    }

    fn write(&self, place: &Place, selected: &Selected) -> Result<Files, ExportError> {
        self.written(&|name| place.previous(name), selected)
    }

    fn written(
        &self,
        previous: &dyn Fn(&str) -> Option<Vec<u8>>,
        selected: &Selected,
    ) -> Result<Files, ExportError> {
        let mut files = Files::default();
        let input = Input {
            about: &selected.about,
            options: &self.export.options,
            rows: &selected.rows,
            rules: &selected.rules,
            objects: &selected.objects,
            previous,
        };
        let wrong = |what| ExportError::Declared(self.export.id.clone(), what);
        self.format.write(&input, &mut files).map_err(wrong)?;
        Ok(files)
    }
}

const SECOND: i64 = 1_000_000;
