//! Look-ups: from a value to the objects that name it, and from those to what is said of them.
//!
//! Most values are nowhere, and the filter says so without the database. Each object is read once, however many
//! of its values are wanted.

use super::Shared;
use super::atoms::{KEYS, brief};
use super::filter::Filter;
use super::finding::{Asked, Found, Look};
use super::index::Table;
use super::read::array;
use super::values::each_bytes;
use crate::policy::{Handling, ReadScope};
use crate::stix::Timestamp;
use crate::stix::atom::{Atom, Kind, Kinds, Source};
use crate::store::atoms::{LastKeys, Named, Wanted};
use crate::store::{Error, for_parts, id_hash, link_of, opinion_of};
use rusqlite::Connection;
use std::ops::Range;
use std::sync::Arc;

/// What is named: the number of what it was wanted for, and the object that names it.
type Value<'o, 'l> = (usize, &'o Object<'l>, Arc<Source>, Atom);

impl Shared {
    /// The kinds of values that objects name.
    pub(super) fn kinds(&self) -> Result<Kinds, Error> {
        self.readers.with(|connection| {
            drop(self.index(connection)?);
            Ok(self.filter.get(connection, &self.waiting)?.shapes().kinds())
        })
    }

    /// Gives what objects name of what is wanted to `visit`, if they are the last versions for one of the scopes.
    pub(super) fn named(
        &self,
        scopes: &[ReadScope],
        wanted: &[Wanted],
        most: usize,
        visit: &mut dyn FnMut(usize, usize, Named),
    ) -> Result<(), Error> {
        let ask = |filter: &Filter, asked: &mut Vec<Asked>| {
            *asked = for_parts(wanted, |start, wanted, keys| {
                let mut last = LastKeys::default();
                for (number, one) in (start..).zip(wanted) {
                    let mut give = |key| keys.push((key, number));
                    one.keys((filter.shapes(), &mut last), &|key| filter.may_hold(key), &mut give);
                }
                // Afterwards, in one go: so the processor asks memory for many keys at once.
                keys.retain(|(key, _)| filter.may_hold(*key));
            });
        };
        self.look(Table::Values, scopes, ask, most, &mut |connection, look, found| {
            let objects: Vec<Object> =
                found.iter().filter_map(|(numbers, found)| Object::of(look, numbers, found)).collect();
            for (number, object, source, atom) in self.values(connection, wanted, &objects)? {
                // Here, where one thread counts who holds the handling: most objects share a few.
                visit(number, object.scope, object.named(source, atom));
            }
            Ok(())
        })
    }

    /// What objects name of what is wanted.
    fn values<'o, 'l>(
        &self,
        own: &Connection,
        wanted: &[Wanted],
        objects: &'o [Object<'l>],
    ) -> Result<Vec<Value<'o, 'l>>, Error> {
        self.shared_out(own, objects, &|connection, objects| {
            let sql = "SELECT a.kind, a.value, a.more, a.source, a.key FROM rarray(?1) o
                CROSS JOIN atom a ON a.key BETWEEN o.value AND o.value + ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let firsts = array(objects.iter().map(|object| object.first));
            let mut rows = statement.query((firsts, KEYS - 1))?;
            let mut values = Vec::with_capacity(objects.len());
            let wanting = Wanting::of(wanted, objects);
            let (mut objects, mut reading) = (objects.iter().zip(&wanting.aims), None);
            while let Some(row) = rows.next()? {
                let key: i64 = row.get(4)?;
                if key % KEYS == 0 {
                    reading = objects.find(|(object, _)| object.first == key).zip(brief(row, 3)?);
                }
                if let Some(((object, aim), source)) = &reading {
                    each_bytes(row, 0, &mut |kind, text| {
                        wanting.take(aim, kind, text, &mut |number, atom| {
                            values.push((number, *object, source.clone(), atom));
                        });
                        Ok(())
                    })?;
                }
            }
            Ok(values)
        })
    }

    /// Gives the last versions of sightings of and opinions on objects to `visit`.
    pub(super) fn said(
        &self,
        scopes: &[ReadScope],
        objects: &[(usize, &str)],
        most: usize,
        visit: &mut dyn FnMut(usize, &Handling, &[u8]),
    ) -> Result<(), Error> {
        let ask = |filter: &Filter, asked: &mut Vec<Asked>| {
            *asked = for_parts(objects, |_, objects, keys| {
                for (scope, id) in objects {
                    let hash = id_hash(id);
                    keys.extend([(link_of(hash), *scope), (opinion_of(hash), *scope)]);
                }
                keys.retain(|(key, _)| filter.may_hold(*key));
            });
        };
        self.look(Table::Ids, scopes, ask, most, &mut |connection, look, found| {
            let mut statement = connection.prepare_cached("SELECT json FROM object WHERE seq = ?1")?;
            for (numbers, found) in found {
                let is_said = look.class(found).is_some_and(|name| name == "sighting" || name == "opinion");
                let Some(handling) = look.handling(found) else { continue };
                if !is_said || !numbers.contains(&found.scope) {
                    continue;
                }
                let mut rows = statement.query([found.seq])?;
                if let Some(row) = rows.next()? {
                    visit(found.scope, handling, row.get_ref(0)?.as_blob().unwrap_or_default());
                }
            }
            Ok(())
        })
    }
}

