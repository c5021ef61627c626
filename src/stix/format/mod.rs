//! The forms of STIX values: one pure function per form, from timestamps to CPE names.
//!
//! Every function makes one pass over the text and allocates nothing when the value is good
//! (a domain name with international labels excepted; its length is limited first). What the
//! standard says with MUST is a [`Fault`] or [`Verdict::Bad`], what it says with SHOULD is
//! [`Verdict::Advice`]; the text tells a person what is expected, not what was found.
//!
//! | file | forms |
//! | --- | --- |
//! | `time` | timestamps and their precision |
//! | `name` | object types, properties, dictionary keys, vocabulary terms |
//! | `identifier` | `type--uuid` |
//! | `binary` | hex, base64 |
//! | `address` | IPv4, IPv6, MAC |
//! | `domain`, `email`, `url` | names and places on the Internet |
//! | `cpe`, `language` | CPE 2.3 names, RFC 5646 tags |
//! | `hash` | algorithm names and values of `hashes` |
//! | `reference` | CVE and CAPEC ids, hives of registry keys |
//! | `selector` | paths of granular markings |
//! | `registry` | names that IANA, ISO and others keep lists of |

pub mod address;
pub mod binary;
pub mod cpe;
pub mod domain;
pub mod email;
pub mod hash;
pub mod identifier;
pub mod language;
pub mod name;
pub mod reference;
pub mod registry;
pub mod selector;
pub mod time;
pub mod url;

#[cfg(test)]
mod tests;

/// What a form check found when the standard gives advice as well as rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to say.
    Good,
    /// Against a SHOULD: what would be better.
    Advice(&'static str),
    /// Against a MUST: what is expected.
    Bad(&'static str),
}

impl From<Result<(), Fault>> for Verdict {
    fn from(checked: Result<(), Fault>) -> Self {
        match checked {
            Ok(()) => Self::Good,
            Err(fault) => Self::Bad(fault.expected),
        }
    }
}

/// A value breaks a MUST about its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is expected instead, for a person.
    pub expected: &'static str,
    /// True where the `interop` profile only warns (docs/content-rules.md).
    pub relaxed: bool,
}

impl Fault {
    const fn new(expected: &'static str) -> Self {
        Self { expected, relaxed: false }
    }

    const fn relaxed(expected: &'static str) -> Self {
        Self { expected, relaxed: true }
    }
}

/// `Ok` if the condition holds, otherwise what is expected.
fn require(holds: bool, expected: &'static str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::new(expected)) }
}

/// Good if the condition holds, otherwise advice.
fn advise(holds: bool, advice: &'static str) -> Verdict {
    if holds { Verdict::Good } else { Verdict::Advice(advice) }
}
