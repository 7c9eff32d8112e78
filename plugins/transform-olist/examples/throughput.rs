//! How many rows per second a table takes natively, without the sandbox and its copies:
//! `cargo run --release -p transform-olist --example throughput`.

use std::{sync::Arc, time::Instant};

use tidegate_sdk::{
    arrow_array::{ArrayRef, StringArray, UInt64Array},
    arrow_schema::{DataType, Field},
    prelude::*,
};
use transform_olist::{Config, Olist};

const BATCHES: u64 = 128;
const BATCH_ROWS: u64 = 8192;

fn main() {
    measure("orders", &orders);
    measure("order_items", &order_items);
    measure("geolocation", &geolocation);
}

/// The columns of a table, and the cells of its nth row.
type Table = dyn Fn(u64) -> Vec<(&'static str, String)>;

fn measure(table: &str, row: &Table) {
    let batches: Vec<RecordBatch> = (0..BATCHES).map(|batch| build(row, batch * BATCH_ROWS)).collect();
    let mut seconds = Vec::new();
    for _ in 0..5 {
        let context = Context { stream: table.to_owned(), now_micros: 0, seed: 0 };
        let mut olist = Olist::open(Config::default(), context, batches[0].schema()).expect("the table is known");
        let start = Instant::now();
        for batch in &batches {
            let output = olist.push(batch.clone()).expect("the batch has the table's columns");
            assert!(output.rejected.is_empty(), "rows are good");
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let rows = (BATCHES * BATCH_ROWS) as f64;
    println!("{table}: {:.2} M rows/s (median of 5, {} M rows)", rows / seconds[2] / 1e6, rows / 1e6);
}

fn build(row: &Table, first: u64) -> RecordBatch {
    let rows: Vec<_> = (first..first + BATCH_ROWS).map(row).collect();
    let mut fields: Vec<Field> = rows[0].iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect();
    fields.push(Field::new(ORIGIN, DataType::UInt64, false));
    let cells = |column: usize| rows.iter().map(move |row| Some(row[column].1.as_str()).filter(|cell| !cell.is_empty()));
    let mut columns: Vec<ArrayRef> =
        (0..fields.len() - 1).map(|column| Arc::new(cells(column).collect::<StringArray>()) as ArrayRef).collect();
    columns.push(Arc::new(UInt64Array::from_iter_values(first + 1..=first + BATCH_ROWS)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("the columns are as long as the batch")
}

/// Scattered, and the same in each round.
fn scatter(row: u64, salt: u64) -> u64 {
    (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ salt).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn id(row: u64, salt: u64) -> String {
    format!("{:016x}{:016x}", scatter(row, salt), scatter(row, salt + 1))
}

fn time(row: u64, later_days: u64) -> String {
    let day = scatter(row, 2) % 600 + later_days;
    let (year, month, day) = (2016 + day / 336, day % 336 / 28 + 1, day % 28 + 1);
    let second = scatter(row, 3) % 86_400;
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

fn orders(row: u64) -> Vec<(&'static str, String)> {
    vec![
        ("order_id", id(row, 10)),
        ("customer_id", id(row, 20)),
        ("order_status", if row.is_multiple_of(30) { "shipped" } else { "delivered" }.to_owned()),
        ("order_purchase_timestamp", time(row, 0)),
        ("order_approved_at", time(row, 1)),
        ("order_delivered_carrier_date", time(row, 2)),
        ("order_delivered_customer_date", if row.is_multiple_of(30) { String::new() } else { time(row, 9) }),
        ("order_estimated_delivery_date", time(row, 20)),
    ]
}

fn order_items(row: u64) -> Vec<(&'static str, String)> {
    vec![
        ("order_id", id(row, 10)),
        ("order_item_id", "1".to_owned()),
        ("product_id", id(row % 30_000, 30)),
        ("seller_id", id(row % 3_000, 40)),
        ("shipping_limit_date", time(row, 3)),
        ("price", format!("{}.{}", scatter(row, 4) % 900 + 1, scatter(row, 5) % 100)),
        ("freight_value", format!("{}.{:02}", scatter(row, 6) % 50, scatter(row, 7) % 100)),
    ]
}

fn geolocation(row: u64) -> Vec<(&'static str, String)> {
    let cities = ["sao paulo", "são paulo", "rio de janeiro", "mogi-guacu", "santa bárbara d'oeste"];
    vec![
        ("geolocation_zip_code_prefix", format!("{:05}", scatter(row, 8) % 98_000 + 1_000)),
        ("geolocation_lat", format!("-{}.{}", scatter(row, 9) % 30 + 1, scatter(row, 10) % 1_000_000_000_000_000)),
        ("geolocation_lng", format!("-{}.{}", scatter(row, 11) % 30 + 40, scatter(row, 12) % 1_000_000_000_000_000)),
        ("geolocation_city", cities[(scatter(row, 13) % 5) as usize].to_owned()),
        ("geolocation_state", "SP".to_owned()),
    ]
}
