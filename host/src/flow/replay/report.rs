//! What a replay has to say.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use super::{
    super::{RunError, RunRecord, gate::Verdict},
    Change, Replayed,
    compare::compare,
};
use crate::{
    config::StorageLayout,
    plugin::Plugin,
    state::{Run, Status},
};

pub use super::compare::Same;

/// What a replay has to say.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayReport {
    /// The run.
    pub run: String,
    /// The pipeline.
    pub pipeline: String,
    /// The plugins that took the place of the run's, and whether the pipeline is the one of now: empty where nothing was changed.
    pub changed: Vec<String>,
    /// Whether every stream that the run finished came out the same, byte for byte.
    pub identical: bool,
    /// Its streams.
    pub streams: Vec<StreamReplay>,
    /// The gate's verdict; none where it did not come to that.
    pub verdict: Option<Verdict>,
    /// What it asked for and the run did not: the source and the first such thing. A plugin may have gone on without it.
    pub missed: Vec<String>,
    /// Why it ended early.
    pub error: Option<String>,
    /// How the run had ended.
    pub original: Option<Status>,
    /// Why the run had failed.
    pub original_error: Option<String>,
    /// Where the replay's files are.
    pub place: PathBuf,
}

/// A replayed stream.
#[derive(Debug, Clone, Serialize)]
pub struct StreamReplay {
    /// The stream.
    pub stream: String,
    /// Records that were read.
    pub read: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Rows that were rejected.
    pub quarantined: u64,
    /// Whether it is the one that the run had.
    pub same: Same,
}

pub(super) fn of(
    record: &RunRecord,
    change: &Change,
    replayed: Replayed,
    original: Option<Run>,
    storage: &StorageLayout,
) -> (ReplayReport, Option<RunError>) {
    let streams: Vec<_> = replayed
        .streams
        .iter()
        .map(|stream| StreamReplay {
            stream: stream.name.clone(),
            read: stream.read,
            accepted: stream.accepted,
            quarantined: stream.quarantined,
            same: compare(storage, &record.run, stream),
        })
        .collect();
    let finished = |stream: &String| storage.clean().join(stream).join(&record.run).join("_manifest.json").is_file();
    let all_of_the_run = replayed.plan.streams.iter().filter(|stream| finished(&stream.name)).count()
        == streams.iter().filter(|stream| stream.same == Same::Identical).count();
    let (verdict, error) = match replayed.ended {
        Ok(verdict) => (Some(verdict), None),
        Err(error) => (None, Some(error)),
    };
    let report = ReplayReport {
        run: record.run.clone(),
        pipeline: record.pipeline.clone(),
        changed: changed(record, change, &replayed.plan),
        identical: all_of_the_run && streams.iter().all(|stream| matches!(stream.same, Same::Identical | Same::NotInTheRun)),
        streams,
        verdict,
        missed: replayed.missed,
        error: error.as_ref().map(|error| crate::error::chain(error)),
        original: original.as_ref().map(|run| run.status),
        original_error: original.and_then(|run| run.error),
        place: replayed.place.root,
    };
    (report, error)
}

/// What is other than in the run, in words.
pub(super) fn changed(record: &RunRecord, change: &Change, plan: &super::Plan) -> Vec<String> {
    let mut changed = Vec::new();
    if change.current && (plan.loaded.text != record.text || plan.loaded.sql != record.sql) {
        changed.push("the pipeline as it is now".to_owned());
    }
    let short = |plugin: &str, sum: &str| format!("{plugin} ({})", &sum[..sum.len().min(8)]);
    let mut gone: Vec<_> = record.plugins.values().filter(|known| !plan.plugins.contains_key(&known.sha256)).collect();
    gone.dedup();
    let is_new = |plugin: &&Arc<Plugin>| !record.plugins.values().any(|known| known.sha256 == plugin.digest);
    let mut new: Vec<_> = plan.plugins.values().filter(is_new).collect();
    new.sort_by_key(|plugin| plugin.id());
    for plugin in new {
        // Its own older version, or else whatever it took the place of.
        let before = gone.iter().position(|known| known.name() == plugin.manifest.name);
        let before = before.or((!gone.is_empty()).then_some(0)).map(|place| gone.remove(place));
        let (before, after) = (before.map(|known| short(&known.plugin, &known.sha256)), short(&plugin.id(), &plugin.digest));
        changed.push(before.map_or_else(|| after.clone(), |before| format!("{before} -> {after}")));
    }
    changed
}
