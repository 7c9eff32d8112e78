//! Lines of invoices: a nested list that shows ten and has pages of its own. A draft can lose lines.

use super::{Entity, ONE_LIST, RowsOf, invoices};
use crate::column::{deleted, fine, flag, integer, key, metadata, money, reference, text, time};

/// The stream.
pub static INVOICE_LINE_ITEMS: Entity = Entity {
    name: "invoice_line_items",
    path: "/v1/invoices",
    lists: ONE_LIST,
    rows: RowsOf::Nested("lines"),
    changes: invoices::CHANGES,
    deletion: Some("invoice.deleted"),
    key: &["invoice", "id"],
    columns: &[
        key("invoice"),
        key("id"),
        text("type").at(&["parent/type", "type"]),
        text("currency"),
        money("amount"),
        money("subtotal"),
        integer("quantity"),
        fine("unit_amount_decimal").at(&["pricing/unit_amount_decimal", "price/unit_amount_decimal"]),
        reference("price").at(&["pricing/price_details/price", "price"]),
        reference("product").at(&["pricing/price_details/product", "price/product"]),
        reference("subscription").at(&[
            "parent/subscription_item_details/subscription",
            "parent/invoice_item_details/subscription",
            "subscription",
        ]),
        reference("subscription_item").at(&["parent/subscription_item_details/subscription_item", "subscription_item"]),
        reference("invoice_item").at(&["parent/invoice_item_details/invoice_item", "invoice_item"]),
        flag("proration").at(&["parent/subscription_item_details/proration", "parent/invoice_item_details/proration", "proration"]),
        flag("discountable"),
        time("period_start").at(&["period/start"]),
        time("period_end").at(&["period/end"]),
        text("description"),
        flag("livemode"),
        metadata(),
        deleted(),
    ],
};
