//! Runs after the first: what events say has changed, and what becomes of it.

use serde_json::{Value, json};
use tidegate_sdk::{
    Source,
    http::testing::{self, NOW},
};

use super::{config, read, shop};
use crate::{
    SourceStripe,
    cursor::Cursor,
    slice::{FEED_REACH, OVERLAP, What, what},
    streams,
};

/// The cursor of a run an hour ago.
fn hour_ago() -> String {
    Cursor { until: NOW - 3600, pending_since: None }.text()
}

fn with_id(name: &str, id: &str) -> Value {
    shop::like(name, id, 1_772_323_200)
}

#[test]
fn each_changed_object_is_read_again_and_once() {
    let shop = shop::open([("/v1/charges", shop::many("charge", 30))]);
    for number in [3, 7, 3, 3] {
        let mut before = with_id("charge", &format!("x_{number:04}"));
        before["status"] = json!("pending");
        shop.borrow_mut().tell("charge.updated", NOW - 60, before);
    }
    // What belongs to others, and what has no id.
    shop.borrow_mut().tell("customer.updated", NOW - 60, with_id("customer", "cus_9"));
    let mut upcoming = shop::fixture("invoice");
    upcoming.as_object_mut().unwrap().remove("id");
    shop.borrow_mut().tell("invoice.upcoming", NOW - 60, upcoming);
    let read = read("charges", Some(&hour_ago()));
    assert_eq!(read.ids(), ["x_0003", "x_0007"]);
    // As they are, not as the event has them.
    assert_eq!(read.texts("status"), ["succeeded", "succeeded"]);
    let paths: Vec<_> = testing::asked().iter().map(|asked| asked.path().to_owned()).collect();
    assert_eq!(paths, ["/v1/events", "/v1/events", "/v1/charges/x_0003", "/v1/charges/x_0007"]);
}

#[test]
fn a_window_overlaps_the_last_one_and_ends_at_the_servers_time() {
    let shop = shop::open([("/v1/charges", shop::many("charge", 4))]);
    for (number, created) in [(0, NOW - 3600 - OVERLAP - 1), (1, NOW - 3600 - OVERLAP), (2, NOW), (3, NOW + 1)] {
        shop.borrow_mut().tell("charge.updated", created, with_id("charge", &format!("x_{number:04}")));
    }
    let read = read("charges", Some(&hour_ago()));
    assert_eq!(read.ids(), ["x_0001", "x_0002"]);
    assert_eq!(read.cursor(), Cursor { until: NOW, pending_since: None });
}

#[test]
fn all_streams_share_one_reading_of_the_events() {
    let shop = shop::open([("/v1/charges", shop::many("charge", 1)), ("/v1/refunds", shop::many("refund", 1)), ("/v1/products", vec![])]);
    for number in 0..250 {
        shop.borrow_mut().tell("charge.updated", NOW - 1000 + number, with_id("charge", "x_0000"));
    }
    for stream in ["charges", "refunds", "products"] {
        read(stream, Some(&hour_ago()));
    }
    let feed = testing::asked().iter().filter(|asked| asked.path() == "/v1/events").count();
    assert_eq!(feed, 1 + 3);
}

#[test]
fn disputes_and_refunds_change_their_charge() {
    let shop = shop::open([("/v1/charges", vec![with_id("charge", "ch_1Fix"), with_id("charge", "ch_2Fix")])]);
    shop.borrow_mut().tell("charge.dispute.created", NOW - 60, shop::fixture("dispute"));
    shop.borrow_mut().tell("refund.created", NOW - 50, shop::fixture("refund"));
    assert_eq!(read("charges", Some(&hour_ago())).ids(), ["ch_1Fix", "ch_2Fix"]);
}

#[test]
fn a_refunded_charge_names_all_its_refunds() {
    let mut refunds = shop::many("refund", 130);
    refunds[5]["charge"] = json!("ch_other");
    let shop = shop::open([("/v1/refunds", refunds)]);
    // Of some of them their own event tells as well.
    shop.borrow_mut().tell("refund.created", NOW - 60, with_id("refund", "x_0007"));
    shop.borrow_mut().tell("charge.refunded", NOW - 60, shop::fixture("charge"));
    let read = read("refunds", Some(&hour_ago()));
    assert_eq!(read.ids().len(), 129);
    assert!(!testing::asked().iter().any(|asked| asked.path() == "/v1/refunds/x_0007"));
}

#[test]
fn a_deleted_object_is_a_row_with_what_it_was_at_last() {
    let gone = json!({ "id": "cus_2", "object": "customer", "deleted": true });
    let shop = shop::open([("/v1/customers", vec![gone]), ("/v1/products", vec![])]);
    shop.borrow_mut().tell("customer.updated", NOW - 90, with_id("customer", "cus_2"));
    let mut last = with_id("customer", "cus_2");
    last["email"] = json!("last@example.com");
    shop.borrow_mut().tell("customer.deleted", NOW - 60, last);
    shop.borrow_mut().tell("product.deleted", NOW - 60, with_id("product", "prod_2"));
    let customers = read("customers", Some(&hour_ago()));
    assert_eq!((customers.deleted(), customers.texts("email")), (vec!["cus_2".to_owned()], vec!["last@example.com".to_owned()]));
    assert_eq!(read("products", Some(&hour_ago())).deleted(), ["prod_2"]);
}

