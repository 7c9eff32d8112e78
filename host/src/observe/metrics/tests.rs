//! The metrics: their names are the documented ones, their numbers those of the run.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::*;
use crate::{
    flow::{Course, FailedRun, Report, RunError},
    notify::{Delivery, Kind, Told},
};

const DOCUMENTED: &str = include_str!("../../../../docs/metrics.md");
const DASHBOARD: &str = include_str!("../../../../docs/grafana/tidegate.json");

/// A run that loaded.
pub fn report() -> Report {
    let scores = |stream: serde_json::Value| {
        json!({
            "stream": stream, "overall": 97.5, "overall_floor": 80.0,
            "dimensions": [
                { "dimension": "integrity", "score": 100.0, "floor": 100.0, "passed": 10, "total": 10 },
                { "dimension": "completeness", "score": 95.0, "floor": 90.0, "passed": 95, "total": 100 },
                { "dimension": "accuracy", "score": null, "floor": 90.0, "passed": 0, "total": 0 },
            ],
        })
    };
    let health = json!({
        "circuit": "half-open", "opened": 1, "requests": 12, "repeated_asks": 0, "failures": 3, "throttled": 2, "refused": 1, "tokens": 0,
        "waited_millis": 1500, "bytes": 4096, "last_failure": null,
    });
    let table = |name: &str, after: serde_json::Value| {
        json!({
            "table": name, "mode": "merge", "rows_in": 98, "inserted": 60, "updated": 30, "unchanged": 8, "refused": 0, "rows_after": after,
            "version": 3, "skipped": false,
        })
    };
    let report = json!({
        "run": "20261127T033000000Z-5f3a91", "pipeline": "shop", "started": "2026-11-27T03:30:00Z", "millis": 3000, "outcome": "loaded",
        "archives": [{ "source": "web", "pages": 4, "bytes": 9000, "packed_bytes": 3000, "manifest": null }],
        "egress": [{ "source": "web", "health": health }],
        "streams": [{
            "stream": "orders", "source": "web", "read": 100, "accepted": 98, "quarantined": 2, "bytes": 9000, "reasons": [],
            "clean_bytes": 2000, "micros": 1_500_000, "operators": [],
        }],
        "measures": [{
            "stream": "orders", "plugin": "q@1", "dimension": "completeness", "rule": "required", "columns": ["id"], "passed": 95, "total": 100,
            "samples": ["secret row"],
        }],
        "verdict": { "reasons": [], "scores": [scores(json!(null)), scores(json!("orders"))] },
        "tables": [table("fact", json!(500)), table("ingest_audit", json!(7))],
        "marts": [],
        "places": { "storage": "store", "raw": "store/raw", "clean": "store/clean", "quarantine": "store/q", "warehouse": "store/lake" },
        "timings": [["extract orders", 1_500_000], ["load", 500_000]],
        "steps": [
            { "step": "extract orders", "began": "2026-11-27T03:30:00.250Z", "micros": 1_500_000 },
            { "step": "load", "began": "2026-11-27T03:30:01.800Z", "micros": 500_000 },
        ],
    });
    serde_json::from_value(report).unwrap()
}

fn at() -> DateTime<Utc> {
    report().started + TimeDelta::seconds(3)
}

/// Metrics in which everything has happened once.
fn full() -> Metrics {
    let metrics = Metrics::default();
    metrics.run_started("shop");
    metrics.run_ended(&report(), at());
    metrics.run_started("shop");
    let (run, error) = ("20261127T033000000Z-5f3a91".parse().unwrap(), RunError::Engine("no memory".into()));
    let failed = FailedRun { run: &run, started: at(), error: &error, course: &Course::default() };
    metrics.run_failed("shop", failed, at() + TimeDelta::seconds(40));
    let told = |told| Delivery { channel: "ops".into(), kind: Kind::Failure, told };
    metrics.told("shop", &[told(Told::Sent { attempts: 1 }), told(Told::Failed { attempts: 4, why: String::new() })]);
    metrics.queued("shop", 2);
    metrics.scheduled("shop", true, Some(at()));
    metrics.sla_missed("shop");
    metrics
}

/// The value of each series, by the series as it is written.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(series, value)| (series, value.parse().unwrap())).collect()
}

#[test]
fn a_run_becomes_numbers() {
    let text = full().render();
    let found = series(&text);
    let value = |series: &str| *found.get(series).unwrap_or_else(|| panic!("there is no {series} in\n{text}"));
    assert_eq!(value("tidegate_runs_total{pipeline=\"shop\",outcome=\"loaded\"}"), 1.0);
    assert_eq!(value("tidegate_runs_total{pipeline=\"shop\",outcome=\"failed\"}"), 1.0);
    assert_eq!(value("tidegate_runs_running{pipeline=\"shop\"}"), 0.0);
    assert_eq!(value("tidegate_run_duration_seconds_sum{pipeline=\"shop\"}"), 43.0);
    assert_eq!(value("tidegate_run_duration_seconds_bucket{pipeline=\"shop\",le=\"5\"}"), 1.0);
    assert_eq!(value("tidegate_stage_duration_seconds_sum{pipeline=\"shop\",stage=\"extract\"}"), 1.5);
    assert_eq!(value("tidegate_rows_total{pipeline=\"shop\",stream=\"orders\",what=\"quarantined\"}"), 2.0);
    assert_eq!(value("tidegate_quality_score_ratio{pipeline=\"shop\",stream=\"orders\",dimension=\"completeness\"}"), 0.95);
    assert_eq!(value("tidegate_quality_floor_ratio{pipeline=\"shop\",stream=\"orders\",dimension=\"integrity\"}"), 1.0);
    assert_eq!(value("tidegate_last_success_timestamp_seconds{pipeline=\"shop\"}"), at().timestamp() as f64);
    assert_eq!(value("tidegate_last_run_timestamp_seconds{pipeline=\"shop\"}"), at().timestamp() as f64 + 40.0);
    assert_eq!(value("tidegate_table_rows{pipeline=\"shop\",table=\"fact\"}"), 500.0);
    assert_eq!(value("tidegate_http_wait_seconds_total{pipeline=\"shop\",source=\"web\"}"), 1.5);
    assert_eq!(value("tidegate_source_circuit{pipeline=\"shop\",source=\"web\"}"), 1.0);
    assert_eq!(value("tidegate_alerts_total{pipeline=\"shop\",channel=\"ops\",kind=\"failure\",outcome=\"failed\"}"), 1.0);
    assert!(!text.contains("accuracy"), "what nothing measured has no score");
    assert!(!text.contains("ingest_audit") && !text.contains("secret row"));
}

