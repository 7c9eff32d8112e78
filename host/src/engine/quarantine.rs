//! What operators reject: `quarantine/{run}/{stream}-{stage}-{partition}.parquet`.

use std::sync::Arc;

use arrow::{
    array::{AsArray, RecordBatch, UInt32Array},
    compute::take_record_batch,
    datatypes::UInt64Type,
};
use datafusion::common::{DataFusionError, Result};

use super::Workbench;
use crate::{
    egress::files::Files,
    lineage::{ORIGIN, page_and_record},
    plugin::{Rule, Unread},
    quarantine::{Rejected, Writer, json_rows},
};

/// Rows that become JSON at a time.
const TAKEN: usize = 8192;

/// Writes what one operator rejects in one partition. The file appears when it is finished, and only if anything was rejected.
pub(super) struct Quarantine {
    writer: Writer,
    files: Option<Arc<Files>>,
}

impl Quarantine {
    pub fn new(bench: &Workbench, stream: &str, stage: &str, source: &str, partition: usize) -> Self {
        let path = bench.quarantine.join(&bench.run).join(format!("{stream}-{stage}-{partition:05}.parquet"));
        Self { writer: Writer::new(stream, stage, path), files: bench.granted.get(source).map(|granted| granted.files.clone()) }
    }

    /// Names the plugin that rejects.
    pub fn by(mut self, plugin: &str) -> Self {
        self.writer = self.writer.by(plugin);
        self
    }

    /// Adds a record that a source could not make into a row.
    pub fn record(&mut self, record: &Unread) -> Result<()> {
        self.append(&record.rule, record.dimension.name(), &record.reason, "", record.origin, &record.raw)
    }

    /// Adds rows of a batch that a transform's rule rejects.
    pub fn rows(&mut self, batch: &RecordBatch, rule: &Rule, rows: &[u32]) -> Result<()> {
        let columns = rule.columns.join(", ");
        for rows in rows.chunks(TAKEN) {
            let taken = take_record_batch(batch, &UInt32Array::from(rows.to_vec()))?;
            let origins = taken.column_by_name(ORIGIN).map(|column| column.as_primitive::<UInt64Type>().clone());
            let origins = origins.ok_or_else(|| DataFusionError::Internal(format!("a batch lacks `{ORIGIN}`")))?;
            let named: Vec<usize> = (0..taken.num_columns()).filter(|&i| taken.schema().field(i).name() != ORIGIN).collect();
            for (row, origin) in json_rows(&taken.project(&named)?)?.iter().zip(origins.values()) {
                self.append(&rule.name, rule.dimension.name(), &rule.reason, &columns, *origin, row)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, rule: &str, dimension: &str, reason: &str, columns: &str, origin: u64, row: &str) -> Result<()> {
        let (page, record) = page_and_record(origin);
        let file = self.files.as_ref().and_then(|files| files.request_of(page));
        let file = file.as_deref();
        Ok(self.writer.append(Rejected { rule, dimension, reason, columns, file, record, row })?)
    }

    /// Writes what is pending and gives the file its name.
    pub fn finish(&mut self) -> Result<()> {
        Ok(self.writer.finish()?)
    }
}
