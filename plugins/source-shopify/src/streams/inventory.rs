//! Stock levels: how many of an inventory item lie at a location.

use super::{Place, ShopStream};
use crate::{
    column::{Column, Kind::*, column},
    walk::{Endpoint, Nested, Walk},
};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "inventory", columns: COLUMNS, keys: 2, cursor_field: Some("updated_at"), walk: &WALK, place: Place::Nested };

const COLUMNS: &[Column] = &[
    column("inventory_item_id", Key, "/item/id", "/inventory_item_id"),
    column("location_id", Key, "^/id", "/location_id"),
    column("available", Integer, "/quantities/name=available/quantity", "/available"),
    column("on_hand", Integer, "/quantities/name=on_hand/quantity", ""),
    column("committed", Integer, "/quantities/name=committed/quantity", ""),
    column("incoming", Integer, "/quantities/name=incoming/quantity", ""),
    column("updated_at", Time, "/updatedAt", "/updated_at"),
];

/// The walk over locations, with their stock levels. A location does not change when a level does, so levels are what is filtered.
const WALK: Walk = Walk {
    root: "locations",
    kind: "Location",
    arguments: ", includeInactive: true",
    filters_nested: true,
    page: 1,
    fields: "id",
    nested: Some(Nested {
        name: "inventoryLevels",
        kind: "InventoryLevel",
        page: 100,
        continued: 250,
        fields: "id item { id } quantities(names: [\"available\", \"on_hand\", \"committed\", \"incoming\"]) { name quantity } updatedAt",
    }),
    rest: Endpoint {
        path: "inventory_levels.json",
        key: "inventory_levels",
        query: &[],
        ascends: false,
        nested: "",
        rest_of_nested: None,
        per_location: true,
    },
};
