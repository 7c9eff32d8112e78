//! What others see of the daemon: its pipelines, and the runs that go on, event by event.
//!
//! What always holds here: whoever follows a run gets every event once, those before they came and those after
//! (`a_follower_misses_nothing`).

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::broadcast;

use crate::{
    config::Loaded,
    engine::Progress,
    flow::{Course, launch::Launch},
    state::{LogEntry, RunId, Stage, Status},
};

/// How many events a slow follower may lag behind before it misses some.
const LAG: usize = 4096;

/// The most events of a run that are kept for those who come later: a plugin's log is limited, a pipeline's plugins are not.
const KEPT: usize = 20_000;

/// A pipeline as the daemon has it.
#[derive(Debug, Clone)]
pub struct PipelineView {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The last good reading of its file, which is in force.
    pub loaded: Arc<Loaded>,
    /// What is wrong with the file as it is now, rendered for a person.
    pub problem: Option<String>,
    /// When it runs, in words.
    pub cadence: String,
    /// Since when it is paused, and by whom.
    pub paused: Option<(DateTime<Utc>, String)>,
    /// When it is due next; none where it has no schedule, is paused, or waits for other pipelines.
    pub next: Option<DateTime<Utc>>,
    /// The run that goes on, in this daemon or another one.
    pub running: Option<RunId>,
    /// How many tasks wait.
    pub queued: usize,
    /// Whether a task that has not ended is late by more than its SLA.
    pub sla_missed: bool,
}

/// What happens in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Something entered a stage.
    StageStarted {
        /// The stage.
        stage: Stage,
        /// The stream, check, table or mart.
        what: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It left the stage.
    StageFinished {
        /// The stage.
        stage: Stage,
        /// The stream, check, table or mart.
        what: String,
        /// When.
        at: DateTime<Utc>,
        /// The rows that it passed on, where they are counted.
        rows: Option<u64>,
    },
    /// A plugin or the host said something.
    Log(LogEntry),
    /// The run ended. Nothing follows.
    Ended {
        /// How.
        status: Status,
    },
}

/// A run of this process that goes on.
#[derive(Debug, Clone)]
pub struct Live {
    /// The run.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// When it started.
    pub started: DateTime<Utc>,
    /// How many rows and bytes it has done so far.
    pub progress: Arc<Progress>,
    /// What it has done so far, and how the requests of its sources go.
    pub course: Arc<Course>,
    feed: Arc<Feed>,
}

impl Live {
    /// A run that is about to be launched.
    pub(super) fn of(launch: &Launch, pipeline: &str) -> Self {
        let (progress, course) = (launch.progress.clone(), launch.course.clone());
        Self { run: launch.run(), pipeline: pipeline.to_owned(), started: launch.started, progress, course, feed: Arc::new(Feed::new()) }
    }

    /// What happened so far, and a receiver of what happens from now on. The receiver ends after [`Event::Ended`].
    pub fn follow(&self) -> (Vec<Event>, broadcast::Receiver<Event>) {
        self.feed.follow()
    }

    /// Tells those who follow.
    pub(super) fn tell(&self, event: Event) {
        self.feed.tell(event);
    }
}

/// The events of a run.
#[derive(Debug)]
struct Feed {
    /// One lock over both, so that no event falls between what was and what comes.
    told: Mutex<(Vec<Event>, Option<broadcast::Sender<Event>>)>,
}

impl Feed {
    fn new() -> Self {
        Self { told: Mutex::new((Vec::new(), Some(broadcast::Sender::new(LAG)))) }
    }

    fn follow(&self) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // A run that ended has no sender any more: its receiver ends at once.
        let receiver = told.1.as_ref().map_or_else(|| broadcast::channel(1).1, broadcast::Sender::subscribe);
        (told.0.clone(), receiver)
    }

    fn tell(&self, event: Event) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = matches!(event, Event::Ended { .. });
        if told.0.len() < KEPT || last {
            told.0.push(event.clone());
        }
        if let Some(sender) = &told.1 {
            // Nobody listens: no error.
            let _ = sender.send(event);
        }
        if last {
            told.1 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(what: &str) -> Event {
        Event::StageStarted { stage: Stage::Extract, what: what.to_owned(), at: DateTime::UNIX_EPOCH }
    }

    #[tokio::test]
    async fn a_follower_misses_nothing() {
        let live = Live::of(&Launch::new("shop.toml".into()), "shop");
        live.tell(started("orders"));
        let (before, mut after) = live.follow();
        live.tell(started("customers"));
        live.tell(Event::Ended { status: Status::Loaded });
        assert_eq!(before, [started("orders")]);
        assert_eq!(after.recv().await.unwrap(), started("customers"));
        assert_eq!(after.recv().await.unwrap(), Event::Ended { status: Status::Loaded });
        assert!(after.recv().await.is_err());

        let (all, mut nothing) = live.follow();
        assert_eq!(all.len(), 3);
        assert!(nothing.recv().await.is_err());
    }
}
