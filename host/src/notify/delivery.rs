//! What became of a message to a channel.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Kind;

/// What became of a message to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The channel.
    pub channel: String,
    /// The news that it was about.
    pub kind: Kind,
    /// What became of it.
    pub told: Told,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The channel took it.
    Sent {
        /// How often it was tried.
        attempts: u32,
    },
    /// One like it was sent not long ago.
    KeptBack {
        /// Until when others like it are kept back too.
        until: DateTime<Utc>,
    },
    /// It could not be sent.
    Failed {
        /// How often it was tried.
        attempts: u32,
        /// Why, without secrets.
        why: String,
    },
}

impl Told {
    /// Its name in metrics: `sent`, `kept_back`, `failed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::KeptBack { .. } => "kept_back",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Delivery {
    /// One line for a log.
    pub fn sentence(&self) -> String {
        let Self { channel, kind, told } = self;
        match told {
            Told::Sent { attempts: 1 } => format!("alert `{channel}` was told of the {kind}"),
            Told::Sent { attempts } => format!("alert `{channel}` was told of the {kind} after {attempts} tries"),
            Told::KeptBack { until } => {
                format!(
                    "alert `{channel}` was not told of the {kind}: it was of one before, the next may come at {}",
                    until.format("%F %T UTC")
                )
            }
            Told::Failed { attempts, why } => format!("alert `{channel}` could not be told of the {kind} ({attempts} tries): {why}"),
        }
    }

    /// Whether the channel was to be told and was not.
    pub fn is_failed(&self) -> bool {
        matches!(self.told, Told::Failed { .. })
    }
}
