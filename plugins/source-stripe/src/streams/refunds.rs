//! Refunds. A charge that is refunded names them all.

use super::{Changes, Entity, ONE_LIST, RowsOf};
use crate::column::{key, metadata, money, reference, text, time};

/// The stream. Accounts whose events speak an older API version tell of a new refund by `charge.refunded` alone.
pub static REFUNDS: Entity = Entity {
    name: "refunds",
    path: "/v1/refunds",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: Changes::Events { touches: &[("refund", "id")], parent: Some(("charge.refunded", "charge")) },
    deletion: None,
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        text("currency"),
        money("amount"),
        text("status"),
        text("reason"),
        reference("charge"),
        reference("payment_intent"),
        reference("balance_transaction"),
        text("failure_reason"),
        text("receipt_number"),
        text("description"),
        metadata(),
    ],
};
