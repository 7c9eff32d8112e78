//! `TransformExec`: passes batches through a transform plugin; rejected rows go to quarantine.

use std::{fmt, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet},
        spill::get_record_batch_memory_size,
        stream::RecordBatchReceiverStream,
    },
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

use super::{
    PluginStep, Progress, TransformNote, Workbench,
    quarantine::Quarantine,
    source_exec::{IN_FLIGHT, Meters, by_origin, to_json},
    workbench::plugin_error,
};
use crate::plugin::{Context, Distribution, Rule, TransformInstance};

/// What a [`TransformExec`] knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransformWork {
    /// The source that the stream comes from; it finds the names of pages.
    pub source: String,
    /// The plugin.
    pub step: PluginStep,
    /// Its place among the stream's transforms.
    pub index: usize,
    /// The stream and the run's clock.
    pub context: Context,
    /// How its input is spread.
    pub distribution: Distribution,
    /// The rules it enforces.
    pub rules: Vec<Rule>,
}

/// Passes batches through a transform plugin.
#[derive(Debug)]
pub struct TransformExec {
    work: TransformWork,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TransformExec {
    /// `schema` is what the transform said it makes of `input`, which must be spread as it wants.
    pub fn new(work: TransformWork, schema: SchemaRef, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let properties = by_origin(schema, &input)?;
        Ok(Self { work, input, properties, metrics: ExecutionPlanMetricsSet::new() })
    }

    /// What it knows.
    pub fn work(&self) -> &TransformWork {
        &self.work
    }
}

impl DisplayAs for TransformExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "TransformExec: stream={}, plugin={}", self.work.context.stream, self.work.step.plugin)
    }
}

impl ExecutionPlan for TransformExec {
    fn name(&self) -> &'static str {
        "TransformExec"
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

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), 0) = (children.pop(), children.len()) else { return internal_err!("TransformExec has one child") };
        Ok(Arc::new(Self::new(self.work.clone(), self.schema(), input)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let bench = Workbench::of(&context)?;
        let input = self.input.execute(partition, context)?;
        let work = self.work.clone();
        let stage = format!("transform{}", work.index);
        let quarantine = Quarantine::new(&bench, &work.context.stream, &stage, &work.source, partition).by(&work.step.plugin);
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), IN_FLIGHT);
        let task = TransformTask {
            note: TransformNote { rows: 0, rejected: vec![0; work.rules.len()] },
            work,
            schema: self.schema(),
            stage,
            partition,
            quarantine,
            bench,
            batches: stream.tx(),
            meters: Meters::new(&self.metrics, partition),
            rejected: MetricBuilder::new(&self.metrics).counter("rejected_rows", partition),
        };
        stream.spawn(task.run(input));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct TransformTask {
    work: TransformWork,
    schema: SchemaRef,
    stage: String,
    partition: usize,
    quarantine: Quarantine,
    bench: Arc<Workbench>,
    batches: Sender<Result<RecordBatch>>,
    meters: Meters,
    rejected: datafusion::physical_plan::metrics::Count,
    note: TransformNote,
}

impl TransformTask {
    async fn run(mut self, mut input: SendableRecordBatchStream) -> Result<()> {
        let plugin = self.bench.plugin(&self.work.step.digest)?;
        let access = self.bench.access(None);
        let (context, config) = (&self.work.context, &self.work.step.config);
        let mut instance = TransformInstance::new(&self.bench.runtime, &plugin, context, config, &access).await.map_err(plugin_error)?;
        instance.open(&input.schema(), self.schema.clone(), self.work.rules.len()).await.map_err(plugin_error)?;
        while let Some(batch) = input.next().await {
            let batch = batch?;
            let pushed = instance.push(&batch).await.map_err(plugin_error)?;
            self.note.rows += batch.num_rows() as u64;
            for (rule, rows) in &pushed.rejected {
                self.note.rejected[*rule] += rows.len() as u64;
                self.rejected.add(rows.len());
                Progress::add(&self.bench.progress.rejected, rows.len() as u64);
                self.quarantine.rows(&batch, &self.work.rules[*rule], rows)?;
            }
            self.meters.spent(instance.timings());
            if !self.send(pushed.accepted).await {
                return Ok(());
            }
        }
        let rest = instance.finish().await.map_err(plugin_error)?;
        self.meters.spent(instance.timings());
        if self.send(rest).await {
            self.quarantine.finish()?;
            self.bench.scratch(&self.work.context.stream).leave(&self.stage, self.partition, &to_json(&self.note)?)?;
        }
        Ok(())
    }

    /// Hands batches on; false where nobody wants more.
    async fn send(&mut self, batches: Vec<RecordBatch>) -> bool {
        for batch in batches {
            self.meters.rows.add(batch.num_rows());
            self.meters.bytes.add(get_record_batch_memory_size(&batch));
            if self.batches.send(Ok(batch)).await.is_err() {
                return false;
            }
        }
        true
    }
}
