//! What a run carries through its stages.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use datafusion::{
    execution::runtime_env::RuntimeEnvBuilder,
    prelude::{SessionConfig, SessionContext},
};

use super::{Course, Plan, RunError, report::EgressReport};
use crate::{
    config::{StorageLayout, WarehouseKind},
    egress::{archive::Archive, granted::Granted},
    engine::{Progress, Tap, Workbench},
    plugin::{Context, KeyDesk, LogLine, LogSink, Runtime},
    state::{self, LogEntry, RunId},
};

/// A stage of a run, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Pages are read, archived, transformed and assessed: one plan per stream.
    Extract,
    /// Rules across streams.
    Check,
    /// Measures become a verdict.
    Gate,
    /// The warehouse takes the tables.
    Load,
    /// Marts are made again.
    Refresh,
}

impl Stage {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Check => "check",
            Self::Gate => "gate",
            Self::Load => "load",
            Self::Refresh => "refresh",
        }
    }

    /// The stage as the history has it.
    pub fn kept(self) -> state::Stage {
        match self {
            Self::Extract => state::Stage::Extract,
            Self::Check => state::Stage::Assess,
            Self::Gate => state::Stage::Gate,
            Self::Load => state::Stage::Load,
            Self::Refresh => state::Stage::Refresh,
        }
    }
}

/// How often, and after how long, a stage that failed is tried again within its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageRetries {
    /// How often: not at all by default.
    pub times: u32,
    /// After how long.
    pub delay: Duration,
}

/// Who watches a run: a progress bar, a log, a dashboard.
pub trait Watcher: Send + Sync {
    /// The run begins, and has its name.
    fn begun(&self, _run: &RunId) {}
    /// `what` (a stream, check, table or mart) enters a stage.
    fn started(&self, stage: Stage, what: &str, bytes: Option<u64>);
    /// It left the stage, with so many rows where they are counted.
    fn finished(&self, stage: Stage, what: &str, rows: Option<u64>);
    /// A plugin wrote a message.
    fn logged(&self, _entry: &LogEntry) {}
    /// The host itself has something to say that belongs into the run's log.
    fn said(&self, entry: &LogEntry) {
        self.logged(entry);
    }
}

/// Watches nothing.
pub struct Nobody;

impl Watcher for Nobody {
    fn started(&self, _: Stage, _: &str, _: Option<u64>) {}
    fn finished(&self, _: Stage, _: &str, _: Option<u64>) {}
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
    /// Where its instances keep sets of keys.
    pub keys: KeyDesk,
    /// How many rows and bytes it has done so far.
    pub progress: Arc<Progress>,
    /// What it has done so far.
    pub course: Arc<Course>,
    /// Who watches.
    pub watcher: Arc<dyn Watcher>,
    /// How patient it is with a stage that fails.
    pub stage_retries: StageRetries,
    /// The sources that read the window of a backfill: they have no cursor, and leave none.
    pub windowed: BTreeSet<String>,
    /// The archive of each source, by the source's name.
    pub archives: HashMap<String, Arc<Archive>>,
    /// What each source may touch, by the source's name.
    pub granted: HashMap<String, Granted>,
    /// The monotonic time at which it started.
    pub since: std::time::Instant,
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

    /// Whether a stage that failed with `error` is tried again, after the pause that lies before that. Says so in the log.
    pub(super) async fn may_repeat(&self, stage: Stage, what: &str, error: &RunError, tries: &mut u32) -> bool {
        if *tries >= self.stage_retries.times || !error.may_pass() {
            return false;
        }
        *tries += 1;
        let StageRetries { times, delay } = self.stage_retries;
        let name = if what.is_empty() { stage.name().to_owned() } else { format!("{} {what}", stage.name()) };
        let message = format!("{name} failed, retry {tries} of {times} in {} s: {}", delay.as_secs(), crate::error::chain(error));
        tracing::warn!(run = %self.run, "{message}");
        self.watcher.said(&LogEntry { at: chrono::Utc::now(), level: state::Level::Warn, plugin: None, stream: None, message });
        tokio::time::sleep(delay).await;
        true
    }

    /// A session whose operators find what they need. Batches that are landed go to `tap` too.
    pub fn session(&self, plan: &Plan, tap: Option<Tap>) -> Result<SessionContext, RunError> {
        let bench = Workbench {
            runtime: self.runtime.clone(),
            plugins: plan.plugins.clone(),
            granted: self.granted.clone(),
            limits: plan.loaded.pipeline.limits.clone(),
            log: self.log.clone(),
            keys: self.keys.clone(),
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
}

/// The scratch folder of a pipeline. Whoever holds its lock may empty it.
pub(super) fn scratch_of(storage: &StorageLayout, pipeline: &str) -> PathBuf {
    storage.work().join(pipeline)
}

/// What DataFusion's own operators may hold before they spill: joins of checks and repartitioned batches.
const SESSION_MEMORY: usize = 256 << 20;
