//! A shop made of fixtures, as far as the reader can feel one. The suite has a whole one, over sockets.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use serde_json::{Value, json};
use tidegate_sdk::{
    RecordBatch,
    arrow_array::{Array, ArrayRef, cast::AsArray, types::Decimal128Type},
    arrow_schema::DataType,
    http::testing::{Asked, Reply, answer, asked, next_run},
    instant,
    prelude::*,
};

use crate::{Config, SourceWooCommerce};

/// The shop's time in the first run: 2026-11-20T15:00:00Z.
pub const NOW: i64 = 1_795_186_800;

/// A shop. Lists lie by their path below the API's root.
#[derive(Clone, Default)]
pub struct Shelf(Rc<RefCell<BTreeMap<String, Vec<Value>>>>);

impl Shelf {
    /// A shop with the records of `fixtures/`.
    pub fn stocked() -> Self {
        let shelf = Self::default();
        let read = |text: &str| -> Vec<Value> { serde_json::from_str(text).unwrap() };
        shelf.put("orders", read(include_str!("../../fixtures/orders.json")));
        shelf.put("orders/1201/refunds", read(include_str!("../../fixtures/refunds.json")));
        shelf.put("products", read(include_str!("../../fixtures/products.json")));
        shelf.put("products/501/variations", read(include_str!("../../fixtures/variations.json")));
        shelf.put("customers", read(include_str!("../../fixtures/customers.json")));
        shelf.put("coupons", read(include_str!("../../fixtures/coupons.json")));
        shelf.open();
        shelf
    }

    /// Answers this thread's requests in a first run.
    pub fn open(&self) {
        let shelf = self.clone();
        answer(move |asked| Ok(shelf.answer(asked)));
        next_run(NOW);
    }

    /// Sets a list.
    pub fn put(&self, path: &str, records: Vec<Value>) {
        self.0.borrow_mut().insert(path.to_owned(), records);
    }

    /// Changes a list.
    pub fn edit(&self, path: &str, edit: impl FnOnce(&mut Vec<Value>)) {
        edit(self.0.borrow_mut().get_mut(path).unwrap());
    }

    /// What the shop says.
    pub fn answer(&self, asked: &Asked) -> Reply {
        assert_eq!(asked.credential.as_deref(), Some("key"));
        let path = asked.path().strip_prefix("/wp-json/wc/v3/").unwrap().to_owned();
        let lists = self.0.borrow();
        if let Some(records) = lists.get(&path) {
            return list(asked, records);
        }
        let (path, id) = path.rsplit_once('/').unwrap();
        let found = lists.get(path).into_iter().flatten().find(|record| record["id"].as_u64() == id.parse().ok());
        match found {
            Some(record) => Reply::json(200, record),
            None if path.contains('/') => Reply::json(200, &json!([])),
            None => Reply::json(404, &json!({ "code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID." })),
        }
    }
}

fn list(asked: &Asked, records: &[Value]) -> Reply {
    let number = |name: &str| asked.query(name).map(|value| value.parse::<usize>().unwrap());
    let after = asked.query("modified_after").map(|after| {
        assert_eq!(asked.query("dates_are_gmt").as_deref(), Some("true"));
        instant::parse(&after).unwrap()
    });
    let wanted = |record: &&Value| {
        let recent = after.is_none_or(|after| instant::parse(record["date_modified_gmt"].as_str().unwrap()).unwrap() > after);
        let trashed = record["status"] == "trash";
        let placed = asked.query("status").is_none_or(|status| trashed == (status == "trash"));
        let typed = asked.query("type").is_none_or(|wanted| record["type"] == *wanted);
        recent && placed && typed
    };
    let mut found: Vec<_> = records.iter().filter(wanted).collect();
    found.sort_by_key(|record| record["id"].as_u64());
    let page: Vec<_> = found.iter().skip(number("offset").unwrap_or(0)).take(number("per_page").unwrap_or(10)).collect();
    Reply::json(200, &page).header("X-WP-Total", found.len()).header("Link", "<https://shop.example/wp-json/>; rel=\"https://api.w.org/\"")
}

/// The config of the tests.
pub fn config(more: &str) -> Config {
    serde_json::from_str(&format!(r#"{{"url": "https://shop.example"{more}}}"#)).unwrap()
}

/// What a run of one stream brought.
pub struct Ran {
    /// A line per row: its cells as text, without the origin.
    pub rows: Vec<String>,
    /// Why records were left out.
    pub unread: Vec<String>,
    /// The stream's next cursor.
    pub cursor: String,
    /// Path and query of each request that reached the shop.
    pub asked: Vec<String>,
}

/// Opens a stream.
pub fn open(config: &Config, stream: &str, cursor: Option<&str>) -> crate::ShopReader {
    let slices = SourceWooCommerce::slices(config, stream, cursor, 4).unwrap();
    assert_eq!(slices.len(), 1);
    let request = Request { stream: stream.to_owned(), slice: slices[0].clone(), cursor: cursor.map(str::to_owned), batch_rows: 1024 };
    SourceWooCommerce::open(config.clone(), request).unwrap()
}

/// Reads a stream to its end.
pub fn run(config: &Config, stream: &str, cursor: Option<&str>) -> Ran {
    let before = asked().len();
    let mut reader = open(config, stream, cursor);
    let (mut rows, mut unread, mut reached, mut origin) = (Vec::new(), Vec::new(), Vec::new(), 0);
    while let Some(pulled) = reader.next().unwrap() {
        if let Some(batch) = &pulled.batch {
            let origins = batch.column_by_name(ORIGIN).unwrap().as_primitive::<tidegate_sdk::arrow_array::types::UInt64Type>();
            for next in origins.values() {
                assert!(*next >= origin, "origins ascend");
                origin = *next;
            }
            rows.extend(lines(batch));
        }
        unread.extend(pulled.unread.into_iter().map(|record| record.reason));
        reached.extend(pulled.cursor);
    }
    assert_eq!(reached.len(), 1, "the cursor comes once, at the end");
    let cursor = SourceWooCommerce::advance(config, stream, cursor.map(str::to_owned), reached).unwrap().unwrap();
    let asked = asked()[before..].iter().map(|asked| asked.url.replace("https://shop.example/wp-json/wc/v3/", "")).collect();
    Ran { rows, unread, cursor, asked }
}

/// Columns by name out of lines, for tests that look at a few.
pub fn columns(stream: &str, rows: &[String], names: &[&str]) -> Vec<String> {
    let streams = SourceWooCommerce::discover(&config("")).unwrap();
    let schema = &streams.iter().find(|info| info.name == stream).unwrap().schema;
    let places: Vec<_> = names.iter().map(|name| schema.index_of(name).unwrap()).collect();
    let cells = |row: &String| {
        let cells: Vec<_> = row.split('|').collect();
        places.iter().map(|place| cells[*place]).collect::<Vec<_>>().join("|")
    };
    rows.iter().map(cells).collect()
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let columns = &batch.columns()[..batch.num_columns() - 1];
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join("|")).collect()
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<tidegate_sdk::arrow_array::types::Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<tidegate_sdk::arrow_array::types::Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Timestamp(..) => {
            let micros = column.as_primitive::<tidegate_sdk::arrow_array::types::TimestampMicrosecondType>().value(row);
            instant::rfc3339(micros.div_euclid(1_000_000))
        }
        other => panic!("a column of type {other}"),
    }
}
