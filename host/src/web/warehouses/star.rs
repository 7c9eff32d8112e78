//! The star schema as the dashboard's statements read it: facts with what their dimensions say of them.

use crate::warehouse::Relation;

/// What statements may read as tables.
pub static RELATIONS: &[Relation] = &[
    Relation {
        name: "star_orders",
        sql: include_str!("../../../../sql/dashboard/star/orders.sql"),
        tables: &["fact_orders", "dim_customers"],
        ids: &["order_id", "customer_unique_id"],
    },
    Relation {
        name: "star_items",
        sql: include_str!("../../../../sql/dashboard/star/items.sql"),
        tables: &["fact_order_items", "dim_products"],
        ids: &["order_id", "seller_id"],
    },
    Relation {
        name: "star_payments",
        sql: include_str!("../../../../sql/dashboard/star/payments.sql"),
        tables: &["fact_payments"],
        ids: &["order_id"],
    },
];
