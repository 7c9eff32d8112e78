//! Rebuild: tables are made again from the archive, after a plugin or the pipeline was mended.
//!
//! What always holds here (`tests/suite/replay`):
//! - The rows of all runs are computed first; then one ordinary load replaces all tables, together or not at all. In the lake a rebuild that
//!   dies in its load is finished by the next run, or by the next rebuild before it begins (`kills.rs`).
//! - What a rebuild leaves on disk that died goes with the next one.
//! - Cursors stay where they are: nothing was read that had not been read before.
//! - A table whose rows can't all be made again is refused, with the reason, before anything is replayed.
//!
//! # Why
//! Nothing in a table says which run a row came from, so a part of its runs can't be taken out of it. A table that keeps rows of earlier runs
//! (append, merge, scd2) is rebuilt from all of them or not at all; one that holds its last run only (replace), from that one.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;

use super::{Change, Replayed, Replayer, diff::clean, empty, error::ReplayError};
use crate::{
    config::{Mode, StorageLayout, near_miss},
    flow::{
        Course, Outcome, Report, RunError, RunRecord, launch, load, record,
        report::{Places, StreamReport},
    },
    state::{Lock, NewRun, Process, RunId, State},
    warehouse::{AuditRow, CleanStream, FoldRun, Load, TableLoad, Warehouse, fold},
};

/// The runs to load again: they have filled the tables since some time, in this order.
struct Range {
    runs: Vec<RunRecord>,
    /// Runs that filled the tables before.
    earlier: Vec<String>,
}

impl Replayer<'_> {
    /// Makes the pipeline's tables again from the runs that were loaded since `since`.
    pub async fn rebuild(&self, since: DateTime<Utc>, change: &Change, started: DateTime<Utc>) -> Result<Report, RunError> {
        let storage = self.now.storage();
        let pipeline = &self.now.pipeline.name;
        if !storage.root.is_dir() {
            return Err(refused("the pipeline has not run yet", None).into());
        }
        let lock = Lock::take(&storage, pipeline)?;
        let state = State::open(&storage.state_db())?;
        let mut warehouse = Warehouse::open(self.now).await?;
        warehouse.claim().await?;
        let id = RunId::new(started, std::process::id());
        let begin = |warehouse: &Warehouse| {
            let (process, seen) = (Process::current(), warehouse.sequence(pipeline));
            state.begin_run(&lock, &NewRun { id: id.clone(), started_at: started, process, seen })
        };
        let work = Rebuild { replayer: self, storage: &storage, id: &id, started, change };
        let result = if warehouse.pending(pipeline).await?.is_some() {
            begin(&warehouse)?;
            work.after_another(&mut warehouse, &state, since).await
        } else {
            let (look, range) = work.look(since).await?;
            begin(&warehouse)?;
            work.load(&mut warehouse, look, range).await
        };
        launch::keep(&state, &id, &result, &Course::default())?;
        result
    }

    /// The runs that filled the tables, as the warehouse itself has it.
    async fn range(&self, look: &mut Warehouse, storage: &StorageLayout, since: DateTime<Utc>) -> Result<Range, RunError> {
        let first = RunId::new(since, 0).as_str()[..19].to_owned();
        let (mut runs, mut earlier) = (Vec::new(), Vec::new());
        for run in loaded_runs(look, &self.now.pipeline.name).await? {
            let record = RunRecord::read(storage, &run);
            // A rebuild brought no page of its own.
            if record.as_ref().is_ok_and(|record| !record.replayed.is_empty()) {
                continue;
            }
            if run[..run.len().min(19)] < *first {
                earlier.push(run);
                continue;
            }
            runs.push(record.map_err(|error| {
                let hint = "a run whose record or pages are gone can't be loaded again: begin after it, where the tables allow it";
                refused(format!("run {run} filled them and can't be replayed: {error}"), Some(hint.to_owned()))
            })?);
        }
        if runs.is_empty() {
            return Err(refused("no run was loaded since then", Some("`tidegate runs` lists them".to_owned())).into());
        }
        Ok(Range { runs, earlier })
    }
}

/// The runs that a pipeline loaded, in their order.
async fn loaded_runs(warehouse: &mut Warehouse, pipeline: &str) -> Result<Vec<String>, RunError> {
    if warehouse.sequence(pipeline) == 0 {
        return Ok(Vec::new());
    }
    texts(warehouse, &format!("select run from ingest_audit where pipeline = '{pipeline}' group by run order by min(sequence)")).await
}

