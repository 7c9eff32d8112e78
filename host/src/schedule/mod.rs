//! The daemon's clockwork: which pipeline is due, what waits, what runs, and what is left of it when the process dies.

mod desk;
mod error;
mod view;

pub use desk::Desk;
pub use error::DeskError;
pub use view::{Event, Live, PipelineView};

pub use crate::state::tasks::{Backfill, BackfillEntry, BackfillId, BackfillStatus, Cause, Span, Task, TaskId, TaskStatus};
