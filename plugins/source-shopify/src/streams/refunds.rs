//! Refunds of orders. A refund comes with each change of its order, and making one changes the order.

use super::{Place, ShopStream, orders};
use crate::column::{Column, Kind::*, column};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "refunds", columns: COLUMNS, keys: 1, cursor_field: None, walk: &orders::WALK, place: Place::List("refunds") };

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("order_id", Key, "^/id", "^/id"),
    column("created_at", Time, "/createdAt", "/created_at"),
    column("total", Money, "/totalRefundedSet/shopMoney/amount", "/refunded"),
    column("currency", Text, "/totalRefundedSet/shopMoney/currencyCode", "^/currency"),
    column("note", Text, "/note", "/note"),
];
