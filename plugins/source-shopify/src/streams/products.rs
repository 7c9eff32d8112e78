//! Products.

use super::{Place, ShopStream};
use crate::{
    column::{Column, Kind::*, column},
    walk::{Endpoint, Nested, Walk},
};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "products", columns: COLUMNS, keys: 1, cursor_field: Some("updated_at"), walk: &WALK, place: Place::Root };

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("title", Text, "/title", "/title"),
    column("handle", Text, "/handle", "/handle"),
    column("vendor", Text, "/vendor", "/vendor"),
    column("product_type", Text, "/productType", "/product_type"),
    column("status", Word, "/status", "/status"),
    column("tags", Words, "/tags", "/tags"),
    column("created_at", Time, "/createdAt", "/created_at"),
    column("updated_at", Time, "/updatedAt", "/updated_at"),
    column("published_at", Time, "/publishedAt", "/published_at"),
];

/// The walk over products, with their variants.
pub const WALK: Walk = Walk {
    root: "products",
    kind: "Product",
    arguments: ", sortKey: UPDATED_AT",
    filters_nested: false,
    page: 20,
    fields: "id title handle vendor productType status tags createdAt updatedAt publishedAt",
    nested: Some(Nested {
        name: "variants",
        kind: "ProductVariant",
        page: 10,
        continued: 100,
        fields: "id title sku barcode price compareAtPrice position taxable inventoryQuantity selectedOptions { value } \
            inventoryItem { id unitCost { amount } } createdAt updatedAt",
    }),
    rest: Endpoint {
        path: "products.json",
        key: "products",
        query: &[],
        ascends: false,
        nested: "variants",
        // A product holds its first hundred variants only.
        rest_of_nested: Some(100),
        per_location: false,
    },
};
