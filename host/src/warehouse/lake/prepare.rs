//! Before the first table changes: the rows of every table are computed, checked, and on disk. What can go wrong with data or SQL goes
//! wrong here, where nothing has happened yet; what comes after needs neither the streams nor the SQL.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{Int64Type, Schema, SchemaRef},
    },
    common::{Column, DataFusionError, Result},
    execution::SendableRecordBatchStream,
    functions_aggregate::expr_fn::{count, sum},
    logical_expr::{Expr, lit},
    physical_plan::execute_stream_partitioned,
    prelude::DataFrame,
};
use deltalake_core::DeltaTable;
use futures::StreamExt;
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use tokio::task::JoinSet;

use super::{
    AUDIT, Lake, LakeError,
    load::{Intent, Load, Prepared, TableLoad, relative},
    session::{Footers, Join, files, register_streams, select},
    types::{conform, delta_schema, is_comparable},
};
use crate::config::{Mode, near_miss};
use deltalake_core::kernel::{StructType, engine::arrow_conversion::TryIntoKernel};

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
    if table.mode == Mode::Merge {
        check_key(lake, table, &paths, &schema).await?;
    }
    Ok(Prepared { table: table.name.clone(), mode: table.mode, key: table.key.clone(), files: paths, rows: footers.rows })
}

/// The files of a stream that needs no more than to be written: most do, so nothing is copied for them.
fn as_it_is(lake: &Lake, load: &Load, table: &TableLoad) -> Result<Option<Vec<PathBuf>>, LakeError> {
    let Some(name) = table.stream.as_ref().filter(|_| table.sql.is_none()) else { return Ok(None) };
    let stream = load.streams.iter().find(|stream| stream.name == *name && !stream.files.is_empty());
    let stream = stream.ok_or_else(|| LakeError::NoStream { table: table.name.clone(), stream: name.clone() })?;
    let clean = Footers::of(&lake.root, &stream.files)?.schema;
    let schema = delta_schema(&table.name, &clean)?;
    let same = |field: &Arc<_>| clean.field_with_name(name_of(field)).is_ok_and(|found| found.data_type() == type_of(field));
    Ok(schema.fields().iter().all(same).then(|| stream.files.clone()))
}

fn name_of(field: &Arc<datafusion::arrow::datatypes::Field>) -> &str {
    field.name()
}

fn type_of(field: &Arc<datafusion::arrow::datatypes::Field>) -> &datafusion::arrow::datatypes::DataType {
    field.data_type()
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
    let folder = lake.staged(&load.pipeline).join(&load.run).join(&table.name);
    super::atomic::remove_folder(&folder)?;
    fs::create_dir_all(&folder).map_err(LakeError::file("write", &folder))?;
    let written = write_rows(rows, schema, &folder).await.map_err(LakeError::sql(&what))?;
    Ok(written.iter().map(|path| relative(&lake.root, path)).collect())
}

/// Writes each partition to a file of its own.
async fn write_rows(rows: DataFrame, schema: SchemaRef, folder: &Path) -> Result<Vec<PathBuf>> {
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
    // Written once, read once or twice, then gone: compression would cost more than it saves.
    let properties = WriterProperties::builder().set_dictionary_enabled(false).set_max_row_group_row_count(Some(1 << 17)).build();
    let mut writer = ArrowWriter::try_new(fs::File::create(&path)?, schema.clone(), Some(properties))?;
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
    let wanted: StructType = schema.try_into_kernel().map_err(|error| LakeError::delta("read", name)(error_of(error)))?;
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

fn error_of(error: datafusion::arrow::error::ArrowError) -> deltalake_core::DeltaTableError {
    error.into()
}

/// A key is whole, and there is one row of each.
async fn check_key(lake: &Lake, table: &TableLoad, paths: &[PathBuf], schema: &SchemaRef) -> Result<(), LakeError> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let absent = table.key.iter().find(|key| schema.field_with_name(key).is_err()).cloned();
    if let Some(column) = absent.or_else(|| table.key.is_empty().then(String::new)) {
        let near = near_miss(&column, names()).map(str::to_owned);
        return Err(LakeError::NoKey { table: table.name.clone(), column, near });
    }
    if let Some(field) = schema.fields().iter().find(|field| !is_comparable(field.data_type())) {
        let found = field.data_type().to_string();
        return Err(LakeError::ColumnType { table: table.name.clone(), column: field.name().clone(), found });
    }
    let what = format!("the key of the table `{}`", table.name);
    let (nulls, keys, rows) = count_keys(lake, table, paths, schema).await.map_err(LakeError::sql(&what))?;
    let (table, key) = (table.name.clone(), table.key.clone());
    match (nulls, keys) {
        (0, 0) => Ok(()),
        (0, keys) => Err(LakeError::DuplicateKeys { table, key, keys, rows }),
        (rows, _) => Err(LakeError::NullKeys { table, key, rows }),
    }
}

/// Rows with a null in the key; keys that occur more than once; rows that carry these.
async fn count_keys(lake: &Lake, table: &TableLoad, paths: &[PathBuf], schema: &SchemaRef) -> Result<(u64, u64, u64)> {
    let ctx = lake.sessions.context(Join::Hash);
    let rows = || ctx.read_table(Arc::new(files(&lake.root, paths, super::types::viewed(schema))?));
    let key: Vec<Expr> = table.key.iter().map(|name| Expr::Column(Column::from_name(name))).collect();
    let any_null = key.iter().cloned().map(Expr::is_null).reduce(Expr::or).expect("a key has columns");
    let nulls = rows()?.filter(any_null)?.count().await?;
    let repeated = rows()?
        .aggregate(key, vec![count(lit(1)).alias("rows_of_key")])?
        .filter(Expr::Column(Column::from_name("rows_of_key")).gt(lit(1_i64)))?
        .aggregate(vec![], vec![count(lit(1)).alias("keys"), sum(Expr::Column(Column::from_name("rows_of_key"))).alias("rows")])?
        .collect()
        .await?;
    let number = |column: usize| {
        let found = repeated.first().map(|batch| batch.column(column).as_primitive::<Int64Type>().iter().next().flatten());
        u64::try_from(found.flatten().unwrap_or(0)).unwrap_or(0)
    };
    Ok((nulls as u64, number(0), number(1)))
}
