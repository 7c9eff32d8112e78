//! What a pipeline file says, as types. Every key is documented here; the JSON Schema in `docs/pipeline.schema.json` is made from it.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::alerts::Alert;
use super::schedule::Schedule;
use super::{Credential, HttpGrant, Limits, Patience};
use crate::quality::Dimension;

/// A pipeline: where rows come from, what happens to them, where they go.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The version of this format: 1.
    pub version: u32,
    /// The pipeline's name: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Where tidegate keeps what it writes.
    #[serde(default)]
    pub storage: Storage,
    /// Where tables go.
    #[serde(default)]
    pub warehouse: Warehouse,
    /// When it runs by itself, under `tidegate serve`.
    pub schedule: Option<Schedule>,
    /// The clock that plugins see.
    #[serde(default)]
    pub clock: Clock,
    /// What one plugin instance may use.
    #[serde(default)]
    pub limits: Limits,
    /// How the work is spread.
    #[serde(default)]
    pub engine: Engine,
    /// What the gate asks of every stream that does not say otherwise.
    #[serde(default)]
    pub gate: Gate,
    /// The sources, by name.
    pub sources: IndexMap<String, Source>,
    /// What happens to each stream, by the stream's name. Streams that are not named here are not read.
    pub streams: IndexMap<String, Stream>,
    /// Rules across streams, by name.
    #[serde(default)]
    pub checks: IndexMap<String, Check>,
    /// The tables to load, by name.
    #[serde(default)]
    pub tables: IndexMap<String, Table>,
    /// The marts to refresh after a load, by name.
    #[serde(default)]
    pub marts: IndexMap<String, Mart>,
    /// Who is told when a run fails, is held, is late, or is well again, by name.
    #[serde(default)]
    pub alerts: IndexMap<String, Alert>,
}

/// Where tidegate keeps what it writes: raw pages, clean files, quarantine, the lake and its state.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// A folder, relative to the pipeline file.
    pub path: PathBuf,
    /// Whether clean files are written as CSV beside the Parquet ones.
    pub clean_csv: bool,
}

impl Default for Storage {
    fn default() -> Self {
        Self { path: PathBuf::from("store"), clean_csv: false }
    }
}

/// Where tables go. All keys but `kind` are for PostgreSQL.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// Which kind it is.
    pub kind: WarehouseKind,
    /// The environment variable that holds the database's URL (`postgres://user@host:5432/database?sslmode=verify-full`, or libpq's
    /// `key=value` form). Without it, `PGHOST` and the other variables of libpq say where it is.
    pub url: Option<FromEnv>,
    /// The schema in which tables and marts are made: `public` by default.
    pub schema: Option<String>,
    /// What happens when a run's columns are not those of the table: `evolve` by default.
    pub contract: Option<Contract>,
    /// How rows get there: `copy` by default.
    pub load: Option<LoadPath>,
    /// SQL files that `tidegate warehouse init` executes, in order: tables with their keys, indexes and comments.
    #[serde(default)]
    pub setup: Vec<PathBuf>,
    /// SQL files that `tidegate warehouse init` executes after those, where TimescaleDB is installed.
    #[serde(default)]
    pub timescale: Vec<PathBuf>,
}

/// The kinds of warehouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WarehouseKind {
    /// Delta Lake tables in `<storage>/lake`.
    #[default]
    Lake,
    /// A PostgreSQL database.
    Postgres,
}

/// A value that stays outside the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromEnv {
    /// The environment variable that holds it.
    pub env: String,
}

/// What happens when the columns that a run brings are not those of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Contract {
    /// New columns are added and types widened; what can't be widened stops the load.
    #[default]
    Evolve,
    /// Any difference stops the load.
    Freeze,
    /// The table stays as it is; rows with a value that it has no place for go to quarantine.
    Quarantine,
}

/// How rows get into a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoadPath {
    /// By COPY, or where the database refuses that, by INSERT.
    #[default]
    Copy,
    /// By INSERT of many rows at a time.
    Insert,
}

/// The clock that plugins see.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// Pins the run's logical time, as RFC 3339; without it, it is the time at which the run starts. Timeliness is judged against it.
    pub now: Option<chrono::DateTime<chrono::Utc>>,
}

/// How the work is spread.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Slices and plugin instances that run side by side. It shapes the clean files, so a replay uses the number of the first run.
    pub partitions: u32,
    /// Rows per batch, 1,024 to 65,536.
    pub batch_rows: u32,
    /// The gzip level of archived pages, 0 to 9.
    pub archive_level: u32,
}

