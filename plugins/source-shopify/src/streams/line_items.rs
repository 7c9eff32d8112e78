//! The lines of orders. They have no time of their own: a line comes with each change of its order.

use super::{Place, ShopStream, orders};
use crate::column::{Column, Kind::*, column};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "line_items", columns: COLUMNS, keys: 1, cursor_field: None, walk: &orders::WALK, place: Place::Nested };

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("order_id", Key, "^/id", "^/id"),
    column("product_id", Id, "/product/id", "/product_id"),
    column("variant_id", Id, "/variant/id", "/variant_id"),
    column("title", Text, "/title", "/title"),
    column("variant_title", Text, "/variantTitle", "/variant_title"),
    column("sku", Text, "/sku", "/sku"),
    column("vendor", Text, "/vendor", "/vendor"),
    column("quantity", Integer, "/quantity", "/quantity"),
    column("current_quantity", Integer, "/currentQuantity", "/current_quantity"),
    column("price", Money, "/originalUnitPriceSet/shopMoney/amount", "/price"),
    column("total_discount", Money, "/totalDiscountSet/shopMoney/amount", "/total_discount"),
    column("currency", Text, "/originalUnitPriceSet/shopMoney/currencyCode", "^/currency"),
    column("requires_shipping", Boolean, "/requiresShipping", "/requires_shipping"),
    column("taxable", Boolean, "/taxable", "/taxable"),
    column("gift_card", Boolean, "/isGiftCard", "/gift_card"),
];
