//! `SourceExec`: reads slices through a source plugin. Its child gives the slices, one row each.

use std::{fmt, sync::Arc, time::Duration};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
};
use datafusion::{
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr, expressions::col},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
        execution_plan::EmissionType,
        metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, Time},
        spill::get_record_batch_memory_size,
        stream::RecordBatchReceiverStream,
    },
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

use super::{PluginStep, Progress, SourceNote, Workbench, quarantine::Quarantine, workbench::plugin_error};
use crate::{
    lineage::ORIGIN,
    plugin::{Context, Slice, SourceInstance, Timings, Unread},
};

/// Batches that wait between two operators: enough to keep both busy, few enough to bound memory.
pub(super) const IN_FLIGHT: usize = 2;

/// What a [`SourceExec`] knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceWork {
    /// The source's name in the pipeline; it finds the grants.
    pub source: String,
    /// What the source calls the stream.
    pub stream: String,
    /// The plugin.
    pub step: PluginStep,
    /// The stream and the run's clock.
    pub context: Context,
    /// The cursor that the stream resumes after.
    pub cursor: Option<String>,
    /// Rows per batch.
    pub batch_rows: u32,
}

/// Reads slices through a source plugin.
#[derive(Debug)]
pub struct SourceExec {
    work: SourceWork,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SourceExec {
    /// `input` gives slices (see [`slice_schema`]); `schema` is the stream's with the origin.
    pub fn new(work: SourceWork, schema: SchemaRef, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let properties = by_origin(schema, &input)?;
        Ok(Self { work, input, properties, metrics: ExecutionPlanMetricsSet::new() })
    }

    /// What it knows.
    pub fn work(&self) -> &SourceWork {
        &self.work
    }
}

/// The schema of the rows that describe slices.
pub fn slice_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("label", DataType::Utf8, false),
        Field::new("bytes", DataType::UInt64, true),
    ]))
}

/// The properties of an operator whose partitions are those of its input, each ascending by origin.
pub(super) fn by_origin(schema: SchemaRef, input: &Arc<dyn ExecutionPlan>) -> Result<Arc<PlanProperties>> {
    let origin = PhysicalSortExpr::new_default(col(ORIGIN, &schema)?);
    Ok(Arc::new(PlanProperties::new(
        EquivalenceProperties::new_with_orderings(schema, [[origin]]),
        datafusion::physical_plan::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
        EmissionType::Incremental,
        input.boundedness(),
    )))
}

impl DisplayAs for SourceExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SourceExec: stream={}, plugin={}", self.work.context.stream, self.work.step.plugin)
    }
}

impl ExecutionPlan for SourceExec {
    fn name(&self) -> &'static str {
        "SourceExec"
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
        let (Some(input), 0) = (children.pop(), children.len()) else { return internal_err!("SourceExec has one child") };
        Ok(Arc::new(Self::new(self.work.clone(), self.schema(), input)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let bench = Workbench::of(&context)?;
        let slices = self.input.execute(partition, context)?;
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), IN_FLIGHT);
        let task = SourceTask {
            work: self.work.clone(),
            schema: self.schema(),
            partition,
            quarantine: Quarantine::new(&bench, &self.work.context.stream, "source", &self.work.source, partition)
                .by(&self.work.step.plugin),
            bench,
            batches: stream.tx(),
            meters: Meters::new(&self.metrics, partition),
            note: SourceNote::default(),
        };
        stream.spawn(task.run(slices));
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// What every plugin operator measures.
pub(super) struct Meters {
    pub rows: Count,
    pub bytes: Count,
    guest: Time,
    ipc: Time,
    seen: Timings,
}

impl Meters {
    pub fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        Self {
            rows: MetricBuilder::new(metrics).output_rows(partition),
            bytes: MetricBuilder::new(metrics).counter("bytes", partition),
            guest: MetricBuilder::new(metrics).subset_time("time_in_guest", partition),
            ipc: MetricBuilder::new(metrics).subset_time("time_in_ipc", partition),
            seen: Timings::default(),
        }
    }

