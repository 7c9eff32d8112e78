//! Pipeline files as they were when they were good, so that a broken one can be stood in for by a daemon that has never seen it good.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Tasks, TasksError,
    driver::values,
    rows::{micros, reader},
};

/// A pipeline file as it was when it was good. With its SQL it is all that a run needs of it; it holds names of secrets, never one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The file, below the folder that is served.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The texts of the SQL files that it names, by the values that name them.
    pub sql: BTreeMap<String, String>,
}

impl Tasks {
    /// The last good readings.
    pub async fn readings(&self) -> Result<Vec<Reading>, TasksError> {
        let rows = self.0.query("select file, text, sql from readings order by file", &[]).await?;
        let reading = |mut read: super::rows::Reader| {
            let (file, text, sql) = (read.text("file")?, read.text("text")?, read.text("sql")?);
            let sql = serde_json::from_str(&sql).map_err(|_| TasksError::Value { column: "sql" })?;
            Ok(Reading { file, text, sql })
        };
        rows.into_iter().map(reader).map(reading).collect()
    }

    /// Keeps a good reading in place of the one before.
    pub async fn keep_reading(&self, reading: &Reading, now: DateTime<Utc>) -> Result<(), TasksError> {
        let sql = "insert into readings (file, text, sql, read_at) values ($1, $2, $3, $4) on conflict (file) do update \
                   set text = excluded.text, sql = excluded.sql, read_at = excluded.read_at \
                   where readings.text <> excluded.text or readings.sql <> excluded.sql";
        let named = serde_json::to_string(&reading.sql).unwrap_or_default();
        self.0.execute(sql, values![reading.file.as_str(), reading.text.as_str(), named, micros(now)]).await.map(drop)
    }

    /// Forgets a file that is gone: another one of its name is not stood in for by it.
    pub async fn forget_reading(&self, file: &str) -> Result<(), TasksError> {
        self.0.execute("delete from readings where file = $1", values![file]).await.map(drop)
    }
}
