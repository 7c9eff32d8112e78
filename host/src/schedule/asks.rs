//! What people ask for: it goes into the store, where the daemon finds it, running or not.

use chrono::{DateTime, Utc};

use super::{DeskError, decide::by_hand};
use crate::{
    config::near_miss,
    state::{
        RunId,
        tasks::{Backfill, BackfillEntry, BackfillId, BackfillStatus, Task, TaskId, Tasks},
    },
};

/// Someone who asks at `now`.
pub struct Asks<'a> {
    /// Where it goes.
    pub store: &'a Tasks,
    /// The pipelines that are served.
    pub names: &'a [String],
    /// When it is asked.
    pub now: DateTime<Utc>,
    /// Who asks.
    pub by: &'a str,
}

impl Asks<'_> {
    fn known(&self, name: &str) -> Result<(), DeskError> {
        if self.names.iter().any(|known| known == name) {
            return Ok(());
        }
        let near = near_miss(name, self.names.iter().map(String::as_str)).map(str::to_owned);
        Err(DeskError::UnknownPipeline { name: name.to_owned(), near })
    }

    /// A run now. A pipeline that is at work gets it when that has ended.
    pub async fn run_now(&self, name: &str) -> Result<TaskId, DeskError> {
        self.known(name)?;
        let task = by_hand(name, self.by, self.now);
        self.store.create(&task, true).await?;
        Ok(task.id)
    }

    /// No more runs by schedule. What runs goes on.
    pub async fn pause(&self, name: &str) -> Result<(), DeskError> {
        self.known(name)?;
        Ok(self.store.pause(name, self.by, self.now).await?)
    }

    /// Runs by schedule again.
    pub async fn resume(&self, name: &str) -> Result<(), DeskError> {
        self.known(name)?;
        Ok(self.store.resume(name, self.now).await?)
    }

    /// A run of each window of a span, in order. One that halted on the same span goes on.
    pub async fn backfill(&self, name: &str, span: &Backfill) -> Result<BackfillId, DeskError> {
        self.known(name)?;
        let wrong = |what: &str| DeskError::Span { pipeline: name.to_owned(), what: what.to_owned() };
        if span.from >= span.to {
            return Err(wrong("its span ends before it starts"));
        }
        if span.window.as_secs() == 0 {
            return Err(wrong("its windows have no length"));
        }
        if span.to > self.now {
            return Err(wrong("its span ends in the future"));
        }
        Ok(self.store.start_backfill(name, span, self.by, self.now).await?)
    }

    /// The end of a run that goes on, wherever it does.
    pub async fn cancel(&self, run: &RunId) -> Result<(), DeskError> {
        let open = self.store.open_tasks().await?;
        match open.iter().find(|task| task.run.as_ref() == Some(run)) {
            Some(task) => self.cancel_task(&task.id).await,
            None => Err(DeskError::NotRunning { run: run.to_string() }),
        }
    }

    /// The end of a task that waits or runs. That of a window ends its backfill.
    pub async fn cancel_task(&self, id: &TaskId) -> Result<(), DeskError> {
        let task = self.store.task(id).await?;
        if !self.store.cancel(id, self.by, self.now).await? {
            return Err(DeskError::NotRunning { run: id.to_string() });
        }
        if let Some(backfill) = task.and_then(|task| task.backfill) {
            self.store.stop_backfill(&backfill, BackfillStatus::Cancelled).await?;
        }
        Ok(())
    }

    /// The end of a backfill, and of its window that waits or runs.
    pub async fn cancel_backfill(&self, id: &BackfillId) -> Result<bool, DeskError> {
        let stopped = self.store.stop_backfill(id, BackfillStatus::Cancelled).await?;
        for task in self.store.open_tasks().await?.into_iter().filter(|task| task.backfill.as_ref() == Some(id)) {
            self.store.cancel(&task.id, self.by, self.now).await?;
        }
        Ok(stopped)
    }

    /// The last tasks of a pipeline, newest first.
    pub async fn tasks(&self, name: &str, limit: u32) -> Result<Vec<Task>, DeskError> {
        self.known(name)?;
        Ok(self.store.tasks(name, limit).await?)
    }

    /// The backfills of a pipeline, newest first.
    pub async fn backfills(&self, name: &str) -> Result<Vec<BackfillEntry>, DeskError> {
        self.known(name)?;
        Ok(self.store.backfills(Some(name)).await?)
    }
}
