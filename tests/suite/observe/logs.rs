//! `--log json`: every line of the log is one JSON object.

use serde_json::Value;
use tidegate_tests::wire::{Reply, Wire};

use super::shop;

#[test]
fn the_log_is_one_object_in_a_line() {
    // Something to complain about: a lineage server that does not know us.
    let wire = Wire::start(|_| Reply::text(401, "who are you"));
    let mut workplace = shop(false);
    workplace.set("OPENLINEAGE_URL", &wire.url());
    let said = workplace.tidegate(&["run", "--quiet", "--log", "json"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let lines: Vec<Value> =
        said.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert!(["timestamp", "level", "target", "message"].iter().all(|key| line[key].is_string()), "{line}");
        assert_eq!(line["level"], "warn");
        assert!(line["message"].as_str().unwrap().contains("could not be delivered"), "{line}");
    }
    let said = workplace.tidegate(&["run", "--log", "xml"]).unwrap();
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("one of `text` and `json`"), "{}", said.stderr);
}
