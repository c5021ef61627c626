//! Objects re-created under the identity of a community, so that they no longer tell whose they
//! are (sharing governance §7, §13).
//!
//! Whether an owner wants that is decided elsewhere; here is what it does to the text. Only what
//! has to change is written anew, the rest stays as sent, byte for byte. Descriptions and names
//! are the submitter's to look after, except for the ids that they mention.

use super::format::identifier::identifier;
use super::json::{self, JsonError, Seen, Value};
use super::object::Header;
use super::schema::{self, Class};
use super::{Object, ObjectError, StixId};
use aws_lc_rs::hmac;
use bytes::Bytes;
use std::collections::HashMap;
use std::ops::Range;
use uuid::Uuid;

mod editor;
mod owner;

use editor::Edit;

/// Whom to hide, and behind what.
#[derive(Clone, Copy)]
pub struct Disguise<'a> {
    /// The identity of the community, which stands in the owner's place.
    pub identity: &'a StixId,
    /// What new ids are derived with: the owner's own, known to nobody but this server.
    pub secret: &'a [u8; 32],
    /// The identities of the owner: of the organisation and of its clients.
    pub owner_identities: &'a [&'a str],
    /// Its names, as it may sign external references.
    pub owner_names: &'a [&'a str],
    /// Its hosts, such as `cert-a.example`; what is below one belongs to it too.
    pub owner_hosts: &'a [&'a str],
}

/// The ids of re-created objects, of one owner or of several, and the new ones.
#[derive(Debug, Clone, Default)]
pub struct Renaming(HashMap<String, String>);

/// Why an object cannot be re-created.
#[derive(Debug, thiserror::Error)]
pub enum RecreateError {
    /// It is the owner's identity, or a translation of it: there is nothing else in it.
    #[error("{0} says who its owner is, and nothing else; it cannot be shared anonymously")]
    Identifying(StixId),
    /// Two names in one JSON object became the same.
    #[error("re-created anonymously, it is not readable: {0}")]
    Json(#[from] JsonError),
    /// It was no valid object before either, or has grown too large.
    #[error("re-created anonymously, it is not acceptable: {0}")]
    Object(#[from] ObjectError),
}

/// The object under the identity of the community: the same input always gives the same bytes.
///
/// Its own id and those of `renaming` are replaced wherever they stand, in references, keys and
/// prose, and those of the owner by the community's. Only what makes the id of an observable is
/// never touched. Times, markings and all else stay; but see [`Disguise`] for external references,
/// and of sightings only where (the community) and about how often is told.
pub fn recreate(object: &Object, renaming: &Renaming, disguise: &Disguise) -> Result<Object, RecreateError> {
    let own = (object.id(), disguise.new_id(object.id()));
    let names = Names { own, creator: object.created_by_ref(), renaming, disguise };
    let (text, place, edits) = alone(object.json(), |seen| names.edits(object.id(), seen.value))?;
    let edits = edits.ok_or_else(|| RecreateError::Identifying(object.id().clone()))?;
    let (text, place, header) = alone(&spliced(&text, place, edits), Header::read)?;
    Ok(Object::new(header?, text.slice(place)))
}

impl Renaming {
    /// Adds an object that is, or was before, re-created in this disguise.
    pub fn add(&mut self, id: &StixId, disguise: &Disguise) {
        if let Some(new) = disguise.new_id(id) {
            self.0.insert(id.as_str().to_ascii_lowercase(), new);
        }
    }

    /// What an object is called now; none if it keeps its id.
    pub fn new_id(&self, id: &str) -> Option<&str> {
        self.0.get(&id.to_ascii_lowercase()).map(String::as_str)
    }
}

impl Disguise<'_> {
    /// The id of an object once it is re-created; none if it keeps its own.
    ///
    /// UUID version 5 of the original id. Its name space is a MAC of the community's identity, and
    /// so a secret of 128 bits: without it nobody can try whether an original id that he guesses
    /// or knows gives this one, nor whether two communities have the same object. All versions of
    /// an object get the same id, as does one whose id is written in upper case.
    ///
    /// Observables keep theirs, for it is their content, or must be a random one; so do markings
    /// and definitions of extensions, which are known by their ids.
    pub fn new_id(&self, id: &StixId) -> Option<String> {
        let object_type = id.object_type();
        let known = schema::find(object_type).map(|found| found.class);
        let is_known_by_id = matches!(known, Some(Class::Sco | Class::Bundle))
            || matches!(object_type, "marking-definition" | "extension-definition");
        if is_known_by_id || id == self.identity || self.is_owner(id.as_str()) {
            return None;
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret);
        let tag = hmac::sign(&key, self.identity.as_str().as_bytes());
        let space = Uuid::from_slice(&tag.as_ref()[..16]).expect("a UUID has 16 bytes");
        let uuid = Uuid::new_v5(&space, id.as_str().to_ascii_lowercase().as_bytes());
        Some(format!("{object_type}--{uuid}"))
    }
}

/// What the ids in the text of one object become.
struct Names<'a> {
    own: (&'a StixId, Option<String>),
    creator: Option<&'a StixId>,
    renaming: &'a Renaming,
    disguise: &'a Disguise<'a>,
}

impl Names<'_> {
    /// What to change in an object; none if it is about its owner only.
    fn edits(&self, id: &StixId, object: Value) -> Option<Vec<Edit>> {
        let is_translation = id.object_type() == "language-content";
        let translated =
            object.member("object_ref").filter(|_| is_translation).and_then(|named| named.text());
        let tells = self.is_hidden(id.as_str()) || translated.is_some_and(|named| self.is_hidden(&named));
        (!tells).then(|| editor::edits(self, object, id.object_type()))
    }

