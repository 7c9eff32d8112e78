//! Rules across streams: the host joins the clean streams, quality plugins judge the joined rows.

use std::sync::Arc;

use datafusion::{
    common::DataFusionError,
    physical_plan::{ExecutionPlan, ExecutionPlanProperties, coalesce_partitions::CoalescePartitionsExec, execute_stream},
    prelude::{Expr, ParquetReadOptions, SessionContext, lit},
};
use futures::StreamExt;

use super::{Plan, RunContext, RunError, Stage, measures, prepare::CheckWork, stream::AssessedStream};
use crate::{
    engine::{AssessExec, AssessWork},
    lineage::ORIGIN,
    plugin::Distribution,
    quality::Measure,
};

/// What the rules across streams counted.
pub(super) async fn across_streams(ctx: &RunContext, plan: &Plan, streams: &[AssessedStream]) -> Result<Vec<Measure>, RunError> {
    if plan.checks.is_empty() {
        return Ok(Vec::new());
    }
    ctx.course.enter("checks");
    let session = ctx.session(plan, None)?;
    let failed = |error| RunError::in_check("the clean streams", error);
    register(ctx, &session, streams).await.map_err(failed)?;
    let mut measures = Vec::new();
    for check in &plan.checks {
        ctx.watcher.started(Stage::Check, &check.name, None);
        measures.extend(one(ctx, plan, &session, check).await?);
        ctx.watcher.finished(Stage::Check, &check.name, None);
    }
    ctx.course.leave();
    Ok(measures)
}

/// Makes the run's clean streams tables of a session.
async fn register(ctx: &RunContext, session: &SessionContext, streams: &[AssessedStream]) -> Result<(), DataFusionError> {
    for stream in streams {
        let folder = ctx.storage.clean().join(&stream.name).join(&ctx.run);
        session.register_parquet(&stream.name, folder.to_string_lossy(), ParquetReadOptions::default()).await?;
    }
    Ok(())
}

async fn one(ctx: &RunContext, plan: &Plan, session: &SessionContext, check: &CheckWork) -> Result<Vec<Measure>, RunError> {
    let failed = |error| RunError::in_check(&check.name, error);
    // Joined rows have no single origin; the contract wants the column all the same.
    let frame = session.sql(&check.sql).await.map_err(failed)?;
    let own: Vec<_> = frame.schema().columns().into_iter().filter(|column| column.name() != ORIGIN).map(Expr::Column).collect();
    let frame = frame.select(own.into_iter().chain([lit(0_u64).alias(ORIGIN)]).collect::<Vec<_>>()).map_err(failed)?;
    let mut node: Arc<dyn ExecutionPlan> = frame.create_physical_plan().await.map_err(failed)?;
    if check.quality.iter().any(|(_, distribution)| *distribution != Distribution::Any) {
        node = Arc::new(CoalescePartitionsExec::new(node));
    }
    let partitions = node.output_partitioning().partition_count();
    for (index, (step, distribution)) in check.quality.iter().enumerate() {
        let work = AssessWork {
            step: step.clone(),
            name: format!("assess{index}"),
            subject: subject(check),
            context: ctx.context(&check.stream),
            distribution: distribution.clone(),
        };
        node = Arc::new(AssessExec::new(work, node));
    }
    let schema = node.schema();
    let mut rows = execute_stream(node, session.task_ctx()).map_err(failed)?;
    while let Some(batch) = rows.next().await {
        batch.map_err(failed)?;
    }
    let mut measures = Vec::new();
    for (index, (step, _)) in check.quality.iter().enumerate() {
        let name = format!("assess{index}");
        let counted = measures::sum_up(ctx, plan, &subject(check), &check.stream, &schema, step, &name, partitions).await?;
        measures.extend(counted.into_iter().map(|measure| Measure { rule: format!("{}: {}", check.name, measure.rule), ..measure }));
    }
    Ok(measures)
}

/// The name of a check's scratch folder; no stream's name holds a dot.
fn subject(check: &CheckWork) -> String {
    format!("check.{}", check.name)
}
