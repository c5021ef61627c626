//! The way from async code to the store: a bounded number of threads that may block.

use super::{Error, Store};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A store that async code can ask.
#[derive(Clone)]
pub struct Handle {
    store: Arc<dyn Store>,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
}

impl Handle {
    /// Lets so many reads block at once, one for each reader connection.
    pub fn new(store: Arc<dyn Store>, readers: usize) -> Self {
        Self { store, reads: Arc::new(Semaphore::new(readers)), writes: Arc::new(Semaphore::new(WRITES_MAX)) }
    }

    /// The store itself, for what it answers from memory.
    pub fn memory(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Runs a read on a thread that may block.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(&self.reads, work).await
    }

    /// Runs a write, and the work that prepares it, on a thread that may block.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(&self.writes, work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        work: impl FnOnce(&dyn Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let busy = |_| Error::Busy("the server is shutting down".to_owned());
        let turn = turns.clone().acquire_owned().await.map_err(busy)?;
        let store = self.store.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(store.as_ref())
        });
        task.await.map_err(|error| Error::Backend(format!("a task of the store failed: {error}")))?
    }
}

/// Writers mostly wait for the disk together, so more of them make larger commits.
const WRITES_MAX: usize = 64;
