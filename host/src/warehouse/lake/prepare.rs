//! Before the first table changes: the rows of every table are computed, checked, and on disk. What can go wrong with data or SQL goes
//! wrong here, where nothing has happened yet; what comes after needs neither the streams nor the SQL.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::{FieldRef, Schema, SchemaRef},
    },
    common::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    physical_plan::execute_stream_partitioned,
    prelude::DataFrame,
};
use deltalake_core::{
    DeltaTable,
    kernel::{StructType, engine::arrow_conversion::TryIntoKernel},
};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use tokio::task::JoinSet;

use super::{
    AUDIT, Lake, LakeError,
    commit::file_properties,
    intent::{Intent, Prepared, relative},
    key,
    merge::Changes,
    types::{conform, delta_schema},
};
use crate::{
    config::Mode,
    warehouse::{
        Load, TableLoad,
        session::{Footers, Join, register_streams, select},
    },
};

/// Computes and checks the rows of all tables of `load`.
pub(super) async fn prepare(lake: &Lake, load: &Load) -> Result<Intent, LakeError> {
    let mut tables = Vec::with_capacity(load.tables.len());
    for table in &load.tables {
        tables.push(prepare_table(lake, load, table).await?);
    }
    Ok(Intent { version: Intent::FORMAT, load: load.clone(), tables })
}

async fn prepare_table(lake: &Lake, load: &Load, table: &TableLoad) -> Result<Prepared, LakeError> {
    if table.name == AUDIT {
        return Err(LakeError::TableName { table: table.name.clone() });
    }
    let paths = match as_it_is(lake, load, table)? {
        Some(paths) => paths,
        None => match stage(lake, load, table, Join::Hash).await {
            Err(error) if error.is_out_of_memory() => stage(lake, load, table, Join::SortMerge).await?,
            staged => staged?,
        },
    };
    let footers = Footers::of(&lake.root, &paths)?;
    let schema = delta_schema(&table.name, &footers.schema)?;
    let existing = lake.table(&table.name, None).await?;
    if table.mode != Mode::Replace && existing.version().is_some() {
        same_types(&table.name, &existing, &schema)?;
    }
    let mut files = paths;
    if table.mode == Mode::Merge {
        key::check(lake, table, &files, &schema).await?;
        if existing.version().is_some() {
            let changes = Changes { table: &table.name, key: &table.key, files: &files, schema: &schema };
            let folder = folder_for(lake, load, &table.name, "changes")?;
            files = match changes.write(lake, &existing, &folder, Join::Hash).await {
                Err(error) if error.is_out_of_memory() => changes.write(lake, &existing, &folder, Join::SortMerge).await?,
                written => written?,
            };
        }
    }
    Ok(Prepared { table: table.name.clone(), mode: table.mode, key: table.key.clone(), files, rows: footers.rows })
}

/// A new folder for rows of a table, in the lake's own.
fn folder_for(lake: &Lake, load: &Load, table: &str, what: &str) -> Result<PathBuf, LakeError> {
    let folder = lake.staged(&load.pipeline).join(&load.run).join(table).join(what);
    fs::create_dir_all(&folder).map_err(LakeError::file("write", &folder))?;
    Ok(folder)
}

/// The files of a stream that needs no more than to be written: most do, so nothing is copied for them.
fn as_it_is(lake: &Lake, load: &Load, table: &TableLoad) -> Result<Option<Vec<PathBuf>>, LakeError> {
    let Some(name) = table.stream.as_ref().filter(|_| table.sql.is_none()) else { return Ok(None) };
    let stream = load.streams.iter().find(|stream| stream.name == *name && !stream.files.is_empty());
    let stream = stream.ok_or_else(|| LakeError::NoStream { table: table.name.clone(), stream: name.clone() })?;
    let clean = Footers::of(&lake.root, &stream.files)?.schema;
    let schema = delta_schema(&table.name, &clean)?;
    let same = |field: &FieldRef| clean.field_with_name(field.name()).is_ok_and(|found| found.data_type() == field.data_type());
    Ok(schema.fields().iter().all(same).then(|| stream.files.clone()))
}

/// Runs the table's SQL and writes its rows, in Delta's types, to the lake's own folder.
async fn stage(lake: &Lake, load: &Load, table: &TableLoad, join: Join) -> Result<Vec<PathBuf>, LakeError> {
    let what = format!("the table `{}`", table.name);
    let ctx = lake.sessions.context(join);
    register_streams(&ctx, &lake.root, &load.streams)?;
    let rows = match (&table.sql, &table.stream) {
        (Some(sql), _) => select(&ctx, sql, &what).await?,
        (None, stream) => ctx.table(stream.as_deref().unwrap_or_default()).await.map_err(LakeError::sql(&what))?,
    };
    let schema = delta_schema(&table.name, rows.schema().as_arrow())?;
    let rows = conform(rows, &schema).map_err(LakeError::sql(&what))?;
    let folder = folder_for(lake, load, &table.name, "rows")?;
    let written = write_rows(rows, &schema, &folder).await.map_err(LakeError::sql(&what))?;
    Ok(written.iter().map(|path| relative(&lake.root, path)).collect())
}

/// Writes each partition to a file of its own, in the place of what an earlier try wrote.
pub(super) async fn write_rows(rows: DataFrame, schema: &SchemaRef, folder: &Path) -> Result<Vec<PathBuf>> {
    let task = Arc::new(rows.task_ctx());
    let plan = rows.create_physical_plan().await?;
    let mut writing = JoinSet::new();
    for (partition, rows) in execute_stream_partitioned(plan, task)?.into_iter().enumerate() {
        writing.spawn(write_file(rows, schema.clone(), folder.join(format!("part-{partition:05}.parquet"))));
    }
    let mut paths = Vec::new();
    while let Some(written) = writing.join_next().await {
        paths.push(written.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??);
    }
    paths.sort();
    Ok(paths)
}

async fn write_file(mut rows: SendableRecordBatchStream, schema: SchemaRef, path: PathBuf) -> Result<PathBuf> {
    // Most of these become data files as they are.
    let mut writer = ArrowWriter::try_new(fs::File::create(&path)?, schema.clone(), Some(file_properties()))?;
    while let Some(batch) = rows.next().await {
        // The plan may know that a column has no nulls; the table does not care.
        writer.write(&RecordBatch::try_new(schema.clone(), batch?.columns().to_vec())?)?;
    }
    writer.into_inner()?.sync_all()?;
    Ok(path)
}

/// Columns may come and go, but don't change their type.
fn same_types(name: &str, table: &DeltaTable, schema: &Schema) -> Result<(), LakeError> {
    let known = table.snapshot().map_err(LakeError::delta("read", name))?.schema();
    let wanted: StructType = schema.try_into_kernel().map_err(|error| LakeError::delta("read", name)(error.into()))?;
    for field in wanted.fields() {
        let Some(found) = known.field(field.name()) else { continue };
        if found.data_type() != field.data_type() {
            return Err(LakeError::TypeChanged {
                table: name.to_owned(),
                column: field.name().clone(),
                found: found.data_type().to_string(),
                wanted: field.data_type().to_string(),
            });
        }
    }
    Ok(())
}
