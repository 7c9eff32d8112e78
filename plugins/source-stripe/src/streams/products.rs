//! Products.

use super::{Entity, ONE_LIST, RowsOf, events};
use crate::column::{deleted, flag, key, metadata, reference, text, time};

/// The stream.
pub static PRODUCTS: Entity = Entity {
    name: "products",
    path: "/v1/products",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: events(&[("product", "id")]),
    deletion: Some("product.deleted"),
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        time("updated"),
        flag("active"),
        text("name"),
        text("description"),
        text("type"),
        reference("default_price"),
        reference("tax_code"),
        text("unit_label"),
        flag("shippable"),
        text("statement_descriptor"),
        text("url"),
        flag("livemode"),
        metadata(),
        deleted(),
    ],
};
