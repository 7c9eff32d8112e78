//! `refunds`: one row per refund. The order itself names its refunds without their dates, so they are read from the list below each order
//! that has some.

use crate::columns::{Column, Kind::*};

pub const COLUMNS: &[Column] = &[
    Column::at("id", Id, "/id"),
    Column::of_parent("order_id", Id, "/id"),
    Column::at("amount", Amount, "/amount"),
    Column::of_parent("currency", Text, "/currency"),
    Column::at("reason", Text, "/reason"),
    Column::at("refunded_by", Id, "/refunded_by"),
    Column::at("refunded_payment", Flag, "/refunded_payment"),
    Column::at("date_created", Time, "/date_created_gmt"),
];
