//! `products`: one row per product of any status, those in the bin included.

use super::{in_bin, joined};
use crate::columns::{Column, Kind::*};

pub const COLUMNS: &[Column] = &[
    Column::at("id", Id, "/id"),
    Column::at("name", Text, "/name"),
    Column::at("slug", Text, "/slug"),
    Column::at("type", Text, "/type"),
    Column::at("status", Text, "/status"),
    Column::at("sku", Text, "/sku"),
    Column::at("price", Amount, "/price"),
    Column::at("regular_price", Amount, "/regular_price"),
    Column::at("sale_price", Amount, "/sale_price"),
    Column::at("on_sale", Flag, "/on_sale"),
    Column::at("total_sales", Amount, "/total_sales"),
    Column::at("manage_stock", Flag, "/manage_stock"),
    Column::at("stock_quantity", Amount, "/stock_quantity"),
    Column::at("stock_status", Text, "/stock_status"),
    Column::at("weight", Amount, "/weight"),
    Column::at("length", Amount, "/dimensions/length"),
    Column::at("width", Amount, "/dimensions/width"),
    Column::at("height", Amount, "/dimensions/height"),
    Column::made("categories", Text, |scope| joined(scope.record, "/categories", "name")),
    Column::made("tags", Text, |scope| joined(scope.record, "/tags", "name")),
    Column::at("parent_id", Id, "/parent_id"),
    Column::at("date_created", Time, "/date_created_gmt"),
    Column::at("date_modified", Time, "/date_modified_gmt"),
    Column::made("deleted", Flag, |scope| in_bin(scope.record).into()),
];
