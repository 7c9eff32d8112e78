//! Shows batches to quality-dimensions and hands them on.

use std::{fmt, sync::Arc};

use arrow::array::RecordBatch;
use datafusion::{
    common::{DataFusionError, Result as Done, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        metrics::{ExecutionPlanMetricsSet, MetricsSet},
        stream::RecordBatchReceiverStream,
    },
};
use futures::StreamExt;
use quality_dimensions::{Config, QualityDimensions};
use serde_json::Value;
use tidegate_sdk::{Context, Quality};
use tokio::{runtime::Handle, sync::mpsc::Sender};

use super::plan::{IN_FLIGHT, Meters, States, failed};

/// Shows batches to quality-dimensions.
pub struct NativeAssess {
    index: usize,
    config: Value,
    context: Context,
    states: States,
    input: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl NativeAssess {
    /// `index` is its place among the stream's quality steps; `input` must be spread as the plugin wants.
    pub fn new(index: usize, config: Value, context: Context, states: States, input: Arc<dyn ExecutionPlan>) -> Self {
        Self { index, config, context, states, input, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl fmt::Debug for NativeAssess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeAssess").field("stream", &self.context.stream).finish_non_exhaustive()
    }
}

impl DisplayAs for NativeAssess {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "NativeAssess: stream={}", self.context.stream)
    }
}

impl ExecutionPlan for NativeAssess {
    fn name(&self) -> &'static str {
        "NativeAssess"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
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
            index: self.index,
            config,
            context: self.context.clone(),
            states: self.states.clone(),
            batches: stream.tx(),
            meters: Meters::new(&self.metrics, partition),
        };
        // An observer can't change its thread, so it gets one.
        stream.spawn_blocking(move || work.run(input));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Work {
    index: usize,
    config: Config,
    context: Context,
    states: States,
    batches: Sender<Done<RecordBatch>>,
    meters: Meters,
}

impl Work {
    fn run(self, mut input: SendableRecordBatchStream) -> Done<()> {
        let runtime = Handle::current();
        let mut quality = QualityDimensions::open(self.config, self.context, input.schema()).map_err(failed)?;
        while let Some(batch) = runtime.block_on(input.next()) {
            let batch = batch?;
            self.meters.call(|| quality.observe(&batch)).map_err(failed)?;
            self.meters.rows.add(batch.num_rows());
            if self.batches.blocking_send(Ok(batch)).is_err() {
                return Ok(());
            }
        }
        let state = self.meters.call(|| quality.state()).map_err(failed)?;
        self.states.lock().expect("no operator panicked").push((self.index, state));
        Ok(())
    }
}
