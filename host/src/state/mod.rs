//! The memory of runs: one SQLite file per storage folder, and the lock that keeps two hosts off one pipeline.
//!
//! - Nothing here asks for the time: it comes in as a parameter, so that a test decides what it is.
//! - A run is `running` only while its process lives: [`State::reap_dead`] (by process) and [`State::begin_run`] (by lock) mark the
//!   others as `died` (`store/tests.rs`).
//! - A pipeline's sequence only grows, also when this file is lost and the warehouse remembers more (`store/tests.rs`).

mod history;
mod lock;
mod migrate;
mod process;
mod record;
mod rows;
mod run_id;
mod store;
pub mod tasks;

pub use history::Judged;
pub use lock::{Lock, LockError};
pub use process::{Life, Process};
pub use record::{Level, LogEntry, NewRun, Outcome, Rows, Run, Stage, StageEntry, Status, UnknownWord, Verdict};
pub use run_id::{NotARunId, RunId};
pub use store::{State, StateError};
