//! Preview: the first rows of a stream after its transforms, with what was rejected on the way. Nothing is archived or loaded.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

use super::{Plan, RunContext, RunError, assess, extract};

/// The first rows of a stream.
pub struct Preview {
    /// The rows, with their origin.
    pub batches: Vec<RecordBatch>,
    /// The physical plan, for those who want to see it.
    pub plan: Arc<dyn ExecutionPlan>,
}

/// The plan of one stream without its last operator, which would land files.
pub async fn preview(ctx: &RunContext, plan: &Plan, stream: &str, rows: usize) -> Result<Option<Preview>, RunError> {
    let Some(stream) = plan.streams.iter().find(|known| known.name == stream) else { return Ok(None) };
    let Some(read) = extract::slices(ctx, plan, stream).await? else { return Ok(None) };
    let landing = assess::physical(ctx, stream, read)?;
    let upper = landing.children().first().map(|child| Arc::clone(child)).unwrap_or_else(|| landing.clone());
    let failed = |error| RunError::in_stream(&stream.name, error);
    let session = ctx.session(plan, None)?;
    let mut found = execute_stream(upper.clone(), session.task_ctx()).map_err(failed)?;
    let (mut batches, mut missing) = (Vec::new(), rows);
    while missing > 0 {
        let Some(batch) = found.next().await else { break };
        let batch = batch.map_err(failed)?;
        let taken = batch.slice(0, batch.num_rows().min(missing));
        missing -= taken.num_rows();
        batches.push(taken);
    }
    Ok(Some(Preview { batches, plan: upper }))
}

/// The physical plan of each stream: its name, and the plan where there is something to read.
pub async fn physical_plans(ctx: &RunContext, plan: &Plan) -> Result<Vec<(String, Option<Arc<dyn ExecutionPlan>>)>, RunError> {
    let mut plans = Vec::new();
    for stream in &plan.streams {
        let physical = match extract::slices(ctx, plan, stream).await? {
            Some(read) => Some(assess::physical(ctx, stream, read)?),
            None => None,
        };
        plans.push((stream.name.clone(), physical));
    }
    Ok(plans)
}
