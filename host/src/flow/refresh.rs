//! Refresh: marts are made again from the tables that were just loaded.

use super::{Plan, RunContext, RunError, Stage};
use crate::{
    config::WarehouseKind,
    warehouse::{TableResult, Warehouse},
};

/// Makes the pipeline's marts again.
pub(super) async fn marts(ctx: &RunContext, plan: &Plan, warehouse: &mut Warehouse) -> Result<Vec<TableResult>, RunError> {
    // A database may have continuous aggregates of its own to refresh.
    if plan.marts.is_empty() && plan.loaded.pipeline.warehouse.kind == WarehouseKind::Lake {
        return Ok(Vec::new());
    }
    ctx.course.enter("refresh");
    ctx.watcher.started(Stage::Refresh, "marts", None);
    let mut tries = 0;
    let refreshed = loop {
        let refreshed = warehouse.refresh(&plan.loaded.pipeline.name, &ctx.run, &plan.marts).await.map_err(RunError::Refresh);
        match refreshed {
            Err(error) if ctx.may_repeat(Stage::Refresh, "marts", &error, &mut tries).await => {}
            refreshed => break refreshed?,
        }
    };
    ctx.watcher.finished(Stage::Refresh, "marts", None);
    ctx.course.leave();
    Ok(refreshed)
}
