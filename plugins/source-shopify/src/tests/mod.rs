//! The plugin against a stand-in for the host: each answer is written down in the test or in `fixtures`.

mod bulk;
mod columns;
mod graphql;
mod rest;
mod windows;

use serde_json::{Value, json};
use tidegate_sdk::{
    Failure, Pulled, Reader, Request, Result, Slice, Source, Unread,
    arrow_array::{Array, Int64Array, RecordBatch, UInt64Array, cast::AsArray},
    http::testing::{self, Asked, Reply},
};

use crate::{Config, SourceShopify, reader::SliceReader};

/// A config with more keys.
fn config(more: Value) -> Config {
    let mut config = json!({ "url": "https://demo.myshopify.com" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

/// Lets `answerer` answer all but the run's first request.
fn answer(answerer: impl Fn(&Asked) -> Reply + 'static) {
    testing::answer(move |asked| {
        let greeting = asked.path().ends_with("/shop.json") || asked.json()["query"] == "{ shop { name } }";
        Ok(if greeting { Reply::json(200, &json!({ "data": { "shop": { "name": "Demo" } } })) } else { answerer(asked) })
    });
}

/// The requests after the first one.
fn asked() -> Vec<Asked> {
    testing::asked().into_iter().skip(1).collect()
}

/// Opens the slice of a stream.
fn open(config: &Config, stream: &str, cursor: Option<&str>) -> SliceReader {
    let slices = SourceShopify::slices(config, stream, cursor, 4).unwrap();
    let [slice]: [Slice; 1] = slices.try_into().unwrap();
    let request = Request { stream: stream.to_owned(), slice, cursor: cursor.map(str::to_owned), batch_rows: 1000 };
    SourceShopify::open(config.clone(), request).unwrap()
}

/// What a slice gives when it is read as the host reads it.
#[derive(Default)]
struct Read {
    batches: Vec<RecordBatch>,
    unread: Vec<Unread>,
    cursor: Option<String>,
    /// The failures that asked for patience.
    waits: Vec<Failure>,
}

/// Reads a slice to its end; asks again where it wants patience.
fn read(mut reader: SliceReader) -> Result<Read> {
    use tidegate_sdk::FailureKind::{RateLimited, Unavailable};
    let mut read = Read::default();
    loop {
        match reader.next() {
            Ok(Some(Pulled { batch, unread, cursor, .. })) => {
                read.batches.extend(batch);
                read.unread.extend(unread);
                read.cursor = cursor.or(read.cursor);
            }
            Ok(None) => return Ok(read),
            Err(failure) if matches!(failure.kind, RateLimited(_) | Unavailable) && read.waits.len() < 20 => read.waits.push(failure),
            Err(failure) => return Err(failure),
        }
    }
}

impl Read {
    /// The values of an integer column.
    fn integers(&self, column: &str) -> Vec<i64> {
        let columns = self.batches.iter().map(|batch| batch.column_by_name(column).unwrap().as_any().downcast_ref::<Int64Array>().unwrap());
        columns.flat_map(|column| column.values().to_vec()).collect()
    }

    /// One value as text.
    fn text(&self, column: &str, row: usize) -> Option<&str> {
        let column = self.batches[0].column_by_name(column).unwrap().as_string::<i32>();
        column.is_valid(row).then(|| column.value(row))
    }

    /// The origins, in order.
    fn origins(&self) -> Vec<u64> {
        let columns =
            self.batches.iter().map(|batch| batch.column_by_name("_origin").unwrap().as_any().downcast_ref::<UInt64Array>().unwrap());
        columns.flat_map(|column| column.values().to_vec()).collect()
    }
}

/// A page of a connection.
fn connection(root: &str, nodes: Vec<Value>, next: Option<&str>) -> Reply {
    let page = json!({ "hasNextPage": next.is_some(), "endCursor": next });
    Reply::json(200, &json!({ "data": { root: { "nodes": nodes, "pageInfo": page } } }))
}

/// A customer with nothing but its key and time.
fn customer(id: u64, updated: &str) -> Value {
    json!({ "id": format!("gid://shopify/Customer/{id}"), "updatedAt": updated })
}
