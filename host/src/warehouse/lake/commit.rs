//! One Delta commit per table, marked with the load's number: a table that has the mark is done, however often the load is tried.

use std::{sync::Arc, time::SystemTime};

use chrono::Utc;
use datafusion::{
    arrow::datatypes::SchemaRef,
    common::Result,
    logical_expr::LogicalPlan,
    prelude::{DataFrame, SessionContext},
};
use deltalake_core::{
    DeltaTable,
    kernel::{Transaction, Version, transaction::CommitProperties},
    operations::write::{SchemaMode, WriteBuilder},
    protocol::SaveMode,
};
use futures::TryStreamExt;
use parquet::{basic::Compression, file::properties::WriterProperties};
use serde_json::{Value, json};

use super::{
    AUDIT, Lake, LakeError, atomic, audit, data_files,
    intent::{Intent, Prepared},
    merge::{Merged, merge},
    types::delta_schema,
};
use crate::{
    config::Mode,
    warehouse::{
        DICTIONARY_BYTES, Load, TableResult,
        session::{Footers, Join, files, viewed},
    },
};

/// The key under which a commit says which load it belongs to.
pub(super) const MARK: &str = "tidegate";
/// Rows of a row group, which each writer holds in memory: 131,072 ids of 32 letters are 4 MB.
const ROW_GROUP: usize = 1 << 17;
/// How far back the commit of an earlier try is looked for. Nothing but a person's own maintenance can come between.
const LOOK_BACK: usize = 32;

