//! The memory of the daemon: what is due, what waits, what runs, who is to be told.

mod error;
mod record;

pub use error::TasksError;
pub use record::{Backfill, BackfillEntry, BackfillId, BackfillStatus, Cause, Owed, PipelineMark, Span, Task, TaskId, TaskStatus};
