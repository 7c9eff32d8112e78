//! A source that is a declaration, read as the host reads it.

use arrow_array::{
    cast::AsArray,
    types::{Int64Type, UInt64Type},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Kind::*, *};
use crate::{
    Failure, FailureKind, Grant, Reader, RecordBatch, Request, Result, Source, Unread, WriteMode,
    http::testing::{self, Asked, NOW, Reply},
    instant,
};

#[derive(Deserialize, JsonSchema, Default)]
struct Config {
    #[serde(default)]
    window_days: Option<i64>,
}

struct Shop;

impl RestSource for Shop {
    type Config = Config;

    fn grants() -> Vec<Grant> {
        vec![Grant::http("shop.example", "reads orders")]
    }

    fn api(_: &Config) -> Result<Api> {
        let changed = Incremental::by("updated_at").from("since").until("before").stamp(Stamp::UnixSeconds).overlap_seconds(60);
        Ok(Api::new("https://shop.example/v1")
            .credential("token")
            .clock("/status")
            .endpoint(
                Endpoint::new("orders", "/orders")
                    .records("/orders")
                    .pages(Pages::next_url("/next"))
                    .incremental(changed)
                    .key(["id"])
                    .columns([("id", Integer), ("updated_at", Timestamp), ("total", Decimal(12, 2))]),
            )
            .endpoint(
                Endpoint::new("items", "/orders/{order_id}/items")
                    .records("/items")
                    .pages(Pages::numbered("page").size("per_page", 2))
                    .within("orders", "/items/data", [("order_id", "id")])
                    .cut_short("/items/more")
                    .key(["order_id", "id"])
                    .columns([("id", Integer), ("sku", Text)]),
            )
            .endpoint(
                Endpoint::new("notes", "/orders/{order_id}/notes")
                    .per("orders", [("order_id", "id")])
                    .key(["order_id", "id"])
                    .columns([("id", Integer)]),
            )
            .endpoint(
                Endpoint::new("words", "/orders/{order_id}/notes/{note_id}")
                    .per("notes", [("order_id", "order_id"), ("note_id", "id")])
                    .key(["order_id", "note_id"])
                    .columns([("word", Text)]),
            )
            .endpoint(
                Endpoint::new("stock", "/stock")
                    .pages(Pages::offset("offset").size("limit", 2))
                    .key(["sku"])
                    .columns([("sku", Text), ("count", Integer)]),
            )
            .endpoint(Endpoint::new("loose", "/loose").key(["id"]).columns([("id", Text)]).infer()))
    }

    fn cut(config: &Config, _: &str, window: Window, _: usize) -> Result<Vec<Window>> {
        let Some((days, from)) = config.window_days.zip(window.from) else { return Ok(vec![window]) };
        let middle = from + days * 86_400;
        Ok(vec![Window { from: Some(from), until: middle }, Window { from: Some(middle), until: window.until }])
    }
}

/// Four orders on two pages; the second order has more items than fit in its record.
fn orders(asked: &Asked) -> Value {
    let order = |id: u64, items: Value, more: bool| json!({ "id": id, "items": { "data": items, "more": more }, "updated_at": NOW - 10, "total": "1.50" });
    match asked.query("p") {
        None => {
            let first =
                [order(1, json!([{ "id": 11, "sku": "a" }, { "id": 12 }]), false), order(2, json!([{ "id": 21 }, { "id": 22 }]), true)];
            json!({ "orders": first, "next": "?p=2" })
        }
        Some(_) => json!({ "orders": [order(3, json!([{ "id": 31 }]), false), order(4, json!([]), false)] }),
    }
}

