//! Reads orders, customers, products, refunds and inventory of a Shopify shop, through the GraphQL Admin API or the older REST one.
//!
//! - A stream says once where each value stands in either API (`column`, `streams`); a walk says how the objects are asked for (`walk`).
//! - A run reads a window of changes whose end is frozen before the first page (`window`).
//! - Pages, bulk files and what hangs on them give records (`pages`), records become rows (`rows`), each key once (`reader`).

mod column;
mod config;
mod graphql;
mod pages;
mod reader;
mod rows;
mod shop;
mod slice;
mod streams;
#[cfg(test)]
mod tests;
mod walk;
mod window;

use tidegate_sdk::{prelude::*, rest::Window};

pub use crate::{config::Config, reader::SliceReader};

/// The plugin.
pub struct SourceShopify;

impl Source for SourceShopify {
    type Config = Config;
    type Reader = SliceReader;

    fn grants() -> Vec<Grant> {
        let grant = |name: &str, purpose: &str| Grant { kind: GrantKind::Http, name: name.to_owned(), purpose: purpose.to_owned() };
        vec![
            grant(
                "*.myshopify.com",
                "asks the shop's Admin API (get, and post for GraphQL), with the credential; nothing is changed there",
            ),
            grant("storage.googleapis.com", "gets the files that bulk operations leave there, without a credential"),
        ]
    }

    fn check(config: &Config) -> Result<()> {
        config.validate()?;
        shop::check(config)
    }

    fn discover(config: &Config) -> Result<Vec<Stream>> {
        config.validate()?;
        Ok(streams::ALL.into_iter().map(streams::ShopStream::describe).collect())
    }

    fn slices(config: &Config, stream: &str, cursor: Option<&str>, _: usize) -> Result<Vec<Slice>> {
        slice::plan(config, stream, cursor)
    }

    fn open(config: Config, request: Request) -> Result<SliceReader> {
        SliceReader::open(&config, &request)
    }

    fn advance(_: &Config, _: &str, cursor: Option<String>, reached: Vec<String>) -> Result<Option<String>> {
        Window::advance(cursor, &reached)
    }
}

export_source!(SourceShopify);
