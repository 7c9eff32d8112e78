//! Balance transactions: what moved on the account, with fees. They have no events, and only their `status` changes.

use super::{Changes, Entity, ONE_LIST, RowsOf};
use crate::column::{key, money, number, reference, text, time};

/// The stream.
pub static BALANCE_TRANSACTIONS: Entity = Entity {
    name: "balance_transactions",
    path: "/v1/balance_transactions",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: Changes::Nowhere,
    deletion: None,
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        time("available_on"),
        text("status"),
        text("type"),
        text("reporting_category"),
        text("balance_type"),
        text("currency"),
        money("amount"),
        money("fee"),
        money("net"),
        number("exchange_rate"),
        reference("source"),
        text("description"),
    ],
};
