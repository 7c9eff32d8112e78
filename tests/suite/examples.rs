//! The example of a plugin does what the README says of it; the examples for other tools know what is ours. Those are tried on the real Airflow
//! and the real dbt by `examples/airflow/try` and `examples/dbt/try`, which `.ci/run` calls.

use std::fs;

use tidegate::error;
use tidegate_tests::{folder, olist, program::Workplace, root};

/// The code of an example without its tests.
fn code(example: &str) -> String {
    let source = fs::read_to_string(root().join("examples").join(example).join("src/lib.rs")).unwrap();
    source.split("\n#[cfg(test)]").next().unwrap().to_owned()
}

#[test]
fn the_readme_shows_the_plugins_of_the_examples() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown: Vec<_> = readme.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(shown, [code("custom-transform"), code("custom-source")]);
}

#[test]
fn a_rest_source_with_two_streams_has_less_than_80_lines() {
    assert!(code("custom-source").lines().count() < 80);
}

#[test]
fn the_plugin_of_the_example_is_built_and_runs_anywhere() {
    let workplace = Workplace::empty().unwrap();
    folder::lay_over(&root().join("examples/custom-transform"), workplace.path()).unwrap();
    let manifest = fs::read_to_string(workplace.path().join("Cargo.toml")).unwrap();
    let sdk = root().join("sdk/rust");
    let moved = manifest.replace("../../sdk/rust", &sdk.to_string_lossy());
    assert_ne!(moved, manifest);
    workplace.write("Cargo.toml", &moved).unwrap();
    // As the README advises: the same versions as tidegate's, which are compiled already.
    fs::copy(root().join("Cargo.lock"), workplace.path().join("Cargo.lock")).unwrap();

    let built = workplace.tidegate(&["plugin", "build", ".", "--out", "plugins"]).unwrap();
    assert_eq!(built.code, 0, "{}", built.stderr);
    let ran = workplace.tidegate(&["run"]).unwrap();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let people = workplace.tidegate(&["query", "--format", "csv", "select count(*) as people from people"]).unwrap();
    assert_eq!(people.stdout, "people\n4\n");
    let rejected = workplace.tidegate(&["quarantine", "--export", "csv"]).unwrap();
    assert!(rejected.stdout.contains("email-has-at"), "{}", rejected.stdout);

    let pipeline = fs::read_to_string(workplace.path().join("pipeline.toml")).unwrap();
    workplace.write("pipeline.toml", &pipeline.replace("column = \"email\"", "colum = \"email\"")).unwrap();
    let checked = workplace.tidegate(&["check"]).unwrap();
    assert!(checked.code == 4 && checked.stderr.contains("did you mean `column`?"), "{}", checked.stderr);
}

#[test]
fn the_operator_for_airflow_knows_our_exit_codes() {
    let operator = fs::read_to_string(root().join("examples/airflow/dags/tidegate_run.py")).unwrap();
    let may_pass = [error::FAILED, error::SOURCE, error::WAREHOUSE, error::BUSY].map(|code| code.to_string()).join(", ");
    for line in [format!("LOADED = {}", error::OK), format!("HELD = {}", error::HELD), format!("MAY_PASS = frozenset({{{may_pass}}})")] {
        assert!(operator.lines().any(|found| found == line), "there is no line `{line}`");
    }
}

#[test]
fn the_models_for_dbt_know_our_tables() {
    let sources = fs::read_to_string(root().join("examples/dbt/models/sources.yml")).unwrap();
    let star = sources.split("- name: star").nth(1).unwrap().split("  - name: tidegate").next().unwrap();
    let mut named: Vec<_> = star.lines().filter_map(|line| line.strip_prefix("      - name: ")).collect();
    let mut ours: Vec<_> = olist::TABLES.iter().map(|(table, _)| *table).chain(["sales_by_month"]).collect();
    named.sort_unstable();
    ours.sort_unstable();
    assert_eq!(named, ours);
}
