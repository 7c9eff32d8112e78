//! Bulk operations: their life, their file, and those that fail.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::{Value, json};
use tidegate_sdk::{
    FailureKind,
    http::testing::{Asked, Reply},
};

use super::{Read, answer, asked, config, open, read};

const FILE: &str = include_str!("../../fixtures/bulk.jsonl");

/// What the shop says to the polls, one after the other; the last answer stays. A start gives operation 1, 2, ...
fn shop(polls: Vec<Value>) {
    let left = Rc::new(RefCell::new(polls));
    let started = Rc::new(RefCell::new(0));
    answer(move |asked| {
        if asked.path() == "/files/1.jsonl" {
            return Reply::text(200, FILE);
        }
        let body = asked.json();
        if body["query"].as_str().unwrap().starts_with("mutation") {
            *started.borrow_mut() += 1;
            let id = format!("gid://shopify/BulkOperation/{}", started.borrow());
            return Reply::json(
                200,
                &json!({ "data": { "bulkOperationRunQuery": { "bulkOperation": { "id": id, "status": "CREATED" }, "userErrors": [] } } }),
            );
        }
        let mut left = left.borrow_mut();
        let state = if left.len() > 1 { left.remove(0) } else { left[0].clone() };
        Reply::json(200, &json!({ "data": { "node": state } }))
    });
}

fn completed(url: Option<&str>) -> Value {
    json!({ "id": "gid://shopify/BulkOperation/1", "status": "COMPLETED", "objectCount": "5", "url": url })
}

fn running() -> Value {
    json!({ "id": "gid://shopify/BulkOperation/1", "status": "RUNNING", "objectCount": "2", "url": null })
}

fn read_bulk(stream: &str) -> tidegate_sdk::Result<Read> {
    read(open(&config(json!({})), stream, None))
}

fn is_start(asked: &Asked) -> bool {
    asked.json()["query"].as_str().is_some_and(|query| query.starts_with("mutation"))
}

#[test]
fn a_bulk_operation_is_polled_with_pauses_and_its_file_read_whatever_the_order_of_its_lines() {
    shop(vec![running(), running(), completed(Some("https://storage.googleapis.com/files/1.jsonl?sig=a%2Bb"))]);
    let orders = read_bulk("orders").unwrap();
    assert_eq!((orders.integers("id"), orders.cursor.as_deref()), (vec![5001, 5002], Some("2026-11-26T23:59:59Z")));
    assert_eq!(orders.text("note", 0), Some("says \"__parentId\" on the card"));
    let pauses: Vec<_> = orders.waits.iter().map(|wait| wait.kind.clone()).collect();
    assert_eq!(pauses, [500, 1000].map(|millis| FailureKind::RateLimited(Some(Duration::from_millis(millis)))));

    let lines = read_bulk("line_items").unwrap();
    assert_eq!((lines.integers("id"), lines.integers("order_id")), (vec![8002, 8001], vec![5002, 5001]));
    let refunds = read_bulk("refunds").unwrap();
    assert_eq!((refunds.integers("id"), refunds.integers("order_id")), (vec![6001], vec![5001]));

    let asked = asked();
    assert_eq!(asked.iter().filter(|asked| is_start(asked)).count(), 1, "streams of one walk share the operation");
    let files: Vec<_> = asked.iter().filter(|asked| asked.path() == "/files/1.jsonl").collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].credential, None, "a signed address gets no credential");
}

#[test]
fn the_query_of_an_operation_says_until_when() {
    shop(vec![completed(None)]);
    read_bulk("orders").unwrap();
    let query = asked()[0].json()["variables"]["query"].as_str().unwrap().to_owned();
    assert!(
        query.starts_with("{ orders(query: \"updated_at:<='2026-11-26T23:59:59Z'\", sortKey: UPDATED_AT) { edges { node { id "),
        "{query}"
    );
    assert!(query.contains("lineItems { edges { node { id "), "{query}");
    assert_eq!(query.matches('{').count(), query.matches('}').count());
    shop(vec![completed(None)]);
    read_bulk("inventory").unwrap();
    let query = asked()[0].json()["variables"]["query"].as_str().unwrap().to_owned();
    assert!(query.starts_with("{ locations(includeInactive: true) { edges { node { id inventoryLevels(query: \"updated_at:<="), "{query}");
}

#[test]
fn an_operation_without_rows_has_no_file_and_still_moves_the_cursor() {
    shop(vec![completed(None)]);
    let read = read_bulk("orders").unwrap();
    assert!(read.batches.is_empty());
    assert_eq!(read.cursor.as_deref(), Some("2026-11-26T23:59:59Z"));
}

#[test]
fn the_file_of_a_failed_operation_is_never_read() {
    let failed = json!({
        "id": "gid://shopify/BulkOperation/1", "status": "FAILED", "errorCode": "TIMEOUT", "url": null,
        "partialDataUrl": "https://storage.googleapis.com/files/1.jsonl",
    });
    shop(vec![failed.clone(), completed(Some("https://storage.googleapis.com/files/1.jsonl"))]);
    assert_eq!(read_bulk("orders").unwrap().integers("id"), [5001, 5002]);
    assert_eq!(asked().iter().filter(|asked| is_start(asked)).count(), 2);

    shop(vec![failed]);
    let failure = read_bulk("orders").err().unwrap();
    assert!(failure.message.contains("failed 3 times"), "{failure}");
    assert!(asked().iter().all(|asked| !asked.path().starts_with("/files")));
}

#[test]
fn an_operation_of_somebody_else_is_waited_for_and_its_file_left_alone() {
    let calls = RefCell::new(0);
    answer(move |asked| {
        *calls.borrow_mut() += 1;
        if asked.path() == "/files/1.jsonl" {
            return Reply::text(200, FILE);
        }
        let body = asked.json();
        let start = body["query"].as_str().unwrap().starts_with("mutation");
        let error = json!({ "code": "OPERATION_IN_PROGRESS", "field": null, "message": "A bulk query operation for this app and shop is already in progress: gid://shopify/BulkOperation/99." });
        let payload = match (start, *calls.borrow()) {
            (true, 1) => json!({ "bulkOperation": null, "userErrors": [error] }),
            (true, _) => json!({ "bulkOperation": { "id": "gid://shopify/BulkOperation/1", "status": "CREATED" }, "userErrors": [] }),
            _ => Value::Null,
        };
        if start {
            return Reply::json(200, &json!({ "data": { "bulkOperationRunQuery": payload } }));
        }
        let theirs = body["variables"]["id"] == "gid://shopify/BulkOperation/99";
        let (query, url) = if theirs {
            ("{ products }", "https://storage.googleapis.com/theirs")
        } else {
            ("", "https://storage.googleapis.com/files/1.jsonl")
        };
        let mut node = json!({ "status": "COMPLETED", "objectCount": "1", "url": url, "query": query });
        if !theirs {
            node["query"] = Value::Null;
        }
        Reply::json(200, &json!({ "data": { "node": node } }))
    });
    assert_eq!(read_bulk("orders").unwrap().integers("id"), [5001, 5002]);
}

#[test]
fn a_refused_operation_says_why() {
    answer(|_| {
        let error = json!({ "code": "INVALID", "field": ["query"], "message": "Bulk queries cannot contain more than 5 connections." });
        Reply::json(200, &json!({ "data": { "bulkOperationRunQuery": { "bulkOperation": null, "userErrors": [error] } } }))
    });
    let failure = read_bulk("orders").err().unwrap();
    assert_eq!(failure.kind, FailureKind::Config);
    assert!(failure.message.contains("more than 5 connections"), "{failure}");
}