fn shop(asked: &Asked) -> Reply {
    let page = |name: &str| asked.query(name).map_or(0, |text| text.parse::<usize>().unwrap());
    match asked.path() {
        "/v1/status" => Reply::json(200, &json!({})),
        "/v1/orders" => Reply::json(200, &orders(asked)),
        "/v1/orders/2/items" => {
            let items: Vec<_> = (21..=23).map(|id| json!({ "id": id, "sku": "b" })).collect();
            Reply::json(200, &json!({ "items": items.chunks(2).nth(page("page") - 1).unwrap_or_default() }))
        }
        "/v1/orders/1/notes" => Reply::json(200, &json!([{ "id": 5 }, { "id": 6 }])),
        "/v1/orders/3/notes" => Reply::json(404, &json!({ "error": "gone" })),
        "/v1/orders/1/notes/5" => Reply::json(200, &json!([{ "word": "hello" }])),
        "/v1/stock" => {
            // A row was added in front while the list was read: `b` comes twice.
            let pages = [
                json!([{ "sku": "a", "count": 1 }, { "sku": "b", "count": 1 }]),
                json!([{ "sku": "b", "count": 1 }, { "sku": "c", "count": 1 }]),
            ];
            Reply::json(200, pages.get(page("offset") / 2).unwrap_or(&json!([])))
        }
        "/v1/loose" => Reply::json(200, &json!([{ "id": 1, "price": 2.5, "when": "2026-11-27T00:00:00Z" }, { "id": "x", "price": null }])),
        _ => Reply::json(200, &json!([])),
    }
}

