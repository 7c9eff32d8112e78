//! What records become.

use serde_json::json;

use super::shelf::{Shelf, columns, config, run};
use crate::{SourceWooCommerce, streams::Kind};
use tidegate_sdk::prelude::*;

#[test]
fn orders_come_with_those_in_the_bin() {
    Shelf::stocked();
    let ran = run(&config(""), "orders", None);
    let seen = columns(
        "orders",
        &ran.rows,
        &["id", "status", "customer_id", "total", "refunded", "line_items", "coupon_codes", "date_modified", "deleted"],
    );
    assert_eq!(
        seen,
        [
            "1201|completed|31|175.2600|13.5000|2|novembro, frete|2026-11-20T00:30:05Z|false",
            "1204|pending||0.0000|0.0000|0||2026-11-20T14:30:00Z|false",
            "1190|trash|31|5.0000|0.0000|1||2026-11-20T13:00:00Z|true",
        ]
    );
    assert!(ran.unread.is_empty());
}

#[test]
fn lines_know_their_order_and_their_place_in_it() {
    Shelf::stocked();
    let ran = run(&config(""), "line_items", None);
    let seen = columns(
        "line_items",
        &ran.rows,
        &["order_id", "position", "id", "product_id", "variation_id", "quantity", "price", "total", "order_deleted"],
    );
    assert_eq!(
        seen,
        [
            "1201|1|88|501|502|2.0000|72.63|145.2600|false",
            "1201|2|89|503||1.5000|13.333333333333334|20.0000|false",
            "1190|1|70|503||1.0000|5|5.0000|true",
        ]
    );
}

#[test]
fn refunds_are_read_below_the_orders_that_have_some() {
    Shelf::stocked();
    let ran = run(&config(""), "refunds", None);
    let seen = columns("refunds", &ran.rows, &["id", "order_id", "amount", "currency", "reason", "refunded_by", "date_created"]);
    assert_eq!(seen, ["1210|1201|1.0000|BRL|avariado|1|2026-11-19T23:00:00Z", "1211|1201|12.5000|BRL|||2026-11-20T00:30:05Z"]);
    assert_eq!(ran.asked.iter().filter(|url| url.contains("/refunds")).count(), 1);
}

#[test]
fn products_variations_customers_and_coupons_have_their_columns() {
    Shelf::stocked();
    let seen = |stream: &str, names: &[&str]| columns(stream, &run(&config(""), stream, None).rows, names);
    assert_eq!(
        seen("products", &["id", "type", "status", "price", "sale_price", "stock_quantity", "weight", "length", "categories", "tags"]),
        ["501|variable|publish|72.6300|||1.2500||Casa, Jardim|", "503|simple|draft|13.3333||40.5000||100.0000||novo"]
    );
    assert_eq!(
        seen("variations", &["id", "product_id", "attributes", "sale_price", "deleted"]),
        ["502|501|Cor: azul, Tamanho: G|72.6300|false"]
    );
    assert_eq!(
        seen("customers", &["id", "role", "email", "billing_city", "date_modified"]),
        ["1|administrator|loja@example.com||", "31|customer|ines@example.com|Belém|2026-11-18T12:16:10Z"]
    );
    assert_eq!(seen("coupons", &["id", "code", "amount", "usage_limit", "date_expires"]), ["700|novembro|10.0000||2026-12-01T03:00:00Z"]);
}

#[test]
fn streams_that_walk_the_same_list_share_its_pages() {
    Shelf::stocked();
    let orders = run(&config(""), "orders", None);
    assert_eq!(orders.asked.len(), 3, "{:?}", orders.asked);
    assert_eq!(run(&config(""), "line_items", None).asked, Vec::<String>::new());
    let refunds = run(&config(""), "refunds", None);
    assert_eq!(refunds.asked, ["orders/1201/refunds?orderby=id&order=asc&per_page=100&offset=0"]);
}

#[test]
fn a_record_that_does_not_fit_is_unread_and_the_others_are_not() {
    let shelf = Shelf::stocked();
    shelf.edit("orders", |orders| {
        orders[0]["total"] = json!("1.234,56");
        orders[1]["date_created_gmt"] = json!("0000-00-00 00:00:00");
        orders[2]["refunds"] = json!([{ "id": 1, "total": "?" }]);
    });
    let ran = run(&config(""), "orders", None);
    assert_eq!(ran.rows.len(), 0);
    assert!(
        ran.unread.iter().zip(["`total`", "`date_created`", "`refunded`"]).all(|(reason, name)| reason.contains(name)),
        "{:?}",
        ran.unread
    );
}

#[test]
fn keys_and_columns_are_what_the_tables_need() {
    let streams = SourceWooCommerce::discover(&config("")).unwrap();
    assert_eq!(streams.len(), Kind::ALL.len());
    for stream in &streams {
        assert!(stream.primary_key.iter().all(|name| stream.schema.field_with_name(name).is_ok()), "{}", stream.name);
        assert!(stream.cursor_field.iter().all(|name| stream.schema.field_with_name(name).is_ok()), "{}", stream.name);
    }
}

#[test]
fn a_config_says_what_is_wrong_with_it() {
    for (more, word) in [
        (r#", "url": "shop.example""#, "`url`"),
        (r#", "url": "https://shop.example/wp-json/wc/v3""#, "without `/wp-json`"),
        (r#", "since": "yesterday""#, "`since`"),
        (r#", "overlap_seconds": 0"#, "`overlap_seconds`"),
    ] {
        let text =
            format!(r#"{{"credential": "key"{more}{}}}"#, if more.contains("url") { "" } else { r#", "url": "https://shop.example""# });
        let config: crate::Config = serde_json::from_str(&text).unwrap();
        let failed = SourceWooCommerce::discover(&config).unwrap_err();
        assert!(failed.message.contains(word), "{failed}");
    }
}
