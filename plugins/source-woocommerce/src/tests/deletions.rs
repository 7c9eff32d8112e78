//! How what is gone is found, and told.

use serde_json::{Value, json};
use tidegate_sdk::{
    FailureKind,
    http::testing::{Reply, answer, next_run},
    prelude::*,
};

use super::shelf::{NOW, Shelf, columns, config, open, run};

const DAY: i64 = 86_400;

fn without(shelf: &Shelf, path: &str, id: u64) {
    shelf.edit(path, |records| records.retain(|record| record["id"] != id));
}

#[test]
fn a_sweep_finds_the_order_that_was_deleted_for_good() {
    let shelf = Shelf::stocked();
    let first = run(&config(""), "orders", None);
    without(&shelf, "orders", 1201);

    next_run(NOW + 6 * DAY);
    let early = run(&config(""), "orders", Some(&first.cursor));
    assert!(early.rows.is_empty() && early.asked.iter().all(|url| !url.contains("status=any&_fields=id")), "{:?}", early.asked);

    next_run(NOW + 7 * DAY);
    let swept = run(&config(""), "orders", Some(&early.cursor));
    assert_eq!(columns("orders", &swept.rows, &["id", "status", "total", "deleted"]), ["1201|||true"]);
    assert_eq!(swept.asked.last().unwrap(), "orders/1201");

    next_run(NOW + 15 * DAY);
    let again = run(&config(""), "orders", Some(&swept.cursor));
    assert!(again.rows.is_empty(), "it is told once");
}

#[test]
fn a_sweep_can_be_asked_for_in_each_run() {
    let shelf = Shelf::stocked();
    let config = config(r#", "sweep_days": 0"#);
    let first = run(&config, "products", None);
    without(&shelf, "products", 503);
    next_run(NOW + 60);
    assert_eq!(columns("products", &run(&config, "products", Some(&first.cursor)).rows, &["id", "deleted"]), ["503|true"]);
}

#[test]
fn an_order_that_came_with_an_old_date_is_found_by_the_sweep_with_its_lines() {
    let shelf = Shelf::stocked();
    let config = config(r#", "sweep_days": 0"#);
    let (orders, lines) = (run(&config, "orders", None), run(&config, "line_items", None));
    shelf.edit("orders", |orders| {
        let mut imported = orders[0].clone();
        imported["id"] = json!(900);
        imported["date_modified_gmt"] = json!("2019-01-01T00:00:00");
        orders.push(imported);
    });
    next_run(NOW + 60);
    assert_eq!(columns("orders", &run(&config, "orders", Some(&orders.cursor)).rows, &["id"]), ["900"]);
    assert_eq!(columns("line_items", &run(&config, "line_items", Some(&lines.cursor)).rows, &["order_id", "id"]), ["900|88", "900|89"]);
}

#[test]
fn an_order_whose_status_no_list_shows_is_not_told_as_deleted() {
    let shelf = Shelf::stocked();
    let config = config(r#", "sweep_days": 0"#);
    let first = run(&config, "orders", None);
    let lists = shelf.clone();
    // The lists leave it out; its id still finds it.
    answer(move |asked| {
        let answered = lists.answer(asked);
        let Ok(Value::Array(records)) = serde_json::from_slice(&answered.body) else { return Ok(answered) };
        let shown: Vec<_> = records.into_iter().filter(|record| record["id"] != 1201).collect();
        Ok(Reply::json(200, &shown).header("X-WP-Total", shown.len()))
    });
    next_run(NOW + 60);
    let ran = run(&config, "orders", Some(&first.cursor));
    assert_eq!(columns("orders", &ran.rows, &["id", "deleted"]), ["1201|false"]);
}

#[test]
fn a_404_that_is_not_the_shops_own_word_deletes_nothing() {
    let shelf = Shelf::stocked();
    let config = config(r#", "sweep_days": 0"#);
    let first = run(&config, "orders", None);
    without(&shelf, "orders", 1201);
    for lost in [Reply::text(404, "<html>Not found</html>"), Reply::json(404, &json!({ "code": "rest_no_route", "message": "No route" }))] {
        let lists = shelf.clone();
        answer(move |asked| Ok(if asked.path().ends_with("/1201") { lost.clone() } else { lists.answer(asked) }));
        next_run(NOW + 60);
        let mut reader = open(&config, "orders", Some(&first.cursor));
        let failed = std::iter::repeat_with(|| reader.next()).find_map(Result::err).unwrap();
        assert_eq!(failed.kind, FailureKind::Unavailable, "{failed}");
    }
}

#[test]
fn an_order_that_is_deleted_after_it_was_read_is_told_in_the_next_run() {
    let shelf = Shelf::stocked();
    let first = run(&config(""), "orders", None);
    shelf.edit("orders", |orders| orders[0]["date_modified_gmt"] = json!("2026-11-27T14:59:00"));
    let lists = shelf.clone();
    answer(move |asked| {
        let answered = lists.answer(asked);
        if asked.url.contains("modified_after") && asked.url.contains("status=any") {
            without(&lists, "orders", 1201);
        }
        Ok(answered)
    });
    next_run(NOW + 7 * DAY);
    let second = run(&config(""), "orders", Some(&first.cursor));
    assert_eq!(columns("orders", &second.rows, &["id", "deleted"]), ["1201|false"], "a key comes once per run");
    next_run(NOW + 7 * DAY + 60);
    let third = run(&config(""), "orders", Some(&second.cursor));
    assert_eq!(columns("orders", &third.rows, &["id", "deleted"]), ["1201|true"]);
}

#[test]
fn customers_and_variations_that_are_not_in_the_list_any_more_are_deleted() {
    let shelf = Shelf::stocked();
    let (customers, variations) = (run(&config(""), "customers", None), run(&config(""), "variations", None));
    without(&shelf, "customers", 31);
    without(&shelf, "products/501/variations", 502);
    next_run(NOW + 60);
    let ran = run(&config(""), "customers", Some(&customers.cursor));
    assert_eq!(columns("customers", &ran.rows, &["id", "email", "deleted"]), ["1|loja@example.com|false", "31||true"]);
    let ran = run(&config(""), "variations", Some(&variations.cursor));
    assert_eq!(columns("variations", &ran.rows, &["id", "product_id", "deleted"]), ["502||true"]);
}

#[test]
fn a_coupon_in_the_bin_is_told_once() {
    let shelf = Shelf::stocked();
    let first = run(&config(""), "coupons", None);
    let lists = shelf.clone();
    shelf.edit("coupons", |coupons| coupons[0]["status"] = json!("trash"));
    answer(move |asked| match asked.path().ends_with("/coupons") {
        true => Ok(Reply::json(200, &json!([])).header("X-WP-Total", 0)),
        false => Ok(lists.answer(asked)),
    });
    next_run(NOW + 60);
    let second = run(&config(""), "coupons", Some(&first.cursor));
    assert_eq!(columns("coupons", &second.rows, &["id", "code", "deleted"]), ["700|novembro|true"]);
    next_run(NOW + 120);
    let third = run(&config(""), "coupons", Some(&second.cursor));
    assert!(third.rows.is_empty() && third.asked.iter().all(|url| !url.ends_with("coupons/700")), "{:?}", third.asked);
}
