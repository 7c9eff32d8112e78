//! Another version of `guest-transform`, for replays: it takes even ids only, and writes names in capitals.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::{BooleanArray, Int64Array, StringArray, cast::AsArray, types::Int64Type},
    arrow_schema::DataType,
    arrow_select::filter::filter_record_batch,
    prelude::*,
};

/// The config: that of `guest-transform` where it behaves.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {}

pub struct Strict {
    id: usize,
    name: usize,
}

/// The column of a name and type.
fn place(input: &SchemaRef, name: &str, kind: &DataType) -> Result<usize> {
    let found = input.column_with_name(name).filter(|(_, field)| field.data_type() == kind);
    found.map(|(place, _)| place).ok_or_else(|| Failure::config(format!("there is no column `{name}` of type {kind}")))
}

impl Transform for Strict {
    type Config = Config;

    fn shape(_: &Config, _: &Context, input: &SchemaRef) -> Result<Shape> {
        let rule = Rule { name: "even".into(), dimension: Dimension::Validity, columns: vec!["id".into()], reason: "the id is odd".into() };
        Ok(Shape { schema: input.clone(), primary_key: Vec::new(), distribution: Distribution::Any, rules: vec![rule] })
    }

    fn open(_: Config, _: Context, input: SchemaRef) -> Result<Self> {
        Ok(Self { id: place(&input, "id", &DataType::Int64)?, name: place(&input, "name", &DataType::Utf8)? })
    }

    fn push(&mut self, batch: RecordBatch) -> Result<Output> {
        let ids: &Int64Array = batch.column(self.id).as_primitive::<Int64Type>();
        let even: Vec<bool> = ids.iter().map(|id| id.is_some_and(|id| id % 2 == 0)).collect();
        let names = batch.column(self.name).as_string::<i32>();
        let capitals: StringArray = names.iter().map(|name| name.map(str::to_uppercase)).collect();
        let mut columns = batch.columns().to_vec();
        columns[self.name] = Arc::new(capitals);
        let written = RecordBatch::try_new(batch.schema(), columns)?;

        let mut output = Output::default();
        for (row, _) in even.iter().enumerate().filter(|(_, even)| !**even) {
            output.rejected.reject(0, row);
        }
        output.accepted = Some(filter_record_batch(&written, &BooleanArray::from(even))?);
        Ok(output)
    }
}

export_transform!(Strict);
