//! Replay: a run again, from its archive and its record, without the sources.
//!
//! What always holds here (`tests/suite/replay.rs`):
//! - Nothing outside is asked. What the run did not record has no answer, and the replay says what it was.
//! - Plugins see the clock, the seed and the cursors of the run; with the run's own plugins the clean files are the same, byte for byte.
//! - A replay writes below `replays/{run}` and nowhere else. The warehouse sees it only through [`rebuild`].

pub mod diff;
pub mod rebuild;

mod compare;
mod error;
mod report;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Contacts, Course, Plan, Preparation, Report, RunContext, RunError, RunRecord, Watcher,
    context::scratch_of,
    gate::Verdict,
    judge,
    launch::{Host, Launch, context, show},
    prepare, record,
    stream::AssessedStream,
    window,
};
use crate::{
    config::{Loaded, StorageLayout, near_miss},
    egress::recording::Recording,
    engine::Progress,
    plugin::{Context, KeyDesk, LogSink},
    state::{Lock, RunId, State},
};

pub use error::ReplayError;
pub use report::{ReplayReport, Same, StreamReplay};

/// What differs from the run.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Whether pipeline file, SQL and plugins are taken as they are now.
    pub current: bool,
    /// Components that take the place of plugins, by the plugin's name.
    pub plugins: Vec<(String, PathBuf)>,
}

impl Change {
    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        !self.current && self.plugins.is_empty()
    }
}

/// What replays share: the pipeline as it is now, and who watches.
pub struct Replayer<'a> {
    /// Runs the plugins.
    pub host: &'a Host,
    /// The pipeline as it is now: where its storage is, and what `--current` means.
    pub now: &'a Loaded,
    /// What was done so far, for those who watch.
    pub progress: Arc<Progress>,
    /// Who watches.
    pub watcher: Arc<dyn Watcher>,
}

/// A run that was replayed.
pub(super) struct Replayed {
    /// What was replayed.
    pub plan: Plan,
    /// The streams that got through.
    pub streams: Vec<AssessedStream>,
    /// What there is to say of it.
    pub report: Report,
    /// What it asked for and the run did not, by source: a plugin may go on without it.
    pub missed: Vec<String>,
    /// The verdict, or why it ended before there was one.
    pub ended: Result<Verdict, RunError>,
    /// Where its files are.
    pub place: StorageLayout,
}