/// The first column of a query's rows.
async fn texts(warehouse: &mut Warehouse, sql: &str) -> Result<Vec<String>, RunError> {
    let rows = warehouse.query(sql).await?;
    let failed = |error: datafusion::common::DataFusionError| RunError::in_check("the audit", error);
    let batches: Vec<_> = rows.try_collect().await.map_err(failed)?;
    let mut found = Vec::new();
    for batch in &batches {
        let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8).map_err(|error| failed(error.into()))?;
        found.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(found)
}

fn refused(reason: impl Into<String>, hint: Option<String>) -> ReplayError {
    ReplayError::NoRebuild { reason: reason.into(), hint }
}

/// One rebuild.
struct Rebuild<'a> {
    replayer: &'a Replayer<'a>,
    storage: &'a StorageLayout,
    id: &'a RunId,
    started: DateTime<Utc>,
    change: &'a Change,
}

impl Rebuild<'_> {
    /// Finishes the load that was begun, as any run does, then rebuilds: also from the run that it was of.
    async fn after_another(&self, warehouse: &mut Warehouse, state: &State, since: DateTime<Utc>) -> Result<Report, RunError> {
        if let Some((died, _)) = load::resume(warehouse, &self.replayer.now.pipeline.name).await?
            && let Ok(dead) = died.run.parse()
        {
            state.resume(&dead, self.id)?;
        }
        let (look, range) = self.look(since).await?;
        self.load(warehouse, look, range).await
    }

    /// The warehouse for those who only look, since a database's query leaves its connection in a transaction that can only read; and the runs
    /// to load again.
    async fn look(&self, since: DateTime<Utc>) -> Result<(Warehouse, Range), RunError> {
        let mut look = Warehouse::open(self.replayer.now).await?;
        let range = self.replayer.range(&mut look, self.storage, since).await?;
        Ok((look, range))
    }

    async fn load(&self, warehouse: &mut Warehouse, mut look: Warehouse, range: Range) -> Result<Report, RunError> {
        let newest = range.runs.last().expect("there is a run, or it was refused");
        let now = self.replayer.now;
        let loaded = if self.change.current { now.clone() } else { newest.loaded(now)? };
        let tables = loaded.pipeline.tables;
        let keeps: Vec<_> = tables.iter().filter(|(_, table)| table.mode != Mode::Replace).map(|(name, _)| name.clone()).collect();
        self.check(&mut look, &range, &keeps, tables.keys().cloned().collect()).await?;
        drop(look);
        self.sweep()?;
        let mut record = RunRecord::new(self.id.as_str(), now, self.started, warehouse.cursors(&now.pipeline.name));
        // Where all tables hold their last run only, the others need not be read again.
        let first = if keeps.is_empty() { range.runs.len() - 1 } else { 0 };
        let runs = &range.runs[first..];
        record.replayed = runs.iter().map(|run| run.run.clone()).collect();
        record.write(self.storage)?;
        let mut replays = Vec::with_capacity(runs.len());
        for record in runs {
            replays.push(self.replay(record).await?);
        }
        let load = self.describe(warehouse, runs, &replays).await?;
        let loaded = warehouse.load(&load, &mut |_| ()).await?;
        let marts = warehouse.refresh(&load.pipeline, &load.run, &load.marts).await.map_err(RunError::Refresh)?;
        let _ = std::fs::remove_dir_all(self.folder());
        let mut report = self.report(replays, warehouse.place());
        (report.tables, report.marts) = (loaded, marts);
        Ok(report)
    }

    /// Removes what rebuilds of the pipeline left that died: no load waits for it any more.
    fn sweep(&self) -> Result<(), RunError> {
        let folder = self.storage.runs();
        let runs = record::runs(self.storage).map_err(|source| RunError::File { doing: "read", path: folder, source })?;
        for run in runs {
            let left = self.storage.replays().join(&run);
            let is_rebuild = |record: RunRecord| !record.replayed.is_empty() && record.pipeline == self.replayer.now.pipeline.name;
            if left.is_dir() && RunRecord::read(self.storage, &run).is_ok_and(is_rebuild) {
                empty(&left)?;
            }
        }
        Ok(())
    }

    /// Refuses what would make tables wrong.
    async fn check(&self, look: &mut Warehouse, range: &Range, keeps: &[String], tables: Vec<String>) -> Result<(), RunError> {
        if let (Some(first), Some(table)) = (range.earlier.first(), keeps.first()) {
            let (earlier, pipeline) = (range.earlier.len(), &self.replayer.now.pipeline);
            let mode = pipeline.tables.get(table).map_or("merge", |table| table.mode.name());
            let reason = format!(
                "table `{table}` (mode {mode}) keeps rows of {earlier} earlier run{}, from {first} on, and nothing tells them from those of later runs",
                if earlier == 1 { "" } else { "s" }
            );
            let hint = format!("begin with the first run: `--since {}`", &day_of(first));
            return Err(refused(reason, Some(hint)).into());
        }
        let list = tables.iter().map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ");
        let name = &self.replayer.now.pipeline.name;
        let others = format!("select distinct pipeline from ingest_audit where \"table\" in ({list}) and pipeline <> '{name}' order by 1");
        if !tables.is_empty()
            && let Some(other) = texts(look, &others).await?.first()
        {
            let reason = format!("pipeline `{other}` loads one of them, too, and its rows would be lost");
            return Err(refused(reason, None).into());
        }
        self.known_plugins(range)
    }

    /// Every plugin that the command line replaces is used by some run.
    fn known_plugins(&self, range: &Range) -> Result<(), RunError> {
        let known: Vec<_> = range.runs.iter().flat_map(|run| &run.plugins).collect();
        for (name, _) in &self.change.plugins {
            if known.iter().any(|(written, component)| *written == name || component.name() == name.as_str()) {
                continue;
            }
            let mut names: Vec<_> = known.iter().map(|(written, _)| (*written).clone()).collect();
            names.sort();
            names.dedup();
            let near = near_miss(name, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(ReplayError::UnknownPlugin { name: name.clone(), near, known: names }.into());
        }
        Ok(())
    }

    /// Replays one run; its gate has to pass.
    async fn replay(&self, record: &RunRecord) -> Result<Replayed, RunError> {
        let place = StorageLayout::new(self.folder().join(&record.run));
        // A plugin that only some of the runs used is replaced in those.
        let used = |name: &String| record.plugins.iter().any(|(written, component)| written == name || component.name() == name.as_str());
        let plugins = self.change.plugins.iter().filter(|(name, _)| used(name)).cloned().collect();
        let change = Change { current: self.change.current, plugins };
        let failed = |source| ReplayError::Failed { run: record.run.clone(), source: Box::new(source) };
        let replayed = self.replayer.once(record, &change, place).await.map_err(failed)?;
        if let (Ok(_), Some(missed)) = (&replayed.ended, replayed.missed.first()) {
            let reason = format!("run {} would now ask {missed}, which it did not record", record.run);
            return Err(refused(reason, None).into());
        }
        match replayed.ended {
            Ok(ref verdict) if !verdict.holds() => Ok(replayed),
            Ok(verdict) => Err(ReplayError::Held { run: record.run.clone(), reasons: verdict.sentences().join("; ") }.into()),
            Err(error) => Err(failed(error).into()),
        }
    }

    /// Where the replays and the tables' rows lie until they are loaded.
    fn folder(&self) -> std::path::PathBuf {
        self.storage.replays().join(self.id.as_str())
    }

    /// The load that puts the rows of all runs in the place of the tables' rows.
    async fn describe(&self, warehouse: &Warehouse, runs: &[RunRecord], replays: &[Replayed]) -> Result<Load, RunError> {
        let last = replays.last().expect("there is a run");
        let root = &self.storage.root;
        let folded: Vec<_> = runs.iter().zip(replays).map(|(record, replay)| self.for_fold(record, replay)).collect();
        let (mut streams, mut tables) = (Vec::new(), Vec::new());
        for table in &last.plan.tables {
            let folder = self.folder().join("tables").join(&table.name);
            let file = fold(root, &folded, table, &folder).await.map_err(ReplayError::from)?;
            let file = file.strip_prefix(root).map(Into::into).unwrap_or(file);
            streams.push(CleanStream { name: table.name.clone(), files: vec![file] });
            tables.push(replacing(table));
        }
        let pipeline = self.replayer.now.pipeline.name.clone();
        Ok(Load {
            sequence: warehouse.sequence(&pipeline) + 1,
            as_of: runs.last().map(|run| run.now).unwrap_or_default(),
            quarantine: std::path::Path::new("quarantine").join(self.id.as_str()),
            run: self.id.as_str().to_owned(),
            streams,
            tables,
            marts: last.plan.marts.clone(),
            cursors: BTreeMap::new(),
            audit: self.audit(runs, replays),
            pipeline,
        })
    }

    /// A replayed run's streams, their files relative to the storage folder.
    fn for_fold(&self, record: &RunRecord, replay: &Replayed) -> FoldRun {
        let place = replay.place.root.strip_prefix(&self.storage.root).unwrap_or(&replay.place.root);
        let mut streams = clean(replay);
        for file in streams.iter_mut().flat_map(|stream| &mut stream.files) {
            *file = place.join(&*file);
        }
        FoldRun { streams, as_of: record.now }
    }

    /// One row per stream over all runs, which says that it was a replay and of what.
    fn audit(&self, runs: &[RunRecord], replays: &[Replayed]) -> Vec<AuditRow> {
        let replayed = serde_json::to_string(&runs.iter().map(|run| &run.run).collect::<Vec<_>>()).unwrap_or_default();
        let last = replays.last().expect("there is a run");
        let digests: BTreeMap<_, _> = last.plan.plugins.values().map(|plugin| (plugin.id(), plugin.digest.clone())).collect();
        let digests = serde_json::to_string(&digests).unwrap_or_default();
        let streams = sums(replays);
        let row = |stream: StreamReport| {
            let scores =
                last.report.verdict.iter().flat_map(|verdict| &verdict.scores).find(|s| s.stream.as_deref() == Some(&stream.stream));
            AuditRow {
                table: None,
                rows_read: Some(stream.read),
                rows_accepted: Some(stream.accepted),
                rows_quarantined: Some(stream.quarantined),
                rows_loaded: None,
                bytes_read: Some(stream.bytes),
                started_at: self.started,
                overall_score: scores.and_then(|scores| scores.overall),
                verdict: "pass".to_owned(),
                plugin_digests: digests.clone(),
                scores: scores.and_then(|scores| serde_json::to_string(&scores.dimensions).ok()).unwrap_or_default(),
                timings: String::new(),
                replayed: replayed.clone(),
                stream: Some(stream.stream),
            }
        };
        streams.into_iter().map(row).collect()
    }

    /// What there is to say: the rows of all runs, the scores of the last one.
    fn report(&self, replays: Vec<Replayed>, place: String) -> Report {
        let streams = sums(&replays);
        let last = replays.into_iter().next_back().expect("there is a run");
        let mut report = last.report;
        report.run = self.id.as_str().to_owned();
        report.started = self.started;
        report.outcome = Outcome::Loaded;
        report.streams = streams;
        report.places = Places::new(self.storage, self.id.as_str(), place);
        report.millis = u64::try_from((Utc::now() - self.started).num_milliseconds()).unwrap_or(0);
        report
    }
}

