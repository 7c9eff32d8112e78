//! The egress of the real program over real sockets: what is refused, what is capped, how patient it is, and that a person is told.
//!
//! The source is the guest that sends what its config names and tells, per request, what came of it.

mod caps;
mod credentials;
mod dial;
mod patience;
mod tls;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_tests::{program::Workplace, wire::Wire};

/// What a pipeline says about a source that asks.
#[derive(Clone, Default)]
struct Source {
    /// Lines of `[sources.shop.grants.http]`.
    grants: String,
    /// Lines of `[sources.shop.credentials]`.
    credentials: String,
    /// Keys of `patience`.
    patience: String,
    /// Over how many slices the requests are spread.
    slices: usize,
    /// Environment variables for the program.
    variables: Vec<(&'static str, String)>,
}

/// What came of it.
struct Told {
    workplace: Workplace,
    /// The run's report.
    report: Value,
    /// What each request brought, in their order: `GOT <status> [<headers>] <body>`, or the failure's message.
    got: Vec<String>,
    took: Duration,
}

impl Source {
    /// A source that may ask all of a server, with a credential `token` among its grants where there is one.
    fn of(wire: &Wire) -> Self {
        Self {
            grants: format!("api = {{ url = \"{}/**\", methods = [\"get\", \"head\", \"post\"], private = true }}", wire.url()),
            ..Self::default()
        }
    }

    fn patience(mut self, keys: &str) -> Self {
        self.patience = keys.to_owned();
        self
    }

    fn pipeline(&self, requests: &[Value]) -> String {
        let attempts: Vec<_> = requests.iter().map(toml_of).collect();
        format!(
            r#"version = 1
name = "asking"

[engine]
partitions = {slices}

[sources.shop]
plugin = "guest-source"
patience = {{ {patience} }}

[sources.shop.grants.http]
{grants}

[sources.shop.credentials]
{credentials}

[sources.shop.config]
misbehave = "steals"
slices = {slices}
attempts = [{attempts}]

[streams.numbers]

[tables.told]
stream = "numbers"
mode = "replace"

[gate]
overall = 0
floors = {{ validity = 0 }}
"#,
            patience = self.patience,
            grants = self.grants,
            credentials = self.credentials,
            slices = self.slices.max(1),
            attempts = attempts.join(", "),
        )
    }

    fn workplace(&self, requests: &[Value]) -> Workplace {
        let mut workplace = Workplace::with_pipeline(&self.pipeline(requests)).unwrap();
        self.variables.iter().for_each(|(name, value)| workplace.set(name, value));
        workplace
    }

    /// Runs the pipeline; the run itself succeeds, since the guest keeps failures to itself.
    fn ask(&self, requests: &[Value]) -> Told {
        let workplace = self.workplace(requests);
        let started = Instant::now();
        let said = workplace.tidegate(&["run", "--json"]).unwrap();
        let took = started.elapsed();
        assert_eq!(said.code, 0, "{}", said.stderr);
        let rows = workplace.tidegate(&["query", "--json", "select attempt, told from told"]).unwrap();
        let rows: Vec<Value> = serde_json::from_str(&rows.stdout).unwrap();
        let text = |row: &Value, column: &str| row[column].as_str().unwrap().to_owned();
        let mut got: Vec<_> = rows.iter().map(|row| (text(row, "attempt"), text(row, "told"))).collect();
        got.sort();
        let report = serde_json::from_str(&said.stdout).unwrap();
        Told { workplace, report, got: got.into_iter().map(|(_, told)| told).collect(), took }
    }
}

/// Requests for these URLs, in their order.
fn gets<'a>(urls: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    urls.into_iter().enumerate().map(|(number, url)| json!({ "name": format!("{number:03}"), "url": url })).collect()
}

/// A value as TOML: JSON's texts are TOML's, too.
pub fn toml_of(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{key} = {}", toml_of(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
