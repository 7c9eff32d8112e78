//! Pages of the GraphQL API: patience, nested lists, what ends a list too early.

use std::{cell::Cell, time::Duration};

use serde_json::{Value, json};
use tidegate_sdk::{
    FailureKind, Reader,
    http::testing::{Asked, Reply},
};

use super::{answer, asked, config, connection, customer, open, read};

const THROTTLED: &str = include_str!("../../fixtures/throttled.json");

fn pages() -> crate::Config {
    config(json!({ "first_load": "pages" }))
}

fn variables(asked: &Asked) -> Value {
    asked.json()["variables"].clone()
}

fn is_fresh(asked: &Asked) -> bool {
    asked.headers.iter().any(|(name, value)| name == "cache-control" && value == "no-cache")
}

#[test]
fn a_throttled_query_waits_until_the_bucket_holds_it_and_is_asked_anew() {
    let calls = Cell::new(0);
    answer(move |_| {
        calls.set(calls.get() + 1);
        match calls.get() {
            1 => connection("customers", vec![customer(1, "2026-01-01T00:00:00Z")], Some("a")),
            2 => Reply::text(200, THROTTLED),
            _ => connection("customers", vec![customer(2, "2026-01-01T00:00:01Z")], None),
        }
    });
    let read = read(open(&pages(), "customers", None)).unwrap();
    assert_eq!(read.integers("id"), [1, 2]);
    let [wait] = &read.waits[..] else { panic!("it waits once") };
    assert_eq!(wait.kind, FailureKind::RateLimited(Some(Duration::from_millis(2500))));
    let asked = asked();
    assert_eq!(asked.iter().map(is_fresh).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(variables(&asked[1]), variables(&asked[2]));
}

#[test]
fn a_throttled_body_counts_whatever_its_status() {
    let calls = Cell::new(0);
    answer(move |_| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 { Reply::text(420, THROTTLED) } else { connection("customers", vec![], None) }
    });
    assert_eq!(read(open(&pages(), "customers", None)).unwrap().waits.len(), 1);
}

#[test]
fn a_query_that_costs_too_much_asks_for_less() {
    answer(|asked| match variables(asked)["first"].as_u64() {
        Some(20..) => {
            let error = json!({ "message": "Query cost is 1723, which exceeds the single query max cost limit (1000).", "extensions": { "code": "MAX_COST_EXCEEDED" } });
            Reply::json(200, &json!({ "errors": [error] }))
        }
        _ => connection("customers", vec![], None),
    });
    assert!(read(open(&pages(), "customers", None)).unwrap().waits.is_empty());
    let sizes: Vec<_> = asked().iter().map(|asked| variables(asked)["first"].clone()).collect();
    assert_eq!(sizes, [150, 75, 37, 18]);
}

#[test]
fn errors_have_their_kinds() {
    let kind = |code: &'static str| {
        answer(move |_| Reply::json(200, &json!({ "data": null, "errors": [{ "message": "no", "extensions": { "code": code } }] })));
        open(&pages(), "customers", None).next().unwrap_err().kind
    };
    assert_eq!(kind("ACCESS_DENIED"), FailureKind::Auth);
    assert_eq!(kind("INTERNAL_SERVER_ERROR"), FailureKind::Unavailable);
    assert_eq!(kind("undefinedField"), FailureKind::Config);
    answer(|_| Reply::text(200, "<html>"));
    assert_eq!(open(&pages(), "customers", None).next().unwrap_err().kind, FailureKind::Unavailable);
    answer(|_| Reply::text(200, "{\"data\":{\"customers\":{\"nodes\":[]}}}"));
    assert_eq!(open(&pages(), "customers", None).next().unwrap_err().kind, FailureKind::BadData);
}

#[test]
fn the_rest_of_nested_lists_comes_after_all_pages_with_ascending_origins() {
    answer(|asked| {
        let variables = variables(asked);
        let line = |id: u64| json!({ "id": format!("gid://shopify/LineItem/{id}") });
        if let Some(id) = variables["id"].as_str() {
            assert_eq!(id, "gid://shopify/Order/1");
            let (lines, next) = if variables["after"] == "l2" { (vec![line(12), line(13)], Some("l4")) } else { (vec![line(14)], None) };
            let list = json!({ "nodes": lines, "pageInfo": { "hasNextPage": next.is_some(), "endCursor": next } });
            return Reply::json(200, &json!({ "data": { "node": { "id": id, "lineItems": list } } }));
        }
        let order = |id: u64, lines: Vec<Value>, next: Option<&str>| {
            let list = json!({ "nodes": lines, "pageInfo": { "hasNextPage": next.is_some(), "endCursor": next } });
            json!({ "id": format!("gid://shopify/Order/{id}"), "updatedAt": "2026-01-01T00:00:00Z", "lineItems": list })
        };
        match variables["after"].as_str() {
            None => connection("orders", vec![order(1, vec![line(10), line(11)], Some("l2"))], Some("o1")),
            _ => connection("orders", vec![order(2, vec![line(20)], None)], None),
        }
    });
    let read = read(open(&pages(), "line_items", None)).unwrap();
    assert_eq!(read.integers("id"), [10, 11, 20, 12, 13, 14]);
    assert_eq!(read.integers("order_id"), [1, 1, 2, 1, 1, 1]);
    assert!(read.origins().is_sorted(), "{:?}", read.origins());
}

