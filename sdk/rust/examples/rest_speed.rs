//! What it costs to make rows of a page, beside other ways to read the same JSON: `cargo run -p tidegate-sdk --example rest_speed`.
//!
//! A page has 250 orders of a shop, most of whose fields no column wants. Each way is timed in turn, five rounds; the median counts.
//! The streams have no key: all pages hold the same orders, which would be left out as repeated.

use std::{hint::black_box, sync::Arc, time::Instant};

use arrow_json::{ReaderBuilder, StructMode};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_sdk::{
    Reader, RecordBatch, Result,
    arrow_schema::{DataType, Field, Schema},
    http::testing::{self, Reply},
    rest::{Api, Column, Endpoint, Kind::*, Pages, RestReader, Window},
};

const ORDERS: u64 = 250;
const PAGES: usize = 40;
const ROUNDS: usize = 5;

fn order(id: u64) -> Value {
    let address = json!({ "first_name": "Ana", "last_name": "Souza", "address1": "Rua das Flores 123", "phone": "+55 11 99999-0000", "city": "São Paulo",
        "zip": "01310-100", "province": "SP", "country": "Brazil", "company": null, "latitude": -23.55, "longitude": -46.63, "name": "Ana Souza" });
    let money = json!({ "shop_money": { "amount": "19.90", "currency_code": "BRL" }, "presentment_money": { "amount": "19.90", "currency_code": "BRL" } });
    let item = |number: u64| {
        json!({ "id": id * 10 + number, "sku": format!("SKU-{number:05}"), "title": "A \"good\" thing", "quantity": 2, "price": "19.90",
        "price_set": money, "total_discount": "0.00", "total_discount_set": money, "taxable": true, "tax_lines": [{ "title": "ICMS", "rate": 0.18, "price_set": money }],
        "properties": [], "fulfillment_status": null, "grams": 350, "requires_shipping": true, "vendor": "acme", "variant_id": 7_000 + number })
    };
    json!({ "id": id, "admin_graphql_api_id": format!("gid://shop/Order/{id}"), "created_at": "2026-11-26T10:00:00-03:00", "updated_at": "2026-11-26T12:00:00-03:00",
        "name": format!("#{id}"), "email": format!("buyer{id}@example.org"), "financial_status": "paid", "fulfillment_status": null, "currency": "BRL",
        "total_price": "59.70", "subtotal_price": "59.70", "total_tax": "9.10", "total_price_set": money, "subtotal_price_set": money, "total_tax_set": money,
        "current_total_price_set": money, "client_details": { "accept_language": "pt-BR", "browser_ip": "10.0.0.1", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" },
        "billing_address": address, "shipping_address": address, "tags": "vip, returning", "note_attributes": [], "discount_codes": [],
        "customer": { "id": 900_000 + id, "email": format!("buyer{id}@example.org"), "default_address": address, "orders_count": 3 },
        "line_items": [item(1), item(2), item(3)], "landing_site": "/products/thing?utm_source=news&utm_medium=mail", "test": false })
}

fn api() -> Api {
    let orders = Endpoint::new("orders", "/orders")
        .records("/orders")
        .pages(Pages::link())
        .columns([
            ("id", Integer),
            ("name", Text),
            ("email", Text),
            ("financial_status", Text),
            ("currency", Text),
            ("total_price", Decimal(18, 2)),
        ])
        .columns([("subtotal_price", Decimal(18, 2)), ("total_tax", Decimal(18, 2)), ("created_at", Timestamp), ("updated_at", Timestamp)])
        .columns([
            ("customer_id", Integer, "/customer/id"),
            ("city", Text, "/shipping_address/city"),
            ("zip", Text, "/shipping_address/zip"),
        ]);
    let items = Endpoint::new("line_items", "").within("orders", "/line_items", [("order_id", "id")]).columns([
        ("id", Integer),
        ("sku", Text),
        ("title", Text),
        ("quantity", Integer),
        ("price", Decimal(18, 2)),
        ("variant_id", Integer),
    ]);
    Api::new("https://shop.example").endpoint(orders).endpoint(items)
}

/// Reads a stream to its end as the host does; gives its rows.
fn read(stream: &str) -> Result<usize> {
    let api = api();
    let columns: Vec<Column> = api.columns(stream)?;
    let mut reader = RestReader::open(api, stream, columns, None::<Window>, 8_192)?;
    let mut rows = 0;
    while let Some(pulled) = reader.next()? {
        rows += pulled.batch.as_ref().map_or(0, RecordBatch::num_rows);
        black_box(&pulled);
    }
    Ok(rows)
}

#[derive(Deserialize)]
struct TypedPage<'a> {
    #[serde(borrow)]
    orders: Vec<TypedOrder<'a>>,
}

