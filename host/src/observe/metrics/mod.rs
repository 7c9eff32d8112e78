//! The metrics, for Prometheus. docs/metrics.md lists them.
//!
//! Counters count what this process did; gauges show what is. After a start, [`Metrics::restore`] sets the gauges from the last run that the
//! history has, so that a restart is no gap in freshness.

pub(super) mod count;
mod labels;
#[cfg(test)]
pub(in crate::observe) mod tests;

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};

use labels::{Alert, Build, Ended, Pipeline, Quality, Source, Staged, Stream, StreamRows, Table, TableRows};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// From a second to six hours: a run of a shop's day, and one of its history.
const RUN_SECONDS: [f64; 12] = [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 21_600.0];

/// From 10 milliseconds on: a stage may be a small part of a run.
const STAGE_SECONDS: [f64; 12] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0, 3600.0];

type Seconds = Counter<f64, AtomicU64>;
type Real = Gauge<f64, AtomicU64>;
type Histograms<L> = Family<L, Histogram, Buckets>;

/// Makes histograms with these bounds.
#[derive(Debug, Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// The metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    runs: Family<Ended, Counter>,
    running: Family<Pipeline, Gauge>,
    run_seconds: Histograms<Pipeline>,
    stage_seconds: Histograms<Staged>,
    last_run: Family<Pipeline, Real>,
    last_success: Family<Pipeline, Real>,
    rows: Family<StreamRows, Counter>,
    bytes: Family<Stream, Counter>,
    table_rows: Family<TableRows, Counter>,
    table_size: Family<Table, Gauge>,
    score: Family<Quality, Real>,
    floor: Family<Quality, Real>,
    overall: Family<Pipeline, Real>,
    overall_floor: Family<Pipeline, Real>,
    requests: Family<Source, Counter>,
    failures: Family<Source, Counter>,
    throttled: Family<Source, Counter>,
    refused: Family<Source, Counter>,
    waited: Family<Source, Seconds>,
    response_bytes: Family<Source, Counter>,
    circuit: Family<Source, Gauge>,
    circuit_opened: Family<Source, Counter>,
    pages: Family<Source, Counter>,
    page_bytes: Family<Source, Counter>,
    alerts: Family<Alert, Counter>,
    queued: Family<Pipeline, Gauge>,
    paused: Family<Pipeline, Gauge>,
    next_run: Family<Pipeline, Real>,
    sla_missed: Family<Pipeline, Counter>,
}

/// Registers a family and gives it.
fn family<L, M>(registry: &mut Registry, name: &str, unit: Option<Unit>, help: &str) -> Family<L, M>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + Send + Sync + std::fmt::Debug + 'static,
    M: Default + Clone + Send + Sync + std::fmt::Debug + 'static,
    Family<L, M>: prometheus_client::registry::Metric,
{
    let family = Family::<L, M>::default();
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, family.clone()),
        None => registry.register(name, help, family.clone()),
    }
    family
}

fn histograms<L>(registry: &mut Registry, name: &str, bounds: &'static [f64], help: &str) -> Histograms<L>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + Send + Sync + std::fmt::Debug + 'static,
{
    let family = Histograms::<L>::new_with_constructor(Buckets(bounds));
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tidegate");
        let r = &mut registry;
        r.register("build", "The program's version", Info::new(Build::new(env!("CARGO_PKG_VERSION"))));
        Self {
            runs: family(r, "runs", None, "Runs that ended, by how: loaded, held, resumed, failed, stopped, busy"),
            running: family(r, "runs_running", None, "Runs that go on"),
            run_seconds: histograms(r, "run_duration", &RUN_SECONDS, "How long runs took, however they ended"),
            stage_seconds: histograms(r, "stage_duration", &STAGE_SECONDS, "How long stages of runs took"),
            last_run: family(r, "last_run_timestamp", Some(Unit::Seconds), "When the last run ended, however"),
            last_success: family(r, "last_success_timestamp", Some(Unit::Seconds), "When the last run that loaded ended"),
            rows: family(r, "rows", None, "Rows of a stream that were read, accepted or quarantined"),
            bytes: family(r, "read", Some(Unit::Bytes), "Bytes of a stream that were read"),
            table_rows: family(r, "table_rows_written", None, "Rows of a table that were inserted, updated, unchanged or refused"),
            table_size: family(r, "table_rows", None, "Rows that a table has, where its warehouse counts them"),
            score: family(r, "quality_score_ratio", None, "The score of a dimension in the last run, 0 to 1"),
            floor: family(r, "quality_floor_ratio", None, "The least score that the gate asks for, 0 to 1"),
            overall: family(r, "quality_overall_score_ratio", None, "The overall score of the last run, 0 to 1"),
            overall_floor: family(r, "quality_overall_floor_ratio", None, "The least overall score, 0 to 1"),
            requests: family(r, "http_requests", None, "Requests that a source sent, repeats and redirects included"),
            failures: family(r, "http_failures", None, "Attempts of a source's requests that failed"),
            throttled: family(r, "http_throttled", None, "Answers that asked a source for fewer requests"),
            refused: family(r, "http_refused", None, "Requests that were refused because they are not granted"),
            waited: family(r, "http_wait", Some(Unit::Seconds), "Time that a source's requests waited, over all slices"),
            response_bytes: family(r, "http_response", Some(Unit::Bytes), "Bytes of answers after unpacking"),
            circuit: family(r, "source_circuit", None, "The circuit of a source after its last run: 0 closed, 1 half-open, 2 open"),
            circuit_opened: family(r, "source_circuit_opened", None, "How often the circuit of a source has opened"),
            pages: family(r, "archived_pages", None, "Raw pages that were archived"),
            page_bytes: family(r, "archived", Some(Unit::Bytes), "Bytes of raw pages on disk"),
            alerts: family(r, "alerts", None, "Messages to channels, by what became of them: sent, kept_back, failed"),
            queued: family(r, "queue_tasks", None, "Tasks that are due and wait"),
            paused: family(r, "pipeline_paused", None, "Whether a pipeline's schedule is paused: 1 where it is"),
            next_run: family(r, "next_run_timestamp", Some(Unit::Seconds), "When a pipeline is due next"),
            sla_missed: family(r, "sla_missed", None, "Runs that were later than promised"),
            registry,
        }
    }
}