#[test]
fn a_restart_is_no_gap_in_what_is() {
    let metrics = Metrics::default();
    metrics.restore(&report(), at());
    let text = metrics.render();
    assert!(text.contains("tidegate_last_success_timestamp_seconds{pipeline=\"shop\"}"), "{text}");
    assert!(!text.contains("tidegate_runs_total{"), "nothing is counted twice");
}

#[test]
fn a_held_run_is_no_success_and_an_old_score_goes() {
    let metrics = full();
    let mut held = report();
    held.outcome = crate::flow::Outcome::Held;
    for scores in &mut held.verdict.as_mut().unwrap().scores {
        scores.dimensions[1].score = None;
    }
    metrics.run_started("shop");
    metrics.run_ended(&held, at() + TimeDelta::hours(1));
    let text = metrics.render();
    let found = series(&text);
    assert_eq!(found["tidegate_last_success_timestamp_seconds{pipeline=\"shop\"}"], at().timestamp() as f64);
    assert_eq!(found["tidegate_runs_total{pipeline=\"shop\",outcome=\"held\"}"], 1.0);
    assert!(!text.contains("completeness"));
}

/// The names of the metrics with what is said of each.
fn given(text: &str) -> BTreeMap<String, String> {
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
    helps.map(|(name, help)| (name.to_owned(), help.trim_end_matches('.').to_owned())).collect()
}

#[test]
fn the_documented_names_are_those_that_are_given() {
    let text = full().render();
    let given = given(&text);
    let rows = DOCUMENTED.lines().filter_map(|line| line.strip_prefix("| `tidegate_"));
    let documented: BTreeMap<String, String> = rows
        .map(|row| {
            let cells: Vec<_> = row.split(" | ").collect();
            (format!("tidegate_{}", cells[0].trim_end_matches('`')), cells[3].trim_end_matches(" |").to_owned())
        })
        .collect();
    assert_eq!(documented, given, "docs/metrics.md and host/src/observe/metrics/mod.rs differ");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    for (name, kind) in types {
        assert!(DOCUMENTED.contains(&format!("| `{name}` | {kind} |")), "docs/metrics.md does not say that `{name}` is a {kind}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.split_once('{').unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end)).unwrap_or(series);
        let row = DOCUMENTED.lines().find(|row| row.starts_with(&format!("| `{name}` |"))).unwrap();
        let labels = line.split(['{', ',']).skip(1).filter_map(|label| label.split_once("=\"")).map(|(label, _)| label);
        for label in labels.filter(|label| *label != "le") {
            assert!(row.contains(&format!("`{label}`")), "docs/metrics.md does not say that `{name}` has the label `{label}`");
        }
    }
}

/// What a PromQL expression names of ours.
fn named(expression: &str) -> Vec<&str> {
    expression.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with("tidegate_")).collect()
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let text = full().render();
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let given = given(&text);
    let mut asked = Vec::new();
    collect(&dashboard, "expr", &mut asked);
    asked.extend(dashboard["templating"]["list"][1]["query"]["query"].as_str());
    assert!(asked.len() >= 15, "{asked:?}");
    for expression in asked {
        let names = named(expression);
        assert!(!names.is_empty(), "`{expression}` asks for nothing of ours");
        for name in names {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).filter(|base| given.contains_key(*base));
            assert!(given.contains_key(base.unwrap_or(name)), "`{expression}` asks for `{name}`, which there is not");
        }
    }
}

fn collect<'v>(value: &'v serde_json::Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        serde_json::Value::Object(map) => {
            found.extend(map.get(key).and_then(serde_json::Value::as_str));
            map.values().for_each(|value| collect(value, key, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_has_what_grafana_asks_for() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    for key in ["title", "uid", "schemaVersion", "panels", "templating", "time", "timezone", "refresh", "tags", "annotations", "editable"] {
        assert!(dashboard.get(key).is_some(), "`{key}` is missing");
    }
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39);
    assert!(dashboard.get("id").is_none_or(serde_json::Value::is_null), "an id belongs to one Grafana");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|variable| variable["type"] == "datasource" && variable["query"] == "prometheus"));
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "each panel has its own id");
    for panel in panels {
        let (title, place) = (panel["title"].as_str().unwrap(), &panel["gridPos"]);
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| place[key].as_u64().unwrap_or_else(|| panic!("`{title}` has no place")));
        assert!(x + w <= 24 && w > 0 && h > 0, "`{title}` lies outside the grid");
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "`{title}`");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "`{title}`");
            assert!(target["refId"].is_string(), "`{title}`");
        }
        for other in panels.iter().filter(|other| other["id"] != panel["id"]) {
            let [ox, oy, ow, oh] = ["x", "y", "w", "h"].map(|key| other["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y, "`{title}` lies over `{}`", other["title"]);
        }
    }
}