#[test]
fn an_object_that_vanished_waits_for_the_event_that_says_why() {
    let shop = shop::open([("/v1/products", vec![])]);
    shop.borrow_mut().tell("product.updated", NOW - 60, with_id("product", "prod_2"));
    let read = read("products", Some(&hour_ago()));
    assert_eq!((read.rows(), read.cursor().until), (0, NOW));
}

#[test]
fn lines_that_a_draft_lost_are_deleted_rows() {
    let mut invoice = shop::fixture("invoice");
    let lost = invoice["lines"]["data"][1].clone();
    let shop = shop::open([("/v1/invoices", vec![])]);
    let before = json!({ "lines": invoice["lines"].clone(), "total": 3000 });
    invoice["lines"]["data"].as_array_mut().unwrap().truncate(1);
    shop.borrow_mut().tell_before("invoice.updated", NOW - 60, invoice.clone(), before);
    shop.borrow_mut().lists.insert("/v1/invoices".to_owned(), vec![invoice]);
    let read = read("invoice_line_items", Some(&hour_ago()));
    assert_eq!((read.ids(), read.deleted()), (vec!["il_1Fix".to_owned(), "il_2Fix".to_owned()], vec!["il_2Fix".to_owned()]));
    assert_eq!(lost["id"], "il_2Fix");
}

#[test]
fn lines_of_a_deleted_draft_are_deleted_rows() {
    let shop = shop::open([("/v1/invoices", vec![])]);
    shop.borrow_mut().tell("invoice.deleted", NOW - 60, shop::fixture("invoice"));
    assert_eq!(read("invoice_line_items", Some(&hour_ago())).deleted(), ["il_1Fix", "il_2Fix"]);
    assert_eq!(read("invoices", Some(&hour_ago())).deleted(), ["in_1Fix"]);
}

#[test]
fn invoices_and_their_lines_ask_for_each_invoice_once() {
    let invoices = ["in_1", "in_2", "in_3"].map(|id| with_id("invoice", id));
    let shop = shop::open([("/v1/invoices", invoices.to_vec())]);
    shop.borrow_mut().tell("invoice.updated", NOW - 60, with_id("invoice", "in_1"));
    shop.borrow_mut().tell("invoiceitem.created", NOW - 50, json!({ "id": "ii_1", "object": "invoiceitem", "invoice": "in_2" }));
    shop.borrow_mut().tell("invoiceitem.created", NOW - 50, json!({ "id": "ii_2", "object": "invoiceitem", "invoice": null }));
    shop.borrow_mut().tell("invoice.paid", NOW - 40, with_id("invoice", "in_3"));
    assert_eq!(read("invoices", Some(&hour_ago())).ids(), ["in_1", "in_2", "in_3"]);
    let sent = testing::asked().len();
    assert_eq!(read("invoice_line_items", Some(&hour_ago())).rows(), 6);
    assert_eq!(testing::asked().len(), sent);
}

#[test]
fn a_cursor_that_is_older_than_the_events_leads_to_a_full_read() {
    let charges = streams::find("charges").unwrap();
    let at = |age: i64| what(charges, Some(Cursor { until: NOW - age, pending_since: None }), NOW);
    assert_eq!(at(FEED_REACH - OVERLAP), What::Changed { since: NOW - FEED_REACH });
    assert_eq!(at(FEED_REACH - OVERLAP + 1), What::Everything { deleted_since: Some(NOW - FEED_REACH) });
    assert_eq!(what(charges, None, NOW), What::Everything { deleted_since: None });
}

#[test]
fn a_full_read_still_sees_the_deletions_that_events_tell_of() {
    let shop = shop::open([("/v1/customers", shop::many("customer", 3))]);
    shop.borrow_mut().tell("customer.updated", NOW - 90, with_id("customer", "x_0001"));
    shop.borrow_mut().tell("customer.deleted", NOW - 60, with_id("customer", "cus_9"));
    let cursor = Cursor { until: NOW - 40 * 86_400, pending_since: None }.text();
    let read = read("customers", Some(&cursor));
    assert_eq!((read.rows(), read.deleted()), (4, vec!["cus_9".to_owned()]));
    assert_eq!(read.cursor().until, NOW);
}

#[test]
fn funds_that_are_pending_are_read_again_until_they_are_there() {
    let mut list = shop::many("balance_transaction", 5);
    let day = |days: i64| NOW - days * 86_400;
    for (txn, (age, status)) in list.iter_mut().zip([(0, "pending"), (1, "pending"), (9, "available"), (20, "pending"), (30, "available")])
    {
        txn["created"] = json!(day(age));
        txn["status"] = json!(status);
    }
    let shop = shop::open([("/v1/balance_transactions", list), ("/v1/events", vec![])]);
    let first = read("balance_transactions", None);
    assert_eq!((first.rows(), first.cursor()), (5, Cursor { until: NOW, pending_since: Some(day(20)) }));
    shop.borrow_mut().lists.get_mut("/v1/balance_transactions").unwrap()[3]["status"] = json!("available");
    testing::next_run(NOW + 3600);
    let second = read("balance_transactions", Some(&first.cursor));
    assert_eq!((second.rows(), second.cursor()), (4, Cursor { until: NOW + 3600, pending_since: Some(day(1)) }));
}

#[test]
fn a_strange_cursor_is_told() {
    shop::open([("/v1/events", vec![])]);
    let failure = SourceStripe::slices(&config(), "charges", Some("2026-11-27T00:00:00Z"), 2).unwrap_err();
    assert!(failure.message.contains("reset the cursor"), "{failure}");
}
