//! What the API says of pipelines, runs and tasks. These shapes are a promise: what the host's own types become does not change them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    flow::Failure,
    quality, schedule,
    schedule::PipelineView,
    state::{self, LogEntry},
};

/// A pipeline as the daemon has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pipeline {
    /// Its name.
    #[schema(example = "olist")]
    name: String,
    /// Its file.
    file: String,
    /// What is wrong with the file as it is now; the last good one is in force.
    problem: Option<String>,
    /// When it runs, in words.
    cadence: String,
    /// When it is due next.
    next: Option<DateTime<Utc>>,
    /// Since when it is paused.
    paused_since: Option<DateTime<Utc>>,
    /// Who paused it.
    paused_by: Option<String>,
    /// The run that goes on.
    running: Option<String>,
    /// How many tasks wait.
    queued: usize,
    /// Whether a task that has not ended is late by more than its SLA.
    sla_missed: bool,
}

impl From<PipelineView> for Pipeline {
    fn from(view: PipelineView) -> Self {
        let (paused_since, paused_by) = view.paused.unzip();
        Self {
            name: view.name,
            file: view.file.display().to_string(),
            problem: view.problem,
            cadence: view.cadence,
            next: view.next,
            paused_since,
            paused_by,
            running: view.running.map(|run| run.to_string()),
            queued: view.queued,
            sla_missed: view.sla_missed,
        }
    }
}

/// How many rows of a run went where.
#[derive(Debug, Serialize, ToSchema)]
struct Rows {
    /// Came from sources.
    read: u64,
    /// Passed the transforms.
    accepted: u64,
    /// Were rejected.
    quarantined: u64,
    /// Were written to tables.
    loaded: u64,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Run {
    /// Its name.
    #[schema(example = "20181017T173018000Z-5f3a91")]
    id: String,
    /// Its pipeline.
    pipeline: String,
    /// Counts the pipeline's runs.
    sequence: u64,
    /// `running`, `loaded`, `held`, `failed`, `stopped`, `died` or `resumed`.
    #[schema(example = "loaded")]
    status: String,
    /// When it started.
    started_at: DateTime<Utc>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
    /// How many rows went where.
    rows: Rows,
    /// `pass` or `hold`, once the gate judged it.
    verdict: Option<String>,
    /// The overall score in percent.
    score: Option<f64>,
    /// Why it failed, with the causes.
    error: Option<String>,
    /// What to do about it, where that can be said.
    hint: Option<String>,
    /// The run that took its work over.
    resumed_by: Option<String>,
}

impl From<state::Run> for Run {
    fn from(run: state::Run) -> Self {
        let state::Rows { read, accepted, quarantined, loaded } = run.rows;
        let hint = Failure::kept(&run).and_then(|failure| failure.hint);
        Self {
            id: run.id.to_string(),
            pipeline: run.pipeline,
            sequence: run.sequence,
            status: run.status.to_string(),
            started_at: run.started_at,
            finished_at: run.finished_at,
            rows: Rows { read, accepted, quarantined, loaded },
            verdict: run.verdict.map(|verdict| verdict.to_string()),
            score: run.score,
            error: run.error,
            hint,
            resumed_by: run.resumed_by.map(|run| run.to_string()),
        }
    }
}

/// A run with everything that it has to say.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeRun {
    /// The run.
    pub run: Run,
    /// Its report, as `tidegate run --json` prints it: streams, scores, tables, timings. None where it came to no report.
    #[schema(value_type = Option<Object>)]
    pub report: Option<serde_json::Value>,
    /// What it left where it failed or was stopped: the error and its causes one by one, the steps that were done, the one in which it ended,
    /// how the requests of each source went.
    #[schema(value_type = Option<Object>)]
    pub failure: Option<serde_json::Value>,
}

/// Something that the daemon has to do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Task {
    /// Its name.
    id: String,
    /// Its pipeline.
    pipeline: String,
    /// `schedule`, `missed`, `after`, `manual` or `backfill`.
    cause: String,
    /// Who asked for it.
    by: String,
    /// When it is due.
    due: DateTime<Utc>,
    /// The logical time of its run, where that is not its start.
    logical: Option<DateTime<Utc>>,
    /// `queued`, `running`, `loaded`, `held`, `failed`, `cancelled` or `skipped`.
    status: String,
    /// Which try it is at.
    attempt: u32,
    /// Its run, once there is one.
    run: Option<String>,
    /// Why it failed.
    error: Option<String>,
    /// Whether it missed its SLA.
    late: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it began.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
}

impl From<schedule::Task> for Task {
    fn from(task: schedule::Task) -> Self {
        Self {
            id: task.id.to_string(),
            pipeline: task.pipeline,
            cause: task.cause.to_string(),
            by: task.by,
            due: task.due,
            logical: task.logical,
            status: task.status.to_string(),
            attempt: task.attempt,
            run: task.run.map(|run| run.to_string()),
            error: task.error,
            late: task.late,
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        }
    }
}

/// The name of what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Asked {
    /// The task or the backfill.
    pub id: String,
}

/// A line of a run's log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogLine {
    /// When it was said.
    at: DateTime<Utc>,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    level: String,
    /// The plugin that said it; none for the host.
    plugin: Option<String>,
    /// The stream it is about.
    stream: Option<String>,
    /// The text.
    message: String,
}

impl From<LogEntry> for LogLine {
    fn from(entry: LogEntry) -> Self {
        let LogEntry { at, level, plugin, stream, message } = entry;
        Self { at, level: level.to_string(), plugin, stream, message }
    }
}

/// What a rule counted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Measure {
    /// The stream.
    stream: String,
    /// The plugin that counted, as `name@version`.
    plugin: String,
    /// The dimension of quality.
    dimension: String,
    /// The rule.
    rule: String,
    /// The columns it looked at.
    columns: Vec<String>,
    /// What passed.
    passed: u64,
    /// What was looked at.
    total: u64,
    /// Keys of some rows that failed.
    samples: Vec<String>,
    /// Whether the failed rows were rejected.
    rejects: bool,
}

impl From<quality::Measure> for Measure {
    fn from(measure: quality::Measure) -> Self {
        let quality::Measure { stream, plugin, dimension, rule, columns, passed, total, samples, rejects } = measure;
        Self { stream, plugin, dimension: dimension.to_string(), rule, columns, passed, total, samples, rejects }
    }
}
