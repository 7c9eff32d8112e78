//! Rejected rows with their reasons, as Parquet: `quarantine/{run}/{stream}-{stage}-{partition}.parquet`.

use std::{fs, path::PathBuf, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringBuilder, UInt32Array, UInt64Builder},
    compute::take_record_batch,
    datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
    json::LineDelimitedWriter,
};
use datafusion::common::{DataFusionError, Result};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use super::Workbench;
use crate::{
    egress::files::Files,
    lineage::{ORIGIN, page_and_record},
    plugin::{Rule, Unread},
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

/// Writes what one operator rejects in one partition. The file appears when it is finished, and only if anything was rejected.
pub(super) struct Quarantine {
    stream: String,
    plugin: String,
    path: PathBuf,
    files: Option<Arc<Files>>,
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

impl Quarantine {
    pub fn new(bench: &Workbench, stream: &str, stage: &str, source: &str, partition: usize) -> Self {
        Self {
            stream: stream.to_owned(),
            plugin: stage.to_owned(),
            path: bench.quarantine.join(&bench.run).join(format!("{stream}-{stage}-{partition:05}.parquet")),
            files: bench.files.get(source).cloned(),
            pending: Builders::default(),
            writer: None,
        }
    }

    /// Names the plugin that rejects.
    pub fn by(mut self, plugin: &str) -> Self {
        plugin.clone_into(&mut self.plugin);
        self
    }

    /// Adds a record that a source could not make into a row.
    pub fn record(&mut self, record: &Unread) -> Result<()> {
        self.append(&record.rule, record.dimension.name(), &record.reason, "", record.origin, &record.raw);
        self.write_if(PENDING)
    }

    /// Adds rows of a batch that a transform's rule rejects.
    pub fn rows(&mut self, batch: &RecordBatch, rule: &Rule, rows: &[u32]) -> Result<()> {
        let columns = rule.columns.join(", ");
        for rows in rows.chunks(PENDING) {
            let taken = take_record_batch(batch, &UInt32Array::from(rows.to_vec()))?;
            let origins = taken.column_by_name(ORIGIN).map(|column| column.as_primitive::<UInt64Type>().clone());
            let origins = origins.ok_or_else(|| DataFusionError::Internal(format!("a batch lacks `{ORIGIN}`")))?;
            let named: Vec<usize> = (0..taken.num_columns()).filter(|&i| taken.schema().field(i).name() != ORIGIN).collect();
            let mut writer = LineDelimitedWriter::new(Vec::new());
            writer.write(&taken.project(&named)?)?;
            writer.finish()?;
            let text = String::from_utf8(writer.into_inner()).map_err(|error| DataFusionError::External(Box::new(error)))?;
            for (line, origin) in text.lines().zip(origins.values()) {
                self.append(&rule.name, rule.dimension.name(), &rule.reason, &columns, *origin, line);
            }
            self.write_if(PENDING)?;
        }
        Ok(())
    }

    fn append(&mut self, rule: &str, dimension: &str, reason: &str, columns: &str, origin: u64, row: &str) {
        let (page, record) = page_and_record(origin);
        let pending = &mut self.pending;
        pending.rules.append_value(rule);
        pending.dimensions.append_value(dimension);
        pending.reasons.append_value(reason);
        pending.columns.append_value(columns);
        pending.files.append_option(self.files.as_ref().and_then(|files| files.request_of(page)));
        pending.records.append_value(record);
        pending.rows.append_value(row);
    }

    fn write_if(&mut self, at_least: usize) -> Result<()> {
        use arrow::array::ArrayBuilder;
        let rows = self.pending.records.len();
        if rows < at_least.max(1) {
            return Ok(());
        }
        let same = |text: &str| -> ArrayRef { Arc::new(arrow::array::StringArray::from(vec![text; rows])) };
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
        writer.write(&batch)?;
        Ok(())
    }

    /// Writes what is pending and gives the file its name.
    pub fn finish(&mut self) -> Result<()> {
        self.write_if(1)?;
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner()?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
        }
        Ok(())
    }
}
