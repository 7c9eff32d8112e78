//! A stream's way through its plugins is a DataFusion plan: this module has its operators, and what they share.
//!
//! ```text
//! SliceScan -> SourceExec -> [Repartition ->] TransformExec -> [Repartition ->] AssessExec -> LandExec
//! ```
//!
//! What always holds here:
//! - An operator's state is plain data (plugin digest, config, names), so that a plan can be serialised: [`PlanCodec`] does it. What it
//!   needs to work is found in the task's [`Workbench`].
//! - What operators leave beside their batches (quarantine, quality states, cursors) goes to files of the run's scratch folder under
//!   names that depend on operator and partition only: a task that is repeated writes them again, nothing counts twice.
//! - Rows that meet in one instance come in ascending order of [`ORIGIN`](crate::lineage::ORIGIN), whatever the number of partitions, so that the first of two
//!   equal keys is the same row in every run.
//!
//! # Why
//! The slices are rows of an in-memory scan below `SourceExec`, one partition each, because a scheduler that distributes a plan restricts
//! only leaves that it knows: a custom leaf would be read whole by every task.

mod assess_exec;
mod codec;
mod land_exec;
mod plan;
mod quarantine;
mod report;
mod scratch;
mod source_exec;
mod summed;
mod tap;
mod to_disk;
mod transform_exec;
mod workbench;

pub use assess_exec::{AssessExec, AssessWork, measures_name};
pub use codec::{CodecError, PlanCodec};
pub use land_exec::{LandExec, LandedFile};
pub use plan::{SourceRead, StreamPlan, TransformStep, stream_plan};
pub use report::{OperatorMetrics, operator_metrics};
pub use scratch::{Scratch, SourceNote, TransformNote};
pub use source_exec::{SourceExec, SourceWork};
pub use summed::Summed;
pub use tap::Tap;
pub use transform_exec::{TransformExec, TransformWork};
pub use workbench::{Progress, Workbench};

use serde::{Deserialize, Serialize};

/// A plugin with its config, as an operator keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginStep {
    /// sha256 of the component, by which the workbench finds it.
    pub digest: String,
    /// `name@version`.
    pub plugin: String,
    /// Its config as JSON.
    pub config: String,
}
