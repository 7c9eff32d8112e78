//! Payment intents: what is to be paid, over all attempts.

use super::{Entity, ONE_LIST, RowsOf, events};
use crate::column::{flag, key, metadata, money, reference, text, time};

/// The stream.
pub static PAYMENT_INTENTS: Entity = Entity {
    name: "payment_intents",
    path: "/v1/payment_intents",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: events(&[("payment_intent", "id")]),
    deletion: None,
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        text("currency"),
        money("amount"),
        money("amount_capturable"),
        money("amount_received"),
        money("application_fee_amount"),
        text("status"),
        reference("customer"),
        reference("latest_charge").at(&["latest_charge", "charges/data/0"]),
        reference("invoice"),
        reference("payment_method"),
        text("capture_method"),
        text("confirmation_method"),
        text("setup_future_usage"),
        time("canceled_at"),
        text("cancellation_reason"),
        text("description"),
        text("receipt_email"),
        text("statement_descriptor"),
        flag("livemode"),
        metadata(),
    ],
};