impl Default for Engine {
    fn default() -> Self {
        // One of each: source, transforms, rules and the load work side by side as it is. More have to exchange rows and sum their states up,
        // which pays where there are more cores than plugins. 8,192 rows fit the cache of a core (15 M rows/s across the sandbox, 13 M with
        // 65,536). Level 1 packs 3 times as fast as 6 for a fifth more bytes.
        Self { partitions: 1, batch_rows: 8192, archive_level: 1 }
    }
}

/// What the gate asks for. A stream's own values win over the pipeline's, the pipeline's over the defaults.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// The least overall score in percent: 80 by default.
    pub overall: Option<f64>,
    /// The most nulls in the columns declared required, in percent: 20 by default.
    pub nulls: Option<f64>,
    /// The most duplicates, in percent: 5 by default.
    pub duplicates: Option<f64>,
    /// The least score of single dimensions in percent.
    pub floors: IndexMap<Dimension, f64>,
    /// What each dimension weighs in the overall score: 1 by default.
    pub weights: IndexMap<Dimension, f64>,
}

/// A source: a plugin, what it may touch, and its own config.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The plugin: a name, or a path to a `.wasm` relative to this file.
    pub plugin: String,
    /// What it may touch.
    #[serde(default)]
    pub grants: Grants,
    /// The secrets that the host adds to its requests, by the names that the plugin uses. The plugin never sees them.
    #[serde(default)]
    pub credentials: IndexMap<String, Credential>,
    /// How patient its requests are.
    #[serde(default)]
    pub patience: Patience,
    /// Its own config, checked against the schema that it publishes.
    #[serde(default = "empty")]
    pub config: serde_json::Value,
    /// What takes the place of keys of `config` in the runs of a backfill. In its texts `{from}` and `{until}` stand for the limits of the window
    /// that is read, `{from:%Y-%m-%d}` for one in another form. Such a run reads without a cursor and leaves the cursor as it is. Without these
    /// settings the source is not told of the window.
    pub backfill: Option<serde_json::Value>,
}

/// What a source may touch. What is not granted does not exist for it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Directories by the names that the plugin uses, relative to the pipeline file.
    pub files: IndexMap<String, PathBuf>,
    /// Requests over HTTP, by names that errors and reports use.
    pub http: IndexMap<String, HttpGrant>,
}

/// What happens to a stream.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The source that it comes from; may be left out where there is one source.
    pub source: Option<String>,
    /// What its source calls it, where that is not its name here: several sources may have streams of one name.
    pub stream: Option<String>,
    /// The transforms that its rows pass, in order.
    #[serde(default)]
    pub transforms: Vec<Step>,
    /// The quality plugins that judge the accepted rows.
    #[serde(default)]
    pub quality: Vec<Step>,
    /// What the gate asks of this stream.
    #[serde(default)]
    pub gate: Gate,
}

/// A plugin with its config.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The plugin: a name, or a path to a `.wasm` relative to the pipeline file.
    pub plugin: String,
    /// Its own config, checked against the schema that it publishes.
    #[serde(default = "empty")]
    pub config: serde_json::Value,
}

/// A rule across streams: the host runs the SQL over the clean streams, quality plugins judge its rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The stream whose scores it counts for.
    pub stream: String,
    /// A SELECT over the clean streams by their names: the text itself, or a path to a `.sql` file.
    pub sql: String,
    /// The quality plugins that judge the rows.
    pub quality: Vec<Step>,
}

/// A target in the warehouse.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// A SELECT over the clean streams by their names: the text itself, or a path to a `.sql` file. Either this or `stream`.
    pub sql: Option<String>,
    /// The stream that is loaded as it is. Either this or `sql`.
    pub stream: Option<String>,
    /// How rows are written.
    #[serde(default)]
    pub mode: Mode,
    /// The columns that identify a row, for `merge` and `scd2`.
    #[serde(default)]
    pub key: Vec<String>,
}

/// How rows are written to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Rows are added.
    Append,
    /// The rows of the run take the place of all rows.
    #[default]
    Replace,
    /// Rows with a known key are updated where they differ, others are added.
    Merge,
    /// A row that differs closes the one before it and is added: slowly changing dimensions of type 2, with the columns `valid_from`,
    /// `valid_to` and `is_current`. PostgreSQL only.
    Scd2,
}

/// A derived table, refreshed after a load.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mart {
    /// A SELECT over the warehouse's tables: the text itself, or a path to a `.sql` file. `$name` stands for a parameter.
    pub sql: String,
    /// Values for the SQL's parameters, as text; a parameter without a value is NULL.
    #[serde(default)]
    pub parameters: IndexMap<String, String>,
}

impl Mode {
    /// Its name as pipelines write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Scd2 => "scd2",
        }
    }
}

fn empty() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}
