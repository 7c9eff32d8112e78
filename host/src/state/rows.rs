//! Between Rust's types and SQLite's: times are microseconds, counts are signed 64-bit numbers, words and JSON are text.

use std::error::Error;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use rusqlite::{Error as SqlError, Row};
use serde::de::DeserializeOwned;

use super::record::{LogEntry, Rows, Run, StageEntry};
use crate::quality::Measure;

/// The columns that [`run`] reads.
pub(super) const RUN: &str = "id, pipeline, sequence, status, started_at, finished_at, pid, rows_read, rows_accepted, rows_quarantined, \
                              rows_loaded, verdict, score, error, resumed_by, report, failure";

/// A count as SQLite keeps it. No run counts to 2^63.
pub(super) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn run(row: &Row<'_>) -> Result<Run, SqlError> {
    Ok(Run {
        id: word(row, "id")?,
        pipeline: row.get("pipeline")?,
        sequence: unsigned(row, "sequence")?,
        status: word(row, "status")?,
        started_at: time(row, "started_at")?,
        finished_at: optional_time(row, "finished_at")?,
        pid: row.get("pid")?,
        rows: Rows {
            read: unsigned(row, "rows_read")?,
            accepted: unsigned(row, "rows_accepted")?,
            quarantined: unsigned(row, "rows_quarantined")?,
            loaded: unsigned(row, "rows_loaded")?,
        },
        verdict: optional_word(row, "verdict")?,
        score: row.get("score")?,
        error: row.get("error")?,
        resumed_by: optional_word(row, "resumed_by")?,
        report: row.get::<_, Option<String>>("report")?.map(|text| json(&text)).transpose()?,
        failure: row.get::<_, Option<String>>("failure")?.map(|text| json(&text)).transpose()?,
    })
}

pub(super) fn stage(row: &Row<'_>) -> Result<StageEntry, SqlError> {
    Ok(StageEntry {
        stage: word(row, "stage")?,
        stream: Some(row.get::<_, String>("stream")?).filter(|stream| !stream.is_empty()),
        started_at: time(row, "started_at")?,
        finished_at: optional_time(row, "finished_at")?,
        rows: unsigned(row, "rows")?,
    })
}

pub(super) fn measure(row: &Row<'_>) -> Result<Measure, SqlError> {
    Ok(Measure {
        stream: row.get("stream")?,
        plugin: row.get("plugin")?,
        dimension: serde_json::from_value(row.get::<_, String>("dimension")?.into()).map_err(unreadable)?,
        rule: row.get("rule")?,
        columns: json(&row.get::<_, String>("columns")?)?,
        passed: unsigned(row, "passed")?,
        total: unsigned(row, "total")?,
        samples: json(&row.get::<_, String>("samples")?)?,
        rejects: row.get("rejects")?,
    })
}

pub(super) fn log(row: &Row<'_>) -> Result<LogEntry, SqlError> {
    Ok(LogEntry {
        at: time(row, "at")?,
        level: word(row, "level")?,
        plugin: row.get("plugin")?,
        stream: row.get("stream")?,
        message: row.get("message")?,
    })
}

/// A text as the type that it is the word of.
pub(super) fn word<T>(row: &Row<'_>, column: &str) -> Result<T, SqlError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    row.get::<_, String>(column)?.parse().map_err(unreadable)
}

fn optional_word<T>(row: &Row<'_>, column: &str) -> Result<Option<T>, SqlError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    row.get::<_, Option<String>>(column)?.map(|word| word.parse().map_err(unreadable)).transpose()
}

fn unsigned(row: &Row<'_>, column: &str) -> Result<u64, SqlError> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(unreadable)
}

pub(super) fn time(row: &Row<'_>, column: &str) -> Result<DateTime<Utc>, SqlError> {
    from_micros(row.get(column)?)
}

fn optional_time(row: &Row<'_>, column: &str) -> Result<Option<DateTime<Utc>>, SqlError> {
    row.get::<_, Option<i64>>(column)?.map(from_micros).transpose()
}

fn from_micros(micros: i64) -> Result<DateTime<Utc>, SqlError> {
    DateTime::from_timestamp_micros(micros).ok_or(SqlError::IntegralValueOutOfRange(0, micros))
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, SqlError> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(error: impl Error + Send + Sync + 'static) -> SqlError {
    SqlError::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
