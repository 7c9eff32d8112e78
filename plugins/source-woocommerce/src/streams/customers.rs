//! `customers`: one row per account of any role. Guests have none: they are known by the order's billing address only.

use crate::columns::{Column, Kind::*};

pub const COLUMNS: &[Column] = &[
    Column::at("id", Id, "/id"),
    Column::at("email", Text, "/email"),
    Column::at("first_name", Text, "/first_name"),
    Column::at("last_name", Text, "/last_name"),
    Column::at("role", Text, "/role"),
    Column::at("username", Text, "/username"),
    Column::at("is_paying_customer", Flag, "/is_paying_customer"),
    Column::at("billing_company", Text, "/billing/company"),
    Column::at("billing_phone", Text, "/billing/phone"),
    Column::at("billing_city", Text, "/billing/city"),
    Column::at("billing_state", Text, "/billing/state"),
    Column::at("billing_postcode", Text, "/billing/postcode"),
    Column::at("billing_country", Text, "/billing/country"),
    Column::at("shipping_city", Text, "/shipping/city"),
    Column::at("shipping_state", Text, "/shipping/state"),
    Column::at("shipping_postcode", Text, "/shipping/postcode"),
    Column::at("shipping_country", Text, "/shipping/country"),
    Column::at("date_created", Time, "/date_created_gmt"),
    Column::at("date_modified", Time, "/date_modified_gmt"),
    Column::made("deleted", Flag, |_| false.into()),
];
