//! Why an object may not be added.

use crate::stix::{StixId, Tlp};

/// Why an object may not be added, for its status entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No marking, and the collection takes none such.
    #[error(
        "unmarked: add a TLP marking to object_marking_refs, or ask the operator to set `unmarked` for this collection"
    )]
    Unmarked,
    /// No marking, nothing that it was sent in, and the collection takes none such.
    #[error(
        "unmarked: neither it nor an object of the same envelope that names it has a TLP marking; add one to object_marking_refs"
    )]
    NothingInherited,
    /// Objects name each other in more ways than are followed.
    #[error(
        "unmarked: the objects of this envelope name each other too often to find a marking for it; add a TLP marking to object_marking_refs, or send fewer objects at once"
    )]
    Entangled,
    /// A marking that nobody knows.
    #[error(
        "marking {0} is defined neither in this envelope nor in the collection; send its marking-definition along, or before"
    )]
    MarkingUnknown(String),
    /// A marking that cannot be understood.
    #[error("marking {0} was sent along, but its definition was refused; mend that first")]
    MarkingUnreadable(String),
    /// Nobody could use it here.
    #[error(
        "its markings restrict it to the purposes {0}, but this collection serves {1}; publish it to a collection for its purpose, or mark it with one of these"
    )]
    Purpose(String, String),
    /// Above what the agreement or the client allows.
    #[error(
        "marked {found}, but at most {limit} may be exchanged here by you; lower the marking if it is yours to lower, or leave the object out"
    )]
    TlpTooHigh {
        /// The object's effective level.
        found: Tlp,
        /// The highest that passes.
        limit: Tlp,
    },
    /// Speaks for another organisation.
    #[error(
        "created_by_ref {0} belongs to another organisation of this exchange, and your organisation is not a relay of the agreement; use your own identity, {1}"
    )]
    ForeignCreator(StixId, String),
    /// Not among the agreement's types.
    #[error("objects of type `{0}` are not part of the agreement; it names {1}")]
    TypeNotAgreed(String, String),
    /// Not among the collection's types.
    #[error("this collection does not take objects of type `{0}`; it takes {1}")]
    TypeNotHere(String, String),
    /// Without an extension that the collection asks for.
    #[error("this collection takes only objects that use the extension {0}; add it to `extensions`")]
    ExtensionMissing(String),
    /// With an extension that nobody here knows.
    #[error(
        "`extensions` uses {0}, which this exchange does not know; leave it out, or ask the operator to register it"
    )]
    ExtensionUnknown(String),
    /// It waited for too long.
    #[error("its markings do not let it be kept any longer; decline it")]
    RetentionOver,
    /// Dated in the future.
    #[error(
        "`{0}` is {1}, more than 5 minutes ahead of this server's clock; check the clock of the sending system"
    )]
    Future(&'static str, String),
}

impl Refusal {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unmarked | Self::NothingInherited | Self::Entangled => "unmarked",
            Self::MarkingUnknown(_) | Self::MarkingUnreadable(_) => "marking_unknown",
            Self::Purpose(..) => "purpose_mismatch",
            Self::TlpTooHigh { .. } => "tlp_above_ceiling",
            Self::ForeignCreator(..) => "foreign_creator",
            Self::TypeNotAgreed(..) | Self::TypeNotHere(..) => "type",
            Self::ExtensionMissing(_) | Self::ExtensionUnknown(_) => "extension",
            Self::RetentionOver => "retention",
            Self::Future(..) => "clock",
        }
    }
}
