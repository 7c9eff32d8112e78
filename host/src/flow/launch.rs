//! A run from a pipeline file to its place in the history: lock, resume, prepare, stages, outcome.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{
    Contacts, Course, Failure, Outcome, Plan, Preparation, Report, RunContext, RunError, StageRetries, Watcher,
    context::{Nobody, scratch_of},
    load, notify, prepare,
    record::{self, RunRecord},
    recorder::Recorder,
    run, window,
};
use crate::{
    config::{self, Loaded},
    egress::archive::{Archive, Head},
    engine::Progress,
    notify::Notifier,
    plugin::{Context, KeyDesk, LogLine, LogSink, Runtime},
    state::{self, Lock, NewRun, Process, RunId, State, Status, tasks::Span},
    warehouse::{AUDIT, Warehouse, WarehouseError},
};

/// What runs share in one process.
pub struct Host {
    /// Runs the plugins.
    pub runtime: Arc<Runtime>,
    /// Folders in which plugins are looked for, besides `plugins` beside the pipeline file.
    pub plugin_folders: Vec<PathBuf>,
}

/// What to run.
pub struct Launch {
    /// The pipeline file, or its folder.
    pub pipeline: PathBuf,
    /// The pipeline as it was read earlier, in place of the file as it is now.
    pub loaded: Option<Loaded>,
    /// Directories that take the place of granted ones, by the grant's name.
    pub overrides: HashMap<String, PathBuf>,
    /// When it starts.
    pub started: DateTime<Utc>,
    /// The logical time that plugins see, whatever the pipeline says; without it, what the pipeline says, or the time of the start.
    pub now: Option<DateTime<Utc>>,
    /// The window of a backfill that it reads.
    pub window: Option<Span>,
    /// How patient it is with a stage that fails.
    pub stage_retries: StageRetries,
    /// How many rows and bytes it has done so far, for those who watch.
    pub progress: Arc<Progress>,
    /// What it has done so far, for those who watch and for what is kept where it fails.
    pub course: Arc<Course>,
    /// Who watches.
    pub watcher: Arc<dyn Watcher>,
    /// Who tells people how it ended; none where the one who launches does.
    pub notifier: Option<Arc<Notifier>>,
}

impl Launch {
    /// A run of what is new, that starts now and that nobody watches.
    pub fn new(pipeline: PathBuf) -> Self {
        Self {
            pipeline,
            loaded: None,
            overrides: HashMap::new(),
            started: Utc::now(),
            now: None,
            window: None,
            stage_retries: StageRetries::default(),
            progress: Arc::default(),
            course: Arc::default(),
            watcher: Arc::new(Nobody),
            notifier: None,
        }
    }

    /// The name that the run will have.
    pub fn run(&self) -> RunId {
        RunId::new(self.started, std::process::id())
    }

    /// The pipeline as this run is to see it.
    fn load(&self) -> Result<Loaded, RunError> {
        let mut loaded = match &self.loaded {
            Some(loaded) => loaded.clone(),
            None => config::load(&self.pipeline)?,
        };
        if let Some(window) = self.window {
            window::apply(&mut loaded, window);
        }
        loaded.pipeline.clock.now = self.now.or(loaded.pipeline.clock.now);
        Ok(loaded)
    }
}

/// Runs a pipeline, keeps what became of it and tells people. When `stop` completes first, the run ends where it is; nothing half-done is
/// visible.
pub async fn launch(host: &Host, launch: Launch, stop: impl Future<Output = ()>) -> Result<Report, RunError> {
    let (notifier, pipeline, id) = (launch.notifier.clone(), launch.pipeline.clone(), launch.run());
    let result = attempt(host, launch, stop).await;
    // The run's lock is free by now: a channel that takes its time keeps no other run waiting. A pipeline file that can't be read names no
    // channel.
    if let Some(notifier) = notifier
        && let Ok(loaded) = config::load(&pipeline)
    {
        notify::tell(&notifier, &loaded, &id, &result).await;
    }
    result
}

