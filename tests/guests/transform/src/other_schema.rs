//! Declares numbers as `id` and sends texts.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_schema::{DataType, Field},
    prelude::*,
};

use crate::rows;

pub fn batch() -> Result<RecordBatch> {
    let fields = vec![
        Field::new(rows::ID, DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
        Field::new(ORIGIN, DataType::UInt64, false),
    ];
    let columns = vec![rows::names(2, "1"), rows::names(2, "two"), rows::origins(2)];
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
