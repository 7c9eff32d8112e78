//! What the unit tests share: batches with an origin, rules run over them, measures as one line each.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray},
    arrow_schema::Field,
    prelude::*,
};

use crate::{Config, QualityDimensions};

/// The run's logical time: 2018-10-17T17:30:18Z.
pub const NOW_SECONDS: i64 = 1_539_797_418;

pub fn texts<'a>(cells: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(cells.into_iter().collect::<StringArray>())
}

pub fn ints(cells: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(cells.into_iter().collect::<Int64Array>())
}

pub fn floats(cells: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(cells.into_iter().collect::<Float64Array>())
}

/// A batch from page 1, its records counted from 1.
pub fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays: Vec<_> = columns.into_iter().map(|(_, array)| array).collect();
    let origins = (1..=arrays[0].len() as u64).map(|record| Origin::new(1, record).to_u64()).collect();
    Origin::attach(&Schema::new(fields), arrays, origins).unwrap()
}

pub fn context() -> Context {
    Context { stream: "orders".to_owned(), now_micros: NOW_SECONDS * 1_000_000, seed: 1 }
}

pub fn open(config: &str, schema: SchemaRef) -> Result<QualityDimensions> {
    let config: Config = serde_json::from_str(config).map_err(|error| Failure::config(error.to_string()))?;
    QualityDimensions::plan(&config, &context(), &schema)?;
    QualityDimensions::open(config, context(), schema)
}

pub fn measure(config: &str, batch: &RecordBatch) -> Vec<Measure> {
    let mut observer = open(config, batch.schema()).unwrap();
    observer.observe(batch).unwrap();
    observer.finish().unwrap()
}

/// `dimension rule columns passed/total samples`, one line per measure.
pub fn counts(config: &str, batch: &RecordBatch) -> Vec<String> {
    let line = |measure: Measure| {
        let dimension = format!("{:?}", measure.dimension).to_lowercase();
        let line = format!(
            "{dimension} {} {} {}/{} {}",
            measure.rule,
            measure.columns.join(","),
            measure.passed,
            measure.total,
            measure.samples.join(" ")
        );
        line.trim_end().to_owned()
    };
    measure(config, batch).into_iter().map(line).collect()
}

/// What `plan` says against a config.
pub fn problem(config: &str, batch: &RecordBatch) -> String {
    let Err(failure) = open(config, batch.schema()) else { panic!("the config was taken: {config}") };
    assert_eq!(failure.kind, FailureKind::Config);
    failure.message
}
