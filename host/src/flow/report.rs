//! What a run has to say when it ends: for a person's summary, for `--json`, for the state store.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Plan, RunContext, gate::Verdict, stream::AssessedStream};
use crate::{
    config::{Loaded, StorageLayout},
    egress::{
        archive::Totals,
        granted::Granted,
        http::{Circuit, Health},
    },
    engine::OperatorMetrics,
    quality::{Dimension, Measure},
    warehouse::{Load, TableResult},
};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// Everything is visible.
    Loaded,
    /// The gate held it; nothing was loaded.
    Held,
    /// It finished the load of a run that had died.
    Resumed,
}

/// Why rows were rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Who rejected them.
    pub plugin: String,
    /// By which rule.
    pub rule: String,
    /// The dimension that they count against.
    pub dimension: Dimension,
    /// Why, in words.
    pub reason: String,
    /// How many.
    pub rows: u64,
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamReport {
    /// The stream.
    pub stream: String,
    /// Its source.
    pub source: String,
    /// Records that were read.
    pub read: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Rows that were rejected.
    pub quarantined: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Why rows were rejected.
    pub reasons: Vec<Reason>,
    /// The bytes of its clean files.
    pub clean_bytes: u64,
    /// Microseconds from start to end.
    pub micros: u64,
    /// What operators measured, from the root of the plan to its leaves.
    pub operators: Vec<OperatorMetrics>,
}

/// What was archived of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveReport {
    /// The source.
    pub source: String,
    /// Pages.
    pub pages: u64,
    /// Bytes as they came.
    pub bytes: u64,
    /// Bytes on disk.
    pub packed_bytes: u64,
    /// The run's manifest.
    pub manifest: Option<PathBuf>,
}

/// How a source's requests went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressReport {
    /// The source.
    pub source: String,
    /// How they went.
    pub health: Health,
}

impl EgressReport {
    /// What there is to say of sources that sent requests, by name.
    pub fn of<'a>(granted: impl IntoIterator<Item = (&'a String, &'a Granted)>) -> Vec<Self> {
        let mut reports: Vec<_> =
            granted.into_iter().map(|(source, granted)| Self { source: source.clone(), health: granted.http.health() }).collect();
        reports.retain(|report| !report.health.is_silent());
        reports.sort_by(|a, b| a.source.cmp(&b.source));
        reports
    }
}

/// The worst that the circuit of any source was; none where no source sent requests.
pub fn worst_circuit(egress: &[EgressReport]) -> Option<Circuit> {
    egress.iter().map(|egress| egress.health.worst()).max()
}

/// A step of a run, and when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which: `extract <stream>`, `checks`, `load`, `refresh`.
    pub step: String,
    /// When it began, by the machine's clock.
    pub began: DateTime<Utc>,
    /// Microseconds that it took.
    pub micros: u64,
}

/// Where a run's files are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The storage folder.
    pub storage: PathBuf,
    /// Raw pages.
    pub raw: PathBuf,
    /// Clean files.
    pub clean: PathBuf,
    /// Rejected rows.
    pub quarantine: PathBuf,
    /// The warehouse: the lake's folder, or the database.
    pub warehouse: String,
}

impl Places {
    pub(super) fn new(storage: &StorageLayout, run: &str, warehouse: String) -> Self {
        Self {
            storage: storage.root.clone(),
            raw: storage.raw(),
            clean: storage.clean(),
            quarantine: storage.quarantine().join(run),
            warehouse,
        }
    }
}

