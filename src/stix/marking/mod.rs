//! Markings: what they say of who may have an object and what may be done with it.
//!
//! * [`tlp`], [`pap`]: levels, their order, and the ids and labels that carry them
//! * [`terms`]: everything that markings ask for, and how several of them combine
//! * `definition`: what a `marking-definition` says; `policies`: FIRST IEP 2.0
//! * [`published()`]: the definitions of levels

mod definition;
mod pap;
mod policies;
mod published;
mod terms;
mod tlp;

pub use pap::Pap;
pub use policies::{Actions, Policy};
pub use published::{TLP_1, published};
pub use terms::{Attribution, EvidenceUse, OnwardTransfer, PersonalData, Terms};
pub use tlp::Tlp;

/// The extension that TLP 2.0 levels are written with.
pub const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
/// PAP levels.
pub const PAP_EXTENSION: &str = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b";
/// Releasability: our own.
pub const RELEASABILITY_EXTENSION: &str = "extension-definition--3a279e9a-6ac9-4ea4-bfd5-59d5078e01c5";
/// Handling caveats: our own.
pub const HANDLING_EXTENSION: &str = "extension-definition--93786750-2f8f-4886-8165-b32d0ab69bfb";
/// FIRST IEP 2.0.
pub const IEP_EXTENSION: &str = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a";
/// The marking of the United States that is called ACS.
pub const ACS_EXTENSION: &str = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce";

/// Is it one of the extensions that markings are written with and that we evaluate?
pub fn is_known_extension(id: &str) -> bool {
    [
        TLP_2_EXTENSION,
        PAP_EXTENSION,
        RELEASABILITY_EXTENSION,
        HANDLING_EXTENSION,
        IEP_EXTENSION,
        ACS_EXTENSION,
    ]
    .contains(&id)
}

/// What the built-in marking with this id says, if it is one.
pub fn built_in(id: &str) -> Option<Terms> {
    if let Some(tlp) = Tlp::of_marking(id) {
        return Some(Terms { tlp: Some(tlp), ..Terms::default() });
    }
    Pap::of_marking(id).map(|pap| Terms { pap: Some(pap), ..Terms::default() })
}

/// A label without the quotes that some producers put around it.
fn unquoted(label: &str) -> &str {
    label.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests;
