//! What waits for release: officers' decisions on it, each judged by the registry and the store as they are
//! now.

use crate::policy::{self, Denied, Directory, Handling, Submission, SubmissionScope};
use crate::stix::Timestamp;
use crate::store::{Batch, Decision, Entry, Error, Outcome, Prepared, Ruling, Store};
use std::sync::Arc;

/// What an officer wants done.
#[derive(Debug, Clone)]
pub struct Order {
    /// With which submissions.
    pub submissions: Vec<String>,
    /// What.
    pub deed: Deed,
    /// A word to the submitters.
    pub message: Option<String>,
    /// The key of the certificate that the officer acts with.
    pub key: Option<String>,
}

/// One of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Let it out.
    Release,
    /// Turn it down.
    Decline,
}

/// What became of one submission of an order.
#[derive(Debug)]
pub enum Answer {
    /// Judged and, unless something speaks against it, carried out.
    Carried(Outcome),
    /// The officer may not.
    Denied(Denied),
}

/// Carries an order out, in one transaction; an answer for each submission.
pub fn decide(
    store: &dyn Store,
    directory: &Directory,
    scope: &SubmissionScope,
    order: &Order,
    now: Timestamp,
) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::with_capacity(order.submissions.len());
    let (mut decisions, mut places) = (Vec::new(), Vec::new());
    for (at, id) in order.submissions.iter().enumerate() {
        let answer = match store.submission(scope, id)? {
            None => Answer::Carried(Outcome::Gone),
            Some(submission) => match judge(directory, scope, &submission, order, now) {
                Err(answer) => answer,
                Ok(decision) => {
                    decisions.push(decision);
                    places.push(at);
                    // Replaced below.
                    Answer::Carried(Outcome::Gone)
                }
            },
        };
        answers.push(answer);
    }
    if !decisions.is_empty() {
        for (at, outcome) in places.into_iter().zip(store.decide(decisions, now)?) {
            answers[at] = Answer::Carried(outcome);
        }
    }
    Ok(answers)
}

fn judge(
    directory: &Directory,
    scope: &SubmissionScope,
    submission: &Submission,
    order: &Order,
    now: Timestamp,
) -> Result<Decision, Answer> {
    let scope = policy::review_scope(scope, submission).map_err(Answer::Denied)?;
    let ruling = match order.deed {
        Deed::Decline => Ruling::Decline,
        Deed::Release => {
            let release =
                policy::release_scope(directory, &scope, submission, now).map_err(Answer::Denied)?;
            let admitted = policy::readmit(directory, &release, submission, now);
            let refused =
                |why: policy::Refusal| Answer::Carried(Outcome::Refused(why.code(), why.to_string()));
            Ruling::Release(Box::new(Prepared::new(admitted.map_err(refused)?)))
        }
    };
    Ok(Decision { scope, ruling, message: order.message.clone(), key: order.key.clone() })
}

/// What releasing a submission now would come to.
#[derive(Debug)]
pub struct Prospect {
    /// Who would see it.
    pub handling: Arc<Handling>,
    /// What speaks against it, by the registry or by what is stored.
    pub objection: Option<String>,
}

/// Tries a release out, whoever asks; nothing is changed.
pub fn prospect(
    store: &dyn Store,
    directory: &Directory,
    scope: &SubmissionScope,
    submission: &Submission,
    now: Timestamp,
) -> Result<Prospect, Error> {
    let as_submitted =
        |why: String| Prospect { handling: Arc::new(submission.handling.clone()), objection: Some(why) };
    let admitted = match policy::foresee(directory, scope, submission, now) {
        Ok(Ok(admitted)) => admitted,
        Ok(Err(refusal)) => return Ok(as_submitted(refusal.to_string())),
        Err(denied) => return Ok(as_submitted(denied.to_string())),
    };
    let handling = admitted.handling().clone();
    let batch = Batch {
        status_id: String::new(),
        collection: submission.collection.clone(),
        api_root: submission.api_root.clone(),
        client: submission.client.clone(),
        key: None,
        received: now,
        entries: vec![Entry::Admitted(Box::new(Prepared::new(admitted)))],
        mark: None,
    };
    let tried = store.try_out(batch)?.pop();
    let objection = tried.as_ref().and_then(|tried| tried.verdict.as_ref().err()).map(|(_, why)| why.clone());
    Ok(Prospect { handling: tried.and_then(|tried| tried.handling).unwrap_or(handling), objection })
}
