//! Windows, cursors and configs.

use serde_json::json;
use tidegate_sdk::{FailureKind, Source, http::testing};

use super::{answer, asked, config, connection, open, read};
use crate::SourceShopify;

fn refused(more: serde_json::Value) -> String {
    let failure = SourceShopify::discover(&config(more)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    failure.message
}

#[test]
fn a_config_that_can_not_work_says_which_key() {
    assert!(refused(json!({ "url": "demo.myshopify.com" })).contains("`url`"));
    assert!(refused(json!({ "url": "https://demo.myshopify.com/admin" })).contains("`url`"));
    assert!(refused(json!({ "version": "latest" })).contains("`version`"));
    assert!(refused(json!({ "api": "rest", "first_load": "bulk" })).contains("`first_load"));
    assert!(refused(json!({ "start": "yesterday" })).contains("`start`"));
}

#[test]
fn all_streams_of_a_run_end_where_the_first_request_did() {
    answer(|_| connection("orders", vec![], None));
    let config = config(json!({}));
    let labels: Vec<_> =
        ["orders", "line_items"].map(|stream| SourceShopify::slices(&config, stream, None, 2).unwrap()[0].label.clone()).into();
    assert_eq!(labels, ["orders changed until 2026-11-26T23:59:59Z", "line_items changed until 2026-11-26T23:59:59Z"]);
    assert_eq!(testing::asked().len(), 1, "the same request is asked once");
}

#[test]
fn a_later_window_overlaps_the_one_before_and_has_pages() {
    answer(|_| connection("customers", vec![], None));
    let read = read(open(&config(json!({})), "customers", Some("2026-03-01T00:00:00Z"))).unwrap();
    let query = asked()[0].json()["variables"]["query"].clone();
    assert_eq!(query, "updated_at:>='2026-02-28T23:55:00Z' AND updated_at:<='2026-11-26T23:59:59Z'");
    assert_eq!(read.cursor.as_deref(), Some("2026-11-26T23:59:59Z"), "an empty window was read as well");
}

#[test]
fn a_first_window_starts_where_the_config_says() {
    answer(|_| connection("customers", vec![], None));
    read(open(&config(json!({ "first_load": "pages", "start": "2026-01-01T00:00:00-03:00" })), "customers", None)).unwrap();
    let query = asked()[0].json()["variables"]["query"].clone();
    assert_eq!(query, "updated_at:>='2026-01-01T03:00:00Z' AND updated_at:<='2026-11-26T23:59:59Z'");
    answer(|_| connection("customers", vec![], None));
    read(open(&config(json!({ "first_load": "pages" })), "customers", None)).unwrap();
    assert_eq!(asked()[0].json()["variables"]["query"], "updated_at:<='2026-11-26T23:59:59Z'", "no bound without a value");
}

#[test]
fn a_cursor_never_goes_back() {
    let advance =
        |cursor: &str, reached: &str| SourceShopify::advance(&config(json!({})), "orders", Some(cursor.into()), vec![reached.into()]);
    assert_eq!(advance("2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z").unwrap().unwrap(), "2026-03-01T00:00:00Z");
    assert_eq!(advance("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z").unwrap().unwrap(), "2026-03-02T00:00:00Z");
}