async fn attempt(host: &Host, launch: Launch, stop: impl Future<Output = ()>) -> Result<Report, RunError> {
    let loaded = launch.load()?;
    let storage = loaded.storage();
    std::fs::create_dir_all(&storage.root).map_err(|source| RunError::File {
        doing: "make the storage folder",
        path: storage.root.clone(),
        source,
    })?;
    let lock = Lock::take(&storage, &loaded.pipeline.name)?;
    record::load_ahead(host, &loaded);
    let state = Arc::new(State::open(&storage.state_db())?);
    let id = launch.run();
    let new = |seen| NewRun { id: id.clone(), started_at: launch.started, process: Process::current(), seen };
    let warehouse = match claimed(&loaded).await {
        // Another host is at it: there is no run here to speak of.
        Err(error) if error.is_busy() => return Err(error.into()),
        Err(error) => {
            state.begin_run(&lock, &new(0))?;
            let failed = Err(error.into());
            keep(&state, &id, &failed, &launch.course)?;
            return failed;
        }
        Ok(warehouse) => warehouse,
    };
    state.begin_run(&lock, &new(warehouse.sequence(&loaded.pipeline.name)))?;
    // The scratch folder holds nothing that outlives a run, whether it ended or died.
    let scratch = scratch_of(&storage, &loaded.pipeline.name);
    let _ = std::fs::remove_dir_all(&scratch);
    let recorder = Recorder::new(state.clone(), id.clone(), launch.watcher.clone());
    let work = take(host, &launch, loaded, warehouse, &id, &state, &recorder);
    let result = tokio::select! {
        result = work => result,
        () = stop => Err(RunError::Stopped),
        never = recorder.write_on() => match never {},
    };
    launch.course.end();
    let _ = std::fs::remove_dir_all(&scratch);
    recorder.write();
    keep(&state, &id, &result, &launch.course)?;
    result
}

/// The pipeline's warehouse, with its lock.
async fn claimed(loaded: &Loaded) -> Result<Warehouse, WarehouseError> {
    let mut warehouse = Warehouse::open(loaded).await?;
    warehouse.claim().await?;
    Ok(warehouse)
}

async fn take(
    host: &Host,
    launch: &Launch,
    loaded: Loaded,
    mut warehouse: Warehouse,
    id: &RunId,
    state: &State,
    recorder: &Arc<Recorder>,
) -> Result<Report, RunError> {
    if let Some((died, tables)) = load::resume(&mut warehouse, &loaded.pipeline.name).await? {
        if let Ok(dead) = died.run.parse() {
            state.resume(&dead, id)?;
        }
        return Ok(Report::resumed(id.as_str(), launch.started, &loaded, &died, tables, warehouse.place()));
    }
    let windowed = launch.window.map(|_| window::told(&loaded)).unwrap_or_default();
    let mut cursors = warehouse.cursors(&loaded.pipeline.name);
    cursors.retain(|stream, _| stream.split_once('/').is_none_or(|(source, _)| !windowed.contains(source)));
    let mut record = RunRecord::new(id.as_str(), &loaded, launch.started, cursors);
    record.window = launch.window;
    let contacts = Contacts::Granted { overrides: launch.overrides.clone(), archives: archives(&loaded, id, launch.started) };
    let sink = recorder.sink();
    // Whatever the plugins answer, there is a record of what was asked.
    let (kept, plan) = tokio::join!(record.keep(host, &loaded), ready(host, loaded.clone(), &contacts, launch, sink.clone()));
    kept?;
    let plan = plan?;
    window::check(&plan, &windowed)?;
    let mut ctx = context(host, &plan, contacts, id.as_str(), launch, sink);
    ctx.cursors = record.cursors;
    ctx.windowed = windowed;
    ctx.watcher = recorder.clone();
    run(&ctx, &plan, &mut warehouse).await
}

/// Looks whether one of `runs` had loaded before its process died, and if so makes its marts again and says so in the history. Whoever died
/// between its load and its end is known by the warehouse only.
pub async fn settle(loaded: &Loaded, runs: &[RunId]) -> Result<Option<RunId>, RunError> {
    let (storage, name) = (loaded.storage(), &loaded.pipeline.name);
    std::fs::create_dir_all(&storage.root).map_err(|source| RunError::File {
        doing: "make the storage folder",
        path: storage.root.clone(),
        source,
    })?;
    let _lock = Lock::take(&storage, name)?;
    let state = State::open(&storage.state_db())?;
    let mut warehouse = Warehouse::open(loaded).await?;
    warehouse.claim().await?;
    state.reap_dead()?;
    let last = warehouse.last_run(name);
    let Some(run) = runs.iter().find(|run| Some(run.as_str()) == last.as_deref()) else { return Ok(None) };
    let marts: Vec<_> = loaded.pipeline.marts.iter().map(|(name, mart)| (name.clone(), prepare::mart_sql(loaded, mart))).collect();
    if !marts.is_empty() || loaded.pipeline.warehouse.kind == config::WarehouseKind::Postgres {
        warehouse.refresh(name, run.as_str(), &marts).await.map_err(RunError::Refresh)?;
    }
    state.found_loaded(run)?;
    Ok(Some(run.clone()))
}

