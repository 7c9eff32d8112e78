//! A source that gives one row, or misbehaves as its config says: one file per way to do so.

mod asks_ungranted;
mod hoards_files;
mod leaves_directory;
mod too_many_slices;

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::Int64Array,
    arrow_schema::{DataType, Field},
    prelude::*,
};

/// The config: without `misbehave` it behaves.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {
    misbehave: Option<Misbehaviour>,
    /// What it tries to read below the granted directory `data`.
    #[serde(default)]
    paths: Vec<String>,
}

/// What it does wrong; each has its file.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub enum Misbehaviour {
    AsksUngranted,
    HoardsFiles,
    LeavesDirectory,
    TooManySlices,
}

pub struct Guest;

pub struct OneRow(bool);

impl Source for Guest {
    type Config = Config;
    type Reader = OneRow;

    fn grants() -> Vec<Grant> {
        vec![Grant { kind: GrantKind::Files, name: "data".into(), purpose: "to try what it may not".into() }]
    }

    fn check(config: &Config) -> Result<()> {
        match config.misbehave {
            Some(Misbehaviour::AsksUngranted) => asks_ungranted::run(),
            Some(Misbehaviour::HoardsFiles) => hoards_files::run(&config.paths),
            Some(Misbehaviour::LeavesDirectory) => leaves_directory::run(&config.paths),
            Some(Misbehaviour::TooManySlices) | None => Ok(()),
        }
    }

    fn discover(_: &Config) -> Result<Vec<Stream>> {
        let schema = Arc::new(schema());
        Ok(vec![Stream { name: "numbers".into(), schema, primary_key: Vec::new(), cursor_field: None, write_mode: WriteMode::Replace }])
    }

    fn slices(config: &Config, _: &str, _: Option<&str>, wanted: usize) -> Result<Vec<Slice>> {
        match config.misbehave {
            Some(Misbehaviour::TooManySlices) => Ok(too_many_slices::slices(wanted)),
            _ => Ok(vec![slice(1)]),
        }
    }

    fn open(_: Config, _: Request) -> Result<OneRow> {
        Ok(OneRow(false))
    }
}

impl Reader for OneRow {
    fn next(&mut self) -> Result<Option<Pulled>> {
        if std::mem::replace(&mut self.0, true) {
            return Ok(None);
        }
        let batch = Origin::attach(&schema(), vec![Arc::new(Int64Array::from(vec![1]))], vec![Origin::new(0, 1).to_u64()])?;
        Ok(Some(Pulled { batch: Some(batch), ..Pulled::default() }))
    }
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("id", DataType::Int64, false)])
}

fn slice(number: usize) -> Slice {
    Slice { id: number.to_string(), label: format!("slice {number}"), bytes: None }
}

export_source!(Guest);
