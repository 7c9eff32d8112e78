//! Disputes.

use super::{Entity, ONE_LIST, RowsOf, events};
use crate::column::{flag, integer, key, metadata, money, reference, text, time};

/// The stream.
pub static DISPUTES: Entity = Entity {
    name: "disputes",
    path: "/v1/disputes",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: events(&[("dispute", "id")]),
    deletion: None,
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        text("currency"),
        money("amount"),
        text("status"),
        text("reason"),
        text("network_reason_code"),
        reference("charge"),
        reference("payment_intent"),
        reference("balance_transaction").at(&["balance_transaction", "balance_transactions/0"]),
        flag("is_charge_refundable"),
        time("evidence_due_by").at(&["evidence_details/due_by"]),
        flag("has_evidence").at(&["evidence_details/has_evidence"]),
        flag("past_due").at(&["evidence_details/past_due"]),
        integer("submission_count").at(&["evidence_details/submission_count"]),
        flag("livemode"),
        metadata(),
    ],
};
