//! The metrics of a real run, read with the parser of Prometheus' own client; the dashboard over them, read with Grafana's own model.

use serde_json::Value;
use tidegate::{flow::Report, observe::Metrics};
use tidegate_tests::{mail::run_python, root};

use super::{script, shop};

#[test]
fn prometheus_reads_the_metrics_of_a_run() {
    let said = shop(false).tidegate(&["run", "--json"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let report: Report = serde_json::from_str(&said.stdout).unwrap();
    let metrics = Metrics::default();
    metrics.run_started(&report.pipeline);
    metrics.run_ended(&report, report.started + chrono::TimeDelta::seconds(1));
    let read = run_python(&script("parse_metrics.py"), metrics.render().as_bytes()).unwrap();
    let families: Value = serde_json::from_str(&read).unwrap();
    let family = |name: &str| (families[name][0].as_str().unwrap_or("none").to_owned(), families[name][1].as_u64().unwrap_or(0));
    // The parser takes `_total` for a part of the sample's name.
    assert_eq!(family("tidegate_runs"), ("counter".to_owned(), 1), "{families}");
    assert_eq!(family("tidegate_rows"), ("counter".to_owned(), 6));
    assert_eq!(family("tidegate_run_duration_seconds").0, "histogram");
    assert_eq!(family("tidegate_last_success_timestamp_seconds"), ("gauge".to_owned(), 1));
    assert_eq!(family("tidegate_quality_score_ratio").0, "gauge");
    for (name, family) in families.as_object().unwrap() {
        assert!(name.starts_with("tidegate_") && family[0] != "unknown" && !family[2].as_str().unwrap().is_empty(), "{name}: {family}");
    }
}

/// What Grafana's model finds wrong with a dashboard.
fn faults(dashboard: &str) -> Vec<String> {
    serde_json::from_str(&run_python(&script("read_dashboard.py"), dashboard.as_bytes()).unwrap()).unwrap()
}

#[test]
fn grafana_reads_the_dashboard_as_it_is_written() {
    let dashboard = std::fs::read_to_string(root().join("docs/grafana/tidegate.json")).unwrap();
    assert_eq!(faults(&dashboard), Vec::<String>::new());
    // Each of these is a mistake that the model sees: an unknown key, a word that is none, a text in place of a number.
    for (good, bad, said) in [
        ("\"legendFormat\"", "\"legend\"", "legend: the model has no such key"),
        ("\"colorMode\": \"value\"", "\"colorMode\": \"number\"", "'number' is no"),
        ("\"h\": 8", "\"h\": \"8\"", "'8' is no"),
    ] {
        let faults = faults(&dashboard.replace(good, bad)).join("\n");
        assert!(faults.contains(said), "{good} as {bad}: {faults}");
    }
}
