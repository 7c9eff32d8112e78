//! The SDK for tidegate plugins: implement one trait, call one macro, work on arrow-rs [`RecordBatch`]es.
//!
//! - [`Source`] reads streams, [`Transform`] cleans rows, [`Quality`] judges them; [`export_source!`], [`export_transform!`] and
//!   [`export_quality!`] turn the type that implements one into a component. Name, version, licence and summary of the plugin
//!   come from its `Cargo.toml`.
//! - Sources reach out through [`files`] and [`http`]; [`rest`] makes a source of an API that gives JSON out of a declaration.
//! - Who deduplicates or looks for keys that repeat leaves the keys to the host: [`keys`].
//! - The config is a serde type that derives [`JsonSchema`]; the host checks a pipeline against it before anything starts.
//! - Failures are classified ([`Failure`]), never retried here: that is the host's decision.
//! - A panic reaches the host as a readable message with the plugin's name.
//! - All of it also runs natively, so a plugin's logic is tested with plain `cargo test`.
//!
//! # Why
//! The bindings live in this crate, one module per world, and only the export macro that a plugin calls adds that world's exports to
//! the component. The alternative, generating bindings in each plugin, would show authors generated code and need the WIT files
//! beside every plugin.
#![deny(missing_docs)]

pub mod files;
pub mod http;
pub mod instant;
pub mod keys;
pub mod log;
pub mod rest;

mod bindings;
mod failure;
mod hash;
mod ipc;
mod quality;
mod source;
mod transform;

#[doc(hidden)]
pub mod glue;

pub use arrow_array::{self, RecordBatch};
pub use arrow_buffer;
pub use arrow_schema::{self, Schema, SchemaRef};
pub use arrow_select;
pub use failure::{Failure, FailureKind, Result};
pub use hash::Hash128;
pub use quality::{Measure, Quality};
pub use schemars::{self, JsonSchema};
pub use serde;
pub use serde_json;
pub use source::{Grant, GrantKind, Origin, Pulled, Reader, Request, Slice, Source, Stream, Unread, WriteMode};
pub use transform::{Output, Rejections, Rule, Shape, Transform};

/// The name of the lineage column, always the last one: page number << 40 | record number. See [`Origin`].
pub const ORIGIN: &str = "_origin";

/// What most plugins need: `use tidegate_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Context, Dimension, Distribution, Failure, FailureKind, Grant, GrantKind, JsonSchema, Measure, ORIGIN, Origin, Output, Pulled,
        Quality, Reader, RecordBatch, Rejections, Request, Result, Rule, Schema, SchemaRef, Shape, Slice, Source, Stream, Transform,
        Unread, WriteMode, export_quality, export_source, export_transform, files, http, keys, log,
    };
    pub use serde::Deserialize;
}

/// The eight dimensions of data quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Required cells that are present.
    Completeness,
    /// Values inside their type, range or set.
    Validity,
    /// Rows whose columns agree with each other.
    Consistency,
    /// Rows that arrived within the freshness the stream promises.
    Timeliness,
    /// Rows whose key is the first of its kind.
    Uniqueness,
    /// Values that agree with a reference or lie inside a plausible range.
    Accuracy,
    /// Values in their declared format.
    Conformity,
    /// References that resolve.
    Integrity,
}

/// How rows must be spread over the instances of a plugin that run side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    /// Any row may go to any instance.
    Any,
    /// Rows that agree in these columns go to the same instance, in ascending order of [`ORIGIN`].
    Hash(Vec<String>),
    /// All rows go to one instance, in ascending order of [`ORIGIN`].
    Single,
}

/// What an instance is told about the run it works for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The stream that the instance works on.
    pub stream: String,
    /// The run's logical time in microseconds since 1970-01-01T00:00:00Z.
    pub now_micros: i64,
    /// The run's seed.
    pub seed: u64,
}
