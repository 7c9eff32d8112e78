//! What is kept of the daemon's work, as types.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::state::{RunId, UnknownWord, record::words};

/// The name of a task: `YYYYMMDDTHHMMSSmmmZ-xxxxxxxx`, its due time in UTC and eight hexadecimal digits. The same pipeline, cause and time
/// give the same name, so that two daemons that find a schedule due make one task of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
    /// The name of the task of `pipeline` that is due at `due` for this cause. A due time that is found again after it was missed is the same
    /// task.
    pub fn new(pipeline: &str, cause: Cause, due: DateTime<Utc>) -> Self {
        let cause = if cause == Cause::Missed { Cause::Schedule } else { cause };
        Self(name_of(due, &[pipeline, cause.name()]))
    }

    /// The name of the task for a window of a backfill.
    pub fn of_window(backfill: &BackfillEntry, window: Span) -> Self {
        Self(name_of(window.until, &[backfill.id.as_str(), &backfill.round.to_string()]))
    }

    /// A name that was kept.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The name of a backfill, made as a task's is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackfillId(String);

impl BackfillId {
    /// The name of a backfill of `pipeline` that is asked for at `at`.
    pub fn new(pipeline: &str, at: DateTime<Utc>) -> Self {
        Self(name_of(at, &[pipeline, "backfill"]))
    }

    /// A name that was kept.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackfillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn name_of(at: DateTime<Utc>, words: &[&str]) -> String {
    let mut digest = Sha256::new();
    digest.update(at.timestamp_micros().to_le_bytes());
    for word in words {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    let tail: String = digest.finalize()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{:03}Z-{tail}", at.format("%Y%m%dT%H%M%S"), at.timestamp_subsec_millis().min(999))
}

words! {
    /// Why a task is there.
    Cause, "cause":
    /// Its schedule was due.
    Schedule = "schedule",
    /// Its schedule was due while no daemon lived.
    Missed = "missed",
    /// The pipelines before it have loaded.
    After = "after",
    /// A person asked for it.
    Manual = "manual",
    /// It is a window of a backfill.
    Backfill = "backfill",
}

words! {
    /// How a task stands.
    TaskStatus, "status of a task":
    /// It waits for its turn, or for the time of its next attempt.
    Queued = "queued",
    /// A daemon works on it.
    Running = "running",
    /// Its run loaded.
    Loaded = "loaded",
    /// The gate held its run; nothing was loaded.
    Held = "held",
    /// Its last attempt failed.
    Failed = "failed",
    /// A person, or a newer run of the pipeline, ended it.
    Cancelled = "cancelled",
    /// The pipeline was at work when it became due, and its schedule says to leave it out then.
    Skipped = "skipped",
}

impl TaskStatus {
    /// Whether nothing more becomes of it.
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A span of time that a run is to read: from its start, up to but not including its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its start.
    pub from: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
}

/// One thing to do: a run of a pipeline, with its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// The pipeline.
    pub pipeline: String,
    /// Why it is there.
    pub cause: Cause,
    /// Who asked for it: a person's name, or what the cause is about.
    pub by: String,
    /// When it was due.
    pub due: DateTime<Utc>,
    /// The logical time of its run; none for the time at which the run starts.
    pub logical: Option<DateTime<Utc>>,
    /// The window that it reads, in a backfill.
    pub window: Option<Span>,
    /// The backfill that it belongs to.
    pub backfill: Option<BackfillId>,
    /// How it stands.
    pub status: TaskStatus,
    /// The attempt that runs, or that is next: 1 for the first.
    pub attempt: u32,
    /// The time before which it is not tried.
    pub not_before: DateTime<Utc>,
    /// The run of its last attempt.
    pub run: Option<RunId>,
    /// The runs of all its attempts, in their order.
    pub runs: Vec<RunId>,
    /// How often a daemon died while it ran.
    pub deaths: u32,
    /// The daemon that works on it, or did so last.
    pub claimed_by: Option<String>,
    /// Until when that daemon may be taken to live.
    pub lease_until: Option<DateTime<Utc>>,
    /// Who wants its run to stop.
    pub cancel_by: Option<String>,
    /// Why its last attempt failed, or why it was left out.
    pub error: Option<String>,
    /// Whether it was late by more than its SLA, and people were told.
    pub late: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its first attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

words! {
    /// How a backfill stands.
    BackfillStatus, "status of a backfill":
    /// Its windows are worked on, one after another.
    Going = "going",
    /// All windows are loaded.
    Done = "done",
    /// A window failed or was held: it goes on from there when it is asked for again.
    Halted = "halted",
    /// A person ended it.
    Cancelled = "cancelled",
}

/// What a backfill is to cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Where the first window starts.
    pub from: DateTime<Utc>,
    /// Where the last window ends.
    pub to: DateTime<Utc>,
    /// How long a window is; the last one may be shorter.
    #[serde(with = "seconds")]
    pub window: std::time::Duration,
}

