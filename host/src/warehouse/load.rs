//! What is loaded, and what came of it: the same for every warehouse.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::config::Mode;

/// A run's rows on their way into a warehouse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The pipeline.
    pub pipeline: String,
    /// The run.
    pub run: String,
    /// The load's number: one more than that of the pipeline's last one.
    pub sequence: u64,
    /// The run's logical time: from when on rows of [`Mode::Scd2`] are valid.
    #[serde(default)]
    pub as_of: DateTime<Utc>,
    /// The run's quarantine folder, relative to the storage folder: where rows go that the warehouse can't represent.
    #[serde(default)]
    pub quarantine: PathBuf,
    /// The run's clean streams.
    pub streams: Vec<CleanStream>,
    /// The tables to load, in order.
    pub tables: Vec<TableLoad>,
    /// The marts to refresh once the load is visible, as name and SQL. The load itself does not touch them: they ride along for the
    /// one who finishes it later.
    #[serde(default)]
    pub marts: Vec<(String, String)>,
    /// Where streams resume, by `<source>/<stream>`; they become visible with the tables. Streams that are not named keep their cursor.
    #[serde(default)]
    pub cursors: BTreeMap<String, String>,
    /// What the table `ingest_audit` says of the run.
    #[serde(default)]
    pub audit: Vec<AuditRow>,
}

/// A clean stream of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanStream {
    /// The stream.
    pub name: String,
    /// Its Parquet files, relative to the storage folder, so that a storage that was moved can still be finished. A stream without rows
    /// has an empty file: it is what tells its schema.
    pub files: Vec<PathBuf>,
}

/// A table to load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLoad {
    /// The table.
    pub name: String,
    /// A SELECT over the clean streams by their names. Either this or `stream`.
    pub sql: Option<String>,
    /// The stream that is loaded as it is. Either this or `sql`.
    pub stream: Option<String>,
    /// How rows are written.
    pub mode: Mode,
    /// The columns that identify a row, for [`Mode::Merge`] and [`Mode::Scd2`].
    #[serde(default)]
    pub key: Vec<String>,
}

/// A row of the table `ingest_audit`. The load adds pipeline, run, sequence and `finished_at`, and a row for each table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// The stream that it speaks of.
    pub stream: Option<String>,
    /// The table that it speaks of.
    pub table: Option<String>,
    /// The rows that the source gave.
    pub rows_read: Option<u64>,
    /// The rows that passed.
    pub rows_accepted: Option<u64>,
    /// The rows that went to quarantine.
    pub rows_quarantined: Option<u64>,
    /// The rows that were added or changed.
    pub rows_loaded: Option<u64>,
    /// The bytes that the source read.
    pub bytes_read: Option<u64>,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// The overall score in percent.
    pub overall_score: Option<f64>,
    /// The gate's verdict.
    pub verdict: String,
    /// The digests of the plugins, as JSON.
    pub plugin_digests: String,
    /// The scores, as JSON.
    pub scores: String,
    /// Milliseconds that each stage took, as JSON.
    #[serde(default)]
    pub timings: String,
    /// The runs whose pages were read again, as JSON, where a replay rebuilt the tables; else empty.
    #[serde(default)]
    pub replayed: String,
}

/// What a load or a refresh did to a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableResult {
    /// The table.
    pub table: String,
    /// How rows were written.
    pub mode: Mode,
    /// The rows that the run has for the table.
    pub rows_in: u64,
    /// The rows that were added.
    pub inserted: u64,
    /// The rows that were changed.
    pub updated: u64,
    /// The rows that were there already, equal in every column.
    pub unchanged: u64,
    /// The rows that the warehouse can't represent; they are in quarantine.
    #[serde(default)]
    pub refused: u64,
    /// The rows that the table has now; none where counting them would take longer than the load.
    pub rows_after: Option<u64>,
    /// The table's Delta version now; none where there are no versions.
    pub version: Option<u64>,
    /// Whether an earlier try had done it.
    pub skipped: bool,
    /// What a person should know of how it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