/// An object that may name what is wanted.
struct Object<'l> {
    numbers: &'l [usize],
    scope: usize,
    /// The key of its first value.
    first: i64,
    added: Timestamp,
    handling: &'l Arc<Handling>,
}

impl<'l> Object<'l> {
    fn of(look: &'l Look, numbers: &'l [usize], found: &Found) -> Option<Self> {
        let (handling, added) = (look.handling(found)?, Timestamp::from_micros(found.place.1));
        Some(Self { numbers, scope: found.scope, first: found.seq * KEYS, added, handling })
    }

    fn named(&self, source: Arc<Source>, atom: Atom) -> Named {
        Named { added: self.added, handling: self.handling.clone(), source, atom: Some(atom) }
    }
}

/// What is wanted of objects. All of it is gathered before the first is read: so the processor asks memory for
/// much of it at once.
struct Wanting<'w> {
    wanted: &'w [Wanted<'w>],
    /// Values themselves, by number of kind and text.
    values: Vec<(u8, &'w [u8], usize)>,
    /// Anything else, by number.
    others: Vec<usize>,
    /// Of each object.
    aims: Vec<Aim>,
}

/// What is wanted of an object.
struct Aim {
    values: Range<usize>,
    /// The bits of these: most values of an object that names very many are told apart by them.
    bits: u64,
    others: Range<usize>,
    /// The kinds that the others may be of.
    kinds: Kinds,
}

impl<'w> Wanting<'w> {
    fn of(wanted: &'w [Wanted<'w>], objects: &[Object]) -> Self {
        let (mut values, mut others) = (Vec::with_capacity(objects.len()), Vec::new());
        let gather = |object: &Object| {
            let (first_value, first_other, mut kinds) = (values.len(), others.len(), Kinds::default());
            for number in object.numbers {
                match wanted[*number] {
                    Wanted::Value(kind, text) => values.push((kind.number(), text.as_bytes(), *number)),
                    other => {
                        others.push(*number);
                        kinds = kinds.and(other.kinds());
                    }
                }
            }
            Aim { values: first_value..values.len(), bits: 0, others: first_other..others.len(), kinds }
        };
        let mut aims: Vec<Aim> = objects.iter().map(gather).collect();
        for aim in &mut aims {
            let values = &mut values[aim.values.clone()];
            values.sort_unstable();
            aim.bits = values.iter().fold(0, |bits, (_, text, _)| bits | bit(text));
        }
        Self { wanted, values, others, aims }
    }

    /// Gives a value of an object to `give` for each number that wants it.
    fn take(&self, aim: &Aim, kind: u8, text: &[u8], give: &mut dyn FnMut(usize, Atom)) {
        let Some(of_kind) = Kind::of_number(kind) else { return };
        let may_be_other = aim.kinds.has(of_kind);
        if !may_be_other && aim.bits & bit(text) == 0 {
            return;
        }
        let values = &self.values[aim.values.clone()];
        let start = values.partition_point(|(other, value, _)| (*other, *value) < (kind, text));
        let mut same = values[start..]
            .iter()
            .take_while(|(other, value, _)| (*other, *value) == (kind, text))
            .peekable();
        if !may_be_other && same.peek().is_none() {
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else { return };
        let others = &self.others[aim.others.clone()];
        let others = others.iter().filter(|number| self.wanted[**number].is_text(of_kind, text));
        let numbers = same.map(|(_, _, number)| number).chain(others);
        numbers.for_each(|number| give(*number, Atom::stored(of_kind, text.to_owned())));
    }
}

/// One of 64 bits, which a text nearly as good as chooses by chance: by its length, its beginning and its end.
fn bit(text: &[u8]) -> u64 {
    let (first, last) = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
    };
    let mixed = first ^ last.rotate_left(29) ^ (text.len() as u64) << 24;
    1 << (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
}
