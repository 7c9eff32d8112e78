//! The DataFusion sessions of every warehouse: the one place where they are configured, and how clean streams get into them.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use datafusion::{
    arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef},
    common::{DataFusionError, Result, TableReference},
    datasource::{
        empty::EmptyTable,
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    execution::{
        SessionStateBuilder,
        context::SQLOptions,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::FairSpillPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::LogicalPlan,
    prelude::{DataFrame, SessionConfig, SessionContext},
};
use deltalake_core::{delta_datafusion::planner::DeltaPlanner, table::builder::parse_table_uri};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::{QueryError, load::CleanStream};
use crate::config::near_miss;

/// What joins, groups and sorts may hold in memory, all together; what needs more goes to disk.
pub(in crate::warehouse) const MEMORY_BYTES: usize = 256 << 20;
/// More partitions than this make more, smaller files without being faster: the writer is one task.
const MAX_PARTITIONS: usize = 4;

/// How two sides are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::warehouse) enum Join {
    /// Fast; one side has to fit into memory.
    Hash,
    /// Sorts both sides, on disk if need be.
    SortMerge,
    /// As `Hash`, for tables in memory, which are faster joined and grouped by one task than handed to several.
    InMemory,
}

/// Makes sessions that share one budget of memory.
#[derive(Debug, Clone)]
pub(in crate::warehouse) struct Sessions {
    memory: usize,
    runtime: Arc<RuntimeEnv>,
}

impl Sessions {
    /// Sessions that use `memory` bytes and then the folder `spill`.
    pub fn new(memory: usize, spill: PathBuf) -> Result<Self> {
        // Before the first run there is no storage folder, and looking does not make one.
        let there = spill.parent().is_some_and(Path::is_dir);
        let mode = if there { DiskManagerMode::Directories(vec![spill]) } else { DiskManagerMode::OsTmpDirectory };
        let disk = DiskManagerBuilder::default().with_mode(mode);
        let pool = Arc::new(FairSpillPool::new(memory));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).with_disk_manager_builder(disk).build_arc()?;
        Ok(Self { memory, runtime })
    }

    /// A session without tables.
    pub fn context(&self, join: Join) -> SessionContext {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        let (partitions, batch_rows) = match join {
            Join::Hash => (cores.min(MAX_PARTITIONS), 8192),
            // Every sorter gets its share of the budget, and a batch has to fit into it. With one partition DataFusion hashes all the same.
            Join::SortMerge => (2, 2048),
            Join::InMemory => (1, 8192),
        };
        let config = SessionConfig::new()
            .with_information_schema(true)
            .with_target_partitions(partitions)
            .with_batch_size(batch_rows)
            .set_bool("datafusion.optimizer.prefer_hash_join", join != Join::SortMerge)
            // A join sorts two sides on each partition at once; each sorter asks for this much before it may spill.
            .set_usize("datafusion.execution.sort_spill_reservation_bytes", self.memory / 32)
            // As deltalake sets it: with dictionaries among the keys the pushed-down list panics (DataFusion 52 and later).
            .set_usize("datafusion.optimizer.hash_join_inlist_pushdown_max_size", 0)
            .set_usize("datafusion.optimizer.hash_join_inlist_pushdown_max_distinct_values", 0);
        // To plan takes longer than to go through rows that are there already.
        let config = if join == Join::InMemory { config.set_usize("datafusion.optimizer.max_passes", 1) } else { config };
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config)
            .with_runtime_env(self.runtime.clone())
            // deltalake's operations have logical nodes of their own.
            .with_query_planner(DeltaPlanner::new())
            .build();
        SessionContext::new_with_state(state)
    }
}

/// Plans a SELECT. `what` says whose it is, for the error.
pub(in crate::warehouse) async fn select(ctx: &SessionContext, sql: &str, what: &str) -> Result<DataFrame, QueryError> {
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    match ctx.sql_with_options(sql, read_only).await {
        Ok(rows) => Ok(rows),
        Err(error) => Err(unknown_table(ctx, sql, what).unwrap_or_else(|| QueryError::sql(what)(error))),
    }
}

/// Plans a SELECT over streams or tables of the given schemas, without any data. Gives the schema of its rows as DataFusion has it.
pub async fn check_sql(streams: &[(String, SchemaRef)], sql: &str) -> Result<SchemaRef, QueryError> {
    Ok(plan_sql(streams, sql).await?.schema().inner().clone())
}

