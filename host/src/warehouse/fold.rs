//! What a table holds after several runs, computed from their clean streams alone: as if they had been loaded one after another into an empty
//! warehouse.
//!
//! # Why
//! The rows come out as one set that replaces the table's in an ordinary load. So a rebuild is as atomic, and in the lake as resumable, as any
//! load, and no warehouse needs a second way to write a table.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use datafusion::{
    arrow::{array::AsArray, datatypes::Int64Type},
    common::{Column, Result, ScalarValue},
    logical_expr::{Expr, lit},
    prelude::DataFrame,
};
use futures::StreamExt;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use super::{
    CleanStream, DICTIONARY_BYTES, KeyError, QueryError, TableLoad,
    error::is_out_of_memory,
    session::{Join, MEMORY_BYTES, Sessions, register_streams, select},
};
use crate::{config::Mode, lineage::ORIGIN};

/// Rows of a row group.
const ROW_GROUP: usize = 1 << 17;
/// The name of the run's number among the columns; tables can't have it, their columns don't begin with an underscore.
const RUN: &str = "_run";
/// The name of the run's logical time among the columns.
const AS_OF: &str = "_as_of";

/// A run that is loaded again.
#[derive(Debug, Clone)]
pub struct FoldRun {
    /// Its clean streams.
    pub streams: Vec<CleanStream>,
    /// Its logical time.
    pub as_of: DateTime<Utc>,
}

/// Why a table's rows can't be computed.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// By SQL.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// By its key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Computes what `table` holds after `runs`, in their order, and writes it to `folder`. `root` is the storage folder to which files are relative.
pub async fn fold(root: &Path, runs: &[FoldRun], table: &TableLoad, folder: &Path) -> std::result::Result<PathBuf, FoldError> {
    let what = format!("the table `{}`", table.name);
    let sessions = Sessions::new(MEMORY_BYTES, root.join("work")).map_err(QueryError::sql(&what))?;
    let file = folder.join("part-00000.parquet");
    let compute = async |join| Fold { sessions: &sessions, join, root, runs, table }.write(&file).await;
    match compute(Join::Hash).await {
        Err(error) if is_out_of_memory(&error) => compute(Join::SortMerge).await?,
        computed => computed?,
    }
    Ok(file)
}

struct Fold<'f> {
    sessions: &'f Sessions,
    join: Join,
    root: &'f Path,
    runs: &'f [FoldRun],
    table: &'f TableLoad,
}

