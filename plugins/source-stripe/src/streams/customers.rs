//! Customers. A deleted one is a row with what it was at last and `deleted`.

use super::{Entity, ONE_LIST, RowsOf, events};
use crate::column::{deleted, flag, key, metadata, money, reference, text, time};

/// The stream.
pub static CUSTOMERS: Entity = Entity {
    name: "customers",
    path: "/v1/customers",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: events(&[("customer", "id"), ("discount", "customer")]),
    deletion: Some("customer.deleted"),
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        text("name"),
        text("email"),
        text("phone"),
        text("description"),
        text("line1").at(&["address/line1"]),
        text("line2").at(&["address/line2"]),
        text("city").at(&["address/city"]),
        text("state").at(&["address/state"]),
        text("postal_code").at(&["address/postal_code"]),
        text("country").at(&["address/country"]),
        text("currency"),
        money("balance"),
        flag("delinquent"),
        text("tax_exempt"),
        text("invoice_prefix"),
        reference("default_source"),
        reference("default_payment_method").at(&["invoice_settings/default_payment_method"]),
        flag("livemode"),
        metadata(),
        deleted(),
    ],
};
