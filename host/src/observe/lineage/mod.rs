//! A run as OpenLineage events: START when it begins, then COMPLETE, FAIL (also for a run that the gate held: it gave nothing), or ABORT
//! where a person stopped it or another run was at work.
//!
//! Inputs are what streams are read from, with what was counted and judged of them; outputs are the clean files of each stream, and tables and
//! marts with their schemas. Where a table's SQL tells it, each of its columns names the columns of the clean files that it is made of. What a
//! transform plugin does inside is not known here, so between source and clean files there is no lineage of columns.

mod columns;
mod dataset;
mod send;
mod shape;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    config::{Loaded, observe::Parent},
    error,
    flow::{Outcome, Report, RunError},
    observe::metrics::count::outcome,
    state::RunId,
    warehouse::AUDIT,
};
use dataset::Name;
pub(super) use send::Lineage;
use shape::Shapes;

/// Who makes these events.
const PRODUCER: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/v", env!("CARGO_PKG_VERSION"));

/// The version of the specification.
const EVENT_SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// The namespace of jobs where nobody names one.
const NAMESPACE: &str = "tidegate";

/// What all events of a process have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// The namespace of the jobs.
    pub namespace: Option<String>,
    /// What started this process.
    pub parent: Option<Parent>,
}

impl Frame {
    /// A run begins.
    pub fn started(&self, loaded: &Loaded, run: &RunId, at: DateTime<Utc>) -> Value {
        let inputs: Vec<_> = loaded.pipeline.streams.keys().map(|stream| Name::of_source(loaded, stream).bare()).collect();
        self.event("START", loaded, run.as_str(), at, Map::new(), json!(inputs), json!([]))
    }

    /// A run ended: loaded, held or resumed.
    pub async fn ended(&self, loaded: &Loaded, report: &Report, at: DateTime<Utc>) -> Value {
        let shapes = Shapes::of(loaded, report).await;
        let inputs: Vec<_> = report.streams.iter().map(|stream| dataset::input(loaded, report, &stream.stream)).collect();
        let clean = shapes.streams.iter().map(|(stream, schema)| dataset::clean(loaded, report, stream, schema));
        let place = &report.places.warehouse;
        let named = |table: &str| match shapes.is_stream(table) {
            true => Name::of_clean(loaded, table),
            false => Name::of_table(loaded, place, table),
        };
        let tables = report.tables.iter().filter(|table| table.table != AUDIT);
        let loads = tables.map(|result| dataset::table(loaded, place, result, shapes.tables.get(&result.table), &named));
        let in_warehouse = |table: &str| Name::of_table(loaded, place, table);
        let marts = report.marts.iter().map(|result| dataset::table(loaded, place, result, shapes.marts.get(&result.table), &in_warehouse));
        let outputs: Vec<_> = clean.chain(loads).chain(marts).collect();
        let mut facets = Map::new();
        let held = report.verdict.as_ref().filter(|_| report.outcome == Outcome::Held);
        if let Some(verdict) = held {
            let message = format!("held by the gate: {}", verdict.sentences().join("; "));
            facets.insert("errorMessage".to_owned(), error_facet(&message));
        }
        let kind = if held.is_some() { "FAIL" } else { "COMPLETE" };
        self.event(kind, loaded, &report.run, at, facets, json!(inputs), json!(outputs))
    }

    /// A run failed, was stopped, or found another one at work.
    pub fn failed(&self, loaded: &Loaded, run: &RunId, error: &RunError, at: DateTime<Utc>) -> Value {
        let kind = if outcome(error) == "failed" { "FAIL" } else { "ABORT" };
        let inputs: Vec<_> = loaded.pipeline.streams.keys().map(|stream| Name::of_source(loaded, stream).bare()).collect();
        let facets = Map::from_iter([("errorMessage".to_owned(), error_facet(&error::chain(error)))]);
        self.event(kind, loaded, run.as_str(), at, facets, json!(inputs), json!([]))
    }

