//! What is asked for in the first run, and in those after it.

use serde_json::json;
use tidegate_sdk::http::testing::next_run;

use super::shelf::{NOW, Shelf, columns, config, run};

#[test]
fn a_later_run_asks_for_what_changed_in_gmt_and_less_an_overlap() {
    let shelf = Shelf::stocked();
    let first = run(&config(""), "orders", None);
    assert!(first.asked.iter().all(|url| !url.contains("modified_after")), "{:?}", first.asked);

    // In the last second of the first run, after it had read this page.
    shelf.edit("orders", |orders| {
        orders[1]["date_modified_gmt"] = json!("2026-11-20T15:00:00");
        orders[1]["total"] = json!("9.90");
    });
    next_run(NOW + 3600);
    let second = run(&config(""), "orders", Some(&first.cursor));
    let walks: Vec<_> = second.asked.iter().filter(|url| url.contains("status=")).collect();
    assert_eq!(
        walks,
        [
            "orders?status=any&modified_after=2026-11-20T14%3A55%3A00&dates_are_gmt=true&orderby=id&order=asc&per_page=100&offset=0",
            "orders?status=trash&modified_after=2026-11-20T14%3A55%3A00&dates_are_gmt=true&orderby=id&order=asc&per_page=100&offset=0",
        ]
    );
    assert_eq!(columns("orders", &second.rows, &["id", "total"]), ["1204|9.9000"]);
}

#[test]
fn customers_are_read_whole_with_every_role() {
    Shelf::stocked();
    let first = run(&config(""), "customers", None);
    next_run(NOW + 3600);
    let second = run(&config(""), "customers", Some(&first.cursor));
    assert_eq!(second.rows, first.rows);
    assert!(second.asked.iter().any(|url| url.starts_with("customers?role=all&orderby=id")), "{:?}", second.asked);
    assert!(second.asked.iter().all(|url| !url.contains("modified_after")), "{:?}", second.asked);
}

#[test]
fn since_leaves_older_orders_out() {
    Shelf::stocked();
    let ran = run(&config(r#", "since": "2026-11-20T10:00:00-03:00""#), "orders", None);
    assert_eq!(columns("orders", &ran.rows, &["id"]), ["1204", "1190"]);
}

#[test]
fn a_long_list_is_read_once_though_its_pages_overlap() {
    let shelf = Shelf::stocked();
    shelf.edit("orders", |orders| {
        let order = orders[1].clone();
        orders.extend((2000..2350).map(|id| {
            let mut order = order.clone();
            order["id"] = json!(id);
            order
        }));
    });
    let ran = run(&config(""), "orders", None);
    let ids = columns("orders", &ran.rows, &["id"]);
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert_eq!((ids.len(), once.len()), (353, 353));
    let offsets: Vec<_> =
        ran.asked.iter().filter_map(|url| url.split_once("status=any")?.1.split_once("offset=")).map(|(_, offset)| offset).collect();
    assert_eq!(offsets, ["0", "99", "198", "297"]);
}

#[test]
fn an_older_shop_without_a_list_of_the_bin_is_read_without_it() {
    use tidegate_sdk::http::testing::{Reply, answer};
    let shelf = Shelf::stocked();
    answer(move |asked| match asked.query("status").as_deref() {
        Some("trash") => Ok(Reply::json(400, &json!({ "code": "rest_invalid_param", "message": "Invalid parameter(s): status" }))),
        _ => Ok(shelf.answer(asked)),
    });
    assert_eq!(run(&config(""), "products", None).rows.len(), 2);
}
