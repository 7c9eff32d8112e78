//! The daemon's desk: where everyone who wants something of it asks, and sees how it stands.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{DeskError, Live, PipelineView};
use crate::{
    config::near_miss,
    flow::launch::Host,
    state::{
        RunId,
        tasks::{Backfill, BackfillEntry, BackfillId, Task, TaskId},
    },
};

/// Where everyone who wants something of the daemon asks.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

pub(super) struct Inner {
    pub host: Arc<Host>,
    pub views: Mutex<BTreeMap<String, PipelineView>>,
    pub broken: Mutex<Vec<(PathBuf, String)>>,
    pub lives: Mutex<HashMap<RunId, Live>>,
}

impl Desk {
    /// The pipelines, by name.
    pub fn pipelines(&self) -> Vec<PipelineView> {
        locked(&self.0.views).values().cloned().collect()
    }

    /// One pipeline.
    pub fn pipeline(&self, name: &str) -> Option<PipelineView> {
        locked(&self.0.views).get(name).cloned()
    }

    /// Files that never were good, with what is wrong with them.
    pub fn broken(&self) -> Vec<(PathBuf, String)> {
        locked(&self.0.broken).clone()
    }

    /// Asks for a run now. A pipeline that is at work gets it when that has ended.
    pub async fn run_now(&self, name: &str, _by: &str) -> Result<TaskId, DeskError> {
        Err(self.unknown(name))
    }

    /// Stops a pipeline's schedule. What runs goes on.
    pub async fn pause(&self, name: &str, _by: &str) -> Result<(), DeskError> {
        Err(self.unknown(name))
    }

    /// Starts a pipeline's schedule again.
    pub async fn resume(&self, name: &str, _by: &str) -> Result<(), DeskError> {
        Err(self.unknown(name))
    }

    /// Asks for a run of each window of a span, in order.
    pub async fn backfill(&self, name: &str, _span: Backfill, _by: &str) -> Result<BackfillId, DeskError> {
        Err(self.unknown(name))
    }

    /// The backfills of a pipeline, newest first.
    pub async fn backfills(&self, name: &str) -> Result<Vec<BackfillEntry>, DeskError> {
        Err(self.unknown(name))
    }

    /// Stops a run that goes on, here or in another daemon.
    pub async fn cancel(&self, run: &RunId, _by: &str) -> Result<(), DeskError> {
        Err(DeskError::NotRunning { run: run.to_string() })
    }

    /// The last tasks of a pipeline, newest first.
    pub async fn tasks(&self, name: &str, _limit: u32) -> Result<Vec<Task>, DeskError> {
        Err(self.unknown(name))
    }

    /// One task.
    pub async fn task(&self, _id: &TaskId) -> Result<Option<Task>, DeskError> {
        Ok(None)
    }

    /// A run of this process that goes on.
    pub fn live(&self, run: &RunId) -> Option<Live> {
        locked(&self.0.lives).get(run).cloned()
    }

    /// What runs share in this process.
    pub fn host(&self) -> Arc<Host> {
        self.0.host.clone()
    }

    fn unknown(&self, name: &str) -> DeskError {
        let views = locked(&self.0.views);
        let near = near_miss(name, views.keys().map(String::as_str)).map(str::to_owned);
        DeskError::UnknownPipeline { name: name.to_owned(), near }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it left a value that is as good as the last one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
