//! Prices of products, active or not.

use super::{Entity, RowsOf, events};
use crate::column::{deleted, fine, flag, integer, key, metadata, money, reference, text, time};

/// The stream. Its list gives active prices unless it is asked for the others; one that is switched off between the two comes in both.
pub static PRICES: Entity = Entity {
    name: "prices",
    path: "/v1/prices",
    lists: &[&[("active", "true")], &[("active", "false")]],
    rows: RowsOf::Objects,
    changes: events(&[("price", "id")]),
    deletion: Some("price.deleted"),
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        flag("active"),
        reference("product"),
        text("nickname"),
        text("lookup_key"),
        text("type"),
        text("billing_scheme"),
        text("currency"),
        money("unit_amount"),
        fine("unit_amount_decimal"),
        text("recurring_interval").at(&["recurring/interval"]),
        integer("recurring_interval_count").at(&["recurring/interval_count"]),
        text("recurring_usage_type").at(&["recurring/usage_type"]),
        text("tiers_mode"),
        text("tax_behavior"),
        flag("livemode"),
        metadata(),
        deleted(),
    ],
};
