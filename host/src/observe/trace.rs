//! A run as an OpenTelemetry trace: the run is the root, its steps and streams are spans below it. It is sent by OTLP over HTTP when the run
//! has ended, since only then its counts are known.
//!
//! The ids follow from the run's name, so that a run that is reported twice is one trace, and whoever knows the run finds its trace.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter, SpanLinks},
};
use sha2::{Digest, Sha256};

use super::{ObserveError, metrics::count::outcome};
use crate::{
    config::Secret,
    egress::http::ordinary,
    error,
    flow::{
        FailedRun, Outcome, Report,
        report::{Step, StreamReport},
    },
};

/// Sends traces to a collector.
pub(super) struct Traces {
    exporter: opentelemetry_otlp::SpanExporter,
    patience: Duration,
}

impl Traces {
    pub fn new(endpoint: &str, headers: Vec<(String, Secret)>, service: &str, patience: Duration) -> Result<Self, ObserveError> {
        let headers: HashMap<_, _> = headers.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect();
        let wrong = |why: String| ObserveError::Settings { key: "the endpoint of OTLP", why };
        let client = ordinary(patience).map_err(|error| wrong(error::chain(&error)))?;
        let mut exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(patience)
            .with_headers(headers)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service.to_owned()).with_attribute(version).build();
        exporter.set_resource(&resource);
        Ok(Self { exporter, patience })
    }

    /// Sends spans; what goes wrong is a line in the log.
    pub async fn send(&self, spans: Vec<SpanData>) {
        match tokio::time::timeout(self.patience, self.exporter.export(spans)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the run's trace could not be sent: {}", error::chain(&error)),
            Err(_) => tracing::warn!("the run's trace could not be sent: the collector took longer than {:?}", self.patience),
        }
    }
}

/// The spans of a run that ended at `at`.
pub fn of_report(report: &Report, at: DateTime<Utc>) -> Vec<SpanData> {
    let outcome = match report.outcome {
        Outcome::Held => "held",
        Outcome::Resumed => "resumed",
        Outcome::Loaded | Outcome::Running => "loaded",
    };
    let (read, accepted, quarantined) = report.rows();
    let mut root = run_attributes(&report.pipeline, &report.run, outcome);
    root.extend([count("tidegate.rows.read", read), count("tidegate.rows.accepted", accepted)]);
    root.push(count("tidegate.rows.quarantined", quarantined));
    let mut status = Status::Unset;
    if let Some(verdict) = &report.verdict {
        root.push(KeyValue::new("tidegate.verdict", verdict.name()));
        root.extend(verdict.overall().map(|score| KeyValue::new("tidegate.score", score)));
        if verdict.holds() {
            status = Status::error(verdict.sentences().join("; "));
        }
    }
    let trace = Trace { run: &report.run, started: report.started };
    let mut spans = vec![trace.root(format!("run {}", report.pipeline), at, root, status)];
    spans.extend(report.steps.iter().map(|step| trace.step(step, attributes_of(step, report), Status::Unset)));
    spans
}

/// The spans of a run that failed or was stopped at `at`: of its steps as far as it came, the last of which is the one that broke.
pub fn of_failure(pipeline: &str, failed: FailedRun<'_>, at: DateTime<Utc>) -> Vec<SpanData> {
    let FailedRun { run, started, error, course } = failed;
    let mut attributes = run_attributes(pipeline, run.as_str(), outcome(error));
    attributes.push(KeyValue::new("tidegate.exit_code", i64::from(error.exit_code())));
    let trace = Trace { run: run.as_str(), started };
    let status = Status::error(error::chain(error));
    let mut spans = vec![trace.root(format!("run {pipeline}"), at, attributes, status.clone())];
    spans.extend(course.steps().iter().map(|step| trace.step(step, vec![stage_of(step)], Status::Unset)));
    spans.extend(course.going().iter().map(|step| trace.step(step, vec![stage_of(step)], status.clone())));
    spans
}

fn run_attributes(pipeline: &str, run: &str, outcome: &'static str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("tidegate.pipeline", pipeline.to_owned()),
        KeyValue::new("tidegate.run", run.to_owned()),
        KeyValue::new("tidegate.outcome", outcome),
    ]
}

