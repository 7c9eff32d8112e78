//! From what is known of a stream to its physical plan.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, StringArray, UInt64Array},
    datatypes::SchemaRef,
};
use datafusion::{
    catalog::memory::MemorySourceConfig,
    common::Result,
    datasource::source::DataSourceExec,
    physical_expr::expressions::col,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, Partitioning, repartition::RepartitionExec,
        sorts::sort_preserving_merge::SortPreservingMergeExec,
    },
};

use super::{
    AssessExec, LandExec, PluginStep, SourceExec, TransformExec,
    assess_exec::AssessWork,
    source_exec::{SourceWork, slice_schema},
    transform_exec::TransformWork,
};
use crate::plugin::{Context, Distribution, Shape, Slice};

/// How a stream is read.
#[derive(Debug, Clone)]
pub struct SourceRead {
    /// The source's name.
    pub source: String,
    /// What the source calls the stream.
    pub stream: String,
    /// Its plugin.
    pub step: PluginStep,
    /// The stream's schema with the origin.
    pub schema: SchemaRef,
    /// The slices to read, at least one.
    pub slices: Vec<Slice>,
    /// The cursor that the stream resumes after.
    pub cursor: Option<String>,
    /// Rows per batch.
    pub batch_rows: u32,
}

/// A transform and what it said it makes of its input.
#[derive(Debug, Clone)]
pub struct TransformStep {
    /// The plugin.
    pub step: PluginStep,
    /// What it makes of its input.
    pub shape: Shape,
}

/// The plan of a stream.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// How it is read.
    pub read: SourceRead,
    /// What its rows pass.
    pub transforms: Vec<TransformStep>,
    /// Who judges them, and how each wants them spread.
    pub quality: Vec<(PluginStep, Distribution)>,
    /// The stream and the run's clock.
    pub context: Context,
}

/// Builds the physical plan of a stream.
pub fn stream_plan(plan: &StreamPlan) -> Result<Arc<dyn ExecutionPlan>> {
    let read = &plan.read;
    let work = SourceWork {
        source: read.source.clone(),
        stream: read.stream.clone(),
        step: read.step.clone(),
        context: plan.context.clone(),
        cursor: read.cursor.clone(),
        batch_rows: read.batch_rows,
    };
    let mut node: Arc<dyn ExecutionPlan> = Arc::new(SourceExec::new(work, read.schema.clone(), slice_scan(&read.slices)?)?);
    for (index, transform) in plan.transforms.iter().enumerate() {
        let work = TransformWork {
            source: read.source.clone(),
            step: transform.step.clone(),
            index,
            context: plan.context.clone(),
            distribution: transform.shape.distribution.clone(),
            rules: transform.shape.rules.clone(),
        };
        node = spread(node, &work.distribution)?;
        node = Arc::new(TransformExec::new(work, transform.shape.schema.clone(), node)?);
    }
    for (index, (step, distribution)) in plan.quality.iter().enumerate() {
        let work = AssessWork {
            step: step.clone(),
            name: format!("assess{index}"),
            subject: plan.context.stream.clone(),
            context: plan.context.clone(),
            distribution: distribution.clone(),
        };
        node = Arc::new(AssessExec::new(work, spread(node, distribution)?));
    }
    Ok(Arc::new(LandExec::new(plan.context.stream.clone(), node)))
}

/// An in-memory scan with one partition per slice.
fn slice_scan(slices: &[Slice]) -> Result<Arc<dyn ExecutionPlan>> {
    let partitions = slices
        .iter()
        .map(|slice| {
            Ok(vec![RecordBatch::try_new(
                slice_schema(),
                vec![
                    Arc::new(StringArray::from(vec![slice.id.as_str()])),
                    Arc::new(StringArray::from(vec![slice.label.as_str()])),
                    Arc::new(UInt64Array::from(vec![slice.bytes])),
                ],
            )?])
        })
        .collect::<Result<Vec<_>>>()?;
    let scan = MemorySourceConfig::try_new(&partitions, slice_schema(), None)?;
    Ok(DataSourceExec::from_data_source(scan))
}

/// Spreads rows as a plugin wants them, in as many partitions as before, each ascending by origin.
fn spread(input: Arc<dyn ExecutionPlan>, distribution: &Distribution) -> Result<Arc<dyn ExecutionPlan>> {
    let partitions = input.output_partitioning().partition_count();
    if partitions == 1 {
        return Ok(input);
    }
    match distribution {
        Distribution::Any => Ok(input),
        Distribution::Hash(columns) => {
            let schema = input.schema();
            let columns = columns.iter().map(|column| col(column, &schema)).collect::<Result<Vec<_>>>()?;
            let hash = Partitioning::Hash(columns, partitions);
            Ok(Arc::new(RepartitionExec::try_new(input, hash)?.with_preserve_order()))
        }
        Distribution::Single => {
            let ordering = input.output_ordering().cloned();
            let ordering = ordering.ok_or_else(|| datafusion::common::DataFusionError::Internal("a stream without order".into()))?;
            Ok(Arc::new(SortPreservingMergeExec::new(ordering, input)))
        }
    }
}
