//! A collection of the hub that runs the job: objects are judged as any other, and the position is kept in the
//! transaction that stores them.

use super::{Taken, Target, refused};
use crate::clock::Clock;
use crate::ingest;
use crate::policy::{self, Directory};
use crate::stix::Object;
use crate::store::{Error, Handle, Mark, Store};
use crate::sync::{Fault, Position};
use crate::taxii::envelope;
use crate::warning::WarningLists;
use std::rc::Rc;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What of a hub a job needs; asked anew each time, since the registry may change.
#[derive(Clone)]
pub struct Inside {
    /// The store.
    pub store: Handle,
    /// The registry in force.
    pub directory: Arc<dyn Fn() -> Arc<Directory> + Send + Sync>,
    /// Values that must not be published.
    pub lists: Arc<WarningLists>,
    /// The time.
    pub clock: Clock,
}

/// A collection of the hub.
pub struct Hub {
    runtime: Rc<Runtime>,
    inside: Inside,
    job: String,
    collection: String,
    client: String,
}

impl Hub {
    /// For a job that adds on behalf of this client.
    pub fn new(runtime: Rc<Runtime>, inside: Inside, job: &str, (collection, client): (&str, &str)) -> Self {
        let [job, collection, client] = [job, collection, client].map(str::to_owned);
        Self { runtime, inside, job, collection, client }
    }

    /// May others read there than the job's organisation and that of the creator?
    pub fn shares(&self, creator: Option<&str>) -> bool {
        let directory = (self.inside.directory)();
        let scope = policy::job_scope(&directory, &self.client, &self.collection, self.inside.clock.now());
        scope.is_ok_and(|scope| scope.is_read_by_others(&directory, creator))
    }

    /// Is this an identity of the organisation on whose behalf the job adds?
    pub fn is_ours(&self, identity: &str) -> bool {
        let organisation = self.client.split_once('/').map_or("", |(organisation, _)| organisation);
        (self.inside.directory)().names_of(organisation)[0].iter().any(|one| one == identity)
    }

    fn write(
        &self,
        objects: &[Object],
        mark: Mark,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Option<crate::taxii::resource::Status>, Fault> {
        let directory = (self.inside.directory)();
        let clock = self.inside.clock;
        let scope = policy::job_scope(&directory, &self.client, &self.collection, clock.now());
        let scope = scope.map_err(Fault::Lasting)?;
        let body = envelope::write(objects.iter().map(|object| object.json().as_ref()), None);
        let (lists, is_empty) = (self.inside.lists.clone(), objects.is_empty());
        let add = move |store: &dyn Store| {
            if is_empty {
                return store.mark(mark).map(|()| Ok(None));
            }
            let judged = match ingest::judge(store, &directory, &scope, &lists, body, clock.now()) {
                Ok(judged) => judged,
                Err(ingest::Unjudged::Store(error)) => return Err(error),
                Err(ingest::Unjudged::Envelope(error)) => return Ok(Err(error.to_string())),
            };
            store.add(crate::store::Batch { mark: Some(mark), ..judged }).map(|status| Ok(Some(status)))
        };
        let store = self.inside.store.clone();
        // It is under way as soon as somebody waits for anything.
        let writing = self.runtime.spawn(async move { store.write(add).await });
        meanwhile();
        match self.runtime.block_on(writing).map_err(Fault::passing)? {
            Ok(status) => status.map_err(Fault::Lasting),
            Err(error @ (Error::Damaged(_) | Error::Unknown(_))) => Err(Fault::Lasting(error.to_string())),
            Err(error) => Err(Fault::passing(error)),
        }
    }
}

impl Target for Hub {
    fn put(
        &mut self,
        objects: &[Object],
        after: &Position,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Taken, Fault> {
        let position = serde_json::to_vec(after).map_err(|error| Fault::Lasting(error.to_string()))?;
        let mark = Mark { job: self.job.clone(), position };
        let Some(status) = self.write(objects, mark, meanwhile)? else { return Ok(Taken::default()) };
        let mut taken = Taken {
            unchanged: status.successes.iter().filter(|detail| detail.is_unchanged()).count() as u64,
            pending: status.pending_count,
            ..Taken::default()
        };
        for detail in status.successes.iter().filter(|detail| !detail.is_unchanged()) {
            taken.stored.extend(detail.id.split_once("--").map(|(name, _)| name.to_owned()));
        }
        for detail in &status.failures {
            let is_it = |object: &&Object| {
                object.id().as_str() == detail.id && object.version().as_str() == detail.version
            };
            let object = objects.iter().find(is_it);
            let reason = detail.message.clone().unwrap_or_default();
            taken.letters.extend(object.map(|object| refused(object, "hub", reason)));
        }
        Ok(taken)
    }

    fn keeps_position(&self) -> bool {
        true
    }

    fn position(&mut self) -> Result<Option<Position>, Fault> {
        let job = self.job.clone();
        let kept = self.runtime.block_on(self.inside.store.read(move |store| store.marked(&job)));
        let kept = kept.map_err(Fault::passing)?;
        let damaged = |error| Fault::Lasting(format!("the position of {} cannot be read: {error}", self.job));
        kept.map(|text| serde_json::from_slice(&text).map_err(damaged)).transpose()
    }
}