#[test]
fn a_walk_starts_again_before_the_list_ends_at_25_000() {
    let at = |number: u64| format!("2026-01-01T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60);
    // 26,000 customers, one each second; a cursor is the number of the next one.
    answer(move |asked| {
        let variables = variables(asked);
        let query = variables["query"].as_str().unwrap();
        let from = (0..26_000).find(|number| query.contains(&format!(">='{}'", at(*number)))).unwrap_or(0);
        let start = variables["after"].as_str().map_or(from, |after| after.parse().unwrap());
        let first = variables["first"].as_u64().unwrap();
        assert!(start + first - from <= 25_000, "{start} + {first} from {from}");
        let end = 26_000.min(start + first);
        connection(
            "customers",
            (start..end).map(|number| customer(number, &at(number))).collect(),
            (end < 26_000).then(|| end.to_string()).as_deref(),
        )
    });
    let read = read(open(&config(json!({ "first_load": "pages", "page_size": 250 })), "customers", None)).unwrap();
    assert_eq!(read.integers("id"), (0..26_000).collect::<Vec<_>>());
}

#[test]
fn an_object_that_comes_twice_is_one_row() {
    let calls = Cell::new(0);
    answer(move |_| {
        calls.set(calls.get() + 1);
        let next = (calls.get() == 1).then_some("a");
        connection("customers", vec![customer(1, "2026-01-01T00:00:00Z"), customer(1 + calls.get(), "2026-01-01T00:00:00Z")], next)
    });
    assert_eq!(read(open(&pages(), "customers", None)).unwrap().integers("id"), [1, 2, 3]);
}

#[test]
fn streams_of_one_walk_share_their_pages_also_where_one_was_throttled() {
    let calls = Cell::new(0);
    answer(move |asked| {
        if variables(asked)["after"].is_null() {
            calls.set(calls.get() + 1);
            // The first stream's first page is throttled once.
            if calls.get() == 1 {
                return Reply::text(200, THROTTLED);
            }
            return connection("products", vec![json!({ "id": "gid://shopify/Product/1", "variants": variants(11) })], Some("p"));
        }
        connection("products", vec![json!({ "id": "gid://shopify/Product/2", "variants": variants(21) })], None)
    });
    let products = open(&pages(), "products", None);
    assert_eq!(read(products).unwrap().integers("id"), [1, 2]);
    let variants = read(open(&pages(), "variants", None)).unwrap();
    assert_eq!(variants.integers("id"), [11, 21]);
    assert!(variants.origins().is_sorted(), "{:?}", variants.origins());
    assert_eq!(asked().len(), 3, "the second stream asks nothing");
}

fn variants(id: u64) -> Value {
    let node = json!({ "id": format!("gid://shopify/ProductVariant/{id}") });
    json!({ "nodes": [node], "pageInfo": { "hasNextPage": false, "endCursor": null } })
}

#[test]
fn refund_lines_are_asked_for_by_the_ids_of_their_refunds() {
    answer(|asked| {
        let variables = variables(asked);
        let list = |lines: &[u64], next: Option<&str>| {
            let nodes: Vec<_> =
                lines.iter().map(|id| json!({ "id": format!("gid://shopify/RefundLineItem/{id}"), "quantity": 1 })).collect();
            json!({ "nodes": nodes, "pageInfo": { "hasNextPage": next.is_some(), "endCursor": next } })
        };
        if variables["ids"].is_array() {
            assert_eq!(variables["ids"], json!(["gid://shopify/Refund/6001"]));
            let refund = json!({ "id": "gid://shopify/Refund/6001", "order": { "id": "gid://shopify/Order/5001" }, "refundLineItems": list(&[1, 2], Some("x")) });
            return Reply::json(200, &json!({ "data": { "nodes": [refund] } }));
        }
        if variables["after"] == "x" {
            return Reply::json(200, &json!({ "data": { "node": { "id": variables["id"], "refundLineItems": list(&[3], None) } } }));
        }
        Reply::text(200, include_str!("../../fixtures/orders_page.json"))
    });
    let read = read(open(&pages(), "refund_line_items", None)).unwrap();
    assert_eq!((read.integers("id"), read.integers("refund_id")), (vec![1, 2, 3], vec![6001; 3]));
    assert_eq!(read.integers("order_id"), [5001; 3]);
}
