//! Every folder of `tests/scenarios` through the real program.

use tidegate_tests::{root, scenario::Scenario};

#[test]
fn scenarios_end_as_expected() {
    let scenarios = Scenario::all(&root().join("tests/scenarios")).unwrap();
    let total = scenarios.len();
    let mut failed = Vec::new();
    for scenario in scenarios {
        let wrong = scenario.run().unwrap_or_else(|error| vec![format!("{error:#}")]);
        println!("scenario {} ... {}", scenario.name(), if wrong.is_empty() { "ok" } else { "FAILED" });
        failed.extend(wrong.iter().map(|wrong| format!("{}: {wrong}", scenario.name())));
    }
    assert!(failed.is_empty(), "of {total} scenarios these are not as expected:\n\n{}", failed.join("\n\n"));
}
