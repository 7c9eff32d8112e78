//! What happens becomes numbers.

use chrono::{DateTime, Utc};
use prometheus_client::encoding::prometheus_text;

use super::{
    Metrics,
    labels::{Alert, Ended, Pipeline, Quality, Source, Staged, Stream, StreamRows, Table, TableRows},
};
use crate::{
    egress::http::Circuit,
    error,
    flow::{
        FailedRun, Outcome, Report, RunError,
        gate::{Scores, Verdict},
        report::EgressReport,
    },
    notify::Delivery,
    warehouse::{AUDIT, TableResult},
};

impl Metrics {
    /// The metrics in Prometheus' text format, with the content type [`super::CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        match prometheus_text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing to a text does not fail; if it ever does, Prometheus sees that nothing is there.
            Err(_) => String::new(),
        }
    }

    /// A run begins.
    pub fn run_started(&self, pipeline: &str) {
        self.running.get_or_create(&Pipeline::new(pipeline)).inc();
    }

    /// A run that was counted with [`Self::run_started`] ended at `at`: loaded, held or resumed.
    pub fn run_ended(&self, report: &Report, at: DateTime<Utc>) {
        let outcome = match report.outcome {
            Outcome::Held => "held",
            Outcome::Resumed => "resumed",
            Outcome::Loaded | Outcome::Running => "loaded",
        };
        self.ended(&report.pipeline, outcome, report.started, at);
        self.restore(report, at);
        self.stages(report);
        self.streams(report);
        self.egress(&report.pipeline, &report.egress);
        self.archives(report);
        self.tables(report);
    }

    /// A run that was counted with [`Self::run_started`] gave nothing, and ended at `at`.
    pub fn run_failed(&self, pipeline: &str, failed: FailedRun<'_>, at: DateTime<Utc>) {
        self.ended(pipeline, outcome(failed.error), failed.started, at);
        self.last_run.get_or_create(&Pipeline::new(pipeline)).set(seconds(at));
        self.egress(pipeline, &failed.course.egress());
    }

    /// Sets what is from a run that ended at `at`, and counts nothing: for the last run that the history has when a process starts.
    pub fn restore(&self, report: &Report, at: DateTime<Utc>) {
        let pipeline = Pipeline::new(&report.pipeline);
        self.last_run.get_or_create(&pipeline).set(seconds(at));
        if report.outcome != Outcome::Held {
            self.last_success.get_or_create(&pipeline).set(seconds(at));
        }
        if let Some(verdict) = &report.verdict {
            self.quality(&report.pipeline, verdict);
        }
        for table in loaded(report) {
            if let Some(rows) = table.rows_after {
                self.table_size.get_or_create(&Table::new(&report.pipeline, &table.table)).set(whole(rows));
            }
        }
    }

    /// When a pipeline last loaded, where its last run did not.
    pub fn restore_success(&self, pipeline: &str, at: DateTime<Utc>) {
        self.last_success.get_or_create(&Pipeline::new(pipeline)).set(seconds(at));
    }

    /// What became of messages to a pipeline's channels.
    pub fn told(&self, pipeline: &str, deliveries: &[Delivery]) {
        for delivery in deliveries {
            self.alerts.get_or_create(&Alert::new(pipeline, &delivery.channel, delivery.kind.name(), delivery.told.name())).inc();
        }
    }

    /// How many tasks of a pipeline are due and wait.
    pub fn queued(&self, pipeline: &str, tasks: usize) {
        self.queued.get_or_create(&Pipeline::new(pipeline)).set(i64::try_from(tasks).unwrap_or(i64::MAX));
    }

    /// How a pipeline's schedule stands: whether it is paused, and when it is due next.
    pub fn scheduled(&self, pipeline: &str, paused: bool, next: Option<DateTime<Utc>>) {
        let pipeline = Pipeline::new(pipeline);
        self.paused.get_or_create(&pipeline).set(i64::from(paused));
        match next {
            Some(next) => {
                self.next_run.get_or_create(&pipeline).set(seconds(next));
            }
            None => {
                self.next_run.remove(&pipeline);
            }
        }
    }

    /// A run is later than promised.
    pub fn sla_missed(&self, pipeline: &str) {
        self.sla_missed.get_or_create(&Pipeline::new(pipeline)).inc();
    }

    /// A pipeline is no more: its gauges go.
    pub fn forget(&self, pipeline: &str) {
        let pipeline = Pipeline::new(pipeline);
        for gauge in [&self.last_run, &self.last_success, &self.overall, &self.overall_floor, &self.next_run] {
            gauge.remove(&pipeline);
        }
        for gauge in [&self.running, &self.queued, &self.paused] {
            gauge.remove(&pipeline);
        }
    }

    fn ended(&self, name: &str, outcome: &str, started: DateTime<Utc>, at: DateTime<Utc>) {
        let pipeline = Pipeline::new(name);
        self.running.get_or_create(&pipeline).dec();
        self.runs.get_or_create(&Ended::new(name, outcome)).inc();
        self.run_seconds.get_or_create(&pipeline).observe((at - started).as_seconds_f64().max(0.0));
    }

    /// The steps of a run are `extract <stream>`, `check <name>`, `load`, `refresh`; those of one stage count together.
    fn stages(&self, report: &Report) {
        let mut stages: Vec<(&str, u64)> = Vec::new();
        for (step, micros) in &report.timings {
            let stage = step.split_whitespace().next().unwrap_or_default();
            match stages.iter_mut().find(|(known, _)| *known == stage) {
                Some((_, sum)) => *sum += micros,
                None => stages.push((stage, *micros)),
            }
        }
        for (stage, micros) in stages {
            self.stage_seconds.get_or_create(&Staged::new(&report.pipeline, stage)).observe(real(micros) / 1e6);
        }
    }

    fn streams(&self, report: &Report) {
        for stream in &report.streams {
            let rows = [("read", stream.read), ("accepted", stream.accepted), ("quarantined", stream.quarantined)];
            for (what, rows) in rows {
                self.rows.get_or_create(&StreamRows::new(&report.pipeline, &stream.stream, what)).inc_by(rows);
            }
            self.bytes.get_or_create(&Stream::new(&report.pipeline, &stream.stream)).inc_by(stream.bytes);
        }
    }

    fn egress(&self, pipeline: &str, egress: &[EgressReport]) {
        for source in egress {
            let (label, health) = (Source::new(pipeline, &source.source), &source.health);
            let counted = [
                (&self.requests, health.requests),
                (&self.failures, health.failures),
                (&self.throttled, health.throttled),
                (&self.refused, health.refused),
                (&self.response_bytes, health.bytes),
                (&self.circuit_opened, health.opened.into()),
            ];
            for (counter, count) in counted {
                counter.get_or_create(&label).inc_by(count);
            }
            self.waited.get_or_create(&label).inc_by(real(health.waited_millis) / 1e3);
            let circuit = match health.circuit {
                Circuit::Closed => 0,
                Circuit::HalfOpen => 1,
                Circuit::Open => 2,
            };
            self.circuit.get_or_create(&label).set(circuit);
        }
    }

    fn archives(&self, report: &Report) {
        for archive in &report.archives {
            let label = Source::new(&report.pipeline, &archive.source);
            self.pages.get_or_create(&label).inc_by(archive.pages);
            self.page_bytes.get_or_create(&label).inc_by(archive.packed_bytes);
        }
    }

    fn tables(&self, report: &Report) {
        for table in loaded(report).filter(|table| !table.skipped) {
            let TableResult { table, inserted, updated, unchanged, refused, .. } = table;
            for (what, rows) in [("inserted", inserted), ("updated", updated), ("unchanged", unchanged), ("refused", refused)] {
                self.table_rows.get_or_create(&TableRows::new(&report.pipeline, table, what)).inc_by(*rows);
            }
        }
    }

    fn quality(&self, pipeline: &str, verdict: &Verdict) {
        for Scores { stream, dimensions, overall, overall_floor } in &verdict.scores {
            let Some(stream) = stream else {
                let label = Pipeline::new(pipeline);
                self.overall_floor.get_or_create(&label).set(overall_floor / 100.0);
                match overall {
                    Some(overall) => {
                        self.overall.get_or_create(&label).set(overall / 100.0);
                    }
                    None => {
                        self.overall.remove(&label);
                    }
                }
                continue;
            };
            for found in dimensions {
                let label = Quality::new(pipeline, stream, found.dimension.name());
                // What nothing measured this time has no score; an old one would be a lie.
                let Some(score) = found.score else {
                    self.score.remove(&label);
                    self.floor.remove(&label);
                    continue;
                };
                self.score.get_or_create(&label).set(score / 100.0);
                self.floor.get_or_create(&label).set(found.floor / 100.0);
            }
        }
    }
}

/// How a run ended that gave nothing.
pub(in crate::observe) fn outcome(error: &RunError) -> &'static str {
    match error {
        RunError::Stopped => "stopped",
        error if error.exit_code() == error::BUSY => "busy",
        _ => "failed",
    }
}

/// The tables and marts, without tidegate's own.
fn loaded(report: &Report) -> impl Iterator<Item = &TableResult> {
    report.tables.iter().chain(&report.marts).filter(|table| table.table != AUDIT)
}

/// Seconds since 1970, as Prometheus counts.
fn seconds(at: DateTime<Utc>) -> f64 {
    real(u64::try_from(at.timestamp_millis()).unwrap_or(0)) / 1e3
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^52 are exact")]
fn real(count: u64) -> f64 {
    count as f64
}
