//! What is said about those who watch: `[observe]` of the daemon's own file, and the environment variables of the standards.
//!
//! What the file says wins; what it leaves open the environment fills in, as OpenTelemetry and OpenLineage name their variables.

use std::{env, path::PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{SecretFrom, secret::Secret};

/// Who watches, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Observe {
    /// Whether the daemon answers `GET /metrics`.
    pub metrics: bool,
    /// How the program's own log is written.
    pub log: LogFormat,
    /// Where the traces of runs go; without it `OTEL_EXPORTER_OTLP_ENDPOINT` decides.
    pub otlp: Option<Otlp>,
    /// Where lineage goes; without it `OPENLINEAGE_URL` decides.
    pub lineage: Option<Lineage>,
}

impl Default for Observe {
    fn default() -> Self {
        Self { metrics: true, log: LogFormat::Text, otlp: None, lineage: None }
    }
}

/// How the program's own log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Where traces go: OTLP over HTTP, in protobuf.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// The collector: `http://127.0.0.1:4318`; `/v1/traces` is added.
    pub endpoint: String,
    /// Headers that are sent along, such as a token.
    #[serde(default)]
    pub headers: IndexMap<String, SecretFrom>,
}

/// Where lineage goes. Either `url` or `file`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lineage {
    /// The server: `http://127.0.0.1:5000`; `/api/v1/lineage` is added where it names no path.
    pub url: Option<String>,
    /// A file to which events are added, one in a line, relative to this file.
    pub file: Option<PathBuf>,
    /// The key that the server wants.
    pub api_key: Option<SecretFrom>,
    /// The namespace of the jobs: `tidegate` by default.
    pub namespace: Option<String>,
}

/// What the environment says of traces and lineage, for what the file leaves open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Where traces go; none where nobody wants them. The exporter itself reads `OTEL_EXPORTER_OTLP_HEADERS`.
    pub traces: Option<String>,
    /// Where lineage goes; none where nobody wants it.
    pub lineage: Option<LineageSink>,
    /// The namespace of the jobs.
    pub namespace: Option<String>,
    /// The name under which traces are filed.
    pub service: Option<String>,
    /// The task that started this program, where an orchestrator says so.
    pub parent: Option<Parent>,
}

/// The run of another system that a run is a part of, and the one that that is a part of, each as `(namespace, job, run)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// What started this program.
    pub parent: (String, String, String),
    /// The whole that it belongs to.
    pub root: Option<(String, String, String)>,
}

/// Where lineage goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineageSink {
    /// A server, by the full URL of its endpoint, with its key.
    Http(String, Option<Secret>),
    /// A file.
    File(PathBuf),
}

