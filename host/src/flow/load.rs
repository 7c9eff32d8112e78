//! Load: the warehouse takes the run's tables, cursors and audit rows; they become visible together or not at all.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use arrow::{array::RecordBatch, datatypes::Schema};
use datafusion::{execution::SendableRecordBatchStream, physical_plan::stream::RecordBatchStreamAdapter};
use futures::StreamExt;
use tokio::sync::mpsc::Receiver;

use super::{Plan, Report, RunContext, RunError, Stage, prepare::StreamWork, stream::AssessedStream};
use crate::{
    engine::Tap,
    lineage::ORIGIN,
    warehouse::{AuditRow, CleanStream, Load, TableResult, Warehouse},
};

/// Sends the rows of a stream into the warehouse while they land, and gives how many there were. The tap is none, and nothing is sent, where
/// that is not for the pipeline: no table is the stream as it is, there is no warehouse for it, or a source may make it wait.
pub(super) fn while_landing<'r>(
    ctx: &'r RunContext,
    plan: &'r Plan,
    stream: &'r StreamWork,
    warehouse: Option<&'r mut Warehouse>,
) -> (Option<Tap>, impl Future<Output = Option<u64>> + 'r) {
    let table = plan.tables.iter().find(|table| table.stream.as_ref() == Some(&stream.name));
    let opened = table.zip(warehouse).filter(|_| keeps_pace(plan)).map(|(table, warehouse)| (table, warehouse, Tap::open()));
    let tap = opened.as_ref().map(|(.., (tap, _))| tap.clone());
    let sending = async move {
        let (table, warehouse, (_, batches)) = opened?;
        let rows = without_origin(stream.clean_schema(), batches)?;
        warehouse.fill_early(table, &quarantine(ctx), rows).await
    };
    (tap, sending)
}

/// Whether all sources come at the pace of a disk, as granted files do: a transaction stays open while they are read.
fn keeps_pace(plan: &Plan) -> bool {
    let mut plugins = plan.sources.values().map(|source| &plan.plugins[&source.step.digest]);
    plugins.all(|plugin| plugin.manifest.grants.iter().all(|grant| grant.kind == "files"))
}

