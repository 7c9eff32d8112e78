//! The plugin as the host uses it, natively, on real folders.

mod configs;
mod csv;
mod incremental;
mod json;
mod slices;
mod typing;

use std::{fs, io::Write, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_sdk::{
    Failure, ORIGIN, Origin, Reader, RecordBatch, Request, Result, Slice, Source, Unread,
    arrow_array::{Array, cast::AsArray, types::*},
    arrow_schema::DataType,
    files::testing::grant,
};

use crate::{
    Config, SourceFiles,
    slice::{Cutting, plan_cut},
};

/// What came out of some slices.
#[derive(Debug, Default)]
struct Read {
    /// Rows as text, `record: cell|cell`, in the order in which they came.
    rows: Vec<String>,
    unread: Vec<Unread>,
    cursors: Vec<String>,
    batches: Vec<usize>,
    bytes: u64,
}

/// A folder with these files, granted as `data`.
fn folder<C: AsRef<[u8]>>(files: &[(&str, C)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        put(&folder, path, content.as_ref());
    }
    grant("data", folder.path());
    folder
}

fn put(folder: &TempDir, path: &str, content: &[u8]) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
    fs::write(path, content).unwrap();
}

fn gzip(content: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(content.as_bytes()).unwrap();
    packer.finish().unwrap()
}

/// A config with one stream `s`, every column text unless `settings` says otherwise.
fn config(settings: Value) -> Config {
    let mut stream = json!({ "types": "text" });
    stream.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    serde_json::from_value(json!({ "streams": { "s": stream } })).unwrap()
}

fn read_slice(config: &Config, slice: Slice, cursor: Option<&str>, batch_rows: usize) -> Result<Read> {
    let request = Request { stream: "s".into(), slice, cursor: cursor.map(str::to_owned), batch_rows };
    let mut reader = SourceFiles::open(config.clone(), request)?;
    let mut read = Read::default();
    let mut last = None;
    let mut origin = 0;
    while let Some(pulled) = reader.next()? {
        read.bytes += pulled.bytes;
        last = pulled.cursor.or(last);
        read.unread.extend(pulled.unread);
        let Some(batch) = pulled.batch else { continue };
        assert!(batch.num_rows() <= batch_rows);
        for next in batch.column_by_name(ORIGIN).unwrap().as_primitive::<UInt64Type>().values() {
            assert!(*next > origin, "`_origin` does not ascend");
            origin = *next;
        }
        read.batches.push(batch.num_rows());
        read.rows.extend(show(&batch));
    }
    read.cursors.extend(last);
    Ok(read)
}

/// Reads all of stream `s` in one slice.
fn read(config: &Config) -> Result<Read> {
    read_after(config, None)
}

fn read_after(config: &Config, cursor: Option<&str>) -> Result<Read> {
    SourceFiles::check(config)?;
    let stream = SourceFiles::discover(config)?.remove(0);
    assert!(stream.schema.fields().iter().all(|field| field.is_nullable()));
    let mut slices = SourceFiles::slices(config, "s", cursor, 1)?;
    if slices.is_empty() {
        return Ok(Read::default());
    }
    assert_eq!(slices.len(), 1);
    read_slice(config, slices.remove(0), cursor, 1000)
}

/// The rows of a config with `settings` over one file `x.csv`.
fn rows_of(content: impl AsRef<[u8]>, settings: Value) -> Vec<String> {
    let _folder = folder(&[("x.csv", content)]);
    read(&with_file(settings)).unwrap().rows
}

/// The message with which reading fails.
fn error_of(content: impl AsRef<[u8]>, settings: Value) -> String {
    let _folder = folder(&[("x.csv", content)]);
    match read(&with_file(settings)) {
        Ok(read) => panic!("{} rows were read", read.rows.len()),
        Err(failure) => failure.message,
    }
}

fn with_file(mut settings: Value) -> Config {
    settings.as_object_mut().unwrap().entry("files").or_insert("x.csv".into());
    config(settings)
}

/// Reads the stream in slices that are cut as finely as can be.
fn read_cut(config: &Config, wanted: usize, chunk: u64) -> Vec<Read> {
    let slices = plan_cut(config, "s", None, wanted, Cutting { above: 0, chunk }).unwrap();
    assert!(slices.len() <= wanted);
    slices.into_iter().map(|slice| read_slice(config, slice, None, 3).unwrap()).collect()
}

fn show(batch: &RecordBatch) -> Vec<String> {
    let (last, columns) = batch.columns().split_last().unwrap();
    let record = |row| Origin::new(0, last.as_primitive::<UInt64Type>().value(row)).record();
    let row = |row| columns.iter().map(|column| cell(column.as_ref(), row)).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(|at| format!("{}: {}", record(at), row(at))).collect()
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_owned();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        other => panic!("no column is {other}"),
    }
}

fn message<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    result.unwrap_err().message
}
