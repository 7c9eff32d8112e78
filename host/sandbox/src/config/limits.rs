//! What one instance of a plugin may use.

use schemars::JsonSchema;
use serde::Deserialize;

/// What one plugin instance may use. An instance that wants more is stopped, and the run fails.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Linear memory in MiB.
    pub memory_mib: u32,
    /// Time for one call in seconds.
    pub deadline_seconds: u32,
    /// What one call may return, in MiB.
    pub output_mib: u32,
    /// Log messages over the instance's life.
    pub log_messages: u32,
    /// Keys that it may add to the host's sets over its life; on disk they take up to 16 bytes each.
    pub keys: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mib: 512, deadline_seconds: 60, output_mib: 256, log_messages: 1000, keys: 1_000_000_000 }
    }
}
