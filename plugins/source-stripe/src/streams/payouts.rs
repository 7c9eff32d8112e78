//! Payouts to the account's bank.

use super::{Entity, ONE_LIST, RowsOf, events};
use crate::column::{flag, key, metadata, money, reference, text, time};

/// The stream.
pub static PAYOUTS: Entity = Entity {
    name: "payouts",
    path: "/v1/payouts",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: events(&[("payout", "id")]),
    deletion: None,
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        time("arrival_date"),
        text("currency"),
        money("amount"),
        text("status"),
        text("type"),
        text("method"),
        flag("automatic"),
        text("source_type"),
        text("reconciliation_status"),
        reference("balance_transaction"),
        reference("destination"),
        text("failure_code"),
        text("failure_message"),
        text("description"),
        text("statement_descriptor"),
        flag("livemode"),
        metadata(),
    ],
};
