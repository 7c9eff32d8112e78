//! Declares that no `id` is null and sends one that is.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::Int64Array,
    arrow_schema::{DataType, Field},
    prelude::*,
};

use crate::rows;

pub fn batch() -> Result<RecordBatch> {
    let fields = vec![
        Field::new(rows::ID, DataType::Int64, true),
        Field::new("name", DataType::Utf8, false),
        Field::new(ORIGIN, DataType::UInt64, false),
    ];
    let ids = Arc::new(Int64Array::from(vec![Some(1), None]));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![ids, rows::names(2, "two"), rows::origins(2)])?)
}
