//! What is kept of a run, as types.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::process::Process;
use super::run_id::RunId;

/// The text is none of the words that a column can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {kind}")]
pub struct UnknownWord {
    /// What it should have been.
    pub kind: &'static str,
    /// What was found.
    pub word: String,
}

/// An enum whose variants are words in the database, in JSON and on the screen alike.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $kind:literal: $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                let known = Self::ALL.iter().copied().find(|known| known.name() == word);
                known.ok_or_else(|| UnknownWord { kind: $kind, word: word.to_owned() })
            }
        }
    };
}

pub(in crate::state) use words;

words! {
    /// How a run stands.
    Status, "status":
    /// Its process works on it.
    Running = "running",
    /// It loaded its tables.
    Loaded = "loaded",
    /// The gate held it; nothing was loaded.
    Held = "held",
    /// It failed; the error says why.
    Failed = "failed",
    /// A person stopped it.
    Stopped = "stopped",
    /// Its process ended without a word.
    Died = "died",
    /// It did not end well, and a later run took its work over.
    Resumed = "resumed",
}

words! {
    /// What the gate said.
    Verdict, "verdict":
    /// The run may load.
    Pass = "pass",
    /// It may not.
    Hold = "hold",
}

words! {
    /// A stage of a run, in the order of runs.
    Stage, "stage":
    /// Pages are asked of the source.
    Extract = "extract",
    /// Pages are written as they came.
    Archive = "archive",
    /// Batches pass the transforms.
    Transform = "transform",
    /// Quality plugins look at the accepted rows.
    Assess = "assess",
    /// Measures become a verdict.
    Gate = "gate",
    /// Tables are written.
    Load = "load",
    /// Marts are made anew.
    Refresh = "refresh",
    /// People are told.
    Notify = "notify",
}

words! {
    /// How grave a log message is.
    Level, "level":
    /// For the plugin's author, in detail.
    Trace = "trace",
    /// For the plugin's author.
    Debug = "debug",
    /// What happens.
    Info = "info",
    /// What may be wrong.
    Warn = "warn",
    /// What is wrong.
    Error = "error",
}

/// A run that begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its name.
    pub id: RunId,
    /// When it starts.
    pub started_at: DateTime<Utc>,
    /// The process that works on it.
    pub process: Process,
    /// The highest sequence that the warehouse has seen of this pipeline, 0 for none: the new one is above it even where the state file
    /// was lost. A lake that has seen a sequence takes a second load with it for a repetition and skips it.
    pub seen: u64,
}

/// How many rows went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Came from sources.
    pub read: u64,
    /// Passed the transforms.
    pub accepted: u64,
    /// Were rejected.
    pub quarantined: u64,
    /// Were written to tables.
    pub loaded: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Anything but `running`.
    pub status: Status,
    /// How many rows went where.
    pub rows: Rows,
    /// What the gate said, if it came to that.
    pub verdict: Option<Verdict>,
    /// The overall score in percent, if one was measured.
    pub score: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The whole report.
    pub report: Option<serde_json::Value>,
    /// What it left where it failed or was stopped.
    pub failure: Option<serde_json::Value>,
}

impl Outcome {
    /// An outcome of which only the status is known.
    pub fn of(status: Status) -> Self {
        Self { status, rows: Rows::default(), verdict: None, score: None, error: None, report: None, failure: None }
    }
}

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The pipeline's name.
    pub pipeline: String,
    /// Counts the pipeline's runs from 1.
    pub sequence: u64,
    /// How it stands.
    pub status: Status,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it ended; none where nobody saw it.
    pub finished_at: Option<DateTime<Utc>>,
    /// The process that worked on it.
    pub pid: u32,
    /// How many rows went where.
    pub rows: Rows,
    /// What the gate said.
    pub verdict: Option<Verdict>,
    /// The overall score in percent.
    pub score: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The run that took its work over.
    pub resumed_by: Option<RunId>,
    /// The whole report.
    pub report: Option<serde_json::Value>,
    /// What it left where it failed or was stopped.
    pub failure: Option<serde_json::Value>,
}

/// A stage of a run, of one stream or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageEntry {
    /// Which.
    pub stage: Stage,
    /// The stream; none for the whole run.
    pub stream: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; none while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows that it passed on.
    pub rows: u64,
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// When it was said.
    pub at: DateTime<Utc>,
    /// How grave it is.
    pub level: Level,
    /// The plugin that said it, as `name@version`; none for the host.
    pub plugin: Option<String>,
    /// The stream it is about.
    pub stream: Option<String>,
    /// The text. A plugin's is untrusted; its length was limited before it came here.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(status.name().parse(), Ok(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        assert_eq!("upset".parse::<Status>().unwrap_err().to_string(), "`upset` is no status");
    }

    #[test]
    fn stages_are_in_the_order_of_a_run() {
        let names: Vec<_> = Stage::ALL.iter().map(|stage| stage.name()).collect();
        assert_eq!(names.join(" -> "), "extract -> archive -> transform -> assess -> gate -> load -> refresh -> notify");
    }
}
