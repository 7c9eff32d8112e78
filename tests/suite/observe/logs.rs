//! `--log json`: every line of the log is one JSON object.

use serde_json::Value;

use super::shop;

#[test]
fn the_log_is_one_object_in_a_line() {
    let mut workplace = shop(false);
    workplace.set("TIDEGATE_LOG", "tidegate=debug");
    let said = workplace.tidegate(&["run", "--quiet", "--log", "json"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let lines: Vec<Value> =
        said.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    assert!(!lines.is_empty(), "a plugin says what it reads");
    for line in &lines {
        assert!(["timestamp", "level", "target", "message"].iter().all(|key| line[key].is_string()), "{line}");
    }
    let said = workplace.tidegate(&["run", "--log", "xml"]).unwrap();
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("one of `text` and `json`"), "{}", said.stderr);
}