impl Backfill {
    /// The window that starts at `at`; none where everything is covered.
    pub fn window_at(&self, at: DateTime<Utc>) -> Option<Span> {
        let until = at.checked_add_signed(chrono::Duration::from_std(self.window).ok()?)?.min(self.to);
        (at < until).then_some(Span { from: at, until })
    }

    /// How many windows there are up to `at`, and in all.
    pub fn progress(&self, at: DateTime<Utc>) -> (u64, u64) {
        let micros = i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX).max(1);
        let windows = |until: DateTime<Utc>| {
            let span = (until - self.from).num_microseconds().unwrap_or(i64::MAX).max(0);
            u64::try_from(span.div_euclid(micros) + i64::from(span.rem_euclid(micros) > 0)).unwrap_or(0)
        };
        (windows(at.min(self.to)), windows(self.to))
    }
}

mod seconds {
    //! A duration as seconds.

    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(duration.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

/// A backfill as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackfillEntry {
    /// Its name.
    pub id: BackfillId,
    /// The pipeline.
    pub pipeline: String,
    /// What it is to cover.
    pub span: Backfill,
    /// Where the next window starts: everything before is loaded.
    pub at: DateTime<Utc>,
    /// How often it was asked for again after it had halted.
    pub round: u32,
    /// How it stands.
    pub status: BackfillStatus,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What is kept of a pipeline between the daemon's lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineMark {
    /// The pipeline.
    pub pipeline: String,
    /// The schedule that the other marks belong to, in words.
    pub cadence: String,
    /// Due times up to here are accounted for.
    pub mark: DateTime<Utc>,
    /// Since when it is paused, and by whom.
    pub paused: Option<(DateTime<Utc>, String)>,
}

/// News that somebody has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The task and the kind of news: said once.
    pub id: String,
    /// The pipeline that it is about.
    pub pipeline: String,
    /// The news, as JSON.
    pub news: String,
    /// How often it was tried to tell.
    pub tries: u32,
    /// Since when it is owed.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_due_time_is_the_same_task() {
        let due = at("2026-11-27T06:00:00Z");
        let id = TaskId::new("shop", Cause::Schedule, due);
        assert!(id.as_str().starts_with("20261127T060000000Z-"), "{id}");
        assert_eq!(id, TaskId::new("shop", Cause::Schedule, due));
        assert_eq!(id, TaskId::new("shop", Cause::Missed, due));
        assert_ne!(id, TaskId::new("shop", Cause::Manual, due));
        assert_ne!(id, TaskId::new("other", Cause::Schedule, due));
    }

    #[test]
    fn windows_follow_each_other_and_the_last_may_be_shorter() {
        let span = Backfill { from: at("2026-01-01T00:00:00Z"), to: at("2026-01-03T12:00:00Z"), window: Duration::from_secs(86_400) };
        let mut windows = Vec::new();
        let mut next = span.from;
        while let Some(window) = span.window_at(next) {
            windows.push((window.from, window.until));
            next = window.until;
        }
        let days = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-03T12:00:00Z"].map(at);
        assert_eq!(windows, days.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>());
        assert_eq!(span.progress(span.from), (0, 3));
        assert_eq!(span.progress(days[2]), (2, 3));
        assert_eq!(span.progress(span.to), (3, 3));
    }
}