/// What a program that was written for this API would read.
#[derive(Deserialize)]
#[expect(dead_code, reason = "they are there to be parsed")]
struct TypedOrder<'a> {
    id: i64,
    name: String,
    email: String,
    financial_status: String,
    currency: String,
    total_price: String,
    subtotal_price: String,
    total_tax: String,
    created_at: &'a str,
    updated_at: &'a str,
    customer: TypedCustomer,
    shipping_address: TypedAddress,
    line_items: Vec<TypedItem>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is there to be parsed")]
struct TypedCustomer {
    id: i64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are there to be parsed")]
struct TypedAddress {
    city: String,
    zip: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are there to be parsed")]
struct TypedItem {
    id: i64,
    sku: String,
    title: String,
    quantity: i64,
    price: String,
    variant_id: i64,
}

/// arrow-json over whole records, untyped where it would lose something.
fn whole_records(page: &str) -> Option<RecordBatch> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    let object = |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    let item = object("item", vec![number("id"), text("sku"), text("title"), number("quantity"), text("price"), number("variant_id")]);
    let fields = vec![
        number("id"),
        text("name"),
        text("email"),
        text("financial_status"),
        text("currency"),
        text("total_price"),
        text("subtotal_price"),
        text("total_tax"),
        text("created_at"),
        text("updated_at"),
        object("customer", vec![number("id")]),
        object("shipping_address", vec![text("city"), text("zip")]),
        Field::new("line_items", DataType::List(Arc::new(item)), true),
    ];
    let builder = ReaderBuilder::new(Arc::new(Schema::new(fields))).with_batch_size(1_024).with_struct_mode(StructMode::ObjectOnly);
    let mut decoder = builder.build_decoder().ok()?;
    let start = page.find('[')?;
    let end = page.rfind(']')?;
    // The commas between records are skipped by hand: what a program without the list's bounds would do costs more.
    let records: Vec<&serde_json::value::RawValue> = serde_json::from_str(&page[start..=end]).ok()?;
    for record in records {
        decoder.decode(record.get().as_bytes()).ok()?;
    }
    decoder.flush().ok()?
}

fn main() -> Result<()> {
    let orders: Vec<_> = (1..=ORDERS).map(order).collect();
    let page = json!({ "orders": orders }).to_string();
    let megabytes = (page.len() * PAGES) as f64 / 1e6;
    println!("{PAGES} pages of {ORDERS} orders, {megabytes:.0} MB");
    let served = page.clone();
    testing::answer(move |asked| {
        let number = asked.query("page").map_or(1, |text| text.parse().unwrap_or(1));
        let reply = Reply::text(200, &served);
        Ok(if number < PAGES { reply.header("Link", format!("<?page={}>; rel=\"next\"", number + 1)) } else { reply })
    });
    let ways: [(&str, &dyn Fn() -> usize); 6] = [
        ("rows of orders and items", &|| read("orders").unwrap_or(0) + read("line_items").unwrap_or(0)),
        ("rows of orders", &|| read("orders").unwrap_or(0)),
        ("rows of items", &|| read("line_items").unwrap_or(0)),
        ("serde_json, typed structs, once", &|| {
            (0..PAGES).map(|_| serde_json::from_str::<TypedPage>(&page).map_or(0, |page| black_box(page.orders).len())).sum()
        }),
        ("serde_json::Value, once", &|| {
            (0..PAGES)
                .map(|_| serde_json::from_str::<Value>(&page).map_or(0, |page| black_box(page).as_object().map_or(0, |page| page.len())))
                .sum()
        }),
        ("arrow-json over whole records, once", &|| {
            (0..PAGES).filter_map(|_| whole_records(&page)).map(|batch| black_box(batch).num_rows()).sum()
        }),
    ];
    let mut seconds = vec![Vec::new(); ways.len()];
    let mut rows = vec![0; ways.len()];
    for _ in 0..ROUNDS {
        for (place, (_, way)) in ways.iter().enumerate() {
            let start = Instant::now();
            rows[place] = way();
            seconds[place].push(start.elapsed().as_secs_f64());
        }
    }
    for (place, (name, _)) in ways.iter().enumerate() {
        seconds[place].sort_by(f64::total_cmp);
        let median = seconds[place][ROUNDS / 2];
        println!("{name:38} {:6.0} MB/s  {:7} rows or records", megabytes / median, rows[place]);
    }
    Ok(())
}
