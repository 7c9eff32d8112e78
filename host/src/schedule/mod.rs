//! The daemon's clockwork: which pipeline is due, what waits, what runs, and what is left of it when the process dies.
//!
//! ```text
//! files, clock, store -> decide (pure) -> steps -> store -> work (a run) -> store
//! ```
//!
//! What always holds here:
//! - The store is the only memory: a daemon that is killed at any moment loses nothing and does nothing twice (`tests/suite/schedule`).
//! - Time comes from a [`Clock`], so that a test decides what it is (`decide/tests.rs`).
//! - Two daemons on one store never run the same pipeline at once (`tests/suite/schedule/several.rs`).
//!
//! # Why
//! A task is kept before it runs, under a name that follows from what it is for; the run's name is kept before the run begins; what a run
//! loaded the warehouse knows for sure. So after a death there is always somebody to ask, and no step that must not be repeated.

mod asks;
mod cadence;
mod clock;
mod daemon;
mod decide;
mod desk;
mod error;
mod files;
mod news;
mod stop;
mod view;
mod work;

pub use asks::Asks;
pub use cadence::Cadence;
pub use clock::Clock;
pub use daemon::Daemon;
pub use desk::Desk;
pub use error::DeskError;
pub use files::{Files, Served};
pub use view::{Event, Live, PipelineView};

pub use crate::state::tasks::{
    Backfill, BackfillEntry, BackfillId, BackfillStatus, Cause, Span, Task, TaskId, TaskStatus, Tasks, TasksError,
};
