//! From a stream of the pipeline to its plan, and what the operators share.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::{Result, ensure};
use arrow::datatypes::SchemaRef;
use datafusion::{
    common::DataFusionError,
    physical_expr::{EquivalenceProperties, PhysicalSortExpr, expressions::col},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
        metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, Time},
        repartition::RepartitionExec,
        sorts::sort_preserving_merge::SortPreservingMergeExec,
    },
};
use quality_dimensions::QualityDimensions;
use tidegate::{config::Stream, engine::LandExec, lineage::ORIGIN};
use tidegate_sdk::{Context, Distribution, Failure, Quality, Transform};
use transform_olist::Olist;

use super::{
    assess::NativeAssess,
    source::{NativeSource, Read},
    transform::NativeTransform,
};

/// Batches that wait between two operators, as the host has it.
pub const IN_FLIGHT: usize = 2;

/// States that quality operators leave, each with its place among the stream's quality steps.
pub type States = Arc<Mutex<Vec<(usize, Vec<u8>)>>>;

/// What a plan is made of.
pub struct Parts<'a> {
    pub read: Read,
    /// What the source gives, with the origin.
    pub input: SchemaRef,
    pub steps: &'a Stream,
    pub context: &'a Context,
    pub states: States,
}

/// A plan and the schema of the clean stream.
pub struct Built {
    pub root: Arc<dyn ExecutionPlan>,
    pub clean: SchemaRef,
}

impl Parts<'_> {
    /// Builds the plan.
    pub fn plan(self) -> Result<Built> {
        let mut schema = self.input.clone();
        let mut node: Arc<dyn ExecutionPlan> = Arc::new(NativeSource::new(self.read, self.context.clone(), schema.clone())?);
        for step in &self.steps.transforms {
            ensure!(step.plugin == "transform-olist", "the native way has no transform `{}`", step.plugin);
            let shape = Olist::shape(&serde_json::from_value(step.config.clone())?, self.context, &schema)?;
            node = spread(node, &shape.distribution)?;
            schema = shape.schema.clone();
            node = Arc::new(NativeTransform::new(step.config.clone(), self.context.clone(), shape.schema, node)?);
        }
        for (index, step) in self.steps.quality.iter().enumerate() {
            ensure!(step.plugin == "quality-dimensions", "the native way has no quality plugin `{}`", step.plugin);
            let distribution = QualityDimensions::plan(&serde_json::from_value(step.config.clone())?, self.context, &schema)?;
            node = spread(node, &distribution)?;
            node = Arc::new(NativeAssess::new(index, step.config.clone(), self.context.clone(), self.states.clone(), node));
        }
        Ok(Built { root: Arc::new(LandExec::new(self.context.stream.clone(), node)), clean: schema })
    }
}

/// Spreads rows as a plugin wants them, as the host does.
fn spread(input: Arc<dyn ExecutionPlan>, distribution: &Distribution) -> Result<Arc<dyn ExecutionPlan>> {
    let partitions = input.output_partitioning().partition_count();
    if partitions == 1 || *distribution == Distribution::Any {
        return Ok(input);
    }
    if let Distribution::Hash(columns) = distribution {
        let schema = input.schema();
        let columns = columns.iter().map(|column| col(column, &schema)).collect::<Result<_, _>>()?;
        return Ok(Arc::new(RepartitionExec::try_new(input, Partitioning::Hash(columns, partitions))?.with_preserve_order()));
    }
    let ordering = input.output_ordering().cloned().expect("every operator here keeps the order of origins");
    Ok(Arc::new(SortPreservingMergeExec::new(ordering, input)))
}

/// The properties of an operator with so many partitions, each ascending by origin.
pub fn by_origin(schema: SchemaRef, partitions: usize) -> Result<Arc<PlanProperties>> {
    let origin = PhysicalSortExpr::new_default(col(ORIGIN, &schema)?);
    Ok(Arc::new(PlanProperties::new(
        EquivalenceProperties::new_with_orderings(schema, [[origin]]),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    )))
}

/// A plugin's failure as DataFusion's error.
pub fn failed(failure: Failure) -> DataFusionError {
    DataFusionError::External(Box::new(failure))
}

/// What an operator around a plugin measures, under the names that the host uses.
pub struct Meters {
    pub rows: Count,
    plugin: Time,
}

impl Meters {
    pub fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        Self {
            rows: MetricBuilder::new(metrics).output_rows(partition),
            plugin: MetricBuilder::new(metrics).subset_time("time_in_guest", partition),
        }
    }

    /// Calls a plugin and counts the time.
    pub fn call<T>(&self, work: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        let done = work();
        self.plugin.add_duration(since.elapsed());
        done
    }
}
