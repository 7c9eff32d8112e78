//! The lake, on a real disk.

mod data_files;
mod modes;
mod query;
mod refuse;
mod resume;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::arrow::{
    array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array},
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;

use super::{Lake, LakeError};
use crate::{
    config::Mode,
    lineage::ORIGIN,
    warehouse::{AuditRow, CleanStream, Load, TableLoad, TableResult},
};

/// A storage folder whose path has what paths seldom have.
struct Store {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mein Spëicher 100% [@1^|]");
        fs::create_dir(&root).unwrap();
        Self { _folder: folder, root }
    }

    async fn lake(&self) -> Lake {
        Lake::open(&self.root.join("lake")).await.unwrap()
    }

    /// Writes the clean file of a stream as the engine does.
    fn land(&self, run: &str, stream: &str, columns: Vec<(&str, ArrayRef)>) -> CleanStream {
        let origin: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..columns[0].1.len() as u64));
        let columns = columns.into_iter().map(|(name, values)| (name, values, true)).chain([(ORIGIN, origin, false)]);
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let path = Path::new("clean").join(stream).join(run).join("part-00000.parquet");
        fs::create_dir_all(self.root.join(&path).parent().unwrap()).unwrap();
        let mut writer = ArrowWriter::try_new(fs::File::create(self.root.join(&path)).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        CleanStream { name: stream.into(), files: vec![path] }
    }

    fn orders(&self, run: &str, rows: &[(&str, i64)]) -> CleanStream {
        self.land(run, "orders", vec![("id", texts(rows.iter().map(|row| row.0))), ("cents", numbers(rows.iter().map(|row| row.1)))])
    }
}

fn texts<'t>(values: impl IntoIterator<Item = &'t str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn table(name: &str, mode: Mode) -> TableLoad {
    let key = if mode == Mode::Merge { vec!["id".to_owned()] } else { Vec::new() };
    TableLoad { name: name.into(), sql: None, stream: Some("orders".into()), mode, key }
}

fn sql(name: &str, mode: Mode, sql: &str) -> TableLoad {
    TableLoad { sql: Some(sql.into()), stream: None, ..table(name, mode) }
}

/// The load number `sequence` of pipeline `shop`.
fn load(sequence: u64, streams: Vec<CleanStream>, tables: Vec<TableLoad>) -> Load {
    let audit = streams.iter().map(|stream| AuditRow { stream: Some(stream.name.clone()), rows_read: Some(7), ..AuditRow::default() });
    Load {
        pipeline: "shop".into(),
        run: format!("run-{sequence}"),
        sequence,
        audit: audit.collect(),
        as_of: chrono::DateTime::UNIX_EPOCH,
        quarantine: "quarantine".into(),
        streams,
        tables,
        marts: Vec::new(),
        cursors: BTreeMap::from([("olist/orders".into(), format!("cursor-{sequence}"))]),
    }
}

async fn run(lake: &mut Lake, load: &Load) -> Result<Vec<TableResult>, LakeError> {
    lake.load(load, &mut |_| ()).await
}

async fn rows(lake: &Lake, sql: &str) -> Vec<String> {
    let batches: Vec<_> = lake.query(sql).await.unwrap().try_collect().await.unwrap();
    let text = pretty_format_batches(&batches).unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    let line = |line: &&str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" ");
    if lines.len() < 5 { Vec::new() } else { lines[3..lines.len() - 1].iter().map(line).collect() }
}

/// The Parquet files of a table, those of older versions included.
fn data_files(store: &Store, table: &str) -> usize {
    let entries = fs::read_dir(store.root.join("lake").join(table)).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "parquet")).count()
}
