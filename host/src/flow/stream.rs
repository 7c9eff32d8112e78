//! What becomes of a stream on its way through a run: what extract, assess and load hand to each other.

use super::{prepare::StreamWork, report::Reason};
use crate::{
    engine::{LandedFile, OperatorMetrics},
    quality::Measure,
};

/// What became of a stream.
#[derive(Debug, Default)]
pub struct AssessedStream {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// Records that were read, the unreadable ones included.
    pub read: u64,
    /// Rows that were rejected, records that could not be read included.
    pub quarantined: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Why rows were rejected, most frequent first.
    pub reasons: Vec<Reason>,
    /// The clean files.
    pub files: Vec<LandedFile>,
    /// What rules counted.
    pub measures: Vec<Measure>,
    /// What operators measured.
    pub operators: Vec<OperatorMetrics>,
    /// The cursors that its slices reached.
    pub reached: Vec<String>,
    /// The cursor after this run.
    pub cursor: Option<String>,
    /// Microseconds from start to end.
    pub micros: u64,
}

impl AssessedStream {
    /// A stream that nothing was read of.
    pub fn of(stream: &StreamWork) -> Self {
        Self { name: stream.name.clone(), source: stream.source.clone(), ..Self::default() }
    }
}
