//! The statements in `sql/dashboard` on both warehouses.

use std::fs;

use tidegate_tests::{olist, postgres::shared, program::Workplace, root};

use super::{filter_sets, statement};

/// It reads a continuous aggregate of TimescaleDB; `pages` tries it over a view of the same shape.
const ONLY_TIMESCALE: &str = "sales_by_hour";

fn names() -> Vec<String> {
    let files = fs::read_dir(root().join("sql/dashboard")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files.filter_map(|file| file.strip_suffix(".sql").map(str::to_owned)).collect();
    names.retain(|name| name != ONLY_TIMESCALE);
    names.sort();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// Rows as text. The database leaves a point with nothing behind it away.
fn rows(workplace: &Workplace, sql: &str) -> Vec<String> {
    let whole = |field: &str| field.strip_suffix(".0").unwrap_or(field).to_owned();
    let line = |line: &str| line.split(',').map(whole).collect::<Vec<_>>().join(",");
    olist::query(workplace, sql).unwrap().lines().map(line).collect()
}

#[test]
fn each_statement_gives_the_same_rows_on_both_warehouses() {
    let data = olist::sample().unwrap();
    let lake = olist::workplace().unwrap();
    assert_eq!(olist::run(&lake, data).unwrap().code, 0);

    let database = shared().unwrap().database(None).unwrap();
    let mut postgres = olist::workplace().unwrap();
    postgres.set("DATABASE_URL", &database.url);
    let pipeline = fs::read_to_string(postgres.path().join("examples/olist/pipeline.toml")).unwrap();
    let moved = pipeline.replace("kind = \"lake\"", "kind = \"postgres\"\nurl = { env = \"DATABASE_URL\" }");
    assert_ne!(moved, pipeline);
    postgres.write("examples/olist/pipeline.toml", &moved).unwrap();
    assert_eq!(olist::run(&postgres, data).unwrap().code, 0);

    let mut most = 0;
    for name in names() {
        for filters in filter_sets() {
            // What reads a mart has no filters.
            if name.ends_with("_all") && !filters.is_empty() {
                continue;
            }
            let sql = statement(&name, &filters).unwrap();
            let found = rows(&lake, &sql);
            assert_eq!(rows(&postgres, &sql), found, "{name} with {filters:?}");
            most = most.max(found.len());
        }
    }
    assert!(most > 100, "nothing was compared");

    // Without filters the star tables say what the marts say.
    for name in names().iter().filter_map(|name| name.strip_suffix("_all")) {
        let of = |name: &str| rows(&lake, &statement(name, &filter_sets()[0]).unwrap());
        assert_eq!(of(name), of(&format!("{name}_all")), "{name}");
    }
}
