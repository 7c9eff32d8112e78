//! Watches runs from outside: whoever starts one says when it begins and how it ended.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Metrics,
    lineage::Lineage,
    trace::{self, Traces},
};
use crate::{
    config::{
        Loaded, Observe, Secret, SecretError, SecretFrom,
        observe::{LineageSink, Telemetry, lineage_endpoint, traces_endpoint},
        secret,
    },
    flow::{FailedRun, Report},
    state::RunId,
};

/// How long a delivery may take: a run waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nobody can watch.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A secret is missing.
    #[error("`{key}` of `[observe]` can't be had")]
    Secret {
        /// The key.
        key: &'static str,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Something is wrong with where it is to go.
    #[error("{key} can't be used: {why}")]
    Settings {
        /// The key, or the variable.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Watches runs.
pub struct Observer {
    metrics: Arc<Metrics>,
    traces: Option<Traces>,
    lineage: Option<Lineage>,
}

impl Observer {
    /// An observer as the settings say, and the environment where they say nothing. Files are relative to `root`.
    pub fn new(settings: &Observe, root: &Path, metrics: Arc<Metrics>) -> Result<Self, ObserveError> {
        let environment = Telemetry::from_env();
        let service = environment.service.clone().unwrap_or_else(|| "tidegate".to_owned());
        let traces = match &settings.otlp {
            Some(otlp) => {
                let header = |(name, from)| resolve(from, "otlp.headers", root).map(|value| (String::clone(name), value));
                let headers = otlp.headers.iter().map(header).collect::<Result<Vec<_>, _>>()?;
                Some((traces_endpoint(&otlp.endpoint), headers))
            }
            None => environment.traces.clone().map(|endpoint| (endpoint, Vec::new())),
        };
        let traces = traces.map(|(endpoint, headers)| Traces::new(&endpoint, headers, &service, PATIENCE)).transpose()?;
        let own = settings.lineage.as_ref();
        let sink = own.map(|own| sink(own, root)).transpose()?.flatten().or(environment.lineage);
        let namespace = own.and_then(|own| own.namespace.clone()).or(environment.namespace);
        let lineage = sink.map(|sink| Lineage::new(sink, namespace, environment.parent, PATIENCE)).transpose()?;
        Ok(Self { metrics, traces, lineage })
    }

    /// The metrics that it counts in.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// A run begins.
    pub async fn started(&self, loaded: &Loaded, run: &RunId, at: DateTime<Utc>) {
        self.metrics.run_started(&loaded.pipeline.name);
        if let Some(lineage) = &self.lineage {
            lineage.started(loaded, run, at).await;
        }
    }

    /// It ended: loaded, held or resumed.
    pub async fn ended(&self, loaded: &Loaded, report: &Report, at: DateTime<Utc>) {
        self.metrics.run_ended(report, at);
        if let Some(lineage) = &self.lineage {
            lineage.ended(loaded, report, at).await;
        }
        if let Some(traces) = &self.traces {
            traces.send(trace::of_report(report, at)).await;
        }
    }

    /// It failed, or was stopped.
    pub async fn failed(&self, loaded: &Loaded, failed: FailedRun<'_>, at: DateTime<Utc>) {
        self.metrics.run_failed(&loaded.pipeline.name, failed, at);
        if let Some(lineage) = &self.lineage {
            lineage.failed(loaded, failed.run, failed.error, at).await;
        }
        if let Some(traces) = &self.traces {
            traces.send(trace::of_failure(&loaded.pipeline.name, failed, at)).await;
        }
    }
}

fn sink(own: &crate::config::observe::Lineage, root: &Path) -> Result<Option<LineageSink>, ObserveError> {
    match (&own.url, &own.file) {
        (Some(url), None) => {
            let key = own.api_key.as_ref().map(|from| resolve(from, "lineage.api_key", root)).transpose()?;
            Ok(Some(LineageSink::Http(lineage_endpoint(url, None), key)))
        }
        (None, Some(file)) => Ok(Some(LineageSink::File(root.join(file)))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(ObserveError::Settings {
            key: "`lineage` of `[observe]`",
            why: "it has both `url` and `file`; keep one of the two".to_owned(),
        }),
    }
}

fn resolve(from: &SecretFrom, key: &'static str, root: &Path) -> Result<Secret, ObserveError> {
    secret::resolve(from, root).map_err(|source| ObserveError::Secret { key, source })
}
