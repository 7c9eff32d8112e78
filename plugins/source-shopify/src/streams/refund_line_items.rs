//! The lines of refunds: which line of the order came back, how many of it, for how much.

use super::{Place, ShopStream, orders};
use crate::column::{Column, Kind::*, column};

/// The stream.
pub const STREAM: ShopStream = ShopStream {
    name: "refund_line_items",
    columns: COLUMNS,
    keys: 1,
    cursor_field: None,
    walk: &orders::WALK,
    place: Place::ListOfList { outer: "refunds", inner: "refund_line_items" },
};

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("refund_id", Key, "^/id", "^/id"),
    column("order_id", Id, "^/order/id", "^/order_id"),
    column("line_item_id", Id, "/lineItem/id", "/line_item_id"),
    column("quantity", Integer, "/quantity", "/quantity"),
    column("restock_type", Word, "/restockType", "/restock_type"),
    column("subtotal", Money, "/subtotalSet/shopMoney/amount", "/subtotal"),
    column("total_tax", Money, "/totalTaxSet/shopMoney/amount", "/total_tax"),
    column("currency", Text, "/subtotalSet/shopMoney/currencyCode", "/subtotal_set/shop_money/currency_code"),
];

/// What GraphQL is asked of each line.
pub const FIELDS: &str = "id lineItem { id } quantity restockType subtotalSet { shopMoney { amount currencyCode } } \
    totalTaxSet { shopMoney { amount } }";
