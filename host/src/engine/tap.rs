//! A tap on a stream: its accepted batches, for one who wants them beside the clean files.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::source_exec::IN_FLIGHT;

/// Where accepted batches go while they are landed. It is no part of a plan: a task that another machine runs has none.
#[derive(Debug, Clone)]
pub struct Tap(Arc<Mutex<Option<Sender<RecordBatch>>>>);

impl Tap {
    /// A tap, and what comes out of it. Whoever has no use for more drops the receiver; the stream lands all the same.
    pub fn open() -> (Self, Receiver<RecordBatch>) {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        (Self(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    /// Ends what comes out of it: the stream has landed.
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(super) fn sender(&self) -> Option<Sender<RecordBatch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
