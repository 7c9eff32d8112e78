//! Reads orders, lines, refunds, products, variations, customers and coupons of a WooCommerce shop (REST API v3).
//!
//! - Lists are walked in the order of their ids, each page anchored in the one before ([`walk`]): nothing is lost while the shop is open.
//! - What changed is asked for in GMT, from the end of the last window less an overlap ([`window`]). The window's end is the server's own
//!   time before the first page. A record comes once per run; the same record again in the next run is a merge that changes nothing.
//! - Where the API ignores the filter (customers), or dates say nothing (variations, coupons), the whole list is read each time.
//! - What is deleted for good leaves no trace: the cursor keeps the ids that were read, a sweep over the ids that are there finds those
//!   that are not any more, and they come as rows with `deleted = true` ([`reader`]).

mod columns;
mod config;
mod cursor;
mod ids;
mod reader;
mod shop;
mod streams;
mod task;
#[cfg(test)]
mod tests;
mod walk;
mod window;

use tidegate_sdk::prelude::*;

pub use crate::{config::Config, reader::ShopReader};
use crate::{shop::Shop, streams::Kind};

/// The plugin.
pub struct SourceWooCommerce;

impl Source for SourceWooCommerce {
    type Config = Config;
    type Reader = ShopReader;

    fn grants() -> Vec<Grant> {
        let purpose = "reads the shop's lists through its REST API; nothing is written. The key needs read permission".to_owned();
        vec![Grant { kind: GrantKind::Http, name: "*".to_owned(), purpose }]
    }

    fn check(config: &Config) -> Result<()> {
        config.validate()?;
        Shop::new(config).now(false).map(|_| ())
    }

    fn discover(config: &Config) -> Result<Vec<Stream>> {
        config.validate()?;
        Ok(Kind::ALL.iter().map(|kind| kind.stream()).collect())
    }

    fn slices(config: &Config, stream: &str, cursor: Option<&str>, _: usize) -> Result<Vec<Slice>> {
        config.validate()?;
        let kind = Kind::named(stream)?;
        cursor::Cursor::read(cursor)?;
        // A list is walked page by page: each one is asked for from the end of the one before. And a shop's rate is the bound, not this side.
        Ok(vec![Slice { id: kind.name().to_owned(), label: kind.name().to_owned(), bytes: None }])
    }

    fn open(config: Config, request: Request) -> Result<ShopReader> {
        ShopReader::open(&config, &request)
    }

    fn advance(_: &Config, _: &str, cursor: Option<String>, mut reached: Vec<String>) -> Result<Option<String>> {
        Ok(reached.pop().or(cursor))
    }
}

export_source!(SourceWooCommerce);
