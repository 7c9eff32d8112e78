//! Not a misbehaviour: the rows that this plugin expects and, where it behaves, gives.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array},
    arrow_schema::{DataType, Field},
    prelude::*,
};

/// The first column.
pub const ID: &str = "id";

/// `id`, `name` and the origin, none of them null.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(ID, DataType::Int64, false),
        Field::new("name", DataType::Utf8, false),
        Field::new(ORIGIN, DataType::UInt64, false),
    ]))
}

/// Numbers from 1.
pub fn ids(rows: usize) -> ArrayRef {
    Arc::new((1..=rows as i64).collect::<Int64Array>())
}

/// The same text in each row.
pub fn names(rows: usize, name: &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, rows)))
}

/// Origins from 1.
pub fn origins(rows: usize) -> ArrayRef {
    Arc::new((1..=rows as u64).collect::<UInt64Array>())
}

/// A batch that says of itself what `rows` says, whatever its columns hold.
pub fn unchecked(columns: Vec<ArrayRef>, rows: usize) -> RecordBatch {
    // SAFETY: it is not safe, that is the point: the batch is written as IPC and looked at by nobody here.
    unsafe { RecordBatch::new_unchecked(schema(), columns, rows) }
}
