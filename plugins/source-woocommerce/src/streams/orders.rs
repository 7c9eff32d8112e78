//! `orders`: one row per order, those in the bin included. `total` is what was ordered; what was given back since is in `refunded`.

use serde_json::Value;

use super::{in_bin, joined};
use crate::columns::{Column, Kind::*, Scope};

pub const COLUMNS: &[Column] = &[
    Column::at("id", Id, "/id"),
    Column::at("parent_id", Id, "/parent_id"),
    Column::at("number", Text, "/number"),
    Column::at("status", Text, "/status"),
    Column::at("created_via", Text, "/created_via"),
    Column::at("currency", Text, "/currency"),
    Column::at("prices_include_tax", Flag, "/prices_include_tax"),
    Column::at("customer_id", Id, "/customer_id"),
    Column::at("customer_note", Text, "/customer_note"),
    Column::at("total", Amount, "/total"),
    Column::at("total_tax", Amount, "/total_tax"),
    Column::at("cart_tax", Amount, "/cart_tax"),
    Column::at("shipping_total", Amount, "/shipping_total"),
    Column::at("shipping_tax", Amount, "/shipping_tax"),
    Column::at("discount_total", Amount, "/discount_total"),
    Column::at("discount_tax", Amount, "/discount_tax"),
    Column::made("refunded", Amount, refunded),
    Column::made("line_items", Whole, |scope| count(scope.record, "line_items")),
    Column::made("refunds", Whole, |scope| count(scope.record, "refunds")),
    Column::made("coupon_codes", Text, |scope| joined(scope.record, "/coupon_lines", "code")),
    Column::made("shipping_methods", Text, |scope| joined(scope.record, "/shipping_lines", "method_title")),
    Column::at("payment_method", Text, "/payment_method"),
    Column::at("payment_method_title", Text, "/payment_method_title"),
    Column::at("transaction_id", Text, "/transaction_id"),
    Column::at("billing_first_name", Text, "/billing/first_name"),
    Column::at("billing_last_name", Text, "/billing/last_name"),
    Column::at("billing_company", Text, "/billing/company"),
    Column::at("billing_email", Text, "/billing/email"),
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
    Column::at("date_paid", Time, "/date_paid_gmt"),
    Column::at("date_completed", Time, "/date_completed_gmt"),
    Column::made("deleted", Flag, |scope| in_bin(scope.record).into()),
];

fn count(record: &Value, list: &str) -> Value {
    record[list].as_array().map_or(0, Vec::len).into()
}

/// The sum of the refunds, above zero. They stand in the order as negative texts.
fn refunded(scope: &Scope<'_>) -> Value {
    let refunds = scope.record["refunds"].as_array();
    let totals = refunds.into_iter().flatten().map(|refund| refund["total"].as_str().and_then(ten_thousandths));
    // What is no number is not counted: the row is unread, and says so.
    let Some(sum) = totals.sum::<Option<i128>>() else { return "?".into() };
    format!("{}{}.{:04}", if sum > 0 { "-" } else { "" }, sum.abs() / 10_000, sum.abs() % 10_000).into()
}

/// Money of at most four places, exactly.
fn ten_thousandths(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(places) || whole.is_empty() || whole.len() > 14 || places.len() > 4 {
        return None;
    }
    let value: i128 = format!("{whole}{places:0<4}").parse().ok()?;
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given_back(refunds: Value) -> Value {
        let record = json!({ "refunds": refunds });
        refunded(&Scope { record: &record, parent: &Value::Null, position: 1 })
    }

    #[test]
    fn what_was_given_back_is_the_sum_of_the_refunds() {
        assert_eq!(given_back(json!([])), "0.0000");
        assert_eq!(given_back(json!([{ "total": "-1.00" }, { "total": "-0.105" }])), "1.1050");
        // A correction upwards.
        assert_eq!(given_back(json!([{ "total": "2.00" }])), "-2.0000");
        assert_eq!(given_back(json!([{ "total": "1,00" }])), "?");
    }
}
