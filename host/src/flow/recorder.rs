//! Writes a run's stages and its log into the history while they happen, so that a run that is killed has left what it did until then.
//!
//! What always holds here: whoever watches hears of a message when it comes; the history has it within [`PAUSE`] (`tests/suite/schedule`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::{Stage, Watcher, launch::show};
use crate::{
    plugin::{LogLine, LogSink},
    state::{Level, LogEntry, RunId, StageEntry, State},
};

/// How long messages are gathered before they are written: each writing waits for the disk.
const PAUSE: Duration = Duration::from_millis(500);

/// Watches a run for its history, and hands everything on.
pub(super) struct Recorder {
    state: Arc<State>,
    run: RunId,
    next: Arc<dyn Watcher>,
    begun: Mutex<HashMap<(Stage, String), DateTime<Utc>>>,
    gathered: Mutex<Vec<LogEntry>>,
}

impl Recorder {
    pub fn new(state: Arc<State>, run: RunId, next: Arc<dyn Watcher>) -> Arc<Self> {
        next.begun(&run);
        Arc::new(Self { state, run, next, begun: Mutex::default(), gathered: Mutex::default() })
    }

    /// Where messages of plugins go: to the program's log, to whoever watches, to the history.
    pub fn sink(self: &Arc<Self>) -> LogSink {
        let this = self.clone();
        Arc::new(move |line: LogLine| {
            show(&line);
            let level = match line.level {
                tracing::Level::ERROR => Level::Error,
                tracing::Level::WARN => Level::Warn,
                tracing::Level::INFO => Level::Info,
                _ => Level::Debug,
            };
            let stream = (!line.stream.is_empty()).then_some(line.stream);
            this.keep(LogEntry { at: Utc::now(), level, plugin: Some(line.plugin), stream, message: line.message });
        })
    }

    fn keep(&self, entry: LogEntry) {
        self.next.logged(&entry);
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Writes what was gathered, again and again; it never ends.
    pub async fn write_on(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(PAUSE).await;
            self.write();
        }
    }

    /// Writes what was gathered.
    pub fn write(&self) {
        let entries = std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if entries.is_empty() {
            return;
        }
        // The run is worth more than its log.
        if let Err(error) = self.state.log(&self.run, &entries) {
            tracing::warn!(run = %self.run, "{} log messages could not be kept: {}", entries.len(), crate::error::chain(&error));
        }
    }

    fn stage(&self, stage: Stage, what: &str, started_at: DateTime<Utc>, finished_at: Option<DateTime<Utc>>, rows: Option<u64>) {
        let stream = (!what.is_empty()).then(|| what.to_owned());
        let entry = StageEntry { stage: stage.kept(), stream, started_at, finished_at, rows: rows.unwrap_or(0) };
        if let Err(error) = self.state.stage(&self.run, &entry) {
            tracing::warn!(run = %self.run, "a stage could not be kept: {}", crate::error::chain(&error));
        }
    }
}

impl Watcher for Recorder {
    fn started(&self, stage: Stage, what: &str, bytes: Option<u64>) {
        let now = Utc::now();
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert((stage, what.to_owned()), now);
        self.next.started(stage, what, bytes);
        self.stage(stage, what, now, None, None);
    }

    fn finished(&self, stage: Stage, what: &str, rows: Option<u64>) {
        let now = Utc::now();
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&(stage, what.to_owned()));
        self.next.finished(stage, what, rows);
        self.stage(stage, what, begun.unwrap_or(now), Some(now), rows);
    }

    fn said(&self, entry: &LogEntry) {
        self.keep(entry.clone());
    }
}
