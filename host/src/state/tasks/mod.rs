//! The memory of the daemon: what is due, what waits, what runs, who is to be told. In a SQLite file for one daemon, in a PostgreSQL database for
//! several.
//!
//! What always holds here:
//! - Nothing here asks for the time: it comes in as a parameter.
//! - A pipeline has one running task at most, and a task one daemon, however many daemons there are: indexes of the database say so
//!   (`store/tests.rs`, `tests/suite/schedule/several.rs`).
//! - What it keeps of a pipeline's file is its text: names of secrets, never one.
//! - A task that a daemon left behind can be taken over when its lease has ended, by one daemon (`store/tests.rs`).

mod driver;
mod error;
mod postgres;
mod readings;
mod record;
mod rows;
mod sqlite;
mod store;

pub use error::TasksError;
pub use readings::Reading;
pub use record::{Backfill, BackfillEntry, BackfillId, BackfillStatus, Cause, Owed, PipelineMark, Span, Task, TaskId, TaskStatus};
pub use store::{Claim, Later, Renewed, Tasks};
