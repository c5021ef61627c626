//! Reviewed release: who may look at what waits, who may decide on it, and what is asked of an object a
//! second time before it goes out.

use super::{Denied, Directory, Grant, Handling, Peer, in_force};
use crate::registry::Role;
use crate::stix::{Object, Timestamp};
use std::sync::Arc;

/// An object that was admitted and waits for release, as the store keeps it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// A version 4 UUID.
    pub id: String,
    /// Its place among those of its organisation that wait.
    pub number: i64,
    /// Who submitted it: `organisation/client`.
    pub client: String,
    /// The API root it came in by.
    pub api_root: String,
    /// The collection's id.
    pub collection: String,
    /// When it came in.
    pub received: Timestamp,
    /// The object as it is to be stored.
    pub object: Object,
    /// Its name, shortened.
    pub name: Option<String>,
    /// Who will see it.
    pub handling: Handling,
    /// Its markings let it be kept up to here, in microseconds since 1970.
    pub retention_until: Option<i64>,
}

/// Proof that a peer may look at submissions, and at which; made by [`submission_scope`] only.
#[derive(Debug, Clone)]
pub struct SubmissionScope {
    peer: Arc<Peer>,
    now: Timestamp,
}

/// Decides whether a peer may look at submissions: who may submit may see what became of it.
pub fn submission_scope(peer: &Arc<Peer>, now: Timestamp) -> Result<SubmissionScope, Denied> {
    match peer.role().writes() {
        true => Ok(SubmissionScope { peer: peer.clone(), now }),
        false => Err(Denied::Submissions),
    }
}

impl SubmissionScope {
    /// Whose submissions they are.
    pub fn organisation(&self) -> &str {
        self.peer.organisation()
    }

    /// When it was asked for.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whose submissions alone the peer sees, if it is no officer.
    pub fn only_of(&self) -> Option<&str> {
        (self.peer.role() != Role::Liaison).then(|| &**self.peer.name())
    }

    /// Is a submission of this client and handling for the peer? Officers see all of their organisation up to
    /// what they may handle, others what they submitted themselves.
    pub fn sees(&self, client: &str, handling: &Handling) -> bool {
        let is_own = client == &**self.peer.name();
        let is_ours = client.split_once('/').is_some_and(|(org, _)| org == self.peer.organisation());
        let is_for_officer =
            self.peer.role() == Role::Liaison && handling.level(self.now) <= self.peer.tlp_max();
        is_own || is_ours && is_for_officer
    }

    /// What the peer may do where a submission was sent to.
    pub(super) fn grant(&self, directory: &Directory, submission: &Submission) -> Result<Grant, Denied> {
        grant(directory, &self.peer, submission, self.now)
    }

    /// May the peer decide on a submission of this client?
    pub fn may_decide(&self, client: &str) -> Result<(), Denied> {
        match self.peer.role() {
            Role::Liaison if client == &**self.peer.name() => Err(Denied::OwnSubmission),
            Role::Liaison => Ok(()),
            _ => Err(Denied::Review),
        }
    }
}

/// Proof that a peer may decide on one submission; made by [`review_scope`] only.
#[derive(Debug, Clone)]
pub struct ReviewScope {
    peer: Arc<Peer>,
    submission: String,
}

/// Decides whether a peer may decide on a submission: an officer of the organisation that submitted it, but
/// never the client that did.
pub fn review_scope(scope: &SubmissionScope, submission: &Submission) -> Result<ReviewScope, Denied> {
    if !scope.sees(&submission.client, &submission.handling) {
        return Err(Denied::Review);
    }
    scope.may_decide(&submission.client)?;
    Ok(ReviewScope { peer: scope.peer.clone(), submission: submission.id.clone() })
}

impl ReviewScope {
    /// Who decides: `organisation/client`.
    pub fn client(&self) -> &str {
        self.peer.name()
    }

    /// On what.
    pub fn submission(&self) -> &str {
        &self.submission
    }
}

/// Proof that a peer may release one submission now; made by [`release_scope`] only.
#[derive(Debug, Clone)]
pub struct ReleaseScope {
    pub(super) grant: Grant,
}

/// Decides whether who may decide may also release: that takes the right to write, and an agreement in force.
pub fn release_scope(
    directory: &Directory,
    scope: &ReviewScope,
    submission: &Submission,
    now: Timestamp,
) -> Result<ReleaseScope, Denied> {
    Ok(ReleaseScope { grant: grant(directory, &scope.peer, submission, now)? })
}

/// What the peer may do where a submission was sent to, if it may write there now.
fn grant(
    directory: &Directory,
    peer: &Arc<Peer>,
    submission: &Submission,
    now: Timestamp,
) -> Result<Grant, Denied> {
    let place = directory.place(&submission.collection).ok_or(Denied::Write)?;
    let grant = directory.grant_at(peer, place).filter(Grant::can_write).ok_or(Denied::Write)?;
    in_force(&place.agreement, now)?;
    Ok(grant)
}
