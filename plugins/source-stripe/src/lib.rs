//! Reads the objects of a Stripe account: everything by lists at first, then what `/v1/events` says has changed.
//!
//! - Events are a feed of changes, not of data: they come out of order and carry objects as they were. Each object that they name is read
//!   again, once (`reader`). Events are kept 30 days; a cursor that is older leads to a full read (`slice`).
//! - The window's end is the server's own time, taken before anything is read, so that what changes while it is read comes in the next run.
//! - Amounts stay what Stripe gives, integers in minor units, beside decimals in major units with the currency's digits (`currency`).

mod api;
mod column;
mod config;
mod currency;
mod cursor;
mod event;
mod feed;
mod list;
mod reader;
mod record;
mod slice;
mod streams;
#[cfg(test)]
mod tests;

use tidegate_sdk::prelude::*;

pub use crate::{config::Config, reader::SliceReader};

/// The plugin.
pub struct SourceStripe;

impl Source for SourceStripe {
    type Config = Config;
    type Reader = SliceReader;

    fn grants() -> Vec<Grant> {
        let purpose = "reads the account's objects and events (GET /v1/...); nothing is written".to_owned();
        vec![Grant { kind: GrantKind::Http, name: config::HOST.to_owned(), purpose }]
    }

    fn check(config: &Config) -> Result<()> {
        config.validate()?;
        api::Api::new(config).now().map(|_| ())
    }

    fn discover(config: &Config) -> Result<Vec<Stream>> {
        config.validate()?;
        Ok(streams::ALL.iter().map(|stream| stream.describe()).collect())
    }

    fn slices(config: &Config, stream: &str, cursor: Option<&str>, _: usize) -> Result<Vec<Slice>> {
        slice::plan(config, streams::find(stream)?, cursor)
    }

    fn open(config: Config, request: Request) -> Result<SliceReader> {
        SliceReader::open(&config, &request)
    }

    fn advance(_: &Config, stream: &str, cursor: Option<String>, reached: Vec<String>) -> Result<Option<String>> {
        cursor::advance(stream, cursor, &reached)
    }
}

export_source!(SourceStripe);
