//! Plugins as the host sees them: the only place that knows wasmtime.
//!
//! What always holds here:
//! - A component reaches nothing but the imports that its world names and its pipeline grants (`tests/guests`, `egress::files`).
//! - An instance that breaks a limit is stopped, named and dropped; the host goes on (`tests/guests`, one guest per limit).
//! - Bytes from a guest are validated before anything uses them ([`ipc`]).
//! - Guest text is prefixed with the plugin's name and version and cut at [`MAX_TEXT`].

pub mod ipc;

mod bindings;
mod error;
mod guest;
mod http;
mod instance;
mod keys;
mod loaded;
mod quality;
mod resolve;
mod runtime;
mod source;
mod transform;

pub use crate::contract::Role;
pub use error::{FailureKind, PluginError, Stop};
pub use guest::{LogLine, LogSink};
pub use instance::{Access, Called, Timings};
pub use keys::KeyDesk;
pub use loaded::{Grant, Manifest, Plugin};
pub use quality::QualityInstance;
pub use resolve::{ResolveError, names as names_in, resolve, search_path};
pub use runtime::Runtime;
pub use source::{Pulled, Slice, SourceInstance, StreamInfo, Unread, WriteMode};
pub use transform::{Pushed, Rule, Shape, TransformInstance};

/// The most bytes of one text that a guest may hand over: enough for a person, too little to flood a log.
pub const MAX_TEXT: usize = 4096;

/// The most rows of one batch, as `wit/` has it.
pub const MAX_BATCH_ROWS: usize = 65_536;

/// How rows must be spread over instances.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Distribution {
    /// Any row may go to any instance.
    Any,
    /// Rows that agree in these columns go to the same instance, in ascending order of their origin.
    Hash(Vec<String>),
    /// All rows go to one instance, in ascending order of their origin.
    Single,
}

/// What an instance is told about its run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Context {
    /// The stream that it works on.
    pub stream: String,
    /// The run's logical time in microseconds since 1970-01-01T00:00:00Z.
    pub now_micros: i64,
    /// The run's seed.
    pub seed: u64,
}