    /// Is it an identity of the owner, or who is said to have made the object?
    fn is_hidden(&self, id: &str) -> bool {
        let is_creator = self.creator.is_some_and(|creator| creator.as_str().eq_ignore_ascii_case(id));
        is_creator || self.disguise.is_owner(id)
    }

    fn of_id(&self, id: &str) -> Option<&str> {
        if self.is_hidden(id) {
            return Some(self.disguise.identity.as_str());
        }
        if id.eq_ignore_ascii_case(self.own.0.as_str()) {
            self.own.1.as_deref()
        } else {
            self.renaming.new_id(id)
        }
    }

    /// The text with all ids in it replaced, if there are any to replace.
    fn of_text(&self, text: &str) -> Option<String> {
        // Of a reference no part counts: `x-tool--…` is not a mention of `tool--…`.
        if identifier(text).is_ok() {
            return self.of_id(text).map(str::to_owned);
        }
        let (mut new, mut done) = (String::new(), 0);
        for (dashes, _) in text.match_indices("--") {
            let end = dashes + 2 + UUID_LENGTH;
            let Some(tail) = text.get(dashes..end).filter(|_| dashes >= done) else { continue };
            if identifier(&format!("tool{tail}")).is_err() {
                continue;
            }
            let before = text[done..dashes].bytes().rev().take(TYPE_LENGTH_MAX);
            let length = before.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-').count();
            // The longest first; in prose an id may be glued to what precedes it.
            let found = (dashes - length..dashes).find_map(|at| Some((at, self.of_id(&text[at..end])?)));
            if let Some((at, id)) = found {
                new.extend([&text[done..at], id]);
                done = end;
            }
        }
        (done > 0).then(|| new + &text[done..])
    }
}

/// Reads an object the way it is read in an envelope, and tells where it stands in that: as the
/// root of a text, its own `objects` would be taken for the envelope's.
fn alone<T>(json: &[u8], mut visit: impl FnMut(Seen) -> T) -> Result<(Bytes, Range<usize>, T), JsonError> {
    let text = [b"{\"objects\":[", json, b"]}"].concat();
    let document = json::read(text, |seen| (seen.item == Some(0)).then(|| visit(seen)))?;
    let part = document.root.items.into_iter().flatten().next();
    let (place, seen) = part.and_then(|part| Some((part.range, part.seen?))).expect("the item is there");
    Ok((document.text, place, seen))
}

/// The text in `place`, with the edits made.
fn spliced(text: &[u8], place: Range<usize>, mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| edit.at.start);
    let (mut new, mut done) = (Vec::with_capacity(place.len()), place.start);
    for edit in edits {
        new.extend_from_slice(&text[done..edit.at.start]);
        new.extend_from_slice(edit.with.as_bytes());
        done = edit.at.end;
    }
    new.extend_from_slice(&text[done..place.end]);
    new
}

const UUID_LENGTH: usize = 36;
const TYPE_LENGTH_MAX: usize = 250;

#[cfg(test)]
mod tests;