    #[expect(clippy::too_many_arguments, reason = "these are the parts of an event")]
    fn event(
        &self,
        kind: &str,
        loaded: &Loaded,
        run: &str,
        at: DateTime<Utc>,
        mut facets: Map<String, Value>,
        inputs: Value,
        outputs: Value,
    ) -> Value {
        let engine = json!({ "name": "tidegate", "version": env!("CARGO_PKG_VERSION") });
        facets.insert("processing_engine".to_owned(), facet("1-1-1", "ProcessingEngineRunFacet", engine));
        // The run's own name, for those who look for it on the dashboard.
        let tags = json!({ "tags": [{ "key": "tidegate_run", "value": run, "source": "TIDEGATE" }] });
        facets.insert("tags".to_owned(), facet("1-0-0", "TagsRunFacet", tags));
        facets.extend(self.parent.as_ref().map(|parent| ("parent".to_owned(), parent_facet(parent))));
        let kind_of_job = json!({ "processingType": "BATCH", "integration": "TIDEGATE", "jobType": "PIPELINE" });
        json!({
            "eventType": kind,
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "producer": PRODUCER,
            "schemaURL": EVENT_SCHEMA,
            "run": { "runId": run_uuid(run), "facets": facets },
            "job": {
                "namespace": self.namespace.as_deref().unwrap_or(NAMESPACE),
                "name": loaded.pipeline.name,
                "facets": { "jobType": facet("2-0-4", "JobTypeJobFacet", kind_of_job) },
            },
            "inputs": inputs,
            "outputs": outputs,
        })
    }
}

fn error_facet(message: &str) -> Value {
    facet("1-0-1", "ErrorMessageRunFacet", json!({ "message": message, "programmingLanguage": "RUST" }))
}

fn parent_facet(parent: &Parent) -> Value {
    let of = |(namespace, name, run): &(String, String, String)| json!({ "run": { "runId": run }, "job": { "namespace": namespace, "name": name } });
    let mut content = of(&parent.parent);
    if let Some(root) = &parent.root {
        content["root"] = of(root);
    }
    facet("1-2-0", "ParentRunFacet", content)
}

/// A facet says who made it and where its schema is.
fn facet(version: &str, name: &str, content: Value) -> Value {
    let mut facet = json!({
        "_producer": PRODUCER,
        "_schemaURL": format!("https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"),
    });
    if let (Value::Object(facet), Value::Object(content)) = (&mut facet, content) {
        facet.extend(content);
    }
    facet
}

/// The UUID of a run: version 7 (RFC 9562), which OpenLineage asks for, with the run's start in front and a digest of its name in place of
/// chance, so that all events of a run have one, whoever sends them.
pub fn run_uuid(run: &str) -> String {
    let seconds = run.get(..15).and_then(|text| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok());
    let millis: u64 = run.get(15..18).and_then(|text| text.parse().ok()).unwrap_or(0);
    let millis = seconds.map_or(0, |time| u64::try_from(time.and_utc().timestamp()).unwrap_or(0) * 1000) + millis;
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&Sha256::digest(run)[..10]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_uuid_is_a_version_7_that_follows_from_its_name() {
        let uuid = run_uuid("20261127T033000123Z-5f3a91");
        assert_eq!(uuid, run_uuid("20261127T033000123Z-5f3a91"));
        assert_ne!(uuid, run_uuid("20261127T033000123Z-5f3a92"));
        let millis = u64::from_str_radix(&uuid.replace('-', "")[..12], 16).unwrap();
        let start: DateTime<Utc> = "2026-11-27T03:30:00.123Z".parse().unwrap();
        assert_eq!(i64::try_from(millis).unwrap(), start.timestamp_millis());
        assert_eq!(&uuid[14..15], "7");
        assert!("89ab".contains(&uuid[19..20]));
    }

    #[test]
    fn the_parent_of_a_run_is_told() {
        let task = |name: &str| ("airflow".to_owned(), name.to_owned(), "0192b7f0-0000-7000-8000-000000000000".to_owned());
        let facet = parent_facet(&Parent { parent: task("dag.task"), root: Some(task("dag")) });
        assert_eq!((facet["job"]["name"].as_str(), facet["root"]["job"]["name"].as_str()), (Some("dag.task"), Some("dag")));
        assert_eq!(facet["run"]["runId"], "0192b7f0-0000-7000-8000-000000000000");
    }
}
