//! From what quality instances left, states or measures, to the measures of a stream or check.

use arrow::datatypes::SchemaRef;

use super::{Plan, RunContext, RunError};
use crate::{
    engine::{PluginStep, Scratch, measures_name},
    plugin::{Access, QualityInstance},
    quality::Measure,
};

/// The measures that an assess operator left, or what the states that it left give together. `subject` is whose scratch folder holds them.
#[expect(clippy::too_many_arguments, reason = "each is a different thing that two callers know")]
pub(super) async fn sum_up(
    ctx: &RunContext,
    plan: &Plan,
    subject: &str,
    stream: &str,
    schema: &SchemaRef,
    step: &PluginStep,
    name: &str,
    partitions: usize,
) -> Result<Vec<Measure>, RunError> {
    let folder = ctx.scratch();
    let scratch = Scratch::new(&folder, subject);
    let failed = |source| RunError::File { doing: "read the measures in", path: folder.clone(), source };
    let measured: Vec<Vec<Measure>> = scratch.notes(&measures_name(name), partitions).map_err(failed)?;
    if !measured.is_empty() {
        return Ok(measured.into_iter().flatten().collect());
    }
    let states = scratch.collect(name, partitions).map_err(failed)?;
    let access = Access { limits: plan.loaded.pipeline.limits.clone(), log: ctx.log.clone(), granted: None, keys: ctx.keys.clone() };
    let plugin = &plan.plugins[&step.digest];
    let mut instance = QualityInstance::new(&ctx.runtime, plugin, &ctx.context(stream), &step.config, &access).await?;
    instance.open(schema).await?;
    for state in &states {
        instance.merge(state).await?;
    }
    Ok(instance.finish().await?)
}
