//! What a run carries through its stages.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Utc};
use datafusion::{
    execution::runtime_env::RuntimeEnvBuilder,
    prelude::{SessionConfig, SessionContext},
};

use super::{Plan, RunError, report::EgressReport};
use crate::{
    config::{StorageLayout, WarehouseKind},
    egress::{archive::Archive, granted::Granted},
    engine::{Progress, Tap, Workbench},
    plugin::{Context, LogLine, LogSink, Runtime},
};

/// A stage of a run, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Pages are read, archived, transformed and assessed: one plan per stream.
    Extract,
    /// Rules across streams.
    Check,
    /// The warehouse takes the tables.
    Load,
    /// Marts are made again.
    Refresh,
}

/// Who watches a run: a progress bar, a log, a dashboard.
pub trait Watcher: Send + Sync {
    /// `what` (a stream, check, table or mart) enters a stage.
    fn started(&self, stage: Stage, what: &str, bytes: Option<u64>);
    /// It left the stage.
    fn finished(&self, stage: Stage, what: &str);
}

/// What a run carries through its stages.
pub struct RunContext {
    /// The pipeline's name.
    pub pipeline: String,
    /// The run.
    pub run: String,
    /// When it started.
    pub started: DateTime<Utc>,
    /// The logical time that plugins see.
    pub now: DateTime<Utc>,
    /// The seed that plugins see.
    pub seed: u64,
    /// Where it writes.
    pub storage: StorageLayout,
    /// Runs the plugins.
    pub runtime: Arc<Runtime>,
    /// Where its streams resume, by `<source>/<stream>`: as the warehouse had it when the run began.
    pub cursors: BTreeMap<String, String>,
    /// Where messages of plugins go.
    pub log: LogSink,
    /// What it has done so far.
    pub progress: Arc<Progress>,
    /// Who watches.
    pub watcher: Arc<dyn Watcher>,
    /// The archive of each source, by the source's name.
    pub archives: HashMap<String, Arc<Archive>>,
    /// What each source may touch, by the source's name.
    pub granted: HashMap<String, Granted>,
    /// The monotonic time at which it started.
    pub since: std::time::Instant,
    /// How long each step took, for the report.
    pub timings: Mutex<Vec<(String, u64)>>,
}

impl RunContext {
    /// The run's scratch folder.
    pub fn scratch(&self) -> PathBuf {
        scratch_of(&self.storage, &self.pipeline).join(&self.run)
    }

    /// The time now, by the clock that started the run.
    pub fn wall_clock(&self) -> DateTime<Utc> {
        self.started + self.since.elapsed()
    }

    /// Where a stream resumes.
    pub fn cursor(&self, source: &str, stream: &str) -> Option<&str> {
        self.cursors.get(&format!("{source}/{stream}")).map(String::as_str)
    }

    /// What instances that work on `stream` are told.
    pub fn context(&self, stream: &str) -> Context {
        Context { stream: stream.to_owned(), now_micros: self.now.timestamp_micros(), seed: self.seed }
    }

    /// Says in the log how the requests of each source went.
    pub(super) fn tell_requests(&self) {
        for EgressReport { source, health } in EgressReport::of(&self.granted) {
            let (plugin, message) = (format!("source {source}"), health.sentence());
            (self.log)(LogLine { level: tracing::Level::INFO, plugin, stream: String::new(), message });
        }
    }

    /// A session whose operators find what they need. Batches that are landed go to `tap` too.
    pub fn session(&self, plan: &Plan, tap: Option<Tap>) -> Result<SessionContext, RunError> {
        let bench = Workbench {
            runtime: self.runtime.clone(),
            plugins: plan.plugins.clone(),
            granted: self.granted.clone(),
            limits: plan.loaded.pipeline.limits.clone(),
            log: self.log.clone(),
            scratch: self.scratch(),
            quarantine: self.storage.quarantine(),
            clean: self.storage.clean(),
            clean_csv: plan.loaded.pipeline.storage.clean_csv,
            run: self.run.clone(),
            progress: self.progress.clone(),
            packs_clean: plan.loaded.pipeline.warehouse.kind == WarehouseKind::Lake,
            tap,
        };
        let engine = &plan.loaded.pipeline.engine;
        let mut config = SessionConfig::new()
            .with_batch_size(engine.batch_rows as usize)
            .with_target_partitions(engine.partitions as usize)
            .with_extension(Arc::new(bench));
        // Plugins get plain UTF-8 columns, the form that every Arrow library reads.
        config.options_mut().execution.parquet.schema_force_view_types = false;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(SESSION_MEMORY, 1.0)
            .build_arc()
            .map_err(|error| RunError::Engine(error.to_string()))?;
        Ok(SessionContext::new_with_config_rt(config, runtime))
    }

    /// Remembers how long a step took, and gives it in microseconds.
    pub fn took(&self, step: impl Into<String>, since: std::time::Instant) -> u64 {
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Ok(mut timings) = self.timings.lock() {
            timings.push((step.into(), micros));
        }
        micros
    }
}

/// The scratch folder of a pipeline. Whoever holds its lock may empty it.
pub(super) fn scratch_of(storage: &StorageLayout, pipeline: &str) -> PathBuf {
    storage.work().join(pipeline)
}

/// What DataFusion's own operators may hold before they spill: joins of checks and repartitioned batches.
const SESSION_MEMORY: usize = 256 << 20;
