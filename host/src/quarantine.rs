//! Rejected rows with their reasons, as Parquet files of one schema, whoever rejects them.
//!
//! What always holds here: a file has its name when it is whole, and there is one only where something was rejected.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayBuilder, ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder, UInt64Builder},
    datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
    error::ArrowError,
    json::LineDelimitedWriter,
};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::Compression,
    file::properties::WriterProperties,
};

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

/// A rejected row, read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The stream.
    pub stream: String,
    /// Who rejected it.
    pub plugin: String,
    /// By which rule.
    pub rule: String,
    /// The dimension that it counts against.
    pub dimension: String,
    /// Why, in words.
    pub reason: String,
    /// The columns at fault.
    pub columns: String,
    /// The page that it came from.
    pub file: Option<String>,
    /// Its number in the page.
    pub record: u64,
    /// The row as JSON, or the record as it came.
    pub row: String,
}

/// Which rejected rows of a run are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only of this stream.
    pub stream: Option<String>,
    /// Only by this rule.
    pub rule: Option<String>,
    /// So many are passed over.
    pub skip: usize,
    /// So many are given at most.
    pub take: usize,
}

/// Rejected rows in the files of a run's folder, file by file in the order of their names, and whether there are more. Nothing but the rows
/// that are given stays in memory. A folder that is not there holds none.
pub fn read(folder: &Path, wanted: &Wanted) -> Result<(Vec<Kept>, bool), ArrowError> {
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => {
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    files.sort();
    let (mut found, mut passed) = (Vec::new(), 0);
    for file in files {
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file)?)?.with_batch_size(1024).build()?;
        for batch in reader {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let fits = |name, asked: &Option<String>| asked.as_ref().is_none_or(|asked| text(&batch, name, row) == asked);
                if !fits("stream", &wanted.stream) || !fits("rule", &wanted.rule) {
                    continue;
                }
                if passed < wanted.skip {
                    passed += 1;
                } else if found.len() == wanted.take {
                    return Ok((found, true));
                } else {
                    found.push(kept(&batch, row));
                }
            }
        }
    }
    Ok((found, false))
}

fn kept(batch: &RecordBatch, row: usize) -> Kept {
    let owned = |name| text(batch, name, row).to_owned();
    let record =
        batch.column_by_name("record").and_then(|column| column.as_primitive_opt::<UInt64Type>()).map_or(0, |column| column.value(row));
    let file = Some(owned("file")).filter(|file| !file.is_empty());
    Kept {
        stream: owned("stream"),
        plugin: owned("plugin"),
        rule: owned("rule"),
        dimension: owned("dimension"),
        reason: owned("reason"),
        columns: owned("columns"),
        file,
        record,
        row: owned("row"),
    }
}

/// A cell of a text column; empty where there is no such column or no value.
fn text<'b>(batch: &'b RecordBatch, name: &str, row: usize) -> &'b str {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.filter(|column| column.is_valid(row)).map_or("", |column| column.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written_a_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for stream in ["customers", "orders"] {
            let mut writer = Writer::new(stream, "transform-olist@0.1.0", folder.path().join(format!("{stream}.parquet")));
            for record in 0..3000 {
                let rule = if record % 2 == 0 { "even" } else { "odd" };
                let row = format!("{{\"n\":{record}}}");
                let file = (record > 0).then_some("a.csv");
                let rejected = Rejected { rule, dimension: "validity", reason: "it is", columns: "n", file, record, row: &row };
                writer.append(rejected).unwrap();
            }
            writer.finish().unwrap();
        }
        let ask = |stream: &str, rule: &str, skip, take| {
            let wanted = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            read(folder.path(), &Wanted { stream: wanted(stream), rule: wanted(rule), skip, take }).unwrap()
        };
        let (all, more) = ask("", "", 0, 10_000);
        assert_eq!((all.len(), more), (6000, false));
        assert_eq!((all[0].stream.as_str(), all[0].file.as_deref(), all[1].file.as_deref()), ("customers", None, Some("a.csv")));
        assert_eq!(all[5999], Kept { record: 2999, row: "{\"n\":2999}".into(), ..all[5999].clone() });
        let (some, more) = ask("orders", "odd", 1490, 8);
        assert_eq!((some.first().map(|row| row.record), some.len(), more), (Some(2981), 8, true));
        assert_eq!(
            ask("orders", "odd", 1492, 8),
            (some[2..].iter().cloned().chain([all[5997].clone(), all[5999].clone()]).collect(), false)
        );
        assert_eq!(ask("nothing", "", 0, 8), (Vec::new(), false));
        assert_eq!(read(&folder.path().join("none"), &Wanted::default()).unwrap(), (Vec::new(), false));
    }
}
