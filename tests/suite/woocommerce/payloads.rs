//! Payloads of WooCommerce's own documentation, which lie beside the checkout on some machines and are never part of it.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use serde_json::Value;
use tidegate_tests::{
    root,
    shops::woocommerce::{Shop, Size},
};

use super::lake::Reading;

/// Where they lie: `TIDEGATE_TEST_PAYLOADS`, or beside the checkout.
fn folder() -> Option<PathBuf> {
    let named = env::var_os("TIDEGATE_TEST_PAYLOADS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| root().join("../shared/data/api")).join("woocommerce");
    folder.is_dir().then_some(folder)
}

#[test]
fn documented_payloads_are_read_as_they_stand() {
    let Some(folder) = folder() else {
        eprintln!("NOT RUN: there is no ../shared/data/api/woocommerce beside this checkout, and TIDEGATE_TEST_PAYLOADS names none");
        return;
    };
    let shop = Shop::open(1, &Size { orders: 0, products: 0, customers: 0, coupons: 0 });
    let mut counts = Vec::new();
    for collection in ["orders", "products", "customers"] {
        let text = fs::read_to_string(folder.join(format!("docs_{collection}.json"))).unwrap();
        let records = records(&serde_json::from_str(&text).unwrap());
        counts.push(format!("{} {collection}", records.len()));
        shop.stock(collection, records.into_values());
    }
    let streams = ["orders", "line_items", "products", "customers"];
    let reading = Reading::new(&shop, &streams, "");
    reading.run();
    streams.iter().for_each(|stream| reading.holds_all(stream));
    eprintln!("read from {}: {}", folder.display(), counts.join(", "));
}

/// The records among the examples, by id: an example is a record, a list of them, or neither.
fn records(examples: &Value) -> BTreeMap<u64, Value> {
    let examples = examples.as_object().unwrap().values().flat_map(|example| match example {
        Value::Array(records) => records.clone(),
        one => vec![one.clone()],
    });
    examples.filter(|record| record["date_created_gmt"].is_string()).map(|record| (record["id"].as_u64().unwrap(), record)).collect()
}
