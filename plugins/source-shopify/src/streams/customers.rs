//! Customers.

use super::{Place, ShopStream};
use crate::{
    column::{Column, Kind::*, column},
    walk::{Endpoint, Walk},
};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "customers", columns: COLUMNS, keys: 1, cursor_field: Some("updated_at"), walk: &WALK, place: Place::Root };

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("created_at", Time, "/createdAt", "/created_at"),
    column("updated_at", Time, "/updatedAt", "/updated_at"),
    column("first_name", Text, "/firstName", "/first_name"),
    column("last_name", Text, "/lastName", "/last_name"),
    column("email", Text, "/defaultEmailAddress/emailAddress", "/email"),
    column("phone", Text, "/defaultPhoneNumber/phoneNumber", "/phone"),
    column("state", Word, "/state", "/state"),
    column("verified_email", Boolean, "/verifiedEmail", "/verified_email"),
    column("tax_exempt", Boolean, "/taxExempt", "/tax_exempt"),
    column("orders_count", Integer, "/numberOfOrders", "/orders_count"),
    column("total_spent", Money, "/amountSpent/amount", "/total_spent"),
    column("currency", Text, "/amountSpent/currencyCode", "/currency"),
    column("tags", Words, "/tags", "/tags"),
    column("note", Text, "/note", "/note"),
    column("city", Text, "/defaultAddress/city", "/default_address/city"),
    column("province", Text, "/defaultAddress/provinceCode", "/default_address/province_code"),
    column("country", Text, "/defaultAddress/countryCodeV2", "/default_address/country_code"),
    column("zip", Text, "/defaultAddress/zip", "/default_address/zip"),
];

/// The walk over customers.
const WALK: Walk = Walk {
    root: "customers",
    kind: "Customer",
    arguments: ", sortKey: UPDATED_AT",
    filters_nested: false,
    page: 150,
    fields: "id createdAt updatedAt firstName lastName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } \
        state verifiedEmail taxExempt numberOfOrders amountSpent { amount currencyCode } tags note \
        defaultAddress { city provinceCode countryCodeV2 zip }",
    nested: None,
    rest: Endpoint {
        path: "customers.json",
        key: "customers",
        query: &[("order", "updated_at asc")],
        ascends: true,
        nested: "",
        rest_of_nested: None,
        per_location: false,
    },
};
