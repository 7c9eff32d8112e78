//! What each operator of a finished plan measured.

use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde::{Deserialize, Serialize};

/// What one operator measured over all its partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorMetrics {
    /// The operator as the plan shows it.
    pub operator: String,
    /// Its depth in the plan; the root has 0.
    pub depth: usize,
    /// The rows that it gave.
    pub rows: u64,
    /// The bytes that it gave, as Arrow memory or on disk.
    pub bytes: u64,
    /// The rows that it rejected.
    pub rejected_rows: u64,
    /// Microseconds inside the plugin, the copies across the boundary included.
    pub guest_micros: u64,
    /// Microseconds for encoding and validating Arrow IPC.
    pub ipc_micros: u64,
    /// Microseconds of DataFusion's own operators.
    pub compute_micros: u64,
}

/// The metrics of a plan's operators, from the root to the leaves.
pub fn operator_metrics(plan: &dyn ExecutionPlan) -> Vec<OperatorMetrics> {
    let mut found = Vec::new();
    visit(plan, 0, &mut found);
    found
}

fn visit(plan: &dyn ExecutionPlan, depth: usize, found: &mut Vec<OperatorMetrics>) {
    let metrics = plan.metrics().unwrap_or_default();
    let value = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
    found.push(OperatorMetrics {
        operator: displayable(plan).one_line().to_string().trim().to_owned(),
        depth,
        rows: metrics.output_rows().unwrap_or_default() as u64,
        bytes: value("bytes"),
        rejected_rows: value("rejected_rows"),
        guest_micros: value("time_in_guest") / 1000,
        ipc_micros: value("time_in_ipc") / 1000,
        compute_micros: metrics.elapsed_compute().unwrap_or_default() as u64 / 1000,
    });
    for child in plan.children() {
        visit(child.as_ref(), depth + 1, found);
    }
}
