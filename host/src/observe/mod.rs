//! What those who watch get to see: metrics for Prometheus, traces for OpenTelemetry, lineage for OpenLineage, the log in JSON.
//!
//! What always holds here:
//! - Watching never fails a run: what can't be delivered is a line in the log (`tests/suite/observe`).
//! - docs/metrics.md names the metrics that are given, neither more nor fewer (`metrics/tests.rs`).
//! - Nothing that is given has a secret or a row's value in it: names, counts, times and the errors that a person sees too.

pub mod lineage;
pub mod log;
pub mod metrics;
pub mod trace;

mod observer;

pub use metrics::Metrics;
pub use observer::{ObserveError, Observer};
