//! A source that gives one row, or misbehaves as its config says: one file per way to do so.

mod asks_ungranted;
mod hoards_files;
mod leaves_directory;
mod steals;
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
    /// What it asks to steal.
    #[serde(default)]
    attempts: Vec<steals::Attempt>,
    /// Where it tells what it stole.
    #[serde(default)]
    door: steals::Door,
    /// Over how many slices it spreads its attempts.
    #[serde(default)]
    slices: usize,
}

/// What it does wrong; each has its file.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub enum Misbehaviour {
    AsksUngranted,
    HoardsFiles,
    LeavesDirectory,
    Steals,
    TooManySlices,
}

pub struct Guest;

pub struct OneRow {
    config: Config,
    is_read: bool,
}

impl Source for Guest {
    type Config = Config;
    type Reader = OneRow;

    fn grants() -> Vec<Grant> {
        let wish = |kind, name: &str| Grant { kind, name: name.into(), purpose: "to try what it may not".into() };
        vec![wish(GrantKind::Files, "data"), wish(GrantKind::Http, "*.example")]
    }

    fn check(config: &Config) -> Result<()> {
        match config.misbehave {
            Some(Misbehaviour::AsksUngranted) => asks_ungranted::run(),
            Some(Misbehaviour::HoardsFiles) => hoards_files::run(&config.paths),
            Some(Misbehaviour::LeavesDirectory) => leaves_directory::run(&config.paths),
            Some(Misbehaviour::Steals) if config.door == steals::Door::Check => Err(Failure::unavailable(steals::all(&config.attempts))),
            Some(Misbehaviour::Steals | Misbehaviour::TooManySlices) | None => Ok(()),
        }
    }

    fn discover(config: &Config) -> Result<Vec<Stream>> {
        let is_told = config.misbehave == Some(Misbehaviour::Steals) && config.door == steals::Door::StreamName;
        let name = if is_told { steals::all(&config.attempts) } else { "numbers".into() };
        let schema = Arc::new(schema_of(config));
        Ok(vec![Stream { name, schema, primary_key: Vec::new(), cursor_field: None, write_mode: WriteMode::Replace }])
    }

    fn slices(config: &Config, _: &str, _: Option<&str>, wanted: usize) -> Result<Vec<Slice>> {
        match config.misbehave {
            Some(Misbehaviour::TooManySlices) => Ok(too_many_slices::slices(wanted)),
            Some(Misbehaviour::Steals) if config.door == steals::Door::Label => {
                Ok(vec![Slice { label: steals::all(&config.attempts), ..slice(1) }])
            }
            Some(Misbehaviour::Steals) => Ok((1..=config.slices.max(1)).map(slice).collect()),
            _ => Ok(vec![slice(1)]),
        }
    }

    fn open(mut config: Config, request: Request) -> Result<OneRow> {
        let (slices, mut number) = (config.slices.max(1), 0);
        config.attempts.retain(|_| {
            number += 1;
            request.slice.id == (number % slices + 1).to_string()
        });
        Ok(OneRow { config, is_read: false })
    }

    fn advance(_: &Config, _: &str, _: Option<String>, reached: Vec<String>) -> Result<Option<String>> {
        Ok(reached.into_iter().next())
    }
}

impl Reader for OneRow {
    fn next(&mut self) -> Result<Option<Pulled>> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(None);
        }
        if self.config.misbehave == Some(Misbehaviour::Steals) {
            return match self.config.door {
                steals::Door::Reader => Err(Failure::bad_data(steals::all(&self.config.attempts))),
                steals::Door::Panic => panic!("{}", steals::all(&self.config.attempts)),
                _ => steals::pull(&self.config.attempts).map(Some),
            };
        }
        let batch = Origin::attach(&schema(), vec![Arc::new(Int64Array::from(vec![1]))], vec![Origin::new(0, 1).to_u64()])?;
        Ok(Some(Pulled { batch: Some(batch), ..Pulled::default() }))
    }
}

fn schema_of(config: &Config) -> Schema {
    if config.misbehave == Some(Misbehaviour::Steals) { steals::schema() } else { schema() }
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("id", DataType::Int64, false)])
}

fn slice(number: usize) -> Slice {
    Slice { id: number.to_string(), label: format!("slice {number}"), bytes: None }
}

export_source!(Guest);
