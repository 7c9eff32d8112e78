//! Between the store's rows and its types.

use std::{error::Error, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Backfill, BackfillEntry, BackfillId, Span, Task, TaskId, TasksError,
    driver::{Row, Value},
};

/// The columns of a task, in the order of [`task`] and [`task_values`].
pub(super) const TASK: &str = "id, pipeline, cause, by, due, logical, window_from, window_until, backfill, status, attempt, not_before, run, runs, deaths, \
                               claimed_by, lease_until, cancel_by, error, late, created_at, started_at, finished_at";

/// The columns of a backfill, in the order of [`backfill`].
pub(super) const BACKFILL: &str = "id, pipeline, from_at, to_at, window_secs, next_at, round, status, by, created_at";

/// Reads the values of a row, from the first to the last.
pub(super) struct Reader(std::vec::IntoIter<Value>);

pub(super) fn reader(row: Row) -> Reader {
    Reader(row.into_iter())
}

/// An instant as the store keeps it.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

impl Reader {
    pub fn optional_text(&mut self, column: &'static str) -> Result<Option<String>, TasksError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(TasksError::Value { column }),
        }
    }

    pub fn text(&mut self, column: &'static str) -> Result<String, TasksError> {
        self.optional_text(column)?.ok_or(TasksError::Value { column })
    }

    pub fn word<T: FromStr<Err: Error>>(&mut self, column: &'static str) -> Result<T, TasksError> {
        self.text(column)?.parse().map_err(|_| TasksError::Value { column })
    }

    pub fn optional_number(&mut self, column: &'static str) -> Result<Option<i64>, TasksError> {
        match self.0.next() {
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(TasksError::Value { column }),
        }
    }

    pub fn number(&mut self, column: &'static str) -> Result<i64, TasksError> {
        self.optional_number(column)?.ok_or(TasksError::Value { column })
    }

    pub fn count(&mut self, column: &'static str) -> Result<u32, TasksError> {
        u32::try_from(self.number(column)?).map_err(|_| TasksError::Value { column })
    }

    pub fn optional_time(&mut self, column: &'static str) -> Result<Option<DateTime<Utc>>, TasksError> {
        let instant = |micros| DateTime::from_timestamp_micros(micros).ok_or(TasksError::Value { column });
        self.optional_number(column)?.map(instant).transpose()
    }

    pub fn time(&mut self, column: &'static str) -> Result<DateTime<Utc>, TasksError> {
        self.optional_time(column)?.ok_or(TasksError::Value { column })
    }
}

pub(super) fn task(row: Row) -> Result<Task, TasksError> {
    let mut read = reader(row);
    Ok(Task {
        id: TaskId::kept(read.text("id")?),
        pipeline: read.text("pipeline")?,
        cause: read.word("cause")?,
        by: read.text("by")?,
        due: read.time("due")?,
        logical: read.optional_time("logical")?,
        window: match (read.optional_time("window_from")?, read.optional_time("window_until")?) {
            (Some(from), Some(until)) => Some(Span { from, until }),
            _ => None,
        },
        backfill: read.optional_text("backfill")?.map(BackfillId::kept),
        status: read.word("status")?,
        attempt: read.count("attempt")?,
        not_before: read.time("not_before")?,
        run: read.optional_text("run")?.map(|run| run.parse().map_err(|_| TasksError::Value { column: "run" })).transpose()?,
        runs: read.text("runs")?.split_whitespace().filter_map(|run| run.parse().ok()).collect(),
        deaths: read.count("deaths")?,
        claimed_by: read.optional_text("claimed_by")?,
        lease_until: read.optional_time("lease_until")?,
        cancel_by: read.optional_text("cancel_by")?,
        error: read.optional_text("error")?,
        late: read.number("late")? != 0,
        created_at: read.time("created_at")?,
        started_at: read.optional_time("started_at")?,
        finished_at: read.optional_time("finished_at")?,
    })
}

pub(super) fn task_values(task: &Task) -> Vec<Value> {
    let time = |at: Option<DateTime<Utc>>| Value::from(at.map(micros));
    vec![
        task.id.as_str().into(),
        task.pipeline.as_str().into(),
        task.cause.name().into(),
        task.by.as_str().into(),
        micros(task.due).into(),
        time(task.logical),
        time(task.window.map(|window| window.from)),
        time(task.window.map(|window| window.until)),
        task.backfill.as_ref().map(BackfillId::as_str).into(),
        task.status.name().into(),
        i64::from(task.attempt).into(),
        micros(task.not_before).into(),
        task.run.as_ref().map(|run| run.as_str()).into(),
        task.runs.iter().map(|run| format!("{run} ")).collect::<String>().into(),
        i64::from(task.deaths).into(),
        task.claimed_by.as_deref().into(),
        time(task.lease_until),
        task.cancel_by.as_deref().into(),
        task.error.as_deref().into(),
        i64::from(task.late).into(),
        micros(task.created_at).into(),
        time(task.started_at),
        time(task.finished_at),
    ]
}

pub(super) fn backfill(row: Row) -> Result<BackfillEntry, TasksError> {
    let mut read = reader(row);
    Ok(BackfillEntry {
        id: BackfillId::kept(read.text("id")?),
        pipeline: read.text("pipeline")?,
        span: Backfill {
            from: read.time("from_at")?,
            to: read.time("to_at")?,
            window: Duration::from_secs(u64::try_from(read.number("window_secs")?).unwrap_or(1)),
        },
        at: read.time("next_at")?,
        round: read.count("round")?,
        status: read.word("status")?,
        by: read.text("by")?,
        created_at: read.time("created_at")?,
    })
}
