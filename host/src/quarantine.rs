//! Rejected rows with their reasons, as Parquet files of one schema, whoever rejects them.
//!
//! What always holds here: a file has its name when it is whole, and there is one only where something was rejected.

use std::{fs, io, path::PathBuf, sync::Arc};

use arrow::{
    array::{ArrayBuilder, ArrayRef, RecordBatch, StringArray, StringBuilder, UInt64Builder},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
    json::LineDelimitedWriter,
};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

/// Rows that wait before they are written as one batch.
const PENDING: usize = 8192;

/// The schema of quarantine files.
pub fn quarantine_schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![
        text("stream"),
        text("plugin"),
        text("rule"),
        text("dimension"),
        text("reason"),
        text("columns"),
        Field::new("file", DataType::Utf8, true),
        Field::new("record", DataType::UInt64, false),
        text("row"),
    ]))
}

/// A rejected row.
#[derive(Debug, Clone, Copy)]
pub struct Rejected<'r> {
    /// The rule that rejects it.
    pub rule: &'r str,
    /// The dimension that it counts against.
    pub dimension: &'r str,
    /// Why, in words.
    pub reason: &'r str,
    /// The columns at fault, separated by commas.
    pub columns: &'r str,
    /// The page that it came from.
    pub file: Option<&'r str>,
    /// Its number in the page, or in what rejected it.
    pub record: u64,
    /// The row as JSON, or the record as it came.
    pub row: &'r str,
}

/// Writes one file.
pub struct Writer {
    stream: String,
    plugin: String,
    path: PathBuf,
    pending: Builders,
    writer: Option<ArrowWriter<tempfile::NamedTempFile>>,
}

#[derive(Default)]
struct Builders {
    rules: StringBuilder,
    dimensions: StringBuilder,
    reasons: StringBuilder,
    columns: StringBuilder,
    files: StringBuilder,
    records: UInt64Builder,
    rows: StringBuilder,
}

impl Writer {
    /// Rejected rows of `stream` for the file at `path`.
    pub fn new(stream: &str, plugin: &str, path: PathBuf) -> Self {
        Self { stream: stream.to_owned(), plugin: plugin.to_owned(), path, pending: Builders::default(), writer: None }
    }

    /// Names who rejects.
    pub fn by(mut self, plugin: &str) -> Self {
        plugin.clone_into(&mut self.plugin);
        self
    }

    /// Adds a row.
    pub fn append(&mut self, rejected: Rejected<'_>) -> Result<(), ArrowError> {
        let pending = &mut self.pending;
        pending.rules.append_value(rejected.rule);
        pending.dimensions.append_value(rejected.dimension);
        pending.reasons.append_value(rejected.reason);
        pending.columns.append_value(rejected.columns);
        pending.files.append_option(rejected.file);
        pending.records.append_value(rejected.record);
        pending.rows.append_value(rejected.row);
        if pending.records.len() < PENDING { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), ArrowError> {
        let rows = self.pending.records.len();
        if rows == 0 {
            return Ok(());
        }
        let same = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; rows])) };
        let pending = &mut self.pending;
        let batch = RecordBatch::try_new(
            quarantine_schema(),
            vec![
                same(&self.stream),
                same(&self.plugin),
                Arc::new(pending.rules.finish()),
                Arc::new(pending.dimensions.finish()),
                Arc::new(pending.reasons.finish()),
                Arc::new(pending.columns.finish()),
                Arc::new(pending.files.finish()),
                Arc::new(pending.records.finish()),
                Arc::new(pending.rows.finish()),
            ],
        )?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let folder = self.path.parent().expect("quarantine files lie in a folder");
                fs::create_dir_all(folder)?;
                let file = tempfile::Builder::new().prefix(".rejected-").tempfile_in(folder)?;
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                self.writer.insert(ArrowWriter::try_new(file, quarantine_schema(), Some(properties))?)
            }
        };
        Ok(writer.write(&batch)?)
    }

    /// Writes what is pending and gives the file its name.
    pub fn finish(&mut self) -> Result<(), ArrowError> {
        self.write()?;
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner()?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
        }
        Ok(())
    }
}

/// Rows as JSON objects, one text per row.
pub fn json_rows(batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let text = String::from_utf8(writer.into_inner()).map_err(|error| ArrowError::from(io::Error::other(error)))?;
    Ok(text.lines().map(str::to_owned).collect())
}
