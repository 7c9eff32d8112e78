//! Cursors: up to when a stream has been read, by the server's clock.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Failure, Result};

/// Where a stream resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The server's time before anything was read, in Unix seconds.
    pub until: i64,
    /// When the oldest balance transaction that was still pending was made: its funds become available without an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<i64>,
}

impl Cursor {
    /// Reads a cursor that an earlier run left.
    pub fn parse(stream: &str, cursor: &str) -> Result<Self> {
        let strange = |_| Failure::config(format!("stream `{stream}`: its cursor is none of this plugin's; reset the cursor"));
        serde_json::from_str(cursor).map_err(strange)
    }

    /// What is kept.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers are JSON")
    }
}

/// Folds what the slice of a complete run reached into the stream's cursor. There is one slice; a window that ends earlier than the last
/// one, because the server's clock went back, is read again and loses nothing.
pub fn advance(stream: &str, cursor: Option<String>, reached: &[String]) -> Result<Option<String>> {
    match reached.last() {
        Some(reached) => Cursor::parse(stream, reached).map(|reached| Some(reached.text())),
        None => Ok(cursor),
    }
}
