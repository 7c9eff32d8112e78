//! Where a row came from: the column that every batch carries as its last one.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

/// The lineage column: page number << 40 | record number.
pub const ORIGIN: &str = "_origin";

/// The page and record that an origin stands for.
pub fn page_and_record(origin: u64) -> (u32, u64) {
    (u32::try_from(origin >> 40).expect("24 bits are left"), origin & ((1 << 40) - 1))
}

/// The lineage column as the contract has it.
pub fn origin_field() -> Field {
    Field::new(ORIGIN, DataType::UInt64, false)
}

/// A declared schema with the lineage column added.
pub fn with_origin(declared: &Schema) -> SchemaRef {
    let mut fields = declared.fields().to_vec();
    fields.push(Arc::new(origin_field()));
    Arc::new(Schema::new(fields))
}
