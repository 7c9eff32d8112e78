//! Declares an origin that is a text and may be null.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_schema::{DataType, Field},
    prelude::*,
};

pub fn schema(input: &SchemaRef) -> SchemaRef {
    let mut fields = input.fields().to_vec();
    fields.pop();
    fields.push(Arc::new(Field::new(ORIGIN, DataType::Utf8, true)));
    Arc::new(Schema::new(fields))
}