/// What a run has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run.
    pub run: String,
    /// The pipeline.
    pub pipeline: String,
    /// When it started.
    pub started: DateTime<Utc>,
    /// Milliseconds from start to end.
    pub millis: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The run whose load it finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// What was archived.
    pub archives: Vec<ArchiveReport>,
    /// How the requests of each source went.
    #[serde(default)]
    pub egress: Vec<EgressReport>,
    /// What became of each stream.
    pub streams: Vec<StreamReport>,
    /// What rules counted.
    pub measures: Vec<Measure>,
    /// The gate's verdict.
    pub verdict: Option<Verdict>,
    /// The tables that were loaded.
    pub tables: Vec<TableResult>,
    /// The marts that were refreshed.
    pub marts: Vec<TableResult>,
    /// Where the files are.
    pub places: Places,
    /// How long each step took, in microseconds.
    pub timings: Vec<(String, u64)>,
    /// The same steps with when each began; none in reports of earlier versions.
    #[serde(default)]
    pub steps: Vec<Step>,
    #[serde(skip)]
    clock: Option<std::time::Instant>,
}

impl Report {
    pub(super) fn new(ctx: &RunContext, plan: &Plan, warehouse: String) -> Self {
        Self {
            run: ctx.run.clone(),
            pipeline: plan.loaded.pipeline.name.clone(),
            started: ctx.started,
            millis: 0,
            outcome: Outcome::Running,
            finished: None,
            archives: Vec::new(),
            egress: Vec::new(),
            streams: Vec::new(),
            measures: Vec::new(),
            verdict: None,
            tables: Vec::new(),
            marts: Vec::new(),
            places: Places::new(&ctx.storage, &ctx.run, warehouse),
            timings: Vec::new(),
            steps: Vec::new(),
            clock: Some(std::time::Instant::now()),
        }
    }

    /// The report of a run that only finished what another one had begun.
    pub(super) fn resumed(
        run: &str,
        started: DateTime<Utc>,
        loaded: &Loaded,
        died: &Load,
        tables: Vec<TableResult>,
        place: String,
    ) -> Self {
        let storage = loaded.storage();
        Self {
            run: run.to_owned(),
            pipeline: loaded.pipeline.name.clone(),
            started,
            millis: 0,
            outcome: Outcome::Resumed,
            finished: Some(died.run.clone()),
            archives: Vec::new(),
            egress: Vec::new(),
            streams: Vec::new(),
            measures: Vec::new(),
            verdict: None,
            tables,
            marts: Vec::new(),
            places: Places::new(&storage, &died.run, place),
            timings: Vec::new(),
            steps: Vec::new(),
            clock: None,
        }
    }

    pub(super) fn archived(&mut self, source: &str, totals: Totals, manifest: Option<PathBuf>) {
        let Totals { pages, bytes, packed_bytes } = totals;
        self.archives.push(ArchiveReport { source: source.to_owned(), pages, bytes, packed_bytes, manifest });
    }

    pub(super) fn add_streams(&mut self, streams: &[AssessedStream]) {
        self.streams.extend(streams.iter().map(|stream| StreamReport {
            stream: stream.name.clone(),
            source: stream.source.clone(),
            read: stream.read,
            accepted: stream.accepted,
            quarantined: stream.quarantined,
            bytes: stream.bytes,
            reasons: stream.reasons.clone(),
            clean_bytes: stream.files.iter().map(|file| file.bytes).sum(),
            micros: stream.micros,
            operators: stream.operators.clone(),
        }));
    }

    pub(super) fn add_measures(&mut self, streams: &[AssessedStream], checked: Vec<Measure>) -> &[Measure] {
        self.measures.extend(streams.iter().flat_map(|stream| stream.measures.clone()));
        self.measures.extend(checked);
        &self.measures
    }

    pub(super) fn judged(&mut self, verdict: &Verdict) {
        self.verdict = Some(verdict.clone());
    }

    pub(super) fn ended(mut self, ctx: &RunContext, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self.egress = EgressReport::of(&ctx.granted);
        self.steps = ctx.course.steps();
        self.timings = self.steps.iter().map(|step| (step.step.clone(), step.micros)).collect();
        self.millis = self.clock.map_or(0, |clock| u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Records read, rows accepted, rows quarantined over all streams.
    pub fn rows(&self) -> (u64, u64, u64) {
        self.streams.iter().fold((0, 0, 0), |(read, accepted, quarantined), stream| {
            (read + stream.read, accepted + stream.accepted, quarantined + stream.quarantined)
        })
    }
}
