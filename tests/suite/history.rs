//! Why a run failed is kept as it was said: the error, its causes, what to do, and the line of the pipeline file that it points at.

use serde_json::Value;
use tidegate_tests::{http, program::Workplace, site::Site};

const PIPELINE: &str = r#"version = 1
name = "shop"

[sources.files]
plugin = "source-files"
grants = { files = { data = "input" } }

[sources.files.config.streams]
orders = { files = "orders.csv" }

[streams.orders]

[tables.orders]
stream = "orders"
"#;

/// Runs the pipeline, which fails; gives what was said then, and the name of the run.
fn fails(workplace: &Workplace) -> (String, String) {
    let said = workplace.tidegate(&["run", "examples/shop"]).unwrap();
    assert_eq!(said.code, 4, "{}", said.stderr);
    let runs = workplace.tidegate(&["runs", "examples/shop", "--json"]).unwrap();
    let runs: Value = serde_json::from_str(&runs.stdout).unwrap();
    (said.stderr, runs[0]["run"].as_str().unwrap().to_owned())
}

/// What the history says of a run, with `<dir>` for the temporary folder.
fn kept(workplace: &Workplace, run: &str) -> String {
    let kept = workplace.tidegate(&["runs", "examples/shop", "--run", run]).unwrap();
    kept.stdout.replace(&*workplace.path().to_string_lossy(), "<dir>")
}

#[test]
fn the_causes_and_what_to_do_are_kept() {
    let workplace = Workplace::empty().unwrap();
    workplace.write("examples/shop/pipeline.toml", PIPELINE).unwrap();
    let (said, run) = fails(&workplace);
    let kept = kept(&workplace, &run);
    let lines: Vec<_> =
        said.lines().filter(|line| ["error: ", "caused by: ", "hint: "].iter().any(|word| line.starts_with(word))).collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(kept.contains(&lines.join("\n")), "the history says\n{kept}\nand the command said\n{said}");

    // A daemon that was not there when it failed shows it as well.
    let site = Site::start(workplace, "").unwrap();
    let page = http::get(site.address, &format!("/runs/shop/{run}")).unwrap().text();
    assert!(page.contains("caused by: No such file") && page.contains("hint: make the directory"), "{page}");
    let run: Value = http::get(site.address, &format!("/api/v1/pipelines/shop/runs/{run}")).unwrap().json().unwrap();
    assert!(run["run"]["hint"].as_str().unwrap().starts_with("make the directory"), "{run}");
    assert_eq!(run["failure"]["why"].as_array().map(Vec::len), Some(2), "{run}");
}

#[test]
fn the_line_that_an_error_points_at_is_kept() {
    let workplace = Workplace::empty().unwrap();
    workplace.write("examples/shop/pipeline.toml", &PIPELINE.replace("{ files = \"orders.csv\" }", "{ fils = \"orders.csv\" }")).unwrap();
    workplace.write("examples/shop/input/orders.csv", "id\n1\n").unwrap();
    let (said, run) = fails(&workplace);
    let kept = kept(&workplace, &run);
    for words in ["pipeline.toml:9", "orders = { fils = ", "did you mean `files`?"] {
        assert!(
            said.contains(words) && kept.contains(words),
            "`{words}` is missing; the history says\n{kept}\nand the command said\n{said}"
        );
    }
}
