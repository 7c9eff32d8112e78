//! Sources that speak JSON over HTTP: the common shapes as declarations, and the parts they are made of.
//!
//! - A source whose API has common shapes implements [`RestSource`]: an [`Api`] with an [`Endpoint`] per stream. `export_source!` does the
//!   rest.
//! - A source that needs more (bulk operations, event feeds, sweeps) implements [`crate::Source`] itself and uses the parts: a [`Pager`]
//!   walks the pages, a [`Page`] gives their records, [`Rows`] makes batches of them, a [`Window`] says what is new.
//! - A record that does not fit its columns is unread, with column and reason; it never fails a batch. Fields that no column wants are
//!   ignored. Numbers stay exact: what a type can't hold is not rounded, it does not fit.
//! - A reader leaves its state unchanged when a request fails: the host waits and calls again, and the request is sent afresh.
//!
//! # Why
//! An endpoint is a value that is built up (`Endpoint::new(..).pages(..).columns(..)`), not a trait with a method per property. Both were
//! written down for the example: with a trait, two streams are two types with five methods each, defaults hide in the trait, and a source
//! whose streams come from its config needs a third type that forwards. As values they can be made in a loop, read like a table, and are
//! checked in one place.

mod api;
mod cells;
mod columns;
mod endpoint;
mod exact;
mod find;
mod infer;
mod level;
mod lines;
mod link;
mod page;
mod pager;
mod pages;
mod reader;
mod recent;
mod rows;
mod scan;
mod source;
#[cfg(test)]
mod tests;
mod window;

pub use api::Api;
pub use columns::{Column, Kind, schema};
pub use endpoint::Endpoint;
pub use infer::infer;
pub use lines::Lines;
pub use page::Page;
pub use pager::Pager;
pub use pages::Pages;
pub use reader::RestReader;
pub use rows::Rows;
pub use source::RestSource;
pub use window::{Incremental, Stamp, Window, clock};