/// Everything that a stream gives: rows, unread records, the cursor after it.
fn read(config: &Config, stream: &str, cursor: Option<&str>) -> Result<(Vec<RecordBatch>, Vec<Unread>, Option<String>)> {
    let (mut batches, mut unread, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    for slice in Shop::slices(config, stream, cursor, 4)? {
        let request = Request { stream: stream.into(), slice, cursor: cursor.map(str::to_owned), batch_rows: 100 };
        let mut reader = Shop::open(Config { window_days: config.window_days }, request)?;
        let (mut origin, mut tries) = (0, 0);
        let mut last = None;
        loop {
            let pulled = match reader.next() {
                Err(failure) if failure.kind == FailureKind::Unavailable && tries < 5 => {
                    tries += 1;
                    continue;
                }
                pulled => pulled?,
            };
            let Some(pulled) = pulled else { break };
            if let Some(batch) = &pulled.batch {
                for found in batch.column(batch.num_columns() - 1).as_primitive::<UInt64Type>().values() {
                    assert!(*found >= origin, "origins ascend");
                    origin = *found;
                }
            }
            batches.extend(pulled.batch);
            unread.extend(pulled.unread);
            last = pulled.cursor.or(last);
        }
        reached.extend(last);
    }
    let cursor = Shop::advance(config, stream, cursor.map(str::to_owned), reached)?;
    Ok((batches, unread, cursor))
}

fn ids(batches: &[RecordBatch], column: &str) -> Vec<i64> {
    let column = |batch: &RecordBatch| batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec();
    batches.iter().flat_map(column).collect()
}

fn all(stream: &str) -> Vec<RecordBatch> {
    testing::answer(|asked| Ok(shop(asked)));
    let (batches, unread, _) = read(&Config::default(), stream, None).unwrap();
    assert_eq!(unread, []);
    batches
}

#[test]
fn streams_are_declared_with_keys_types_and_how_they_are_written() {
    testing::answer(|asked| Ok(shop(asked)));
    Shop::check(&Config::default()).unwrap();
    let streams = Shop::discover(&Config::default()).unwrap();
    let told: Vec<_> = streams.iter().map(|stream| (stream.name.as_str(), stream.write_mode, stream.cursor_field.as_deref())).collect();
    let expected = [("orders", WriteMode::Merge, Some("updated_at")), ("items", WriteMode::Merge, None), ("notes", WriteMode::Merge, None)];
    assert_eq!(told[..3], expected);
    assert_eq!(streams[1].primary_key, ["order_id", "id"]);
    assert!(!streams[1].schema.field_with_name("order_id").unwrap().is_nullable());
}

#[test]
fn all_streams_of_a_run_share_the_end_of_their_windows() {
    testing::answer(|asked| Ok(shop(asked)));
    let cursors: Vec<_> = ["orders", "items", "notes"].map(|stream| read(&Config::default(), stream, None).unwrap().2).to_vec();
    assert!(cursors.iter().all(|cursor| cursor.as_deref() == Some("2026-11-27T00:00:00Z")), "{cursors:?}");
    let asked = testing::asked();
    assert_eq!(asked.iter().filter(|asked| asked.path() == "/v1/status").count(), 1);
    let orders: Vec<_> = asked.iter().filter(|asked| asked.path() == "/v1/orders").map(|asked| asked.url.as_str()).collect();
    assert_eq!(orders, ["https://shop.example/v1/orders?before=1795737600", "https://shop.example/v1/orders?p=2"]);
    assert!(asked.iter().all(|asked| asked.credential.as_deref() == Some("token")));
}

#[test]
fn the_next_window_starts_an_overlap_before_the_cursor() {
    testing::answer(|asked| Ok(shop(asked)));
    let (_, _, cursor) = read(&Config::default(), "orders", None).unwrap();
    testing::next_run(NOW + 3_600);
    let (_, _, next) = read(&Config::default(), "orders", cursor.as_deref()).unwrap();
    assert_eq!(testing::asked()[1].url, format!("https://shop.example/v1/orders?since={}&before={}", NOW - 60, NOW + 3_600));
    assert_eq!(next, Some(instant::rfc3339(NOW + 3_600)));
}

#[test]
fn a_window_can_be_cut() {
    testing::answer(|asked| Ok(shop(asked)));
    let cursor = instant::rfc3339(NOW - 4 * 86_400);
    let config = Config { window_days: Some(1) };
    let (_, _, next) = read(&config, "orders", Some(&cursor)).unwrap();
    assert_eq!(next, Some(instant::rfc3339(NOW)));
    let slices = Shop::slices(&config, "orders", Some(&cursor), 4).unwrap();
    assert_eq!(
        slices.iter().map(|slice| slice.label.as_str()).collect::<Vec<_>>(),
        ["orders since 2026-11-22T23:59:00Z", "orders since 2026-11-23T23:59:00Z"]
    );
}

#[test]
fn a_list_that_is_cut_short_is_read_whole_at_the_end() {
    let items = all("items");
    assert_eq!(ids(&items, "order_id"), [1, 1, 3, 2, 2, 2]);
    assert_eq!(ids(&items, "id"), [11, 12, 31, 21, 22, 23]);
}

#[test]
fn a_list_per_parent_is_asked_for_with_what_it_takes_over() {
    let notes = all("notes");
    assert_eq!((ids(&notes, "order_id"), ids(&notes, "id")), (vec![1, 1], vec![5, 6]));
    let asked: Vec<_> = testing::asked().iter().map(|asked| asked.path().to_owned()).collect();
    // Depth first: what hangs on a page is read before the next page.
    let expected =
        ["/v1/status", "/v1/orders", "/v1/orders/1/notes", "/v1/orders/2/notes", "/v1/orders", "/v1/orders/3/notes", "/v1/orders/4/notes"];
    assert_eq!(asked, expected);
    let words = all("words");
    assert_eq!((ids(&words, "order_id"), ids(&words, "note_id")), (vec![1], vec![5]));
}

#[test]
fn streams_that_share_pages_ask_for_them_once() {
    all("orders");
    read(&Config::default(), "items", None).unwrap();
    read(&Config::default(), "notes", None).unwrap();
    assert_eq!(testing::asked().iter().filter(|asked| asked.path() == "/v1/orders").count(), 2);
}

#[test]
fn a_row_that_paging_repeats_is_left_out() {
    let stock = all("stock");
    let skus: Vec<_> =
        stock.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(skus, ["a", "b", "c"]);
}

#[test]
fn columns_are_inferred_once_per_run() {
    testing::answer(|asked| Ok(shop(asked)));
    let streams = Shop::discover(&Config::default()).unwrap();
    let told: Vec<_> = streams[5].schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    assert_eq!(told, ["id Utf8", "price Float64", "when Timestamp(µs, \"UTC\")"]);
    let (batches, unread, _) = read(&Config::default(), "loose", None).unwrap();
    assert_eq!((batches[0].num_rows(), unread.len()), (2, 0));
    assert_eq!(testing::asked().iter().filter(|asked| asked.path() == "/v1/loose").count(), 1);
}

#[test]
fn a_request_that_failed_loses_and_doubles_nothing() {
    // Every second answer is no good: the server is down, or breaks off inside the last record.
    let count = std::cell::Cell::new(0);
    testing::answer(move |asked| {
        count.set(count.get() + 1);
        let reply = shop(asked);
        match count.get() % 4 {
            1 => Err(Failure::unavailable("down")),
            3 => Ok(Reply { body: reply.body[..reply.body.len() - 3].to_vec(), ..reply }),
            _ => Ok(reply),
        }
    });
    // The clock is asked by `slices`, which the host calls again.
    assert!(Shop::slices(&Config::default(), "orders", None, 1).is_err());
    assert!(Shop::slices(&Config::default(), "orders", None, 1).is_ok());
    let (items, unread, _) = read(&Config::default(), "items", None).unwrap();
    assert_eq!(ids(&items, "id"), [11, 12, 31, 21, 22, 23]);
    assert_eq!(unread, []);
}

#[test]
fn a_window_without_rows_moves_the_cursor() {
    testing::answer(|asked| Ok(if asked.path() == "/v1/orders" { Reply::json(200, &json!({ "orders": [] })) } else { shop(asked) }));
    let (batches, _, cursor) = read(&Config::default(), "orders", None).unwrap();
    assert_eq!((batches.len(), cursor.as_deref()), (0, Some("2026-11-27T00:00:00Z")));
}

#[test]
fn a_record_that_does_not_fit_is_named_with_its_origin() {
    testing::answer(|asked| {
        Ok(match asked.path() {
            "/v1/orders" => Reply::json(200, &json!({ "orders": [{ "id": 1, "total": "1.005" }, { "id": 2 }, { "id": "x" }] })),
            _ => shop(asked),
        })
    });
    let (batches, unread, _) = read(&Config::default(), "orders", None).unwrap();
    assert_eq!(ids(&batches, "id"), [2]);
    let told: Vec<_> = unread.iter().map(|record| (record.origin.record(), record.reason.as_str(), record.raw.as_str())).collect();
    let expected = [
        (1, "`total` is not a number that fits decimal(12,2) exactly", r#"{"id":1,"total":"1.005"}"#),
        (3, "`id` is not a whole number of 64 bits", r#"{"id":"x"}"#),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_list_whose_columns_are_inferred_has_its_window() {
    testing::answer(|_| Ok(Reply::json(200, &json!([{ "id": 1, "at": instant::rfc3339(NOW - 10) }]))));
    let rows = Endpoint::new("rows", "/rows").incremental(Incremental::by("at").from("since")).key(["id"]).infer();
    let api = Api::new("https://shop.example").endpoint(rows);
    let columns = [("id", Integer), ("at", Timestamp)].map(Column::from).to_vec();
    let read = |window: Window| {
        let mut reader = RestReader::open(api.clone(), "rows", columns.clone(), Some(window), 10).unwrap();
        reader.next().unwrap().unwrap().batch.map_or(0, |batch| batch.num_rows())
    };
    assert_eq!(read(Window { from: Some(NOW - 60), until: NOW }), 1);
    assert_eq!(testing::asked()[0].query("since"), Some(instant::rfc3339(NOW - 60)));
    assert_eq!(read(Window { from: Some(NOW - 60), until: NOW - 20 }), 0);
}

/// A list without filters, whose rows say when they changed.
fn unfiltered(from: Option<&str>) -> Endpoint {
    let by = Incremental::by("at");
    let by = from.into_iter().fold(by, |by, from| by.from(from));
    Endpoint::new("rows", "/rows").incremental(by).key(["id"]).columns([("id", Integer), ("at", Timestamp)])
}

#[test]
fn what_the_server_does_not_leave_out_is_left_out_here() {
    let rows = [(1, NOW - 1_000), (2, NOW - 10), (3, NOW), (4, NOW + 1)].map(|(id, at)| json!({ "id": id, "at": instant::rfc3339(at) }));
    testing::answer(move |_| Ok(Reply::json(200, &rows)));
    let window = Window { from: Some(NOW - 60), until: NOW };
    let read = |endpoint: Endpoint| {
        let api = Api::new("https://shop.example").endpoint(endpoint);
        let columns = api.columns("rows").unwrap();
        let mut reader = RestReader::open(api, "rows", columns, Some(window), 10).unwrap();
        ids(&reader.next().unwrap().unwrap().batch.into_iter().collect::<Vec<_>>(), "id")
    };
    assert_eq!(read(unfiltered(None)), [2, 3]);
    assert_eq!(read(unfiltered(Some("since"))), [1, 2, 3]);
}
