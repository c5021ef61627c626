//! What is right and what is wrong about an object, rule by rule (the rules' names are those that
//! `docs/content-rules.md` lists).
//!
//! [`judge`] walks once over an object as the JSON reader shows it, against the shapes that
//! `schemas/` tells, and finds what breaks a MUST (errors) or a SHOULD (warnings). What more than
//! one object says together is found by [`Together`].

mod custom;
mod document;
mod extension;
mod finding;
mod level;
mod marking;
mod object;
mod path;
mod registered;
mod special;
mod text;
mod together;
mod walk;

pub use document::{Reviewer, Verdict};
pub use finding::{Finding, Findings};
pub use level::{Definition, Level, level_definition};
pub use registered::Extensions;
pub use together::Together;

use super::Timestamp;
use super::json::{Defect, Seen, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// Which findings refuse an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Every error.
    Strict,
    /// Every error but some that large real feeds are full of.
    #[default]
    Interop,
    /// Only what makes an object impossible to keep and to tell apart.
    Permissive,
}

/// How to judge.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'o> {
    /// Which findings refuse.
    pub profile: Profile,
    /// Look for warnings too.
    pub advise: bool,
    /// The time, to find dates in the future.
    pub now: Option<Timestamp>,
    /// Extensions with schemas of their own.
    pub extensions: Option<&'o Extensions>,
}

/// Judges an object, or what stands in its place; a bundle without its objects.
pub fn judge<'a>(seen: Seen<'a>, options: Options<'a>) -> Findings {
    let findings = Findings::default();
    let level = level_definition(seen.value).map(|(_, definition)| definition);
    let is_known = matches!(level, Some(Definition::Dressed | Definition::Disguised));
    let excused = is_known && options.profile != Profile::Strict;
    let mut judge = Judge { options, findings, excused, defanged: false, toplevel: false, container: None };
    match seen.defect {
        // Legal JSON, though many cannot store it.
        Some(Defect::Nul) => {
            judge.advise("json.syntax", &path::ROOT, None, || Defect::Nul.to_string());
            judge.whole(seen, &path::ROOT);
        }
        Some(defect) => judge.defect(defect),
        None => judge.whole(seen, &path::ROOT),
    }
    judge.findings
}

/// An object being judged.
struct Judge<'a> {
    options: Options<'a>,
    findings: Findings,
    /// Everybody knows it by its id, so that nothing it says matters.
    excused: bool,
    /// Values are mangled on purpose, and so their form is not judged.
    defanged: bool,
    /// An extension of the object names properties beside the standard's.
    toplevel: bool,
    /// The deprecated container of observables that the object stands in.
    container: Option<HashMap<Cow<'a, str>, Value<'a>>>,
}

#[cfg(test)]
mod tests;
