//! `AssessExec`: shows batches to a quality plugin and hands them on unchanged. Its state is left in the scratch folder; where one instance saw
//! all rows, what it counted is.
//!
//! # Why
//! To hand a state out, write it, read it and merge it into a fresh instance is work for a result that the instance has already.

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
    source_exec::{IN_FLIGHT, Meters, to_json},
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
        let task = AssessTask {
            work: self.work.clone(),
            partition,
            is_only: self.properties().output_partitioning().partition_count() == 1,
            bench,
            batches: stream.tx(),
            meters: Meters::new(&self.metrics, partition),
        };
        stream.spawn(task.run(input));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct AssessTask {
    work: AssessWork,
    partition: usize,
    /// Whether there is no other partition.
    is_only: bool,
    bench: Arc<Workbench>,
    batches: Sender<Result<RecordBatch>>,
    meters: Meters,
}

impl AssessTask {
    async fn run(mut self, mut input: SendableRecordBatchStream) -> Result<()> {
        let work = &self.work;
        let plugin = self.bench.plugin(&work.step.digest)?;
        let access = self.bench.access(None);
        let mut instance =
            QualityInstance::new(&self.bench.runtime, &plugin, &work.context, &work.step.config, &access).await.map_err(plugin_error)?;
        instance.open(&input.schema()).await.map_err(plugin_error)?;
        while let Some(batch) = input.next().await {
            let batch = batch?;
            instance.observe(&batch).await.map_err(plugin_error)?;
            self.meters.spent(instance.timings());
            self.meters.rows.add(batch.num_rows());
            self.meters.bytes.add(get_record_batch_memory_size(&batch));
            if self.batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        let scratch = self.bench.scratch(&work.subject);
        if self.is_only {
            let measures = instance.finish().await.map_err(plugin_error)?;
            scratch.leave(&measures_name(&work.name), self.partition, &to_json(&measures)?)?;
        } else {
            let state = instance.state().await.map_err(plugin_error)?;
            scratch.leave(&work.name, self.partition, &state)?;
        }
        self.meters.spent(instance.timings());
        Ok(())
    }
}

/// Under which name the measures are left that the operator `name` knows already.
pub fn measures_name(name: &str) -> String {
    format!("{name}-measures")
}