impl Fold<'_> {
    async fn write(&self, file: &Path) -> std::result::Result<(), FoldError> {
        let what = format!("the table `{}`", self.table.name);
        let rows = match self.table.mode {
            Mode::Replace => match self.runs.last() {
                Some(last) => self.rows_of(last).await?,
                None => return Ok(()),
            },
            Mode::Append => self.all(false).await?,
            Mode::Merge => self.last_of_each_key().await?,
            Mode::Scd2 => self.history().await?,
        };
        write(rows, file).await.map_err(QueryError::sql(&what)).map_err(FoldError::from)
    }

    /// The rows that a run has for the table, without the column that says where they came from.
    async fn rows_of(&self, run: &FoldRun) -> std::result::Result<DataFrame, QueryError> {
        let what = format!("the table `{}`", self.table.name);
        // Runs have streams of the same names, so each gets a session of its own.
        let session = self.sessions.context(self.join);
        register_streams(&session, self.root, &run.streams)?;
        let rows = match (&self.table.sql, &self.table.stream) {
            (Some(sql), _) => select(&session, sql, &what).await?,
            (None, stream) => session.table(stream.as_deref().unwrap_or_default()).await.map_err(QueryError::sql(&what))?,
        };
        let columns = rows.schema().iter().filter(|(_, field)| field.name() != ORIGIN);
        let columns = columns.map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(field.name()));
        let columns: Vec<_> = columns.collect();
        rows.select(columns).map_err(QueryError::sql(&what))
    }

    /// The rows of all runs; `numbered` says from which run each is. A column that some runs lack is null in theirs.
    async fn all(&self, numbered: bool) -> std::result::Result<DataFrame, QueryError> {
        let what = format!("the table `{}`", self.table.name);
        let failed = QueryError::sql(&what);
        let mut all: Option<DataFrame> = None;
        for (number, run) in (0_i64..).zip(self.runs) {
            let mut rows = self.rows_of(run).await?;
            if numbered {
                let as_of = ScalarValue::TimestampMicrosecond(Some(run.as_of.timestamp_micros()), Some("UTC".into()));
                rows = rows.with_column(RUN, lit(number)).map_err(&failed)?;
                rows = rows.with_column(AS_OF, lit(as_of)).map_err(&failed)?;
            }
            all = Some(match all {
                Some(before) => before.union_by_name(rows).map_err(&failed)?,
                None => rows,
            });
        }
        all.ok_or_else(|| failed(datafusion::common::DataFusionError::Internal("there is no run".into())))
    }

    /// The columns of the table, and those of its key, quoted and with commas.
    fn names(&self, rows: &DataFrame) -> (Vec<String>, String) {
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let own = |name: &&String| *name != RUN && *name != AS_OF;
        let columns = rows.schema().fields().iter().map(|field| field.name()).filter(own).map(quoted).collect();
        (columns, self.table.key.iter().map(quoted).collect::<Vec<_>>().join(", "))
    }

    async fn sql(&self, rows: DataFrame, statement: &str) -> Result<DataFrame> {
        let session = self.sessions.context(self.join);
        session.register_table("all_rows", rows.into_view())?;
        session.sql(statement).await
    }

    /// Of each key the row that came last.
    async fn last_of_each_key(&self) -> std::result::Result<DataFrame, FoldError> {
        let what = format!("the table `{}`", self.table.name);
        let rows = self.all(true).await?;
        let (columns, key) = self.names(&rows);
        self.check_key(&rows, &key).await?;
        let columns = columns.join(", ");
        let statement = format!(
            "select {columns} from (select *, row_number() over (partition by {key} order by {RUN} desc) as _rank from all_rows) where _rank = 1"
        );
        Ok(self.sql(rows, &statement).await.map_err(QueryError::sql(&what))?)
    }

    /// Each version of each key, with the time from which and until which it was the one (see `postgres::scd2`).
    async fn history(&self) -> std::result::Result<DataFrame, FoldError> {
        let what = format!("the table `{}`", self.table.name);
        let rows = self.all(true).await?;
        let (columns, key) = self.names(&rows);
        self.check_key(&rows, &key).await?;
        // Whatever follows `is distinct from` belongs to its right side, so it is put in parentheses.
        let by_time = format!("over (partition by {key} order by {AS_OF})");
        let differs: Vec<_> = columns.iter().map(|name| format!("({name} is distinct from (lag({name}) {by_time}))")).collect();
        let (columns, differs) = (columns.join(", "), differs.join(" or "));
        // Of two versions at one time the later one counts; one that is as the version before it begins nothing.
        let statement = format!(
            "with versions as (\
               select * from (select *, row_number() over (partition by {key}, {AS_OF} order by {RUN} desc) as _rank from all_rows) where _rank = 1), \
             changes as (select *, (row_number() {by_time}) = 1 or {differs} as _differs from versions) \
             select {columns}, {AS_OF} as valid_from, lead({AS_OF}) {by_time} as valid_to, (lead({AS_OF}) {by_time}) is null as is_current \
             from changes where _differs"
        );
        Ok(self.sql(rows, &statement).await.map_err(QueryError::sql(&what))?)
    }

    /// In each run a key is whole, and there is one row of it.
    async fn check_key(&self, rows: &DataFrame, key: &str) -> std::result::Result<(), FoldError> {
        let what = format!("the key of the table `{}`", self.table.name);
        let failed = QueryError::sql(&what);
        let any_null = self.table.key.iter().map(|name| Expr::Column(Column::from_name(name)).is_null()).reduce(Expr::or);
        let Some(any_null) = any_null else {
            return Err(KeyError::Absent { table: self.table.name.clone(), column: String::new(), near: None }.into());
        };
        let nulls = rows.clone().filter(any_null).map_err(&failed)?.count().await.map_err(&failed)?;
        let (table, columns) = (self.table.name.clone(), self.table.key.clone());
        if nulls > 0 {
            return Err(KeyError::Null { table, key: columns, rows: nulls as u64 }.into());
        }
        let statement = format!(
            "select count(*), coalesce(sum(n), 0) from (select count(*) as n from all_rows group by {key}, {RUN} having count(*) > 1)"
        );
        let counted = self.sql(rows.clone(), &statement).await.map_err(&failed)?.collect().await.map_err(&failed)?;
        let number = |column: usize| {
            let found = counted.first().and_then(|batch| batch.column(column).as_primitive::<Int64Type>().iter().next().flatten());
            u64::try_from(found.unwrap_or(0)).unwrap_or(0)
        };
        match number(0) {
            0 => Ok(()),
            keys => Err(KeyError::Double { table, key: columns, keys, rows: number(1) }.into()),
        }
    }
}

