//! Every folder of `tests/scenarios` through the real program.

use anyhow::Result;
use tidegate_tests::{postgres::shared, root, scenario::Scenario};

#[test]
fn scenarios_end_as_expected() {
    hold(Scenario::all(&root().join("tests/scenarios")).unwrap(), Scenario::run);
}

#[test]
fn scenarios_end_in_postgres_as_they_do_in_the_lake() {
    let scenarios: Vec<_> = Scenario::all(&root().join("tests/scenarios")).unwrap().into_iter().filter(Scenario::is_for_postgres).collect();
    assert!(!scenarios.is_empty());
    hold(scenarios, |scenario| scenario.run_on_postgres(&shared()?.database(None)?));
}

/// Runs scenarios, and fails with all that is not as expected.
fn hold(scenarios: Vec<Scenario>, run: impl Fn(&Scenario) -> Result<Vec<String>>) {
    let total = scenarios.len();
    let mut failed = Vec::new();
    for scenario in scenarios {
        let wrong = run(&scenario).unwrap_or_else(|error| vec![format!("{error:#}")]);
        println!("scenario {} ... {}", scenario.name(), if wrong.is_empty() { "ok" } else { "FAILED" });
        failed.extend(wrong.iter().map(|wrong| format!("{}: {wrong}", scenario.name())));
    }
    assert!(failed.is_empty(), "of {total} scenarios these are not as expected:\n\n{}", failed.join("\n\n"));
}
