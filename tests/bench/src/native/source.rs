//! Reads slices through source-files.

use std::{fmt, path::PathBuf, sync::Arc};

use anyhow::Result;
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    common::{Result as Done, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        metrics::{ExecutionPlanMetricsSet, MetricsSet},
        stream::RecordBatchReceiverStream,
    },
};
use source_files::SourceFiles;
use tidegate_sdk::{Context, Reader, Request, Slice, Source, files::testing::grant};
use tokio::sync::mpsc::Sender;

use super::plan::{IN_FLIGHT, Meters, by_origin, failed};

/// What is read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The folder that the source may read.
    pub data: PathBuf,
    /// The source's config.
    pub config: source_files::Config,
    /// One partition each.
    pub slices: Vec<Slice>,
    /// Rows per batch.
    pub batch_rows: usize,
}

/// Reads slices.
#[derive(Debug)]
pub struct NativeSource {
    read: Read,
    context: Context,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl NativeSource {
    /// `schema` is the stream's with the origin.
    pub fn new(read: Read, context: Context, schema: SchemaRef) -> Result<Self> {
        let properties = by_origin(schema, read.slices.len())?;
        Ok(Self { read, context, properties, metrics: ExecutionPlanMetricsSet::new() })
    }
}

impl DisplayAs for NativeSource {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "NativeSource: stream={}", self.context.stream)
    }
}

impl ExecutionPlan for NativeSource {
    fn name(&self) -> &'static str {
        "NativeSource"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Done<TreeNodeRecursion>) -> Done<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Done<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("NativeSource has no child") }
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Done<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), IN_FLIGHT);
        let (read, context) = (self.read.clone(), self.context.clone());
        let (batches, meters) = (stream.tx(), Meters::new(&self.metrics, partition));
        stream.spawn_blocking(move || slice(read, context, partition, &batches, &meters));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Reads one slice on this thread, to which the grant belongs.
fn slice(read: Read, context: Context, partition: usize, batches: &Sender<Done<RecordBatch>>, meters: &Meters) -> Done<()> {
    grant(&read.config.directory, read.data);
    let slice = read.slices[partition].clone();
    let request = Request { stream: context.stream, slice, cursor: None, batch_rows: read.batch_rows };
    let mut reader = meters.call(|| SourceFiles::open(read.config, request)).map_err(failed)?;
    while let Some(pulled) = meters.call(|| reader.next()).map_err(failed)? {
        let Some(batch) = pulled.batch else { continue };
        meters.rows.add(batch.num_rows());
        if batches.blocking_send(Ok(batch)).is_err() {
            break;
        }
    }
    Ok(())
}