/// Writes rows to one file, whole or not at all.
async fn write(rows: DataFrame, path: &Path) -> Result<()> {
    let schema = Arc::new(rows.schema().as_arrow().clone());
    let mut rows = rows.execute_stream().await?;
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, schema.clone(), Some(properties))?;
    while let Some(batch) = rows.next().await {
        // A plan may know that a column has no nulls, and its batches not say so.
        let columns = batch?.columns().to_vec();
        writer.write(&datafusion::arrow::array::RecordBatch::try_new(schema.clone(), columns)?)?;
    }
    writer.into_inner()?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array},
        datatypes::{DataType, Field, Schema},
        util::pretty::pretty_format_batches,
    };
    use datafusion::prelude::SessionContext;

    use super::*;

    struct Store {
        root: tempfile::TempDir,
        runs: Vec<FoldRun>,
    }

    impl Store {
        fn new(runs: &[(&str, &[(i64, &str)])]) -> Self {
            let root = tempfile::tempdir().unwrap();
            let runs = runs.iter().enumerate().map(|(number, (as_of, rows))| {
                let name = format!("{number}.parquet");
                write_stream(&root.path().join(&name), rows);
                let streams = vec![CleanStream { name: "people".into(), files: vec![name.into()] }];
                FoldRun { streams, as_of: format!("{as_of}T00:00:00Z").parse().unwrap() }
            });
            let runs = runs.collect();
            Self { root, runs }
        }

        async fn fold(&self, mode: Mode, key: &[&str]) -> std::result::Result<String, FoldError> {
            let key = key.iter().map(|&name| name.to_owned()).collect();
            let table = TableLoad { name: "t".into(), sql: None, stream: Some("people".into()), mode, key };
            let file = fold(self.root.path(), &self.runs, &table, &self.root.path().join("t")).await?;
            let session = SessionContext::new();
            session.register_parquet("t", file.to_string_lossy(), Default::default()).await.unwrap();
            let rows = session.sql("select * from t order by 1, 2").await.unwrap().collect().await.unwrap();
            let text = pretty_format_batches(&rows).unwrap().to_string();
            let lines = text.lines().skip(3).filter(|line| line.starts_with('|'));
            Ok(lines.map(|line| line.replace([' ', '|'], "")).collect::<Vec<_>>().join("; "))
        }
    }

    fn write_stream(path: &Path, rows: &[(i64, &str)]) {
        let fields = [("id", DataType::Int64), ("name", DataType::Utf8), (ORIGIN, DataType::UInt64)];
        let schema = Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, false)).to_vec()));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|(id, _)| *id).collect::<Int64Array>()),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, name)| name))),
            Arc::new((0..rows.len() as u64).collect::<UInt64Array>()),
        ];
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema.clone(), None).unwrap();
        writer.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
        writer.close().unwrap();
    }

    fn three() -> Store {
        Store::new(&[("2026-11-01", &[(1, "a"), (2, "b")]), ("2026-11-02", &[(2, "B"), (3, "c")]), ("2026-11-03", &[(2, "B"), (1, "A")])])
    }

    #[tokio::test]
    async fn a_replaced_table_is_the_last_run() {
        assert_eq!(three().fold(Mode::Replace, &[]).await.unwrap(), "1A; 2B");
    }

    #[tokio::test]
    async fn an_appended_table_is_all_runs() {
        assert_eq!(three().fold(Mode::Append, &[]).await.unwrap(), "1A; 1a; 2B; 2B; 2b; 3c");
    }

    #[tokio::test]
    async fn a_merged_table_has_the_last_row_of_each_key() {
        assert_eq!(three().fold(Mode::Merge, &["id"]).await.unwrap(), "1A; 2B; 3c");
    }

    #[tokio::test]
    async fn a_history_has_each_version_and_its_time() {
        let wanted = "1A2026-11-03T00:00:00Ztrue; 1a2026-11-01T00:00:00Z2026-11-03T00:00:00Zfalse; 2B2026-11-02T00:00:00Ztrue; \
                      2b2026-11-01T00:00:00Z2026-11-02T00:00:00Zfalse; 3c2026-11-02T00:00:00Ztrue";
        assert_eq!(three().fold(Mode::Scd2, &["id"]).await.unwrap(), wanted);
    }

    #[tokio::test]
    async fn of_two_versions_at_one_time_the_later_one_counts() {
        let store = Store::new(&[("2026-11-01", &[(1, "a")]), ("2026-11-01", &[(1, "b")])]);
        assert_eq!(store.fold(Mode::Scd2, &["id"]).await.unwrap(), "1b2026-11-01T00:00:00Ztrue");
    }

    #[tokio::test]
    async fn a_key_that_a_run_has_twice_is_refused() {
        let store = Store::new(&[("2026-11-01", &[(1, "a"), (1, "b")])]);
        let error = store.fold(Mode::Merge, &["id"]).await.unwrap_err();
        assert!(matches!(error, FoldError::Key(KeyError::Double { keys: 1, rows: 2, .. })), "{error:?}");
    }
}