    /// Adds what an instance's timings grew by since the last call.
    pub fn spent(&mut self, timings: Timings) {
        self.guest.add_duration(timings.guest.saturating_sub(self.seen.guest));
        self.ipc.add_duration(timings.ipc.saturating_sub(self.seen.ipc));
        self.seen = timings;
    }

    /// Forgets the last instance.
    pub fn next_instance(&mut self) {
        self.seen = Timings { guest: Duration::ZERO, ipc: Duration::ZERO };
    }
}

struct SourceTask {
    work: SourceWork,
    schema: SchemaRef,
    partition: usize,
    quarantine: Quarantine,
    bench: Arc<Workbench>,
    batches: Sender<Result<RecordBatch>>,
    meters: Meters,
    note: SourceNote,
}

impl SourceTask {
    async fn run(mut self, mut slices: SendableRecordBatchStream) -> Result<()> {
        while let Some(rows) = slices.next().await {
            for slice in slices_of(&rows?) {
                if !self.read(&slice).await? {
                    return Ok(());
                }
            }
        }
        self.quarantine.finish()?;
        self.bench.scratch(&self.work.context.stream).leave("source", self.partition, &to_json(&self.note)?)?;
        Ok(())
    }

    /// Reads one slice to its end; false where nobody wants more rows.
    async fn read(&mut self, slice: &Slice) -> Result<bool> {
        let work = &self.work;
        let plugin = self.bench.plugin(&work.step.digest)?;
        let access = self.bench.access(Some(&work.source));
        let stream = &work.context.stream;
        let mut instance =
            SourceInstance::new(&self.bench.runtime, &plugin, stream, &work.step.config, &access).await.map_err(plugin_error)?;
        self.meters.next_instance();
        let cursor = work.cursor.as_deref();
        instance.open(&work.stream, slice, cursor, work.batch_rows, self.schema.clone()).await.map_err(plugin_error)?;
        let mut reached = None;
        loop {
            let pulled = instance.pull().await.map_err(plugin_error)?;
            self.meters.spent(instance.timings());
            let Some(pulled) = pulled else { break };
            self.unread(&pulled.unread)?;
            self.note.bytes += pulled.bytes;
            Progress::add(&self.bench.progress.bytes, pulled.bytes);
            reached = pulled.cursor.or(reached);
            let Some(batch) = pulled.batch else { continue };
            let rows = batch.num_rows();
            self.note.rows += rows as u64;
            Progress::add(&self.bench.progress.rows, rows as u64);
            self.meters.rows.add(rows);
            self.meters.bytes.add(get_record_batch_memory_size(&batch));
            if self.batches.send(Ok(batch)).await.is_err() {
                return Ok(false);
            }
        }
        self.note.cursors.extend(reached);
        Ok(true)
    }

    fn unread(&mut self, records: &[Unread]) -> Result<()> {
        for record in records {
            self.quarantine.record(record)?;
            let known = |(rule, _, reason, _): &&mut (String, _, String, u64)| *rule == record.rule && *reason == record.reason;
            match self.note.unread.iter_mut().find(known) {
                Some((.., count)) => *count += 1,
                None => self.note.unread.push((record.rule.clone(), record.dimension, record.reason.clone(), 1)),
            }
        }
        Progress::add(&self.bench.progress.rejected, records.len() as u64);
        Ok(())
    }
}

pub(super) fn to_json<T: Serialize>(note: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(note).map_err(|error| datafusion::common::DataFusionError::External(Box::new(error)))
}

fn slices_of(rows: &RecordBatch) -> Vec<Slice> {
    let (ids, labels) = (rows.column(0).as_string::<i32>(), rows.column(1).as_string::<i32>());
    let bytes = rows.column(2).as_primitive::<UInt64Type>();
    (0..rows.num_rows())
        .map(|row| Slice {
            id: ids.value(row).to_owned(),
            label: labels.value(row).to_owned(),
            bytes: bytes.is_valid(row).then(|| bytes.value(row)),
        })
        .collect()
}
