//! One task's run, from its claim to what becomes of it.
//!
//! What always holds here:
//! - The store knows the run's name before the run begins, so that whoever finds the task left behind can look what became of the run
//!   ([`settle`](crate::flow::launch::settle)).
//! - A run whose lease can't be renewed is stopped before the lease ends, so that it never runs beside the one that takes over.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Event, Live,
    desk::{Inner, locked},
    news::Notice,
    stop::{Stop, Why},
};
use crate::{
    config::{Loaded, Schedule},
    error::{BUSY, chain},
    flow::{
        FailedRun, Outcome, Report, RunError, Stage, StageRetries, Watcher,
        launch::{Launch, launch},
    },
    notify::Kind,
    state::{
        LogEntry, RunId, Status,
        tasks::{BackfillStatus, Claim, Later, Renewed, Task, TaskId, TaskStatus, TasksError},
    },
};

/// How long a daemon's claim on a task lasts without being renewed.
pub(super) const LEASE: chrono::Duration = chrono::Duration::seconds(30);

/// How often it is renewed.
const RENEW: chrono::Duration = chrono::Duration::seconds(5);

/// How often somebody's wish to end the run is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// A lease that could not be renewed until so long before its end is given up: the run needs time to stop.
const MARGIN: chrono::Duration = chrono::Duration::seconds(10);

/// When to look again whether another run of the pipeline, by hand or on another machine, has ended.
const BUSY_PAUSE: chrono::Duration = chrono::Duration::seconds(5);

/// Hands what happens in a run to those who follow it.
struct Follower(Live);

impl Watcher for Follower {
    fn started(&self, stage: Stage, what: &str, _: Option<u64>) {
        self.0.tell(Event::StageStarted { stage: stage.kept(), what: what.to_owned(), at: Utc::now() });
    }

    fn finished(&self, stage: Stage, what: &str, rows: Option<u64>) {
        self.0.tell(Event::StageFinished { stage: stage.kept(), what: what.to_owned(), at: Utc::now(), rows });
    }

    fn logged(&self, entry: &LogEntry) {
        self.0.tell(Event::Log(entry.clone()));
    }
}

/// A task that this daemon has claimed, or is about to.
pub(super) struct Work {
    pub task: Task,
    pub claim: Claim,
    pub loaded: Arc<Loaded>,
    pub schedule: Schedule,
    pub started: DateTime<Utc>,
}

impl Work {
    /// What to launch.
    pub fn launch(&self) -> Launch {
        let delay = self.schedule.retry_delay.get();
        Launch {
            loaded: Some(self.loaded.as_ref().clone()),
            started: self.started,
            now: self.task.logical,
            window: self.task.window,
            stage_retries: StageRetries { times: self.schedule.stage_retries, delay },
            ..Launch::new(self.loaded.file.clone())
        }
    }

    /// Runs it and writes down what became of it.
    pub async fn go(mut self, inner: Arc<Inner>) {
        let stop = Arc::new(Stop::default());
        locked(&inner.stops).insert(self.task.id.clone(), stop.clone());
        let mut launch = self.launch();
        let run = launch.run();
        self.task.run = Some(run.clone());
        self.task.runs.push(run.clone());
        let live = Live::of(&launch, &self.task.pipeline);
        launch.watcher = Arc::new(Follower(live.clone()));
        locked(&inner.lives).insert(run.clone(), live.clone());
        let _present = Present { inner: inner.clone(), task: self.task.id.clone(), run: run.clone() };

        // Those who watch may take their time; the lease is kept meanwhile.
        let watched = async {
            if let Some(observer) = &inner.observer {
                observer.started(&self.loaded, &run, self.started).await;
            }
            run_once(&inner, launch, &stop).await
        };
        let result = tokio::select! {
            result = watched => result,
            never = self.keep(&inner, &stop) => match never {},
        };
        let end = self.judge(&result, stop.why());
        live.tell(Event::Ended { status: status(&result) });
        self.write_down(&inner, &run, end, &result).await;
        match (&inner.observer, &result) {
            (None, _) => {}
            (Some(observer), Ok(report)) => observer.ended(&self.loaded, report, inner.clock.now()).await,
            (Some(observer), Err(error)) => {
                let failed = FailedRun { run: &run, started: self.started, error, course: &live.course };
                observer.failed(&self.loaded, failed, inner.clock.now()).await;
            }
        }
    }

