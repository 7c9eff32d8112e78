//! Where records come from: pages of either API, the file of a bulk operation, and what is asked once others are known.
//!
//! A step that fails leaves everything as it was: the host waits and calls again, and the same request is sent anew.

mod bulk;
mod graphql;
mod in_order;
mod refund_items;
mod rest;

use tidegate_sdk::{Result, rest::Window};

use crate::{
    config::{Api, Config},
    rows::Record,
    streams::{Place, ShopStream},
};

pub use in_order::InOrder;

/// What one step brought.
pub enum Step {
    /// Records, in the order of their origins, and how many bytes were read for them.
    Records(Vec<Record>, u64),
    /// Nothing yet, though the shop has answered.
    Waiting(u64),
    /// There is no more.
    End,
}

/// Where the records of a slice come from.
pub enum Pages {
    /// Pages of the GraphQL API.
    Graphql(graphql::GraphqlPages),
    /// Pages of the REST API.
    Rest(rest::RestPages),
    /// The file of a bulk operation.
    Bulk(bulk::BulkFile),
    /// What hangs on the records of another one.
    RefundItems(Box<refund_items::RefundItems>),
}

impl Pages {
    /// The records of a stream in a window; `bulk` reads them by a bulk operation.
    pub fn open(config: &Config, stream: &'static ShopStream, window: Window, bulk: bool) -> Self {
        match (config.api, stream.place) {
            (Api::Rest, _) => Self::Rest(rest::RestPages::new(config.clone(), stream, window)),
            (Api::Graphql, Place::ListOfList { .. }) => {
                Self::RefundItems(Box::new(refund_items::RefundItems::new(config.clone(), stream, window, bulk)))
            }
            (Api::Graphql, _) if bulk => Self::Bulk(bulk::BulkFile::new(config.clone(), stream, window)),
            (Api::Graphql, _) => Self::Graphql(graphql::GraphqlPages::new(config.clone(), stream, window)),
        }
    }

    /// The next step.
    pub fn next(&mut self) -> Result<Step> {
        match self {
            Self::Graphql(pages) => pages.next(),
            Self::Rest(pages) => pages.next(),
            Self::Bulk(file) => file.next(),
            Self::RefundItems(items) => items.next(),
        }
    }
}
