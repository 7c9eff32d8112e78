//! `variations`: one row per variation of a product that can be seen. Those of a product that goes to the bin become deleted, and come
//! back with it.

use serde_json::Value;

use super::in_bin;
use crate::columns::{Column, Kind::*, Scope};

pub const COLUMNS: &[Column] = &[
    Column::at("id", Id, "/id"),
    Column::of_parent("product_id", Id, "/id"),
    Column::at("status", Text, "/status"),
    Column::at("sku", Text, "/sku"),
    Column::made("attributes", Text, attributes),
    Column::at("price", Amount, "/price"),
    Column::at("regular_price", Amount, "/regular_price"),
    Column::at("sale_price", Amount, "/sale_price"),
    Column::at("on_sale", Flag, "/on_sale"),
    Column::at("stock_quantity", Amount, "/stock_quantity"),
    Column::at("stock_status", Text, "/stock_status"),
    Column::at("weight", Amount, "/weight"),
    Column::at("date_created", Time, "/date_created_gmt"),
    Column::at("date_modified", Time, "/date_modified_gmt"),
    Column::made("deleted", Flag, |scope| in_bin(scope.record).into()),
];

/// `Colour: blue, Size: M`.
fn attributes(scope: &Scope<'_>) -> Value {
    let attributes = scope.record["attributes"].as_array();
    let pairs = attributes.into_iter().flatten().filter_map(|one| Some(format!("{}: {}", one["name"].as_str()?, one["option"].as_str()?)));
    pairs.collect::<Vec<_>>().join(", ").into()
}
