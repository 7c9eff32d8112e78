//! Extract and archive: which slices there are to read, and the manifests of what was read.

use super::{Plan, Report, RunContext, RunError, prepare::StreamWork, stream::AssessedStream};
use crate::{
    engine::SourceRead,
    plugin::{Access, SourceInstance},
};

/// What there is to read of a stream; `None` where there is nothing new.
pub(super) async fn slices(ctx: &RunContext, plan: &Plan, stream: &StreamWork) -> Result<Option<SourceRead>, RunError> {
    let source = &plan.sources[&stream.source];
    let engine = &plan.loaded.pipeline.engine;
    let cursor = ctx.cursor(&stream.source, &stream.name);
    let access = access(ctx, plan, stream);
    let plugin = &plan.plugins[&source.step.digest];
    let mut instance = SourceInstance::new(&ctx.runtime, plugin, &stream.name, &source.step.config, &access).await?;
    let slices = instance.slices(&stream.info.name, cursor, engine.partitions).await?;
    if slices.is_empty() {
        return Ok(None);
    }
    Ok(Some(SourceRead {
        source: stream.source.clone(),
        stream: stream.info.name.clone(),
        step: source.step.clone(),
        schema: stream.input.clone(),
        slices,
        cursor: cursor.map(str::to_owned),
        batch_rows: engine.batch_rows,
    }))
}

/// The stream's cursor after all its slices were read.
pub(super) async fn advance(ctx: &RunContext, plan: &Plan, stream: &StreamWork, read: &AssessedStream) -> Result<Option<String>, RunError> {
    let cursor = ctx.cursor(&stream.source, &stream.name);
    if read.reached.is_empty() {
        return Ok(cursor.map(str::to_owned));
    }
    let source = &plan.sources[&stream.source];
    let access = access(ctx, plan, stream);
    let plugin = &plan.plugins[&source.step.digest];
    let mut instance = SourceInstance::new(&ctx.runtime, plugin, &stream.name, &source.step.config, &access).await?;
    Ok(instance.advance(&stream.info.name, cursor, &read.reached).await?)
}

fn access(ctx: &RunContext, plan: &Plan, stream: &StreamWork) -> Access {
    Access {
        limits: plan.loaded.pipeline.limits.clone(),
        log: ctx.log.clone(),
        keys: ctx.keys.clone(),
        granted: plan.sources.get(&stream.source).map(|source| source.granted.clone()),
    }
}

/// Brings each source's manifest to disk and reports what was archived.
pub(super) fn close_archives(ctx: &RunContext, plan: &Plan, report: &mut Report) -> Result<(), RunError> {
    for source in plan.sources.keys() {
        let Some(archive) = ctx.archives.get(source) else { continue };
        let written =
            archive.close().map_err(|source| RunError::File { doing: "write the manifest in", path: ctx.storage.raw(), source })?;
        report.archived(source, archive.totals(), written);
    }
    Ok(())
}
