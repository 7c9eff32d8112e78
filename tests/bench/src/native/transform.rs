//! Passes batches through transform-olist.

use std::{fmt, sync::Arc};

use anyhow::Result;
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    common::{DataFusionError, Result as Done, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
        metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet},
        stream::RecordBatchReceiverStream,
    },
};
use futures::StreamExt;
use serde_json::Value;
use tidegate_sdk::{Context, Transform};
use tokio::{runtime::Handle, sync::mpsc::Sender};
use transform_olist::{Config, Olist};

use super::plan::{IN_FLIGHT, Meters, by_origin, failed};

/// Passes batches through transform-olist.
#[derive(Debug)]
pub struct NativeTransform {
    config: Value,
    context: Context,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl NativeTransform {
    /// `schema` is what the transform makes of `input`, which must be spread as it wants.
    pub fn new(config: Value, context: Context, schema: SchemaRef, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let properties = by_origin(schema, input.output_partitioning().partition_count())?;
        Ok(Self { config, context, input, properties, metrics: ExecutionPlanMetricsSet::new() })
    }
}

impl DisplayAs for NativeTransform {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "NativeTransform: stream={}", self.context.stream)
    }
}

impl ExecutionPlan for NativeTransform {
    fn name(&self) -> &'static str {
        "NativeTransform"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Done<TreeNodeRecursion>) -> Done<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Done<Arc<dyn ExecutionPlan>> {
        internal_err!("the plan is run as it was built")
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Done<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let config = serde_json::from_value(self.config.clone()).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), IN_FLIGHT);
        let work = Work {
            config,
            context: self.context.clone(),
            batches: stream.tx(),
            meters: Meters::new(&self.metrics, partition),
            rejected: MetricBuilder::new(&self.metrics).counter("rejected_rows", partition),
        };
        stream.spawn_blocking(move || work.run(input));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Work {
    config: Config,
    context: Context,
    batches: Sender<Done<RecordBatch>>,
    meters: Meters,
    rejected: Count,
}

impl Work {
    fn run(self, mut input: SendableRecordBatchStream) -> Done<()> {
        let runtime = Handle::current();
        let mut transform = Olist::open(self.config, self.context, input.schema()).map_err(failed)?;
        while let Some(batch) = runtime.block_on(input.next()) {
            let batch = batch?;
            let output = self.meters.call(|| transform.push(batch)).map_err(failed)?;
            self.rejected.add(output.rejected.len());
            let Some(accepted) = output.accepted else { continue };
            self.meters.rows.add(accepted.num_rows());
            if self.batches.blocking_send(Ok(accepted)).is_err() {
                break;
            }
        }
        Ok(())
    }
}
