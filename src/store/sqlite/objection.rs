//! What is stored may speak against an object: why, as the status of its POST tells it.

/// A reason: its code, and what its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Objection {
    pub(super) code: &'static str,
    pub(super) text: &'static str,
}

pub(super) const CONFLICT: Objection = Objection {
    code: "conflict",
    text: "conflict: this version is already stored with other content; a change needs a later `modified`, and an object without versions a new id",
};
pub(super) const NOT_OWNER: Objection = Objection {
    code: "not_owner",
    text: "not the owner: another organisation published this object here, and only it may add versions",
};
pub(super) const TOO_MANY_VERSIONS: Objection = Objection {
    code: "limit",
    text: "the object has 10000 versions here already; publish a new object instead",
};
pub(super) const TOO_MANY_HANDLINGS: Objection = Objection {
    code: "limit",
    text: "the objects of your organisation are marked in 4096 different ways already; use one marking-definition for all objects that are to be handled alike",
};
pub(super) const TOO_MANY_MARKINGS: Objection = Objection {
    code: "limit",
    text: "this collection defines 10000 markings already; use those that are there",
};
pub(super) const DOWNGRADE: Objection = Objection {
    code: "downgrade",
    text: "its level is lower than that of the version before; only the owner may lower it, and only where the collection says downgrade = \"owner\"",
};
pub(super) const CREATED_CHANGED: Objection = Objection {
    code: "lineage",
    text: "`created` differs from that of the versions stored here; all versions of an object share it, so publish a new object instead",
};
pub(super) const CREATOR_CHANGED: Objection = Objection {
    code: "lineage",
    text: "`created_by_ref` differs from that of the versions stored here; all versions of an object share it, so publish a new object instead",
};
pub(super) const REVOKED: Objection = Objection {
    code: "revoked",
    text: "revoked: an earlier version says that the object is, and that is final; publish a new object instead",
};
pub(super) const WAITING_CONFLICT: Objection = Objection {
    code: "conflict",
    text: "conflict: this version waits for release with other content; have it declined first, or send the change with a later `modified`",
};
pub(super) const TOO_MANY_WAITING: Objection = Objection {
    code: "limit",
    text: "100000 objects of your organisation wait for release already; have an officer release or decline them",
};
pub(super) const ERASED: Objection = Objection {
    code: "erased",
    text: "erased: this version, or a later one, was erased here because its time was over or on request, and is not taken again; a new version with a later `modified` is, if there is something new to say",
};
