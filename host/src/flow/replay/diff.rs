//! What a changed plugin or pipeline would change: the run is replayed as it was and as it would be, and both are compared.
//!
//! # Why
//! The run is replayed as it was, too, instead of taking its old files: so both sides passed the same host, and what differs is the change's.

use std::path::Path;

use serde::Serialize;

use super::{Change, Replayed, Replayer, error::ReplayError, report::changed};
use crate::{
    config::{Mode, StorageLayout},
    flow::{RunError, gate::Verdict, prepare::StreamWork, stream::AssessedStream},
    quality::{Dimension, Measure},
    state::{Lock, RunId},
    warehouse::{CleanStream, Difference, Rows, TableLoad, difference},
};

/// What a change would change.
#[derive(Debug, Serialize)]
pub struct DiffReport {
    /// The run.
    pub run: String,
    /// The pipeline.
    pub pipeline: String,
    /// What is other than in the run.
    pub changed: Vec<String>,
    /// The run as it was.
    pub before: Side,
    /// The run as it would be.
    pub after: Side,
    /// The streams that got through on both sides.
    pub streams: Vec<StreamDiff>,
    /// The tables that both sides have; none where one side failed.
    pub tables: Vec<Difference>,
    /// Tables that only one side has.
    pub tables_before_only: Vec<String>,
    /// Tables that only the other one has.
    pub tables_after_only: Vec<String>,
    /// The measures that differ.
    pub measures: Vec<MeasureDiff>,
}

/// How one side ended.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The gate's verdict; none where it did not come to that.
    pub verdict: Option<Verdict>,
    /// What it asked for and the run did not: the source and the first such thing.
    pub missed: Vec<String>,
    /// Why it ended early.
    pub error: Option<String>,
}

/// What would change in a stream.
#[derive(Debug, Serialize)]
pub struct StreamDiff {
    /// Read, accepted and quarantined before.
    pub before: [u64; 3],
    /// The same after.
    pub after: [u64; 3],
    /// Its accepted rows.
    pub rows: Difference,
}

/// A measure that differs.
#[derive(Debug, Serialize)]
pub struct MeasureDiff {
    /// The stream.
    pub stream: String,
    /// The dimension.
    pub dimension: Dimension,
    /// The rule.
    pub rule: String,
    /// The columns it looked at.
    pub columns: Vec<String>,
    /// Passed and total before; none where it was not measured.
    pub before: Option<(u64, u64)>,
    /// Passed and total after.
    pub after: Option<(u64, u64)>,
}

impl Replayer<'_> {
    /// Replays a run as it was and as it would be with `change`, and says what differs. Nothing is loaded.
    pub async fn diff(&self, run: &RunId, change: &Change) -> Result<DiffReport, RunError> {
        let storage = self.now.storage();
        let record = self.record(run)?;
        let folder = storage.replays().join(run.as_str());
        let _lock = Lock::take(&StorageLayout::new(&folder), &record.pipeline)?;
        let before = self.once(&record, &Change::default(), StorageLayout::new(folder.join("as-it-was"))).await?;
        let after = self.once(&record, change, StorageLayout::new(folder.join("changed"))).await?;
        let changed = changed(&record, change, &after.plan);
        Ok(DiffReport {
            run: record.run,
            pipeline: record.pipeline,
            changed,
            streams: streams(&before, &after).await?,
            tables: tables(&before, &after).await?,
            tables_before_only: only(&before, &after),
            tables_after_only: only(&after, &before),
            measures: measures(&before.report.measures, &after.report.measures),
            before: side(&before),
            after: side(&after),
        })
    }
}

fn side(replayed: &Replayed) -> Side {
    let (verdict, error) = match &replayed.ended {
        Ok(verdict) => (Some(verdict.clone()), None),
        Err(error) => (None, Some(crate::error::chain(error))),
    };
    Side { verdict, missed: replayed.missed.clone(), error }
}

async fn streams(before: &Replayed, after: &Replayed) -> Result<Vec<StreamDiff>, ReplayError> {
    let mut found = Vec::new();
    for new in &after.streams {
        let Some(old) = before.streams.iter().find(|old| old.name == new.name) else { continue };
        let table = as_table(&new.name);
        let counts = |stream: &AssessedStream| [stream.read, stream.accepted, stream.quarantined];
        let rows = if same_files(old, new) {
            Difference { name: new.name.clone(), before: old.accepted, after: new.accepted, ..Difference::default() }
        } else {
            let key = work_of(after, &new.name).map(key_of).unwrap_or_default();
            difference(rows(before, &clean(before), &table), rows(after, &clean(after), &table), &key).await?
        };
        found.push(StreamDiff { before: counts(old), after: counts(new), rows });
    }
    Ok(found)
}

