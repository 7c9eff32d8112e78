//! The fake shop does what a real one was seen to do.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;
use tidegate_tests::shops::woocommerce::{Change, KEY, Pick, SECRET, Shop, Size};

/// An answer of the shop.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn ids(&self) -> Vec<u64> {
        self.body.as_array().unwrap().iter().map(|record| record["id"].as_u64().unwrap()).collect()
    }

    fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

fn small() -> Shop {
    Shop::open(1, &Size { orders: 233, products: 60, customers: 120, coupons: 5 })
}

/// Asks as curl does, with the shop's key.
fn ask(shop: &Shop, path: &str) -> Answer {
    ask_as(shop, path, Some((KEY, SECRET)))
}

fn ask_as(shop: &Shop, path: &str, key: Option<(&str, &str)>) -> Answer {
    let url = shop.url();
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let key = key.map(|(key, secret)| format!("Authorization: Basic {}\r\n", base64(&format!("{key}:{secret}")))).unwrap_or_default();
    write!(stream, "GET /wp-json/wc/v3/{path} HTTP/1.1\r\nHost: {host}\r\n{key}Connection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap() }
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let bits = bytes.iter().enumerate().fold(0_u32, |bits, (place, byte)| bits | u32::from(*byte) << (16 - 8 * place));
        (0..4)
            .map(|place| if place > bytes.len() { '=' } else { char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]) })
            .collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

#[test]
fn pages_have_ten_records_and_at_most_a_hundred() {
    let shop = small();
    assert_eq!(ask(&shop, "orders").ids().len(), 10);
    let refused = ask(&shop, "orders?per_page=101");
    assert_eq!((refused.status, &refused.body["code"]), (400, &Value::from("rest_invalid_param")));
    assert_eq!(ask(&shop, "orders?orderby=nonsense").status, 400);

    let page = ask(&shop, "orders?per_page=100&page=2");
    let total: usize = page.header("x-wp-total")[0].parse().unwrap();
    assert_eq!((page.ids().len(), page.header("x-wp-totalpages")), (100, vec!["3"]));
    let links = page.header("link").join("\n");
    assert!(links.contains("rel=\"next\"") && links.contains("rel=\"prev\""), "{links}");
    assert!(total < 233, "some lie in the bin");

    let beyond = ask(&shop, "orders?per_page=100&page=9");
    assert_eq!((beyond.status, beyond.ids().len()), (200, 0));
    let whole = ask(&shop, "coupons?per_page=100");
    assert_eq!(whole.header("link").len(), 1, "a link, and none to a next page");
    assert!(whole.header("link")[0].contains("api.w.org"));
    assert_eq!(
        ask(&shop, "orders?per_page=3&offset=4&orderby=id&order=asc").ids(),
        ask(&shop, "orders?per_page=7&orderby=id&order=asc").ids()[4..]
    );
}

#[test]
fn modified_after_is_strict_and_read_on_the_sites_clock() {
    let shop = small();
    shop.pass(3600);
    shop.change(&[Change::OrderCompleted(Pick::First), Change::OrderCompleted(Pick::Last), Change::OrderPlaced]);
    let now = "2026-11-20T16:00:00";
    let count = |query: &str| ask(&shop, &format!("orders?per_page=100&{query}")).ids().len();
    // The three of this very second.
    assert_eq!(count(&format!("modified_after={now}&dates_are_gmt=true")), 0);
    assert_eq!(count("modified_after=2026-11-20T15:59:59&dates_are_gmt=true"), 3);
    // On the site's clock it is 13:00: a time in GMT lies three hours ahead.
    assert_eq!(count("modified_after=2026-11-20T15:59:59"), 0);
    assert_eq!(count("modified_after=2026-11-20T12:59:59"), 3);
    assert_eq!(count("modified_after=2026-11-20T15:59:59Z"), 3);
    assert_eq!(ask(&shop, "orders?modified_after=soon").status, 400);
}

#[test]
fn customers_ignore_the_filter_and_have_a_role_by_default() {
    let shop = small();
    let total = |query: &str| ask(&shop, &format!("customers?per_page=1&{query}")).header("x-wp-total")[0].parse::<usize>().unwrap();
    assert_eq!(total("role=all"), 120);
    assert!(total("") < 120);
    assert_eq!(total("role=all&modified_after=2030-01-01T00:00:00&dates_are_gmt=true"), 120);
}

#[test]
fn the_bin_is_left_out_of_any_and_what_is_deleted_leaves_no_trace() {
    let shop = small();
    let first = ask(&shop, "orders?orderby=id&order=asc&per_page=2").ids();
    shop.change(&[Change::OrderTrashed(Pick::First), Change::OrderDeleted(Pick::First)]);
    let any = ask(&shop, "orders?status=any&orderby=id&order=asc&per_page=100").ids();
    assert!(!any.contains(&first[0]) && !any.contains(&first[1]));
    assert!(ask(&shop, "orders?status=trash&per_page=100").ids().contains(&first[0]));
    let trashed = ask(&shop, &format!("orders/{}", first[0]));
    assert_eq!((&trashed.body["status"], &trashed.body["date_modified_gmt"]), (&"trash".into(), &"2026-11-20T15:00:00".into()));
    assert_eq!(trashed.body["date_modified"], "2026-11-20T12:00:00");
    let gone = ask(&shop, &format!("orders/{}", first[1]));
    assert_eq!((gone.status, &gone.body["code"]), (404, &"woocommerce_rest_shop_order_invalid_id".into()));
}

#[test]
fn a_refund_moves_the_orders_date_and_leaves_its_total() {
    let shop = small();
    let before = ask(&shop, "orders?orderby=id&order=desc&per_page=1").body[0].clone();
    shop.pass(60);
    shop.change(&[Change::OrderRefunded(Pick::Last)]);
    let after = ask(&shop, &format!("orders/{}", before["id"])).body;
    assert_eq!(after["total"], before["total"]);
    assert_eq!(after["date_modified_gmt"], "2026-11-20T15:01:00");
    let refunds = after["refunds"].as_array().unwrap();
    assert_eq!(refunds.last().unwrap()["total"], "-1.00");
    let list = ask(&shop, &format!("orders/{}/refunds?orderby=id&order=asc", before["id"]));
    assert_eq!(list.body[refunds.len() - 1]["amount"], "1.00");
}

#[test]
fn no_key_a_wrong_key_and_plain_http_look_alike() {
    let shop = small();
    let none = ask_as(&shop, "orders", None);
    let wrong = ask_as(&shop, "orders", Some((KEY, "cs_wrong")));
    shop.sees_https(false);
    let plain = ask(&shop, "orders");
    for refused in [&none, &wrong, &plain] {
        assert_eq!((refused.status, &refused.body["code"]), (401, &"woocommerce_rest_cannot_view".into()));
        assert_eq!(refused.body, none.body);
    }
}

#[test]
fn the_same_seed_makes_the_same_shop() {
    let (one, other) = (small(), small());
    for stream in ["orders", "line_items", "products", "customers"] {
        assert_eq!(one.truth(stream), other.truth(stream));
    }
    let times: std::collections::BTreeSet<_> = one.truth("orders").rows.iter().map(|(modified, _)| *modified).collect();
    assert!(times.len() < 150, "many share a second: {}", times.len());
}
