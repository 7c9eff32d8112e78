//! More keys than fit the memory of a set: what is on disk is found again, and counts.

use std::fmt::Write;

use serde_json::Value;
use tidegate_tests::program::Workplace;

/// Two files make two slices, and two instances of each plugin.
const PIPELINE: &str = r#"
version = 1
name = "keys"

[engine]
partitions = 2

[sources.files]
plugin = "source-files"
grants = { files = { data = "input" } }
[sources.files.config.streams]
category_translation = { files = "*.csv" }
names = { files = "*.csv" }

[gate]
overall = 0
floors = { uniqueness = 0 }

[streams.category_translation]
transforms = [{ plugin = "transform-olist" }]
quality = [{ plugin = "quality-dimensions", config = { rules = [{ kind = "unique", columns = ["product_category_name"] }] } }]

[streams.names]
quality = [{ plugin = "quality-dimensions", config = { rules = [{ kind = "unique", columns = ["product_category_name"] }] } }]
"#;

/// Rows of a file. A set keeps 400,000 keys in memory: each instance has more.
const ROWS: u64 = 650_000;

/// How many rows at the end of the second file repeat one of the first file, and how many one of their own file.
const ACROSS: u64 = 3000;
const WITHIN: u64 = 2000;

#[test]
fn keys_that_outgrow_memory_are_found_again() {
    let mut workplace = Workplace::with_pipeline(PIPELINE).unwrap();
    // Nothing is left where the sets went.
    let temporary = tempfile::tempdir().unwrap();
    workplace.set("TMPDIR", &temporary.path().to_string_lossy());
    let file = |keys: &mut dyn Iterator<Item = u64>| {
        let mut text = String::from("product_category_name,product_category_name_english\n");
        keys.for_each(|key| writeln!(text, "name_{key},english").unwrap());
        text
    };
    workplace.write("input/a.csv", &file(&mut (0..ROWS))).unwrap();
    let fresh = ROWS..2 * ROWS - ACROSS - WITHIN;
    workplace.write("input/b.csv", &file(&mut fresh.clone().chain(0..ACROSS).chain(fresh.take(WITHIN as usize)))).unwrap();

    let said = workplace.tidegate(&["run", "--json"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let measure = |stream: &str, rule: &str| {
        let of = |measure: &&Value| measure["stream"] == stream && measure["rule"] == rule;
        let found = report["measures"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{stream} {rule}: {report}"));
        (found["passed"].as_u64().unwrap(), found["total"].as_u64().unwrap(), found["samples"].clone())
    };
    let (rows, distinct) = (2 * ROWS, 2 * ROWS - ACROSS - WITHIN);
    // The first ten rows of the second file whose key came before: page 1, after the rows that are new there.
    let named: Vec<String> = (1..=10).map(|row| format!("1:{}", ROWS - ACROSS - WITHIN + row)).collect();
    let (passed, total, samples) = measure("names", "unique");
    assert_eq!((passed, total), (distinct, rows));
    assert_eq!(samples, serde_json::json!(named));
    let (passed, total, _) = measure("category_translation", "unique");
    assert_eq!((passed, total), (distinct, distinct), "the transform left the first of each");
    let stream = report["streams"].as_array().unwrap().iter().find(|stream| stream["stream"] == "category_translation").unwrap();
    assert_eq!((&stream["read"], &stream["quarantined"]), (&rows.into(), &(ACROSS + WITHIN).into()));
    assert_eq!(temporary.path().read_dir().unwrap().count(), 0);
}
