//! From the states that quality instances left to the measures of a stream or check.

use arrow::datatypes::SchemaRef;

use super::{Plan, RunContext, RunError};
use crate::{
    engine::{PluginStep, Scratch},
    plugin::{Access, QualityInstance},
    quality::Measure,
};

/// Merges the states that an assess operator left, and asks for the measures. `subject` is whose scratch folder holds them.
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
    let states = Scratch::new(&folder, subject).collect(name, partitions).map_err(|source| RunError::File {
        doing: "read the states in",
        path: folder,
        source,
    })?;
    let access = Access { limits: plan.loaded.pipeline.limits.clone(), log: ctx.log.clone(), files: None };
    let plugin = &plan.plugins[&step.digest];
    let mut instance = QualityInstance::new(&ctx.runtime, plugin, &ctx.context(stream), &step.config, &access).await?;
    instance.open(schema).await?;
    for state in &states {
        instance.merge(state).await?;
    }
    Ok(instance.finish().await?)
}
