//! The markings that are defined in each collection, kept in memory: what they say decides about
//! every object that refers to them.

use super::Collection;
use super::classes::Classes;
use crate::policy::Markings;
use crate::stix::claims::Claims;
use crate::store::Error;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::Arc;

/// Markings that one collection may define.
pub(super) const MARKINGS_MAX: usize = 10_000;

/// Reads all definitions.
pub(super) fn load(
    connection: &Connection,
    classes: &Classes,
    collections: &HashMap<String, Collection>,
) -> Result<HashMap<String, Arc<Markings>>, Error> {
    let mut all = HashMap::new();
    let sql = "SELECT o.id, o.json FROM log l INDEXED BY log_by_class JOIN object o ON o.seq = l.seq WHERE l.coll = ?1 AND l.class = ?2";
    let mut statement = connection.prepare(sql)?;
    for (id, collection) in collections {
        let mut markings = Markings::default();
        let classes = collection.rows.keys().filter(|key| {
            classes.class(**key).is_some_and(|class| class.object_type == "marking-definition")
        });
        for class in classes {
            let mut rows = statement.query([collection.pk, *class])?;
            while let Some(row) = rows.next()? {
                let json: Vec<u8> = row.get(1)?;
                if let Some(Ok(terms)) = Claims::of(&json).defines {
                    markings.insert(row.get(0)?, terms);
                }
            }
        }
        all.insert(id.clone(), Arc::new(markings));
    }
    Ok(all)
}
