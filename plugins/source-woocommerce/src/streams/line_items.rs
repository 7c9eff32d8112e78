//! `line_items`: one row per line of an order, by its place in the order.
//!
//! # Why
//! An order that was edited comes again with the lines that it has now; nothing tells which it lost. By place its lines take the places of the
//! old ones, and what is left of a longer order stands above the order's count: a line counts where `position <= orders.line_items`.

use super::in_bin;
use crate::columns::{Column, Kind::*};

pub const COLUMNS: &[Column] = &[
    Column::of_parent("order_id", Id, "/id"),
    Column::made("position", Whole, |scope| scope.position.into()),
    Column::at("id", Id, "/id"),
    Column::at("name", Text, "/name"),
    Column::at("product_id", Id, "/product_id"),
    Column::at("variation_id", Id, "/variation_id"),
    Column::at("sku", Text, "/sku"),
    Column::at("quantity", Amount, "/quantity"),
    Column::at("price", Number, "/price"),
    Column::at("subtotal", Amount, "/subtotal"),
    Column::at("subtotal_tax", Amount, "/subtotal_tax"),
    Column::at("total", Amount, "/total"),
    Column::at("total_tax", Amount, "/total_tax"),
    Column::at("tax_class", Text, "/tax_class"),
    Column::of_parent("order_date_modified", Time, "/date_modified_gmt"),
    Column::made("order_deleted", Flag, |scope| in_bin(scope.parent).into()),
];
