//! Pages of the REST API.

use std::cell::Cell;

use serde_json::{Value, json};
use tidegate_sdk::{FailureKind, Reader, http::testing::Reply};

use super::{answer, asked, config, open, read};

fn rest() -> crate::Config {
    config(json!({ "api": "rest" }))
}

fn customers(ids: std::ops::RangeInclusive<u64>) -> Value {
    let customers: Vec<_> = ids.map(|id| json!({ "id": id, "updated_at": format!("2026-01-01T00:00:{id:02}-03:00") })).collect();
    json!({ "customers": customers })
}

const NEXT: &str = "<https://demo.myshopify.com/admin/api/2026-01/customers.json?limit=250&page_info=abc%3D>; rel=\"next\"";

#[test]
fn beside_a_page_info_stands_only_the_limit() {
    answer(|asked| match asked.query("page_info") {
        None => Reply::json(200, &customers(1..=2)).header("Link", NEXT),
        Some(_) => Reply::json(200, &customers(3..=3)),
    });
    let read = read(open(&rest(), "customers", Some("2026-01-01T00:05:00Z"))).unwrap();
    assert_eq!(read.integers("id"), [1, 2, 3]);
    let urls: Vec<_> = asked().into_iter().map(|asked| asked.url).collect();
    let first = "limit=250&order=updated_at%20asc&updated_at_min=2026-01-01T00%3A00%3A00Z&updated_at_max=2026-11-26T23%3A59%3A59Z";
    let base = "https://demo.myshopify.com/admin/api/2026-01/customers.json";
    assert_eq!(urls, [format!("{base}?{first}"), format!("{base}?limit=250&page_info=abc%3D")]);
    assert!(asked().iter().all(|asked| asked.credential.as_deref() == Some("token")));
}

#[test]
fn orders_are_asked_for_whatever_their_status() {
    answer(|_| Reply::json(200, &json!({ "orders": [] })));
    read(open(&rest(), "orders", None)).unwrap();
    assert_eq!(asked()[0].query("status").as_deref(), Some("any"));
    assert_eq!(asked()[0].query("updated_at_min"), None);
}

#[test]
fn a_page_info_that_has_expired_starts_the_list_again_from_the_last_time() {
    let expired = Cell::new(false);
    answer(move |asked| match (asked.query("page_info"), asked.query("updated_at_min").as_deref()) {
        (Some(_), _) if !expired.replace(true) => Reply::json(400, &json!({ "errors": { "page_info": "Invalid value." } })),
        (Some(_), _) => Reply::json(200, &customers(4..=5)),
        (None, Some("2026-01-01T03:00:03Z")) => Reply::json(200, &customers(3..=3)).header("Link", NEXT),
        (None, _) => Reply::json(200, &customers(1..=3)).header("Link", NEXT),
    });
    assert_eq!(read(open(&rest(), "customers", None)).unwrap().integers("id"), [1, 2, 3, 4, 5]);
}

#[test]
fn a_refused_list_says_why() {
    answer(|_| Reply::json(400, &json!({ "errors": { "status": "status cannot be passed when page_info is present." } })));
    let failure = open(&rest(), "customers", None).next().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    assert!(failure.message.contains("cannot be passed when page_info is present"), "{failure}");
}

#[test]
fn a_product_with_a_hundred_variants_has_more_of_them() {
    let variant = |id: u64| json!({ "id": id, "product_id": 7, "price": "1.00" });
    answer(move |asked| {
        if asked.path().ends_with("/products/7/variants.json") {
            return Reply::json(200, &json!({ "variants": (1..=130).map(variant).collect::<Vec<_>>() }));
        }
        let few = json!({ "id": 8, "variants": [variant(900)] });
        Reply::json(200, &json!({ "products": [{ "id": 7, "variants": (1..=100).map(variant).collect::<Vec<_>>() }, few] }))
    });
    let read = read(open(&rest(), "variants", None)).unwrap();
    let expected: Vec<_> = (1..=100).chain([900]).chain(101..=130).collect();
    assert_eq!(read.integers("id"), expected);
    assert!(read.origins().is_sorted());
}

#[test]
fn refunds_stand_in_their_orders_with_what_was_paid_back() {
    answer(|_| Reply::text(200, include_str!("../../fixtures/orders.json")));
    let refunds = read(open(&rest(), "refunds", None)).unwrap();
    assert_eq!((refunds.integers("id"), refunds.integers("order_id")), (vec![6001], vec![5001]));
    assert_eq!(refunds.text("currency", 0), Some("BRL"));
    let lines = read(open(&rest(), "refund_line_items", None)).unwrap();
    assert_eq!((lines.integers("id"), lines.integers("refund_id"), lines.integers("order_id")), (vec![9001], vec![6001], vec![5001]));
    assert_eq!(lines.integers("line_item_id"), [8001]);
    assert_eq!(asked().len(), 1, "both stand in the same page");
}

#[test]
fn stock_levels_are_asked_for_by_location() {
    answer(|asked| {
        if asked.path().ends_with("/locations.json") {
            let locations: Vec<_> = (1..=51).map(|id| json!({ "id": id })).collect();
            return Reply::json(200, &json!({ "locations": locations }));
        }
        let first: i64 = asked.query("location_ids").unwrap().split(',').next().unwrap().parse().unwrap();
        Reply::json(200, &json!({ "inventory_levels": [{ "inventory_item_id": 5, "location_id": first, "available": 3 }] }))
    });
    let read = read(open(&rest(), "inventory", None)).unwrap();
    assert_eq!((read.integers("inventory_item_id"), read.integers("location_id")), (vec![5, 5], vec![1, 51]));
}