/// The table with its rows computed: they take the place of all that it has.
fn replacing(table: &TableLoad) -> TableLoad {
    let mut key = table.key.clone();
    if table.mode == Mode::Scd2 {
        key.push("valid_from".to_owned());
    }
    TableLoad { name: table.name.clone(), sql: None, stream: Some(table.name.clone()), mode: Mode::Replace, key }
}

/// What all runs together read of each stream.
fn sums(replays: &[Replayed]) -> Vec<StreamReport> {
    let mut found: Vec<StreamReport> = Vec::new();
    for stream in replays.iter().flat_map(|replay| &replay.report.streams) {
        match found.iter_mut().find(|known| known.stream == stream.stream) {
            Some(known) => {
                known.read += stream.read;
                known.accepted += stream.accepted;
                known.quarantined += stream.quarantined;
                known.bytes += stream.bytes;
                known.clean_bytes += stream.clean_bytes;
                known.micros += stream.micros;
            }
            None => found.push(StreamReport { reasons: Vec::new(), operators: Vec::new(), ..stream.clone() }),
        }
    }
    found
}

/// The day of a run, by its name.
fn day_of(run: &str) -> String {
    let digits = |from: usize, to: usize| run.get(from..to).unwrap_or_default();
    format!("{}-{}-{}", digits(0, 4), digits(4, 6), digits(6, 8))
}
