//! What is said about those who watch: `[observe]` of the daemon's own file, and the environment variables of the standards.
//!
//! What the file says wins; what it leaves open the environment fills in, as OpenTelemetry and OpenLineage name their variables.

use std::{env, path::PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{egress::SecretFrom, secret::Secret};

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
    /// Where traces go, and the headers; none where nobody wants them.
    pub traces: Option<(String, Vec<(String, Secret)>)>,
    /// Where lineage goes; none where nobody wants it.
    pub lineage: Option<LineageSink>,
    /// The namespace of the jobs.
    pub namespace: Option<String>,
    /// The name under which traces are filed.
    pub service: Option<String>,
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
    /// What the environment says: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`,
    /// `OTEL_SERVICE_NAME`, `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER`; `OPENLINEAGE_URL` with `OPENLINEAGE_ENDPOINT` and
    /// `OPENLINEAGE_API_KEY`, or `OPENLINEAGE__TRANSPORT__LOG_FILE_PATH`; `OPENLINEAGE_NAMESPACE`, `OPENLINEAGE_DISABLED`.
    pub fn from_env() -> Self {
        Self::of(|name| env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, word: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        let silent = is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none");
        let general = || variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(|endpoint| traces_endpoint(&endpoint));
        let endpoint = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(general).filter(|_| !silent);
        let headers = variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| variable("OTEL_EXPORTER_OTLP_HEADERS"));
        let hidden = is("OPENLINEAGE_DISABLED", "true");
        let server = || {
            let path = variable("OPENLINEAGE_ENDPOINT");
            let key = variable("OPENLINEAGE_API_KEY").map(Secret::new);
            Some(LineageSink::Http(lineage_endpoint(&variable("OPENLINEAGE_URL")?, path.as_deref()), key))
        };
        let file = || variable("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH").map(|path| LineageSink::File(path.into()));
        Self {
            traces: endpoint.map(|endpoint| (endpoint, headers.as_deref().map(header_list).unwrap_or_default())),
            lineage: server().or_else(file).filter(|_| !hidden),
            namespace: variable("OPENLINEAGE_NAMESPACE"),
            service: variable("OTEL_SERVICE_NAME"),
        }
    }
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

/// `key=value,key=value` with percent-encoded values, as W3C Baggage writes it and OTLP takes it over.
fn header_list(text: &str) -> Vec<(String, Secret)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), Secret::new(percent_decoded(value.trim())))).collect()
}

fn percent_decoded(text: &str) -> String {
    // Unlike in a form, a plus is a plus here and an ampersand separates nothing.
    let form = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
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
        assert_eq!(of(&[general]).traces.unwrap().0, "http://collector:4318/v1/traces");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own/path");
        assert_eq!(of(&[general, own]).traces.unwrap().0, "http://own/path");
        assert_eq!(of(&[general, ("OTEL_SDK_DISABLED", "TRUE")]).traces, None);
        let headers = of(&[general, ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b+c, x=y")]).traces.unwrap().1;
        let shown: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(shown, [("api-key", "a b+c"), ("x", "y")]);
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