async fn tables(before: &Replayed, after: &Replayed) -> Result<Vec<Difference>, ReplayError> {
    // Tables may join any stream, so each must be there.
    if before.ended.is_err() || after.ended.is_err() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for new in &after.plan.tables {
        let Some(old) = before.plan.tables.iter().find(|old| old.name == new.name) else { continue };
        let key = match &new.stream {
            Some(stream) if new.key.is_empty() => work_of(after, stream).map(key_of).unwrap_or_default(),
            _ => new.key.clone(),
        };
        found.push(difference(rows(before, &clean(before), old), rows(after, &clean(after), new), &key).await?);
    }
    Ok(found)
}

fn rows<'r>(side: &'r Replayed, streams: &'r [CleanStream], table: &'r TableLoad) -> Rows<'r> {
    Rows { root: &side.place.root, streams, table }
}

/// The clean streams of a replay, their files relative to its place.
pub(super) fn clean(replayed: &Replayed) -> Vec<CleanStream> {
    let run = &replayed.report.run;
    let files = |stream: &AssessedStream| {
        let folder = Path::new("clean").join(&stream.name).join(run);
        CleanStream { name: stream.name.clone(), files: stream.files.iter().map(|file| folder.join(&file.file)).collect() }
    };
    replayed.streams.iter().map(files).collect()
}

fn same_files(old: &AssessedStream, new: &AssessedStream) -> bool {
    old.files == new.files
}

fn as_table(stream: &str) -> TableLoad {
    TableLoad { name: stream.to_owned(), sql: None, stream: Some(stream.to_owned()), mode: Mode::Replace, key: Vec::new() }
}

fn work_of<'r>(replayed: &'r Replayed, stream: &str) -> Option<&'r StreamWork> {
    replayed.plan.streams.iter().find(|work| work.name == stream)
}

fn key_of(work: &StreamWork) -> Vec<String> {
    work.transforms.last().map_or(&work.info.primary_key, |transform| &transform.shape.primary_key).clone()
}

fn only(these: &Replayed, others: &Replayed) -> Vec<String> {
    let there = |table: &&TableLoad| others.plan.tables.iter().any(|other| other.name == table.name);
    these.plan.tables.iter().filter(|table| !there(table)).map(|table| table.name.clone()).collect()
}

fn measures(before: &[Measure], after: &[Measure]) -> Vec<MeasureDiff> {
    let rule = |a: &Measure, b: &Measure| (&a.stream, a.dimension, &a.rule, &a.columns) == (&b.stream, b.dimension, &b.rule, &b.columns);
    // Of a rule that several plugins have, the plugin's own is meant; of one whose plugin was replaced, that of the other.
    let name = |measure: &Measure| measure.plugin.split('@').next().map(str::to_owned);
    let counterpart = |one: &Measure, others: &[Measure]| {
        let same = others.iter().position(|other| rule(one, other) && name(one) == name(other));
        same.or_else(|| others.iter().position(|other| rule(one, other)))
    };
    let counts = |measure: &Measure| (measure.passed, measure.total);
    let pair = |measure: &Measure, before: Option<(u64, u64)>, after: Option<(u64, u64)>| MeasureDiff {
        stream: measure.stream.clone(),
        dimension: measure.dimension,
        rule: measure.rule.clone(),
        columns: measure.columns.clone(),
        before,
        after,
    };
    let mut found = Vec::new();
    for old in before {
        let new = counterpart(old, after).map(|place| counts(&after[place]));
        if new != Some(counts(old)) {
            found.push(pair(old, Some(counts(old)), new));
        }
    }
    found.extend(after.iter().filter(|new| counterpart(new, before).is_none()).map(|new| pair(new, None, Some(counts(new)))));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(plugin: &str, rule: &str, passed: u64) -> Measure {
        Measure {
            stream: "orders".into(),
            plugin: plugin.into(),
            dimension: Dimension::Validity,
            rule: rule.into(),
            columns: Vec::new(),
            passed,
            total: 10,
            samples: Vec::new(),
            rejects: false,
        }
    }

    #[test]
    fn measures_are_compared_across_versions_of_a_plugin() {
        let before = [measure("t@1.0.0", "same", 9), measure("t@1.0.0", "other", 9), measure("t@1.0.0", "gone", 9)];
        let after = [measure("t@2.0.0", "same", 9), measure("u@1.0.0", "other", 7), measure("t@2.0.0", "new", 1)];
        let found: Vec<_> = measures(&before, &after).into_iter().map(|diff| (diff.rule, diff.before, diff.after)).collect();
        let wanted = [("other", Some((9, 10)), Some((7, 10))), ("gone", Some((9, 10)), None), ("new", None, Some((1, 10)))];
        assert_eq!(found, wanted.map(|(rule, before, after)| (rule.to_owned(), before, after)));
    }
}