/// What a step did: a stream's rows and bytes, the rows that were loaded.
fn attributes_of(step: &Step, report: &Report) -> Vec<KeyValue> {
    let (stage, what) = parts(step);
    let mut attributes = vec![stage_of(step)];
    if let Some(stream) = report.streams.iter().find(|stream| stage == "extract" && stream.stream == what) {
        let StreamReport { stream, source, read, accepted, quarantined, bytes, .. } = stream;
        attributes.extend([KeyValue::new("tidegate.stream", stream.clone()), KeyValue::new("tidegate.source", source.clone())]);
        let counts = [("read", read), ("accepted", accepted), ("quarantined", quarantined)];
        attributes.extend(counts.map(|(name, rows)| count(format!("tidegate.rows.{name}"), *rows)));
        attributes.push(count("tidegate.bytes.read", *bytes));
    }
    if stage == "load" {
        let loaded = report.tables.iter().filter(|table| table.table != crate::warehouse::AUDIT);
        attributes.push(count("tidegate.tables", loaded.clone().count() as u64));
        attributes.push(count("tidegate.rows.loaded", loaded.map(|table| table.inserted + table.updated).sum()));
    }
    attributes
}

/// The stage of a step, and the stream where it is about one.
fn parts(step: &Step) -> (&str, &str) {
    step.step.split_once(' ').unwrap_or((&step.step, ""))
}

fn stage_of(step: &Step) -> KeyValue {
    KeyValue::new("tidegate.stage", parts(step).0.to_owned())
}

fn count(name: impl Into<opentelemetry::Key>, count: u64) -> KeyValue {
    KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX))
}

/// What the spans of a run share.
struct Trace<'r> {
    run: &'r str,
    started: DateTime<Utc>,
}

impl Trace<'_> {
    fn root(&self, name: String, at: DateTime<Utc>, attributes: Vec<KeyValue>, status: Status) -> SpanData {
        self.span("run", SpanId::INVALID, name, (self.started.into(), at.max(self.started).into()), attributes, status)
    }

    fn step(&self, step: &Step, attributes: Vec<KeyValue>, status: Status) -> SpanData {
        let began = SystemTime::from(step.began);
        let ended = began + Duration::from_micros(step.micros);
        self.span(&step.step, self.span_id("run"), step.step.clone(), (began, ended), attributes, status)
    }

    fn span(
        &self,
        key: &str,
        parent: SpanId,
        name: String,
        (start_time, end_time): (SystemTime, SystemTime),
        attributes: Vec<KeyValue>,
        status: Status,
    ) -> SpanData {
        let trace = TraceId::from_bytes(digest(&["trace", self.run]));
        SpanData {
            span_context: SpanContext::new(trace, self.span_id(key), TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: InstrumentationScope::builder("tidegate").with_version(env!("CARGO_PKG_VERSION")).build(),
        }
    }

    fn span_id(&self, key: &str) -> SpanId {
        SpanId::from_bytes(digest(&["span", self.run, key]))
    }
}

/// The first bytes of a digest: as good as random, and the same every time.
fn digest<const N: usize>(parts: &[&str]) -> [u8; N] {
    let digest = Sha256::digest(parts.join("\n"));
    let mut bytes = [0; N];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::{Course, RunError},
        observe::metrics::tests::report,
        state::RunId,
    };

    #[test]
    fn a_run_is_a_trace_of_its_steps() {
        let report = report();
        let at = report.started + chrono::TimeDelta::seconds(3);
        let spans = of_report(&report, at);
        let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["run shop", "extract orders", "load"]);
        let root = &spans[0];
        assert_eq!(root.parent_span_id, SpanId::INVALID);
        assert!(spans[1..].iter().all(|span| span.parent_span_id == root.span_context.span_id()));
        assert!(spans.iter().all(|span| span.span_context.trace_id() == root.span_context.trace_id()));
        assert_eq!(root.end_time.duration_since(root.start_time).unwrap(), Duration::from_secs(3));
        let began = spans[1].start_time.duration_since(root.start_time).unwrap();
        assert_eq!((began.as_micros(), spans[1].end_time.duration_since(spans[1].start_time).unwrap().as_micros()), (250_000, 1_500_000));
        let rows = spans[1].attributes.iter().find(|attribute| attribute.key.as_str() == "tidegate.rows.read").unwrap();
        assert_eq!(rows.value.to_string(), "100");
        assert_eq!(of_report(&report, at), spans, "the same run is the same trace");
    }

    #[test]
    fn a_failed_run_is_a_trace_with_an_error() {
        let run: RunId = "20261127T033000000Z-5f3a91".parse().unwrap();
        let at = DateTime::UNIX_EPOCH;
        let failed = FailedRun { run: &run, started: at, error: &RunError::Engine("no memory".into()), course: &Course::default() };
        let spans = of_failure("shop", failed, at);
        assert_eq!(spans[0].status, Status::error("can't start the WebAssembly engine: no memory"));
        assert_eq!(spans.len(), 1);
    }
}
