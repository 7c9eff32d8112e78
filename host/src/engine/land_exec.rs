//! `LandExec`: writes accepted batches as Parquet to `clean/{stream}/{run}` and gives one row per file. Where there is a tap, they go there too.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{AsArray, RecordBatch, StringArray, UInt64Array},
    datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
};
use datafusion::{
    common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
        execution_plan::EmissionType,
        metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::StreamExt;
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use serde::{Deserialize, Serialize};

use super::{Progress, Summed, Tap, Workbench, to_disk::ToDisk};
use crate::{lineage::ORIGIN, warehouse::DICTIONARY_BYTES};

/// Rows of a row group: small enough to bound the writer's memory, large enough to scan fast.
const ROW_GROUP: usize = 1 << 17;

/// A clean file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedFile {
    /// Its name in the stream's folder of the run.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes on disk.
    pub bytes: u64,
    /// sha256 of those bytes, in hex; empty in manifests of runs that kept none.
    #[serde(default)]
    pub sha256: String,
}

impl LandedFile {
    /// The files that rows of [`landed_schema`] speak of.
    pub fn from_batch(batch: &RecordBatch) -> Vec<Self> {
        let (files, rows) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<UInt64Type>());
        let (bytes, sums) = (batch.column(2).as_primitive::<UInt64Type>(), batch.column(3).as_string::<i32>());
        (0..batch.num_rows())
            .map(|row| Self {
                file: files.value(row).to_owned(),
                rows: rows.value(row),
                bytes: bytes.value(row),
                sha256: sums.value(row).to_owned(),
            })
            .collect()
    }
}

fn landed_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("rows", DataType::UInt64, false),
        Field::new("bytes", DataType::UInt64, false),
        Field::new("sha256", DataType::Utf8, false),
    ]))
}

/// Writes accepted batches as Parquet.
#[derive(Debug)]
pub struct LandExec {
    stream: String,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl LandExec {
    /// Lands what `input` gives as `stream`.
    pub fn new(stream: String, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(landed_schema()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Final,
            input.boundedness(),
        ));
        Self { stream, input, properties, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// The stream that it lands.
    pub fn stream(&self) -> &str {
        &self.stream
    }
}

impl DisplayAs for LandExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "LandExec: stream={}, format=parquet", self.stream)
    }
}

impl ExecutionPlan for LandExec {
    fn name(&self) -> &'static str {
        "LandExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), 0) = (children.pop(), children.len()) else { return internal_err!("LandExec has one child") };
        Ok(Arc::new(Self::new(self.stream.clone(), input)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let bench = Workbench::of(&context)?;
        let folder = bench.clean.join(&self.stream).join(&bench.run);
        let input = self.input.execute(partition, context)?;
        let rows = MetricBuilder::new(&self.metrics).output_rows(partition);
        let bytes = MetricBuilder::new(&self.metrics).counter("bytes", partition);
        let landing = async move {
            let landed = land(folder, partition, bench, input).await?;
            rows.add(usize::try_from(landed.rows).unwrap_or(usize::MAX));
            bytes.add(usize::try_from(landed.bytes).unwrap_or(usize::MAX));
            RecordBatch::try_new(
                landed_schema(),
                vec![
                    Arc::new(StringArray::from(vec![landed.file])),
                    Arc::new(UInt64Array::from(vec![landed.rows])),
                    Arc::new(UInt64Array::from(vec![landed.bytes])),
                    Arc::new(StringArray::from(vec![landed.sha256])),
                ],
            )
            .map_err(DataFusionError::from)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(landed_schema(), futures::stream::once(landing))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Writes one partition's file; it has its name only when it is whole and on disk.
///
/// # Why
/// For a lake the file is packed: it becomes the lake's. Beside a database few will read it again, and packing it took a twelfth of the run's CPU,
/// for a third of its size. The pipeline alone decides it, so that a replay writes the same bytes.
async fn land(folder: PathBuf, partition: usize, bench: Arc<Workbench>, mut input: SendableRecordBatchStream) -> Result<LandedFile> {
    fs::create_dir_all(&folder)?;
    let name = format!("part-{partition:05}.parquet");
    let properties = WriterProperties::builder()
        .set_compression(if bench.packs_clean { Compression::SNAPPY } else { Compression::UNCOMPRESSED })
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        // No two rows have the same.
        .set_column_dictionary_enabled(ColumnPath::from(ORIGIN), false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let file = tempfile::Builder::new().prefix(".part-").tempfile_in(&folder)?;
    let mut to_disk = ToDisk::new(file.as_file().try_clone()?);
    let mut writer = ArrowWriter::try_new(Summed::new(file), input.schema(), Some(properties))?;
    let mut csv = if bench.clean_csv { Some(CsvFile::create(&folder, &name)?) } else { None };
    let mut tap = bench.tap.as_ref().and_then(Tap::sender);
    let mut rows = 0;
    while let Some(batch) = input.next().await {
        let batch = batch?;
        if let Some(sender) = &tap
            && sender.send(batch.clone()).await.is_err()
        {
            tap = None;
        }
        rows += batch.num_rows() as u64;
        Progress::add(&bench.progress.landed, batch.num_rows() as u64);
        writer.write(&batch)?;
        to_disk.has(writer.bytes_written() as u64).await?;
        if let Some(csv) = &mut csv {
            csv.writer.write(&batch)?;
        }
    }
    csv.map(CsvFile::finish).transpose()?;
    let (file, sha256) = writer.into_inner()?.finish();
    to_disk.finish().await?;
    let bytes = file.as_file().metadata()?.len();
    file.persist(folder.join(&name)).map_err(|error| error.error)?;
    Ok(LandedFile { file: name, rows, bytes, sha256 })
}

/// The CSV that a pipeline asks for beside a Parquet file.
struct CsvFile {
    writer: arrow::csv::Writer<tempfile::NamedTempFile>,
    path: PathBuf,
}

impl CsvFile {
    fn create(folder: &Path, name: &str) -> Result<Self> {
        let file = tempfile::Builder::new().prefix(".part-").tempfile_in(folder)?;
        let writer = arrow::csv::WriterBuilder::new().with_header(true).build(file);
        Ok(Self { writer, path: folder.join(name).with_extension("csv") })
    }

    fn finish(self) -> Result<()> {
        let file = self.writer.into_inner();
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}
