//! The real part of the Olist data set, which lies beside the checkout on some machines and is never part of it.

use std::path::PathBuf;

use tidegate_tests::{olist, root};

/// Where the nine files lie, if they do.
fn folder() -> Option<PathBuf> {
    let beside = root().join("../shared/data/olist");
    beside.join("olist_orders_dataset.csv").is_file().then_some(beside)
}

#[test]
fn the_real_olist_part_passes_the_gate_and_adds_up() {
    let Some(data) = folder() else {
        println!("NOT RUN: there is no ../shared/data/olist beside this checkout");
        return;
    };
    let workplace = olist::workplace().unwrap();
    let said = olist::run(&workplace, &data).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let one = |sql: &str| olist::query(&workplace, sql).unwrap().lines().nth(1).unwrap_or_default().to_owned();
    // Counted in the raw files with Python's csv and decimal modules.
    assert_eq!(one("select count(*), count(distinct customer_id) from fact_orders"), "4043,4043");
    assert_eq!(one("select count(*), sum(price_cents), sum(freight_cents) from fact_order_items"), "4137,53719621,8437983");
    assert_eq!(one("select count(*), sum(payment_value_cents) from fact_payments"), "4451,70032922");
    assert_eq!(one("select count(*) from fact_reviews"), "4085");
    assert_eq!(one("select count(*) from dim_products"), "3020");
    assert_eq!(one("select count(*) from dim_sellers"), "1170");
    let quarantine = workplace.tidegate(&["quarantine", "examples/olist", "--json"]).unwrap().stdout;
    assert!(quarantine.contains("\"point-duplicate\"") && quarantine.contains("6401"), "{quarantine}");
}