    /// Keeps the lease alive, and stops the run when it is lost, cancelled, or takes too long. It never ends.
    async fn keep(&self, inner: &Inner, stop: &Stop) -> std::convert::Infallible {
        let timeout = self.schedule.timeout.map(|timeout| tokio::time::Instant::now() + timeout.get());
        let mut lease = inner.clock.now() + LEASE;
        loop {
            let next = tokio::time::Instant::now() + LOOK;
            let over = timeout.filter(|_| stop.why().is_none());
            tokio::time::sleep_until(over.map_or(next, |timeout| timeout.min(next))).await;
            if timeout.is_some_and(|timeout| tokio::time::Instant::now() >= timeout) {
                stop.call(Why::Timeout);
            }
            // A run that stops needs its lease until it has.
            let now = inner.clock.now();
            let looked = match lease - now <= LEASE - RENEW {
                true => inner.store.renew(&self.claim, now + LEASE).await.inspect(|_| lease = now + LEASE),
                false => inner.store.wish(&self.claim).await,
            };
            match looked {
                Ok(Renewed::Held) => {}
                Ok(Renewed::Cancel(by)) => stop.call(Why::Cancelled(by)),
                Ok(Renewed::Lost) => stop.call(Why::Lost),
                Err(error) => {
                    tracing::warn!(task = %self.task.id, "the lease can't be renewed: {}", chain(&error));
                    if now > lease - MARGIN {
                        stop.call(Why::Lost);
                    }
                }
            }
        }
    }

    /// What becomes of the task.
    fn judge(&self, result: &Result<Report, RunError>, why: Option<Why>) -> End {
        let failed = |error: String, again: bool| match again && self.task.attempt <= self.schedule.retries {
            true => End::Again(error),
            false => End::Failed(error),
        };
        match (result, why) {
            (Ok(report), _) => self.ended(report),
            (Err(RunError::Stopped), Some(Why::Timeout)) => {
                let timeout = self.schedule.timeout.map(|timeout| timeout.to_string()).unwrap_or_default();
                failed(format!("it ran longer than its timeout of {timeout}"), true)
            }
            (Err(RunError::Stopped), Some(Why::Cancelled(by))) => End::Cancelled(format!("stopped by {by}")),
            (Err(RunError::Stopped), Some(Why::Lost)) => End::Lost,
            (Err(RunError::Stopped), _) => End::Later("parked when the daemon stopped".to_owned()),
            (Err(error), _) if error.exit_code() == BUSY => End::Busy(chain(error)),
            (Err(error), _) => failed(chain(error), error.may_run_again()),
        }
    }

    fn ended(&self, report: &Report) -> End {
        match (report.outcome, &report.finished) {
            (Outcome::Held, _) => End::Held(report.verdict.iter().flat_map(|verdict| verdict.sentences()).collect()),
            // It finished what somebody else had begun; the task's own work is still to be done.
            (Outcome::Resumed, Some(other)) if !self.task.runs.iter().any(|run| run.as_str() == other) => {
                End::Later(format!("run {} finished the load of run {other} first", report.run))
            }
            _ => End::Loaded,
        }
    }

