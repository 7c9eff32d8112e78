//! What ends a run before its time, and why.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Why a run is to end before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It runs longer than it may.
    Timeout,
    /// Somebody wants it, or a newer run takes its place.
    Cancelled(String),
    /// Another daemon has its task, or may have it.
    Lost,
    /// The daemon ends; the task waits for the next one.
    Parked,
}

/// Ends a run.
#[derive(Debug, Default)]
pub(super) struct Stop {
    why: Mutex<Option<Why>>,
    called: Notify,
}

impl Stop {
    /// Ends the run. The first reason counts.
    pub fn call(&self, why: Why) {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        // Remembered where nobody waits yet.
        self.called.notify_one();
    }

    /// Why it was called.
    pub fn why(&self) -> Option<Why> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Completes when it is called.
    pub async fn called(&self) {
        self.called.notified().await;
    }
}
