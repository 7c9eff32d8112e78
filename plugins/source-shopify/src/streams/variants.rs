//! The variants of products. A variant comes with each change of its product.

use super::{Place, ShopStream, products};
use crate::column::{Column, Kind::*, column};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "variants", columns: COLUMNS, keys: 1, cursor_field: None, walk: &products::WALK, place: Place::Nested };

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("product_id", Key, "^/id", "^/id"),
    column("title", Text, "/title", "/title"),
    column("sku", Text, "/sku", "/sku"),
    column("barcode", Text, "/barcode", "/barcode"),
    column("price", Money, "/price", "/price"),
    column("compare_at_price", Money, "/compareAtPrice", "/compare_at_price"),
    column("unit_cost", Money, "/inventoryItem/unitCost/amount", ""),
    column("position", Integer, "/position", "/position"),
    column("taxable", Boolean, "/taxable", "/taxable"),
    column("inventory_item_id", Id, "/inventoryItem/id", "/inventory_item_id"),
    column("inventory_quantity", Integer, "/inventoryQuantity", "/inventory_quantity"),
    column("option1", Text, "/selectedOptions/0/value", "/option1"),
    column("option2", Text, "/selectedOptions/1/value", "/option2"),
    column("option3", Text, "/selectedOptions/2/value", "/option3"),
    column("created_at", Time, "/createdAt", "/created_at"),
    column("updated_at", Time, "/updatedAt", "/updated_at"),
];
