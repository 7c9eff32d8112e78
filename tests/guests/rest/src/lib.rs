//! Reads the orders of a shop of no maker, and their items, by declaration.

use tidegate_sdk::{
    prelude::*,
    rest::{Api, Column, Endpoint, Incremental, Kind, Pages, RestSource},
};

/// The config.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {
    /// Where the shop is.
    url: String,
    /// How many orders a page has.
    #[serde(default = "limit")]
    limit: u32,
    /// How the shop cuts its orders into pages.
    #[serde(default)]
    shape: Shape,
    /// The credential that the shop wants.
    credential: Option<String>,
}

/// How a list is cut into pages.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub enum Shape {
    /// Each page names the cursor of the next one; what changed is asked for.
    #[default]
    Cursor,
    /// Pages have numbers; everything is asked for each time.
    Numbered,
}

fn limit() -> u32 {
    50
}

/// The columns of orders.
pub fn order_columns() -> Vec<Column> {
    use Kind::{Boolean, Decimal, Integer, Text, Timestamp};
    let columns = [
        ("id", Integer),
        ("number", Text),
        ("status", Text),
        ("currency", Text),
        ("total", Decimal(12, 2)),
        ("customer_id", Integer),
        ("email", Text),
        ("city", Text),
        ("note", Text),
        ("paid", Boolean),
        ("created_at", Timestamp),
        ("updated_at", Timestamp),
    ];
    columns.map(Column::from).into()
}

/// The columns of an order's items, without the order's id.
pub fn item_columns() -> Vec<Column> {
    use Kind::{Decimal, Integer, Text};
    [("id", Integer), ("sku", Text), ("title", Text), ("quantity", Integer), ("price", Decimal(12, 2))].map(Column::from).into()
}

/// The shop as a source.
pub struct Shop;

impl RestSource for Shop {
    type Config = Config;

    fn grants() -> Vec<Grant> {
        vec![Grant { kind: GrantKind::Http, name: "*.example".into(), purpose: "to read orders".into() }]
    }

    fn api(config: &Config) -> Result<Api> {
        let orders = match config.shape {
            Shape::Cursor => Endpoint::new("orders", "/orders")
                .query("limit", config.limit)
                .records("/orders")
                .pages(Pages::cursor("/next", "cursor"))
                .incremental(Incremental::by("updated_at").from("updated_from").until("updated_until")),
            Shape::Numbered => {
                Endpoint::new("orders", "/numbered").pages(Pages::numbered("page").size("per_page", config.limit).total_records("x-total"))
            }
        };
        let items = Endpoint::new("order_items", "").within("orders", "/items", [("order_id", "id")]);
        let api = Api::new(&config.url).clock("/clock");
        let api = config.credential.iter().fold(api, |api, name| api.credential(name));
        let orders = orders.key(["id"]).columns(order_columns());
        Ok(api.endpoint(orders).endpoint(items.key(["id"]).columns(item_columns())))
    }
}

export_source!(Shop);