impl Telemetry {
    /// What the environment says: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`,
    /// `OTEL_SERVICE_NAME`, `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER`; `OPENLINEAGE_URL` with `OPENLINEAGE_ENDPOINT` and
    /// `OPENLINEAGE_API_KEY`, or `OPENLINEAGE__TRANSPORT__LOG_FILE_PATH`; `OPENLINEAGE_NAMESPACE`, `OPENLINEAGE_DISABLED`;
    /// `OPENLINEAGE_PARENT_ID` and `OPENLINEAGE_ROOT_PARENT_ID`.
    pub fn from_env() -> Self {
        Self::of(|name| env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, word: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        let silent = is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none");
        let general = || variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(|endpoint| traces_endpoint(&endpoint));
        let endpoint = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(general).filter(|_| !silent);
        let hidden = is("OPENLINEAGE_DISABLED", "true");
        let server = || {
            let path = variable("OPENLINEAGE_ENDPOINT");
            let key = variable("OPENLINEAGE_API_KEY").map(Secret::new);
            Some(LineageSink::Http(lineage_endpoint(&variable("OPENLINEAGE_URL")?, path.as_deref()), key))
        };
        let file = || variable("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH").map(|path| LineageSink::File(path.into()));
        Self {
            traces: endpoint,
            lineage: server().or_else(file).filter(|_| !hidden),
            namespace: variable("OPENLINEAGE_NAMESPACE"),
            service: variable("OTEL_SERVICE_NAME"),
            parent: parent_of(&variable, "OPENLINEAGE_PARENT_ID").map(|parent| {
                let root = parent_of(&variable, "OPENLINEAGE_ROOT_PARENT_ID");
                Parent { parent, root }
            }),
        }
    }
}

/// `<namespace>/<job>/<run>`, as OpenLineage's integrations for dbt and Spark read it; a run is a UUID. The namespace may have slashes.
fn parent_of(variable: impl Fn(&str) -> Option<String>, name: &'static str) -> Option<(String, String, String)> {
    let text = variable(name)?;
    let parts = text.rsplit_once('/').and_then(|(rest, run)| {
        let (namespace, job) = rest.rsplit_once('/')?;
        let whole = !namespace.is_empty() && !job.is_empty() && is_uuid(run);
        whole.then(|| (namespace.to_owned(), job.to_owned(), run.to_owned()))
    });
    if parts.is_none() {
        tracing::warn!("`{name}` is left out: it is not `<namespace>/<job>/<run>` with a UUID as the run");
    }
    parts
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// Where traces go at a collector, as the OTLP specification has it: below the base, whether that ends in a slash or not.
pub fn traces_endpoint(base: &str) -> String {
    format!("{}/v1/traces", base.trim_end_matches('/'))
}

/// Where events go at a server of OpenLineage. A URL that has a path already is the whole of it.
pub fn lineage_endpoint(url: &str, path: Option<&str>) -> String {
    let bare = url.trim_end_matches('/');
    let has_path = bare.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    match path {
        None if has_path => bare.to_owned(),
        path => format!("{bare}/{}", path.unwrap_or("api/v1/lineage").trim_start_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Telemetry {
        Telemetry::of(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_empty_environment_wants_nothing() {
        assert_eq!(of(&[]), Telemetry::default());
    }

    #[test]
    fn traces_go_where_the_most_specific_variable_says() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        assert_eq!(of(&[general]).traces.unwrap(), "http://collector:4318/v1/traces");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own/path");
        assert_eq!(of(&[general, own]).traces.unwrap(), "http://own/path");
        assert_eq!(of(&[general, ("OTEL_SDK_DISABLED", "TRUE")]).traces, None);
    }

    #[test]
    fn a_parent_is_a_namespace_a_job_and_a_run() {
        let run = "0192b7f0-0000-7000-8000-000000000000";
        let variable = |name: &str| (name == "OPENLINEAGE_PARENT_ID").then(|| format!("http://airflow/x/dag.task/{run}"));
        let parent = Telemetry::of(variable).parent.unwrap();
        assert_eq!(parent.parent, ("http://airflow/x".to_owned(), "dag.task".to_owned(), run.to_owned()));
        assert_eq!(parent.root, None);
        for wrong in ["dag.task", "ns/job/1", "/job/0192b7f0-0000-7000-8000-000000000000"] {
            assert_eq!(of(&[("OPENLINEAGE_PARENT_ID", wrong)]).parent, None, "{wrong}");
        }
    }

    #[test]
    fn lineage_goes_to_a_server_or_a_file() {
        let url = ("OPENLINEAGE_URL", "http://marquez:5000");
        let server = |path: &str| Some(LineageSink::Http(format!("http://marquez:5000{path}"), None));
        assert_eq!(of(&[url]).lineage, server("/api/v1/lineage"));
        assert_eq!(of(&[url, ("OPENLINEAGE_ENDPOINT", "/other")]).lineage, server("/other"));
        assert_eq!(of(&[url, ("OPENLINEAGE_DISABLED", "true")]).lineage, None);
        assert_eq!(of(&[("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "a.jsonl")]).lineage, Some(LineageSink::File("a.jsonl".into())));
        assert_eq!(lineage_endpoint("http://m/api/v1/lineage/", None), "http://m/api/v1/lineage");
    }
}
