//! The metrics of a real run, read with the parser of Prometheus' own client.

use serde_json::Value;
use tidegate::{flow::Report, observe::Metrics};
use tidegate_tests::mail::run_python;

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