/// The same, and gives the plan: for those who ask where its columns come from.
pub async fn plan_sql(streams: &[(String, SchemaRef)], sql: &str) -> Result<LogicalPlan, QueryError> {
    let what = "the statement";
    let ctx = SessionContext::new();
    for (name, schema) in streams {
        let table = Arc::new(EmptyTable::new(schema.clone()));
        ctx.register_table(name.as_str(), table).map_err(QueryError::sql(what))?;
    }
    Ok(select(&ctx, sql, what).await?.into_unoptimized_plan())
}

/// The tables that `sql` names. None where it can't be read.
pub(in crate::warehouse) fn named_tables(ctx: &SessionContext, sql: &str) -> Option<Vec<TableReference>> {
    let state = ctx.state();
    let statement = state.sql_to_statement(sql, &state.config_options().sql_parser.dialect).ok()?;
    state.resolve_table_references(&statement).ok()
}

/// The first table that `sql` names and that is not there.
fn unknown_table(ctx: &SessionContext, sql: &str, what: &str) -> Option<QueryError> {
    let named = named_tables(ctx, sql)?;
    let missing = named.into_iter().find(|name| name.schema().is_none() && !ctx.table_exist(name.clone()).unwrap_or(true))?;
    let name = missing.table().to_owned();
    let schema = ctx.catalog("datafusion").and_then(|catalog| catalog.schema("public"));
    let mut known = schema.map_or_else(Vec::new, |schema| schema.table_names());
    known.sort();
    let near = near_miss(&name, known.iter().map(String::as_str)).map(str::to_owned);
    Some(QueryError::UnknownTable { what: what.to_owned(), name, near, known })
}

/// Makes the clean streams of a run tables of a session, text as views.
pub(in crate::warehouse) fn register_streams(ctx: &SessionContext, root: &Path, streams: &[CleanStream]) -> Result<(), QueryError> {
    for stream in streams.iter().filter(|stream| !stream.files.is_empty()) {
        let what = format!("the stream `{}`", stream.name);
        let schema = Footers::of(root, &stream.files)?.schema;
        let table = files(root, &stream.files, viewed(&schema)).map_err(QueryError::sql(&what))?;
        ctx.register_table(stream.name.as_str(), Arc::new(table)).map_err(QueryError::sql(&what))?;
    }
    Ok(())
}

/// Parquet files as a table. Columns that `schema` leaves out are not read.
pub(in crate::warehouse) fn files(root: &Path, paths: &[PathBuf], schema: SchemaRef) -> Result<ListingTable> {
    let urls = paths.iter().map(|path| file_url(&root.join(path))).collect::<Result<_>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    ListingTable::try_new(config)
}

/// The URL of a file. A plain path would be read as a pattern.
fn file_url(path: &Path) -> Result<ListingTableUrl> {
    let path = path.to_str().ok_or_else(|| DataFusionError::Execution(format!("`{}` is not UTF-8", path.display())))?;
    ListingTableUrl::try_new(parse_table_uri(path)?, None)
}

/// Text and bytes as views, in which DataFusion joins and groups without copying them.
pub(in crate::warehouse) fn viewed(schema: &Schema) -> SchemaRef {
    let view = |field: &FieldRef| {
        let kind = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            other => other.clone(),
        };
        Arc::new(field.as_ref().clone().with_data_type(kind))
    };
    Arc::new(Schema::new(schema.fields().iter().map(view).collect::<Fields>()))
}

/// What Parquet files say of themselves.
pub(in crate::warehouse) struct Footers {
    /// The schema of the first one.
    pub schema: SchemaRef,
    /// The rows of all.
    pub rows: u64,
}

impl Footers {
    /// Reads the footers of at least one file.
    pub fn of(root: &Path, paths: &[PathBuf]) -> Result<Self, QueryError> {
        let mut found: Option<Self> = None;
        for path in paths {
            let path = root.join(path);
            let file = File::open(&path).map_err(QueryError::file(&path))?;
            let footer =
                ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| QueryError::file(&path)(error.into()))?;
            let rows = u64::try_from(footer.metadata().file_metadata().num_rows()).unwrap_or(0);
            found.get_or_insert_with(|| Self { schema: footer.schema().clone(), rows: 0 }).rows += rows;
        }
        Ok(found.expect("callers pass at least one file"))
    }
}
