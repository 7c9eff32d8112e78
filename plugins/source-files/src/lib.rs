//! Reads CSV, TSV, JSON and NDJSON files, plain or gzip, below a granted directory.
//!
//! - A stream is a glob; its columns come from the first file that has a header (`layout`), every other file is mapped to them by name.
//! - Large plain files are cut at record boundaries (`cut`), so that slices read one file side by side with exact record numbers.
//! - Nothing is guessed in silence: a record that does not fit is an error that names file, record and column, or an unread record
//!   that goes to quarantine (`on_bad_record`).

mod column;
mod config;
mod csv;
mod cursor;
mod cut;
mod infer;
mod input;
mod json;
mod kind;
mod layout;
mod listing;
mod near;
mod object;
mod parse;
mod plain;
mod reader;
mod record;
mod rows;
mod slice;
#[cfg(test)]
mod tests;

use tidegate_sdk::prelude::*;

pub use crate::{config::Config, reader::SliceReader};

/// The plugin.
pub struct SourceFiles;

impl Source for SourceFiles {
    type Config = Config;
    type Reader = SliceReader;

    fn grants() -> Vec<Grant> {
        let purpose = "reads the files that the pipeline's streams name; nothing is written".to_owned();
        vec![Grant { kind: GrantKind::Files, name: config::DEFAULT_DIRECTORY.to_owned(), purpose }]
    }

    fn check(config: &Config) -> Result<()> {
        config.validate()?;
        config.streams.iter().try_for_each(|(name, stream)| listing::find(config, name, stream).map(|_| ()))
    }

    fn discover(config: &Config) -> Result<Vec<Stream>> {
        config.validate()?;
        config.streams.iter().map(|(name, stream)| layout::discover(config, name, stream)).collect()
    }

    fn slices(config: &Config, stream: &str, cursor: Option<&str>, wanted: usize) -> Result<Vec<Slice>> {
        slice::plan(config, stream, cursor, wanted)
    }

    fn open(config: Config, request: Request) -> Result<SliceReader> {
        SliceReader::open(config, request)
    }

    fn advance(config: &Config, stream: &str, cursor: Option<String>, reached: Vec<String>) -> Result<Option<String>> {
        cursor::advance(config.stream(stream)?, stream, cursor, &reached)
    }
}

export_source!(SourceFiles);
