//! `AssessExec`: shows batches to a quality plugin and hands them on unchanged. Its state is left in the scratch folder.

use std::{fmt, sync::Arc};

use arrow::array::RecordBatch;
use datafusion::{
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        metrics::{ExecutionPlanMetricsSet, MetricsSet},
        spill::get_record_batch_memory_size,
        stream::RecordBatchReceiverStream,
    },
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

use super::{
    PluginStep, Workbench,
    source_exec::{IN_FLIGHT, Meters},
    workbench::plugin_error,
};
use crate::plugin::{Context, Distribution, QualityInstance};

/// What an [`AssessExec`] knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessWork {
    /// The plugin.
    pub step: PluginStep,
    /// Under which name its states are left: `assess0`.
    pub name: String,
    /// Whose scratch folder they are left in: the stream, or the check.
    pub subject: String,
    /// The stream and the run's clock.
    pub context: Context,
    /// How its input is spread.
    pub distribution: Distribution,
}

/// Shows batches to a quality plugin.
#[derive(Debug)]
pub struct AssessExec {
    work: AssessWork,
    input: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl AssessExec {
    /// `input` must be spread as the plugin wants.
    pub fn new(work: AssessWork, input: Arc<dyn ExecutionPlan>) -> Self {
        Self { work, input, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// What it knows.
    pub fn work(&self) -> &AssessWork {
        &self.work
    }
}

impl DisplayAs for AssessExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "AssessExec: stream={}, plugin={}", self.work.context.stream, self.work.step.plugin)
    }
}

impl ExecutionPlan for AssessExec {
    fn name(&self) -> &'static str {
        "AssessExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), 0) = (children.pop(), children.len()) else { return internal_err!("AssessExec has one child") };
        Ok(Arc::new(Self::new(self.work.clone(), input)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let bench = Workbench::of(&context)?;
        let input = self.input.execute(partition, context)?;
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), IN_FLIGHT);
        let meters = Meters::new(&self.metrics, partition);
        stream.spawn(assess(self.work.clone(), partition, bench, input, stream.tx(), meters));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

async fn assess(
    work: AssessWork,
    partition: usize,
    bench: Arc<Workbench>,
    mut input: SendableRecordBatchStream,
    batches: Sender<Result<RecordBatch>>,
    mut meters: Meters,
) -> Result<()> {
    let plugin = bench.plugin(&work.step.digest)?;
    let access = bench.access(None);
    let mut instance =
        QualityInstance::new(&bench.runtime, &plugin, &work.context, &work.step.config, &access).await.map_err(plugin_error)?;
    instance.open(&input.schema()).await.map_err(plugin_error)?;
    while let Some(batch) = input.next().await {
        let batch = batch?;
        instance.observe(&batch).await.map_err(plugin_error)?;
        meters.spent(instance.timings());
        meters.rows.add(batch.num_rows());
        meters.bytes.add(get_record_batch_memory_size(&batch));
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
    let state = instance.state().await.map_err(plugin_error)?;
    meters.spent(instance.timings());
    bench.scratch(&work.subject).leave(&work.name, partition, &state)?;
    Ok(())
}