/// Prepares a pipeline with the clock of the run that is launched.
pub async fn ready(host: &Host, loaded: Loaded, contacts: &Contacts, launch: &Launch, log: LogSink) -> Result<Plan, RunError> {
    let now = loaded.pipeline.clock.now.unwrap_or(launch.started);
    prepare::prepare(Preparation {
        loaded,
        runtime: &host.runtime,
        plugin_folders: &host.plugin_folders,
        components: &HashMap::new(),
        contacts,
        context: Context { stream: String::new(), now_micros: now.timestamp_micros(), seed: seed(now) },
        course: &launch.course,
        log,
    })
    .await
}

/// What a run carries through its stages.
pub fn context(host: &Host, plan: &Plan, contacts: Contacts, run: &str, launch: &Launch, log: LogSink) -> RunContext {
    let now = plan.loaded.pipeline.clock.now.unwrap_or(launch.started);
    RunContext {
        pipeline: plan.loaded.pipeline.name.clone(),
        run: run.to_owned(),
        started: launch.started,
        now,
        seed: seed(now),
        storage: plan.loaded.storage(),
        runtime: host.runtime.clone(),
        cursors: BTreeMap::new(),
        log,
        keys: KeyDesk::new(scratch_of(&plan.loaded.storage(), &plan.loaded.pipeline.name).join(run)),
        progress: launch.progress.clone(),
        course: launch.course.clone(),
        watcher: launch.watcher.clone(),
        stage_retries: launch.stage_retries,
        windowed: BTreeSet::new(),
        archives: contacts.into_archives(),
        granted: plan.sources.iter().map(|(name, source)| (name.clone(), source.granted.clone())).collect(),
        since: std::time::Instant::now(),
    }
}

/// The seed follows from the logical time, so that a pinned clock pins all that plugins see.
pub(super) fn seed(now: DateTime<Utc>) -> u64 {
    now.timestamp_micros().unsigned_abs()
}

fn archives(loaded: &Loaded, id: &RunId, started: DateTime<Utc>) -> HashMap<String, Arc<Archive>> {
    let raw = loaded.storage().raw();
    let level = loaded.pipeline.engine.archive_level;
    let head = |source: &String| Head::new(id.as_str(), source, &loaded.pipeline.name, started);
    let archive = |source: &String| Arc::new(Archive::new(raw.clone(), head(source), level));
    loaded.pipeline.sources.keys().map(|source| (source.clone(), archive(source))).collect()
}

/// Hands a plugin's message to the program's own log.
pub fn show(line: &LogLine) {
    let LogLine { level, plugin, stream, message } = line;
    match *level {
        tracing::Level::ERROR => tracing::error!(%plugin, %stream, "{message}"),
        tracing::Level::WARN => tracing::warn!(%plugin, %stream, "{message}"),
        tracing::Level::INFO => tracing::info!(%plugin, %stream, "{message}"),
        _ => tracing::debug!(%plugin, %stream, "{message}"),
    }
}

/// Writes what became of a run into the history.
pub(super) fn keep(state: &State, id: &RunId, result: &Result<Report, RunError>, course: &Course) -> Result<(), RunError> {
    let outcome = match result {
        Ok(report) => {
            state.record_measures(id, &report.measures)?;
            let (read, accepted, quarantined) = report.rows();
            let loaded = report.tables.iter().filter(|table| table.table != AUDIT).map(|table| table.inserted + table.updated).sum();
            state::Outcome {
                rows: state::Rows { read, accepted, quarantined, loaded },
                verdict: report.verdict.as_ref().map(|v| if v.holds() { state::Verdict::Hold } else { state::Verdict::Pass }),
                score: report.verdict.as_ref().and_then(super::gate::Verdict::overall),
                report: serde_json::to_value(report).ok(),
                ..state::Outcome::of(if report.outcome == Outcome::Held { Status::Held } else { Status::Loaded })
            }
        }
        Err(error) => {
            let failure = serde_json::to_value(Failure::of(error, course)).ok();
            match error {
                RunError::Stopped => state::Outcome { failure, ..state::Outcome::of(Status::Stopped) },
                error => state::Outcome { failure, error: Some(crate::error::chain(error)), ..state::Outcome::of(Status::Failed) },
            }
        }
    };
    Ok(state.finish_run(id, Utc::now(), &outcome)?)
}

/// A pipeline's warehouse, for those who only look.
pub async fn warehouse_of(pipeline: &Path) -> Result<(Loaded, Warehouse), RunError> {
    let loaded = config::load(pipeline)?;
    let warehouse = Warehouse::open(&loaded).await?;
    Ok((loaded, warehouse))
}
