//! The source against a small account that is answered from memory: what is asked, and what rows come of it.

mod changes;
mod columns;
mod lists;
mod shop;

use tidegate_sdk::{
    Failure, Reader, RecordBatch, Request, Source,
    arrow_array::{Array, cast::AsArray, types::UInt64Type},
};

use crate::{Config, SliceReader, SourceStripe, cursor::Cursor};

/// A config that leaves everything as it is by default.
fn config() -> Config {
    serde_json::from_str("{}").unwrap()
}

/// Opens what there is to read of a stream.
fn open(stream: &str, cursor: Option<&str>) -> SliceReader {
    let mut slices = SourceStripe::slices(&config(), stream, cursor, 2).unwrap();
    assert_eq!(slices.len(), 1);
    let cursor = cursor.map(str::to_owned);
    let request = Request { stream: stream.to_owned(), slice: slices.remove(0), cursor, batch_rows: 64 };
    SourceStripe::open(config(), request).unwrap()
}

/// What a run reads of a stream.
struct Read {
    batches: Vec<RecordBatch>,
    cursor: String,
}

/// Reads a stream to its end, whatever fails on the way, as the host does.
fn read(stream: &str, cursor: Option<&str>) -> Read {
    let mut reader = open(stream, cursor);
    let (mut batches, mut reached, mut failures) = (Vec::new(), None, 0);
    loop {
        match reader.next() {
            Ok(Some(pulled)) => {
                assert!(pulled.unread.is_empty(), "{:?}", pulled.unread);
                batches.extend(pulled.batch);
                reached = pulled.cursor.or(reached);
            }
            Ok(None) => break,
            Err(failure) if failures < 5 && is_patient(&failure) => failures += 1,
            Err(failure) => panic!("{failure}"),
        }
    }
    let origins: Vec<u64> =
        batches.iter().flat_map(|batch| batch.columns().last().unwrap().as_primitive::<UInt64Type>().values().to_vec()).collect();
    assert!(
        origins.is_sorted_by(|a, b| a < b),
        "origins do not ascend: {:?}",
        origins.iter().map(|o| (o >> 40, o & 0xff_ffff)).collect::<Vec<_>>()
    );
    let reached = SourceStripe::advance(&config(), stream, cursor.map(str::to_owned), reached.into_iter().collect()).unwrap();
    Read { batches, cursor: reached.unwrap() }
}

fn is_patient(failure: &Failure) -> bool {
    use tidegate_sdk::FailureKind::{RateLimited, Unavailable};
    matches!(failure.kind, RateLimited(_) | Unavailable)
}

impl Read {
    /// A text column, with an empty text for null.
    fn texts(&self, column: &str) -> Vec<String> {
        let values = |batch: &RecordBatch| -> Vec<String> {
            let column = batch.column_by_name(column).unwrap().as_string::<i32>();
            column.iter().map(|value| value.unwrap_or_default().to_owned()).collect()
        };
        self.batches.iter().flat_map(values).collect()
    }

    /// The column `id`, sorted.
    fn ids(&self) -> Vec<String> {
        let mut ids = self.texts("id");
        ids.sort();
        ids
    }

    /// The ids of rows that are deleted, sorted.
    fn deleted(&self) -> Vec<String> {
        let ids = |batch: &RecordBatch| -> Vec<String> {
            let deleted = batch.column_by_name("deleted").unwrap().as_boolean();
            let ids = batch.column_by_name("id").unwrap().as_string::<i32>();
            (0..batch.num_rows()).filter(|row| deleted.value(*row)).map(|row| ids.value(row).to_owned()).collect()
        };
        let mut ids: Vec<_> = self.batches.iter().flat_map(ids).collect();
        ids.sort();
        ids
    }

    fn cursor(&self) -> Cursor {
        Cursor::parse("test", &self.cursor).unwrap()
    }

    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// A cell's text; `null` where it is null. Decimals with all their digits, times in microseconds.
    fn cell(&self, row: usize, column: &str) -> String {
        use tidegate_sdk::arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
        use tidegate_sdk::arrow_schema::DataType;
        let array = self.batches[0].column_by_name(column).unwrap_or_else(|| panic!("there is no column `{column}`"));
        if array.is_null(row) {
            return "null".to_owned();
        }
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
            DataType::Boolean => array.as_boolean().value(row).to_string(),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
            DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
            DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
            other => panic!("no column has the type {other}"),
        }
    }
}

/// The page of each row.
fn pages(read: &Read) -> Vec<u32> {
    let page = |origin: &u64| u32::try_from(origin >> 40).unwrap();
    read.batches
        .iter()
        .flat_map(|batch| batch.columns().last().unwrap().as_primitive::<UInt64Type>().values().iter().map(page).collect::<Vec<_>>())
        .collect()
}
