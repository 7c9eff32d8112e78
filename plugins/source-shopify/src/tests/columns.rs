//! Values: the same in both APIs, exact or refused.

use serde_json::json;
use tidegate_sdk::{
    Reader,
    arrow_array::{Decimal128Array, TimestampMicrosecondArray},
};

use super::{Read, answer, config, open, read};
use crate::{
    SourceShopify,
    column::{Cell, Kind, column, id, money},
    config::Api,
    streams,
};
use tidegate_sdk::{Source, http::testing::Reply};

fn money_of(read: &Read, name: &str) -> i128 {
    read.batches[0].column_by_name(name).unwrap().as_any().downcast_ref::<Decimal128Array>().unwrap().value(0)
}

fn time_of(read: &Read, name: &str) -> i64 {
    read.batches[0].column_by_name(name).unwrap().as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap().value(0)
}

#[test]
fn money_is_exact_or_no_money() {
    for (text, expected) in [("0", 0), ("597.0", 5_970_000), ("-1.50", -15_000), ("1.234", 12_340), ("0.0001", 1), ("195.67000", 1_956_700)]
    {
        assert_eq!(money(text), Some(expected), "{text}");
    }
    for text in ["", ".5", "1.00001", "1e3", "1,5", "plenty", "--1", "12345678901234567890123456789012345"] {
        assert_eq!(money(text), None, "{text}");
    }
}

#[test]
fn ids_are_numbers_in_both_apis() {
    for value in [json!(42), json!("42"), json!("gid://shopify/Order/42"), json!("gid://shopify/InventoryLevel/42?inventory_item_id=7")] {
        assert_eq!(id(&value), Some(42), "{value}");
    }
    assert_eq!(id(&json!("gid://shopify/Order/")), None);
}

#[test]
fn paths_lead_into_objects_lists_and_parents() {
    let record = json!({ "quantities": [{ "name": "on_hand", "quantity": 5 }, { "name": "available", "quantity": 3 }], "tags": "b, ,a" });
    let parent = json!({ "id": "gid://shopify/Location/9" });
    let cell = |kind, path: &'static str| column("c", kind, path, path).cell(Api::Graphql, &record, Some(&parent));
    assert_eq!(cell(Kind::Integer, "/quantities/name=available/quantity"), Ok(Cell::Integer(3)));
    assert_eq!(cell(Kind::Integer, "/quantities/0/quantity"), Ok(Cell::Integer(5)));
    assert_eq!(cell(Kind::Key, "^/id"), Ok(Cell::Integer(9)));
    assert_eq!(cell(Kind::Words, "/tags"), Ok(Cell::Text("b, a".into())));
    assert_eq!(cell(Kind::Text, ""), Ok(Cell::Null));
    assert_eq!(cell(Kind::Key, "/missing"), Err("`c` is missing".into()));
    assert_eq!(cell(Kind::Boolean, "/tags"), Err("`c` is no truth value".into()));
}

#[test]
fn both_apis_give_the_same_row() {
    answer(|asked| match asked.path().ends_with("graphql.json") {
        true => Reply::text(200, include_str!("../../fixtures/orders_page.json")),
        false => Reply::text(200, include_str!("../../fixtures/orders.json")),
    });
    let graphql = read(open(&config(json!({ "first_load": "pages" })), "orders", None)).unwrap();
    answer(|_| Reply::text(200, include_str!("../../fixtures/orders.json")));
    let rest = read(open(&config(json!({ "api": "rest" })), "orders", None)).unwrap();
    assert_eq!(rest.integers("id"), [5001]);
    for name in graphql.batches[0].schema().fields().iter().map(|field| field.name().as_str()).filter(|name| *name != "_origin") {
        if name != "fulfillment_status" {
            assert_eq!(graphql.batches[0].column_by_name(name), rest.batches[0].column_by_name(name), "{name}");
        }
    }
    assert_eq!((graphql.text("fulfillment_status", 0), rest.text("fulfillment_status", 0)), (Some("unfulfilled"), None));
    assert_eq!((money_of(&rest, "total"), time_of(&rest, "created_at")), (1_114_000, 1_767_607_200_000_000));
    assert_eq!((rest.text("tags", 0), rest.text("shipping_city", 0)), (Some("b2b, express"), Some("São Paulo")));
}

#[test]
fn a_record_that_does_not_fit_goes_to_quarantine_alone() {
    answer(|_| Reply::text(200, include_str!("../../fixtures/orders.json")));
    let rest = read(open(&config(json!({ "api": "rest" })), "orders", None)).unwrap();
    let [unread] = &rest.unread[..] else { panic!("one record is unread") };
    assert_eq!((unread.rule.as_str(), unread.reason.as_str(), unread.origin.record()), ("bad-value", "`total` is no amount of money", 2));
}

#[test]
fn batches_have_the_rows_that_were_asked_for() {
    let nodes: Vec<_> = (1..=5).map(|id| super::customer(id, "2026-01-01T00:00:00Z")).collect();
    answer(move |_| super::connection("customers", nodes.clone(), None));
    let config = config(json!({ "first_load": "pages" }));
    let [slice] = SourceShopify::slices(&config, "customers", None, 4).unwrap().try_into().unwrap();
    let request = tidegate_sdk::Request { stream: "customers".into(), slice, cursor: None, batch_rows: 2 };
    let mut reader = SourceShopify::open(config, request).unwrap();
    let rows = std::iter::from_fn(|| reader.next().unwrap()).map(|pulled| pulled.batch.map_or(0, |batch| batch.num_rows()));
    assert_eq!(rows.collect::<Vec<_>>(), [2, 2, 1, 0]);
}

#[test]
fn every_stream_declares_its_key_and_distinct_columns() {
    for stream in streams::ALL {
        let described = stream.describe();
        let names: std::collections::HashSet<_> = stream.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), stream.columns.len(), "{}", stream.name);
        for key in &described.primary_key {
            assert!(!described.schema.field_with_name(key).unwrap().is_nullable(), "{}.{key}", stream.name);
        }
        if let Some(cursor) = &described.cursor_field {
            assert!(described.schema.field_with_name(cursor).is_ok(), "{}", stream.name);
        }
    }
}
