//! Subscriptions, canceled ones as well. Price, product and quantity are those of the first item.

use super::{Entity, RowsOf, events};
use crate::column::{flag, integer, key, metadata, reference, text, time};

/// The stream. Its list leaves out what is canceled unless it is asked for all.
pub static SUBSCRIPTIONS: Entity = Entity {
    name: "subscriptions",
    path: "/v1/subscriptions",
    lists: &[&[("status", "all")]],
    rows: RowsOf::Objects,
    changes: events(&[("subscription", "id"), ("discount", "subscription")]),
    deletion: None,
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        text("status"),
        reference("customer"),
        text("currency"),
        reference("price").at(&["items/data/0/price", "plan"]),
        reference("product").at(&["items/data/0/price/product", "plan/product"]),
        integer("quantity").at(&["items/data/0/quantity", "quantity"]),
        time("start_date"),
        time("billing_cycle_anchor"),
        time("current_period_start").at(&["items/data/0/current_period_start", "current_period_start"]),
        time("current_period_end").at(&["items/data/0/current_period_end", "current_period_end"]),
        time("trial_start"),
        time("trial_end"),
        flag("cancel_at_period_end"),
        time("cancel_at"),
        time("canceled_at"),
        time("ended_at"),
        text("cancellation_reason").at(&["cancellation_details/reason"]),
        text("collection_method"),
        integer("days_until_due"),
        reference("default_payment_method"),
        reference("latest_invoice"),
        text("description"),
        flag("livemode"),
        metadata(),
    ],
};
