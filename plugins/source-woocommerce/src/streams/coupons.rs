//! `coupons`: one row per coupon.

use super::in_bin;
use crate::columns::{Column, Kind::*};

pub const COLUMNS: &[Column] = &[
    Column::at("id", Id, "/id"),
    Column::at("code", Text, "/code"),
    Column::at("status", Text, "/status"),
    Column::at("discount_type", Text, "/discount_type"),
    Column::at("amount", Amount, "/amount"),
    Column::at("description", Text, "/description"),
    Column::at("usage_count", Whole, "/usage_count"),
    Column::at("usage_limit", Whole, "/usage_limit"),
    Column::at("usage_limit_per_user", Whole, "/usage_limit_per_user"),
    Column::at("individual_use", Flag, "/individual_use"),
    Column::at("free_shipping", Flag, "/free_shipping"),
    Column::at("minimum_amount", Amount, "/minimum_amount"),
    Column::at("maximum_amount", Amount, "/maximum_amount"),
    Column::at("date_created", Time, "/date_created_gmt"),
    Column::at("date_modified", Time, "/date_modified_gmt"),
    Column::at("date_expires", Time, "/date_expires_gmt"),
    Column::made("deleted", Flag, |scope| in_bin(scope.record).into()),
];