/// Commits all tables of `intent`, then its audit rows. Not visible before the head says so.
pub(super) async fn commit(
    lake: &Lake,
    intent: &Intent,
    since: SystemTime,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Vec<TableResult>, LakeError> {
    let mut results = commit_tables(lake, intent, progress).await?;
    progress(AUDIT);
    results.push(commit_audit(lake, &intent.load, &results).await?);
    for result in &results {
        let folder = lake.folder(&result.table)?;
        atomic::sync_below(&folder, since).map_err(LakeError::file("write", &folder))?;
    }
    Ok(results)
}

pub(super) async fn commit_tables(
    lake: &Lake,
    intent: &Intent,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Vec<TableResult>, LakeError> {
    let mut results = Vec::with_capacity(intent.tables.len() + 1);
    for prepared in &intent.tables {
        progress(&prepared.table);
        results.push(commit_table(lake, &intent.load, prepared).await?);
    }
    Ok(results)
}

async fn commit_table(lake: &Lake, load: &Load, prepared: &Prepared) -> Result<TableResult, LakeError> {
    let table = lake.table(&prepared.table, None).await?;
    if is_done(&table, load, &prepared.table).await? {
        let merged = earlier(&table, load, prepared).await?;
        return result(lake, &table, prepared, merged, true).await;
    }
    let (table, merged) = match write(lake, load, prepared, table.clone(), Join::Hash).await {
        Err(error) if error.is_out_of_memory() => write(lake, load, prepared, table, Join::SortMerge).await?,
        written => written?,
    };
    result(lake, &table, prepared, merged, false).await
}

pub(super) async fn write(
    lake: &Lake,
    load: &Load,
    prepared: &Prepared,
    table: DeltaTable,
    join: Join,
) -> Result<(DeltaTable, Merged), LakeError> {
    let ctx = lake.sessions.context(join);
    let name = prepared.table.as_str();
    let footers = Footers::of(&lake.root, &prepared.files)?;
    let schema = delta_schema(name, &footers.schema)?;
    let rows = read(lake, &ctx, prepared, &schema).map_err(LakeError::sql(&format!("the table `{name}`")))?;
    let properties = properties(load, name);
    match prepared.mode {
        Mode::Merge if table.version().is_some() && footers.rows > 0 => merge(&ctx, table, rows, &schema, prepared, properties).await,
        Mode::Merge if table.version().is_some() && has_all(&table, &schema) => Ok((table, Merged { inserted: 0, updated: 0 })),
        mode => {
            let added = Merged { inserted: footers.rows, updated: 0 };
            if data_files::fit(&table, &schema, mode) {
                return Ok((data_files::add(lake, table, &schema, prepared, properties).await?, added));
            }
            let plan = rows.into_unoptimized_plan();
            Ok((write_plan(&ctx, table, name, plan, mode == Mode::Replace, properties).await?, added))
        }
    }
}

/// Whether a table has every column of `schema`.
fn has_all(table: &DeltaTable, schema: &SchemaRef) -> bool {
    let Ok(state) = table.snapshot() else { return false };
    schema.fields().iter().all(|field| state.schema().field(field.name()).is_some())
}

fn read(lake: &Lake, ctx: &SessionContext, prepared: &Prepared, schema: &SchemaRef) -> Result<DataFrame> {
    ctx.read_table(Arc::new(files(&lake.root, &prepared.files, viewed(schema))?))
}

/// Adds the rows of `plan` to a table, or puts them in the place of its rows. Creates the table where it is not there.
pub(super) async fn write_plan(
    ctx: &SessionContext,
    table: DeltaTable,
    name: &str,
    plan: LogicalPlan,
    replace: bool,
    properties: CommitProperties,
) -> Result<DeltaTable, LakeError> {
    let snapshot = table.snapshot().ok().map(|state| state.snapshot().clone());
    let (save, schema) = if replace { (SaveMode::Overwrite, SchemaMode::Overwrite) } else { (SaveMode::Append, SchemaMode::Merge) };
    WriteBuilder::new(table.log_store(), snapshot)
        .with_input_plan(plan)
        .with_session_state(Arc::new(ctx.state()))
        .with_save_mode(save)
        .with_schema_mode(schema)
        .with_writer_properties(file_properties())
        .with_table_name(name)
        .with_commit_properties(properties)
        .await
        .map_err(LakeError::delta("write", name))
}

/// How data files are written.
pub(super) fn file_properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .build()
}

pub(super) async fn commit_audit(lake: &Lake, load: &Load, results: &[TableResult]) -> Result<TableResult, LakeError> {
    let rows = audit::rows(load, results, Utc::now()).map_err(|error| LakeError::sql("the table `ingest_audit`")(error.into()))?;
    let prepared = Prepared { table: AUDIT.into(), mode: Mode::Append, key: Vec::new(), files: Vec::new(), rows: rows.num_rows() as u64 };
    let all = Merged { inserted: prepared.rows, updated: 0 };
    let table = lake.table(AUDIT, None).await?;
    if is_done(&table, load, AUDIT).await? {
        return result(lake, &table, &prepared, all, true).await;
    }
    let ctx = lake.sessions.context(Join::Hash);
    let rows = ctx.read_batch(rows).map_err(LakeError::sql("the table `ingest_audit`"))?;
    let table = write_plan(&ctx, table, AUDIT, rows.into_unoptimized_plan(), false, properties(load, AUDIT)).await?;
    result(lake, &table, &prepared, all, false).await
}

fn app_id(load: &Load, table: &str) -> String {
    format!("{}/{table}", load.pipeline)
}

fn properties(load: &Load, table: &str) -> CommitProperties {
    let number = i64::try_from(load.sequence).expect("a lake has fewer loads than 2^63");
    let mark = json!({ "pipeline": load.pipeline, "run": load.run, "sequence": load.sequence });
    CommitProperties::default()
        .with_application_transaction(Transaction::new(app_id(load, table), number))
        .with_metadata([(MARK.to_owned(), mark)])
}

/// Whether the table has this load.
pub(super) async fn is_done(table: &DeltaTable, load: &Load, name: &str) -> Result<bool, LakeError> {
    let Ok(state) = table.snapshot() else { return Ok(false) };
    let store = table.log_store();
    let last = state.transaction_version(store.as_ref(), app_id(load, name)).await.map_err(LakeError::delta("read", name))?;
    Ok(last.is_some_and(|last| u64::try_from(last).is_ok_and(|last| last >= load.sequence)))
}

/// What the earlier try did, as its commit tells.
async fn earlier(table: &DeltaTable, load: &Load, prepared: &Prepared) -> Result<Merged, LakeError> {
    let commits: Vec<_> = table.history(Some(LOOK_BACK)).try_collect().await.map_err(LakeError::delta("read", &prepared.table))?;
    let mark = |info: &Value| info["pipeline"] == load.pipeline.as_str() && info["sequence"] == load.sequence;
    let commit = commits.iter().find(|commit| commit.info.get(MARK).is_some_and(mark));
    let metric = |name: &str| {
        let value = commit?.info.get("operationMetrics")?.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let all = Merged { inserted: prepared.rows, updated: 0 };
    let inserted = metric("num_target_rows_inserted");
    Ok(inserted.map_or(all, |inserted| Merged { inserted, updated: metric("num_target_rows_updated").unwrap_or(0) }))
}

async fn result(lake: &Lake, table: &DeltaTable, prepared: &Prepared, merged: Merged, skipped: bool) -> Result<TableResult, LakeError> {
    Ok(TableResult {
        table: prepared.table.clone(),
        mode: prepared.mode,
        rows_in: prepared.rows,
        inserted: merged.inserted,
        updated: merged.updated,
        unchanged: prepared.rows.saturating_sub(merged.inserted + merged.updated),
        rows_after: Some(lake.count(&prepared.table, table).await?),
        version: Some(version(table)),
        skipped,
        ..TableResult::default()
    })
}

/// The version of a table that was written or read.
pub(super) fn version(table: &DeltaTable) -> Version {
    table.version().expect("a table that was written or read has a version")
}