    /// Writes down what became of the task, until that is done: nobody else will while the lease is ours.
    async fn write_down(&self, inner: &Inner, run: &RunId, end: End, result: &Result<Report, RunError>) {
        let (task, pipeline, attempt) = (&self.task.id, &self.task.pipeline, self.task.attempt);
        match &end {
            End::Again(error) => tracing::warn!(%task, %pipeline, attempt, "run {run} failed and is tried again: {error}"),
            End::Failed(error) => tracing::warn!(%task, %pipeline, attempt, "run {run} failed: {error}"),
            _ => {}
        }
        let mut pause = Duration::from_millis(200);
        while let Err(error) = self.try_to_write_down(inner, run, &end, Some(result)).await {
            tracing::error!(task = %self.task.id, "what became of run {run} can't be written down: {}", chain(&error));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }

    /// Every step may be done twice. The alert and the backfill come before the end: whoever dies between them is found with the task still running.
    pub async fn try_to_write_down(
        &self,
        inner: &Inner,
        run: &RunId,
        end: &End,
        result: Option<&Result<Report, RunError>>,
    ) -> Result<(), TasksError> {
        let (store, now, task) = (&inner.store, inner.clock.now(), &self.task);
        let notice = |kind| Notice::of(task, run, result, kind, now);
        let halt = async |status| match &task.backfill {
            Some(backfill) => store.stop_backfill(backfill, status).await.map(drop),
            None => Ok(()),
        };
        match end {
            End::Loaded => {
                inner.owe(task, &notice(Kind::Recovery)).await?;
                if let (Some(backfill), Some(window)) = (&task.backfill, task.window) {
                    store.advance(backfill, window.from, window.until).await?;
                }
                store.finish(&self.claim, TaskStatus::Loaded, None, now).await?;
            }
            End::Held(why) => {
                inner.owe(task, &notice(Kind::Hold)).await?;
                halt(BackfillStatus::Halted).await?;
                store.finish(&self.claim, TaskStatus::Held, Some(&why.join("; ")), now).await?;
            }
            End::Failed(error) => {
                let mut notice = notice(Kind::Failure);
                if notice.why.is_empty() {
                    notice.why.push(error.clone());
                }
                if task.attempt > 1 {
                    notice.why.push(format!("it was tried {} times", task.attempt));
                }
                inner.owe(task, &notice).await?;
                halt(BackfillStatus::Halted).await?;
                store.finish(&self.claim, TaskStatus::Failed, Some(error), now).await?;
            }
            End::Cancelled(error) => {
                halt(BackfillStatus::Cancelled).await?;
                store.finish(&self.claim, TaskStatus::Cancelled, Some(error), now).await?;
            }
            End::Again(error) => {
                let delay = chrono::Duration::from_std(self.schedule.retry_delay.get()).unwrap_or_default();
                let later = Later { attempt: task.attempt + 1, not_before: now + delay, error, died: false, began: true };
                store.put_back(&self.claim, &later).await?;
            }
            End::Later(error) => {
                let later = Later { attempt: task.attempt, not_before: now, error, died: false, began: true };
                store.put_back(&self.claim, &later).await?;
            }
            End::Busy(error) => {
                let later = Later { attempt: task.attempt, not_before: now + BUSY_PAUSE, error, died: false, began: false };
                store.put_back(&self.claim, &later).await?;
            }
            End::Lost => tracing::warn!(task = %task.id, "another daemon has taken the task over; run {run} was stopped"),
        }
        Ok(())
    }
}

/// A run of this process. It is gone with this value, also where it panicked: then its claim ends, and the task is found again.
struct Present {
    inner: Arc<Inner>,
    task: TaskId,
    run: RunId,
}

impl Drop for Present {
    fn drop(&mut self) {
        locked(&self.inner.lives).remove(&self.run);
        locked(&self.inner.stops).remove(&self.task);
        self.inner.wake.notify_one();
    }
}

/// What becomes of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It is done.
    Loaded,
    /// The gate held its run.
    Held(Vec<String>),
    /// It failed, and is not tried again.
    Failed(String),
    /// Somebody ended it.
    Cancelled(String),
    /// It failed, and is tried again after the delay.
    Again(String),
    /// It is to be begun again at once; that is nobody's failure.
    Later(String),
    /// Somebody else is at the pipeline: its run did not begin.
    Busy(String),
    /// It is another daemon's now.
    Lost,
}

async fn run_once(inner: &Inner, work: Launch, stop: &Stop) -> Result<Report, RunError> {
    // Boxed: the future of a whole run is large.
    Box::pin(launch(&inner.host, work, stop.called())).await
}

fn status(result: &Result<Report, RunError>) -> Status {
    match result {
        Ok(report) if report.outcome == Outcome::Held => Status::Held,
        Ok(_) => Status::Loaded,
        Err(RunError::Stopped) => Status::Stopped,
        Err(_) => Status::Failed,
    }
}
