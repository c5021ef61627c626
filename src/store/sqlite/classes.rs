//! Handlings and classes: small tables, kept in memory as well, that turn a scope and a filter
//! into the list of classes whose rows a page may hold.

use crate::policy::Handling;
use crate::stix::schema::is_known_type;
use crate::store::Error;
use crate::taxii::Match;
use rusqlite::{Connection, params};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// A set of handlings, sorted.
pub(super) type HandlingSet = Vec<i64>;

/// What is the same for all rows of a class.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub handling: i64,
    /// A type of the standard, or [`CUSTOM`].
    pub object_type: String,
    /// Handlings of the later versions of the same object in the collection.
    pub later: HandlingSet,
    /// Handlings of the earlier ones.
    pub earlier: HandlingSet,
    /// Handlings of rows of the same version that came before, from other organisations.
    pub twins: HandlingSet,
}

impl Class {
    /// The same without other versions.
    pub(super) fn alone(&self) -> Self {
        Self { later: Vec::new(), earlier: Vec::new(), twins: Vec::new(), ..self.clone() }
    }

    /// Notes another version of the object: how it compares with this one, and whether it came before.
    /// True if that is news.
    pub(super) fn beside(&mut self, other: Ordering, handling: i64, came_before: bool) -> bool {
        let set = match other {
            Ordering::Greater => &mut self.later,
            Ordering::Less => &mut self.earlier,
            Ordering::Equal if came_before => &mut self.twins,
            Ordering::Equal => return false,
        };
        match set.binary_search(&handling) {
            Ok(_) => false,
            Err(at) => {
                set.insert(at, handling);
                true
            }
        }
    }
}

/// All handlings and classes; their keys count from 1, so position + 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Classes {
    handlings: Vec<Arc<Handling>>,
    classes: Vec<Class>,
    handling_keys: HashMap<Arc<Handling>, i64>,
    class_keys: HashMap<Class, i64>,
}

impl Classes {
    /// Reads both tables.
    pub(super) fn load(connection: &Connection) -> Result<Self, Error> {
        let mut all = Self::default();
        let mut statement = connection.prepare("SELECT pk, text FROM handling ORDER BY pk")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (pk, text): (i64, String) = (row.get(0)?, row.get(1)?);
            let damaged = |error| Error::Damaged(format!("table handling, pk {pk}: {error}"));
            all.remember_handling(Arc::new(serde_json::from_str(&text).map_err(damaged)?));
        }
        let mut statement =
            connection.prepare("SELECT handling, type, later, earlier, twins FROM class ORDER BY pk")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (later, earlier, twins): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            all.remember_class(Class {
                handling: row.get(0)?,
                object_type: row.get(1)?,
                later: parse_set(&later)?,
                earlier: parse_set(&earlier)?,
                twins: parse_set(&twins)?,
            });
        }
        Ok(all)
    }

    /// The key of a handling, made if it is new.
    pub(super) fn intern_handling(
        self: &mut Arc<Self>,
        connection: &Connection,
        handling: &Arc<Handling>,
    ) -> Result<i64, Error> {
        if let Some(key) = self.handling_keys.get(handling) {
            return Ok(*key);
        }
        let key = Arc::make_mut(self).remember_handling(handling.clone());
        let text = serde_json::to_string(&**handling).map_err(|error| Error::Backend(error.to_string()))?;
        connection.execute("INSERT INTO handling (pk, text) VALUES (?1, ?2)", params![key, text])?;
        Ok(key)
    }

    /// How many handlings an organisation's objects have.
    pub(super) fn handlings_of(&self, owner: &str) -> usize {
        self.handlings.iter().filter(|handling| handling.owner == owner).count()
    }

    /// Does a handling have a key?
    pub(super) fn knows(&self, handling: &Handling) -> bool {
        self.handling_keys.contains_key(handling)
    }

    /// All handlings, by key less one.
    pub(super) fn handlings(&self) -> &[Arc<Handling>] {
        &self.handlings
    }

    /// The key of a class, made if it is new.
    pub(super) fn intern_class(
        self: &mut Arc<Self>,
        connection: &Connection,
        class: Class,
    ) -> Result<i64, Error> {
        if let Some(key) = self.class_keys.get(&class) {
            return Ok(*key);
        }
        let sql =
            "INSERT INTO class (pk, handling, type, later, earlier, twins) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let [later, earlier, twins] = [&class.later, &class.earlier, &class.twins].map(write_set);
        let key = self.classes.len() as i64 + 1;
        connection.execute(sql, params![key, class.handling, class.object_type, later, earlier, twins])?;
        Arc::make_mut(self).remember_class(class);
        Ok(key)
    }

    /// All classes, with their keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (i64, &Class)> {
        self.classes.iter().zip(1..).map(|(class, key)| (key, class))
    }

    pub(super) fn class(&self, key: i64) -> Option<&Class> {
        self.classes.get(usize::try_from(key).ok()?.checked_sub(1)?)
    }

    pub(super) fn handling(&self, key: i64) -> Option<&Arc<Handling>> {
        self.handlings.get(usize::try_from(key).ok()?.checked_sub(1)?)
    }

    /// What of the classes the scope sees, and which of them the filter's words select.
    pub(super) fn select(&self, bits: &[u64], matches: &Match) -> Selection {
        let sees = |handling: &i64| {
            let at = (*handling - 1).max(0) as usize;
            bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
        };
        let versions = matches.versions();
        let mut selection = Selection::default();
        for (at, class) in self.classes.iter().enumerate() {
            let typed =
                matches.types.is_empty() || matches.types.iter().any(|t| type_of(t) == class.object_type);
            if !sees(&class.handling) || class.twins.iter().any(sees) || !typed {
                continue;
            }
            let key = at as i64 + 1;
            selection.visible.push(key);
            let last = versions.last && !class.later.iter().any(sees);
            let first = versions.first && !class.earlier.iter().any(sees);
            if versions.all || last || first {
                selection.by_word.push(key);
            }
        }
        selection
    }

    fn remember_handling(&mut self, handling: Arc<Handling>) -> i64 {
        let key = self.handlings.len() as i64 + 1;
        self.handling_keys.insert(handling.clone(), key);
        self.handlings.push(handling);
        key
    }

    fn remember_class(&mut self, class: Class) {
        let key = self.classes.len() as i64 + 1;
        self.class_keys.insert(class.clone(), key);
        self.classes.push(class);
    }
}

/// Which classes a page may draw from.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Those visible, of the types wanted.
    pub visible: Vec<i64>,
    /// Of these, those that `first`, `last` or `all` select.
    pub by_word: Vec<i64>,
}

/// The type as classes know it: custom types share one, so that their number stays bounded.
pub(super) fn type_of(object_type: &str) -> &str {
    if is_known_type(object_type).is_some() { object_type } else { CUSTOM }
}

fn parse_set(text: &str) -> Result<HandlingSet, Error> {
    let keys = text.split(',').filter(|key| !key.is_empty());
    let set: Result<_, _> = keys.map(str::parse).collect();
    set.map_err(|_| Error::Damaged(format!("table class: set `{text}`")))
}

fn write_set(set: &HandlingSet) -> String {
    set.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// The class type of objects whose type the standard does not know.
pub(super) const CUSTOM: &str = "*";