impl Replayer<'_> {
    /// Replays a run and compares its clean files with those of the run.
    pub async fn replay(&self, run: &RunId, change: &Change) -> Result<(ReplayReport, Option<RunError>), RunError> {
        let storage = self.now.storage();
        let record = self.record(run)?;
        let folder = storage.replays().join(run.as_str());
        let _lock = Lock::take(&StorageLayout::new(&folder), &record.pipeline)?;
        let place = if change.is_none() { "as-it-was" } else { "changed" };
        let replayed = self.once(&record, change, StorageLayout::new(folder.join(place))).await?;
        let original = self.original(run)?;
        Ok(report::of(&record, change, replayed, original, &storage))
    }

    /// The record of a run that read something itself.
    fn record(&self, run: &RunId) -> Result<RunRecord, ReplayError> {
        let record = RunRecord::read(&self.now.storage(), run.as_str())?;
        if record.replayed.is_empty() { Ok(record) } else { Err(ReplayError::IsReplay(record.run)) }
    }

    /// What the history says of the run.
    fn original(&self, run: &RunId) -> Result<Option<crate::state::Run>, RunError> {
        let database = self.now.storage().state_db();
        if !database.is_file() {
            return Ok(None);
        }
        Ok(State::open(&database)?.run(run).ok())
    }

    /// Replays a run into `place`, over what an earlier replay left there.
    async fn once(&self, record: &RunRecord, change: &Change, place: StorageLayout) -> Result<Replayed, RunError> {
        let storage = self.now.storage();
        let mut loaded = if change.current { self.now.clone() } else { record.loaded(self.now)? };
        if let Some(window) = record.window.filter(|_| change.current) {
            window::apply(&mut loaded, window);
        }
        let components = components(record, change, &storage)?;
        let recordings = recordings(record, &loaded, &storage)?;
        for folder in [place.clean(), place.quarantine(), place.work()] {
            empty(&folder)?;
        }
        let log: LogSink = Arc::new(|line| show(&line));
        let contacts = Contacts::Recorded(recordings.clone());
        let course = Course::default();
        let prepared = prepare(Preparation {
            loaded,
            runtime: &self.host.runtime,
            plugin_folders: &self.host.plugin_folders,
            components: &components,
            contacts: &contacts,
            context: Context { stream: String::new(), now_micros: record.now.timestamp_micros(), seed: record.seed },
            course: &course,
            log: log.clone(),
        });
        let plan = prepared.await.map_err(|error| beyond(record, &recordings, error))?;
        let ctx = self.context(record, &plan, contacts, &place, log);
        let mut report = Report::new(&ctx, &plan, String::new());
        let mut streams = Vec::with_capacity(plan.streams.len());
        let ended = judge(&ctx, &plan, None, &mut streams, &mut report).await.map_err(|error| beyond(record, &recordings, error));
        if ended.is_err() {
            report.add_streams(&streams);
        }
        empty(&place.work())?;
        let missed = recordings.iter().filter_map(|(source, recording)| Some(format!("source `{source}` for {}", recording.missed()?)));
        let mut missed: Vec<_> = missed.collect();
        missed.sort();
        Ok(Replayed { plan, streams, report, missed, ended, place })
    }

    /// The context of the run, with another place to write to.
    fn context(&self, record: &RunRecord, plan: &Plan, contacts: Contacts, place: &StorageLayout, log: LogSink) -> RunContext {
        let (progress, watcher) = (self.progress.clone(), self.watcher.clone());
        let launch = Launch { started: record.started, progress, watcher, ..Launch::new(self.now.file.clone()) };
        let ctx = context(self.host, plan, contacts, &record.run, &launch, log);
        let keys = KeyDesk::new(scratch_of(place, &ctx.pipeline).join(&ctx.run));
        RunContext { now: record.now, seed: record.seed, cursors: record.cursors.clone(), storage: place.clone(), keys, ..ctx }
    }
}

/// The components to use, by the names that the pipeline uses.
fn components(record: &RunRecord, change: &Change, storage: &StorageLayout) -> Result<HashMap<String, PathBuf>, ReplayError> {
    let mut components = if change.current { HashMap::new() } else { record.components(storage) };
    for (name, path) in &change.plugins {
        let called = |(written, component): &(&String, &record::Component)| *written == name || component.name() == name.as_str();
        let places: Vec<_> = record.plugins.iter().filter(called).map(|(written, _)| written.clone()).collect();
        if places.is_empty() {
            let known: Vec<_> = record.plugins.keys().cloned().collect();
            let near = near_miss(name, known.iter().map(String::as_str)).map(str::to_owned);
            return Err(ReplayError::UnknownPlugin { name: name.clone(), near, known });
        }
        components.extend(places.into_iter().map(|written| (written, path.clone())));
    }
    match components.iter().find(|(_, path)| !path.is_file()) {
        Some((name, path)) => Err(ReplayError::NoComponent { name: name.clone(), path: path.clone() }),
        None => Ok(components),
    }
}

fn recordings(record: &RunRecord, loaded: &Loaded, storage: &StorageLayout) -> Result<HashMap<String, Arc<Recording>>, ReplayError> {
    let open = |source: &String| {
        let recording = Recording::open(&storage.raw(), source, &record.run, record.started)?;
        Ok((source.clone(), Arc::new(recording)))
    };
    loaded.pipeline.sources.keys().map(open).collect()
}

/// What was asked for beyond the recording explains a failure better than the plugin that was not given it.
fn beyond(record: &RunRecord, recordings: &HashMap<String, Arc<Recording>>, error: RunError) -> RunError {
    let missed = recordings.iter().find_map(|(source, recording)| Some((source.clone(), recording.missed()?)));
    match missed {
        Some((source_name, asked)) => {
            ReplayError::NotRecorded { run: record.run.clone(), source_name, asked, source: Box::new(error) }.into()
        }
        None => error,
    }
}

fn empty(folder: &Path) -> Result<(), RunError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(RunError::File { doing: "empty the folder", path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}
