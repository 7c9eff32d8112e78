//! The Olist example in a temporary folder: its pipeline and SQL as they stand in the tree, with data of a test's own.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Result, ensure};

use crate::{folder, program::Workplace, root};

/// The tables that the example loads, with the columns that order them.
pub const TABLES: [(&str, &str); 8] = [
    ("dim_customers", "customer_id"),
    ("dim_products", "product_id"),
    ("dim_sellers", "seller_id"),
    ("dim_dates", "date_key"),
    ("fact_orders", "order_id"),
    ("fact_order_items", "order_id, order_item_id"),
    ("fact_payments", "order_id, payment_sequential"),
    ("fact_reviews", "review_id, order_id"),
];

/// The marts that the example makes.
pub const MARTS: [&str; 5] = ["sales_by_month", "top_products", "customers_by_state", "customer_lifetime_value", "customer_segments"];

/// A workplace with the example at `examples/olist`.
pub fn workplace() -> Result<Workplace> {
    let workplace = Workplace::empty()?;
    let pipeline = std::fs::read_to_string(root().join("examples/olist/pipeline.toml"))?;
    workplace.write("examples/olist/pipeline.toml", &pipeline)?;
    folder::lay_over(&root().join("sql/star"), &workplace.path().join("sql/star"))?;
    folder::lay_over(&root().join("sql/marts"), &workplace.path().join("sql/marts"))?;
    Ok(workplace)
}

/// A sample of 400 orders, made once per test process.
pub fn sample() -> Result<&'static Path> {
    static SAMPLE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    if SAMPLE.get().is_none() {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data");
        let said =
            Workplace::empty()?.tidegate(&["sample", "olist", "--orders", "400", "--seed", "7", "--out", &data.to_string_lossy()])?;
        ensure!(said.code == 0, "the sample was not made:\n{}", said.stderr);
        let _ = SAMPLE.set((dir, data));
    }
    Ok(SAMPLE.get().map(|(_, data)| data.as_path()).expect("it was just made"))
}

/// Runs the example over `data`.
pub fn run(workplace: &Workplace, data: &Path) -> Result<crate::program::Said> {
    workplace.tidegate(&["run", "examples/olist", "--data", &data.to_string_lossy()])
}

/// Asks the example's lake, as CSV.
pub fn query(workplace: &Workplace, sql: &str) -> Result<String> {
    let said = workplace.tidegate(&["query", "--pipeline", "examples/olist", "--format", "csv", sql])?;
    ensure!(said.code == 0, "`{sql}` ended with {}:\n{}", said.code, said.stderr);
    Ok(said.stdout)
}

/// Everything that a reader of the lake sees, but for names of runs and times.
pub fn contents(workplace: &Workplace) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for (table, order) in TABLES {
        all.push((table.to_owned(), query(workplace, &format!("select * from {table} order by {order}"))?));
    }
    for mart in MARTS {
        all.push((mart.to_owned(), query(workplace, &format!("select * from {mart} order by 1, 2"))?));
    }
    Ok(all)
}

/// The audit rows of each run, without names and times, in the order of the runs.
pub fn audits(workplace: &Workplace) -> Result<Vec<String>> {
    let runs = query(workplace, "select sequence from ingest_audit group by sequence order by sequence")?;
    let rows = |sequence: &str| {
        query(
            workplace,
            &format!(
                "select stream, \"table\", rows_read, rows_accepted, rows_quarantined, bytes_read, overall_score, verdict \
                 from ingest_audit where sequence = {sequence} order by 1, 2"
            ),
        )
    };
    runs.lines().skip(1).map(rows).collect()
}