fn without_origin(schema: &Schema, mut batches: Receiver<RecordBatch>) -> Option<SendableRecordBatchStream> {
    let kept: Vec<usize> = (0..schema.fields().len()).filter(|&at| schema.field(at).name() != ORIGIN).collect();
    let schema = Arc::new(schema.project(&kept).ok()?);
    let rows = futures::stream::poll_fn(move |cx| batches.poll_recv(cx)).map(move |batch| Ok(batch.project(&kept)?));
    Some(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

/// The run's quarantine folder, relative to the storage folder.
fn quarantine(ctx: &RunContext) -> PathBuf {
    let folder = ctx.storage.quarantine().join(&ctx.run);
    folder.strip_prefix(&ctx.storage.root).map(Into::into).unwrap_or(folder)
}

/// Loads the run's tables.
pub(super) async fn tables(
    ctx: &RunContext,
    plan: &Plan,
    streams: &[AssessedStream],
    report: &Report,
    warehouse: &mut Warehouse,
) -> Result<Vec<TableResult>, RunError> {
    ctx.course.enter("load");
    let load = describe(ctx, plan, streams, report, warehouse);
    let mut tries = 0;
    let loaded = loop {
        match once(ctx, &load, warehouse).await {
            Err(error) if ctx.may_repeat(Stage::Load, "", &error, &mut tries).await => warehouse.forget_early(),
            loaded => break loaded?,
        }
    };
    ctx.course.leave();
    Ok(loaded)
}

async fn once(ctx: &RunContext, load: &Load, warehouse: &mut Warehouse) -> Result<Vec<TableResult>, RunError> {
    let mut watched: Option<String> = None;
    let loaded = warehouse
        .load(load, &mut |table| {
            if let Some(done) = watched.replace(table.to_owned()) {
                ctx.watcher.finished(Stage::Load, &done, None);
            }
            ctx.watcher.started(Stage::Load, table, None);
        })
        .await?;
    if let Some(done) = watched {
        ctx.watcher.finished(Stage::Load, &done, None);
    }
    Ok(loaded)
}

/// Finishes the load of a run that died after its gate passed. `None`: there is nothing to finish.
pub async fn resume(warehouse: &mut Warehouse, pipeline: &str) -> Result<Option<(Load, Vec<TableResult>)>, RunError> {
    let Some(load) = warehouse.pending(pipeline).await? else { return Ok(None) };
    let tables = warehouse.load(&load, &mut |_| ()).await?;
    warehouse.refresh(&load.pipeline, &load.run, &load.marts).await?;
    Ok(Some((load, tables)))
}

fn describe(ctx: &RunContext, plan: &Plan, streams: &[AssessedStream], report: &Report, warehouse: &Warehouse) -> Load {
    let pipeline = plan.loaded.pipeline.name.clone();
    let root = &ctx.storage.root;
    let clean = |stream: &AssessedStream| {
        let folder = ctx.storage.clean().join(&stream.name).join(&ctx.run);
        let folder = folder.strip_prefix(root).map(Into::into).unwrap_or(folder);
        CleanStream { name: stream.name.clone(), files: stream.files.iter().map(|file| folder.join(&file.file)).collect() }
    };
    let cursor = |stream: &AssessedStream| {
        let keeps = !ctx.windowed.contains(&stream.source);
        Some((format!("{}/{}", stream.source, stream.name), stream.cursor.clone().filter(|_| keeps)?))
    };
    Load {
        sequence: warehouse.sequence(&pipeline) + 1,
        as_of: ctx.now,
        quarantine: quarantine(ctx),
        run: ctx.run.clone(),
        streams: streams.iter().map(clean).collect(),
        tables: plan.tables.clone(),
        marts: plan.marts.clone(),
        cursors: streams.iter().filter_map(cursor).collect::<BTreeMap<_, _>>(),
        audit: audit(ctx, plan, streams, report),
        pipeline,
    }
}

/// One row per stream; the warehouse adds one per table with the rows that it loaded.
fn audit(ctx: &RunContext, plan: &Plan, streams: &[AssessedStream], report: &Report) -> Vec<AuditRow> {
    let digests: BTreeMap<_, _> = plan.plugins.values().map(|plugin| (plugin.id(), plugin.digest.clone())).collect();
    let timings = timings(ctx);
    let digests = serde_json::to_string(&digests).unwrap_or_default();
    streams
        .iter()
        .map(|stream| {
            let scores = report.verdict.iter().flat_map(|verdict| &verdict.scores).find(|s| s.stream.as_deref() == Some(&stream.name));
            AuditRow {
                stream: Some(stream.name.clone()),
                table: None,
                rows_read: Some(stream.read),
                rows_accepted: Some(stream.accepted),
                rows_quarantined: Some(stream.quarantined),
                rows_loaded: None,
                bytes_read: Some(stream.bytes),
                started_at: ctx.started,
                overall_score: scores.and_then(|scores| scores.overall),
                verdict: report.verdict.as_ref().map_or("pass", |verdict| verdict.name()).to_owned(),
                plugin_digests: digests.clone(),
                scores: scores.and_then(|scores| serde_json::to_string(&scores.dimensions).ok()).unwrap_or_default(),
                timings: timings.clone(),
                replayed: String::new(),
            }
        })
        .collect()
}

/// Milliseconds of each step so far, as JSON.
fn timings(ctx: &RunContext) -> String {
    let millis: BTreeMap<_, _> = ctx.course.steps().into_iter().map(|step| (step.step, step.micros / 1000)).collect();
    serde_json::to_string(&millis).unwrap_or_default()
}
