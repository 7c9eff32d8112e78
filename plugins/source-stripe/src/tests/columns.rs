//! Each stream's columns, of objects written by hand.

use tidegate_sdk::{Source, WriteMode, arrow_schema::DataType};

use super::{config, read, shop};
use crate::{SourceStripe, streams};

/// Reads a stream whose list has one fixture, and compares cells of its first row.
fn holds(stream: &str, fixture: &str, cells: &[(&str, &str)]) {
    let entity = streams::find(stream).unwrap();
    shop::open([("/v1/events", vec![]), (entity.path, vec![shop::fixture(fixture)])]);
    let read = read(stream, None);
    for (column, expected) in cells {
        assert_eq!(read.cell(0, column), *expected, "{stream}.{column}");
    }
}

#[test]
fn a_charge_in_a_currency_with_three_digits() {
    let cells = [
        ("id", "ch_1Fix"),
        ("created", "1772323200000000"),
        ("amount_minor", "5120"),
        ("amount", "5.120"),
        ("amount_refunded", "0.120"),
        ("application_fee_amount_minor", "null"),
        ("application_fee_amount", "null"),
        // Expanded objects stand for their ids.
        ("customer", "cus_1Fix"),
        ("billing_postal_code", "01310"),
        ("card_last4", "0042"),
        ("payment_method_type", "card"),
        ("paid", "true"),
        ("metadata", r#"{"order_id":"6735"}"#),
    ];
    holds("charges", "charge", &cells);
}

#[test]
fn a_payment_in_a_currency_without_digits() {
    holds("payment_intents", "payment_intent", &[("amount_minor", "500"), ("amount", "500.000"), ("latest_charge", "ch_1Fix")]);
}

#[test]
fn a_customer_who_is_owed_something() {
    let cells = [
        ("balance_minor", "-150"),
        ("balance", "-1.500"),
        ("default_payment_method", "pm_1Fix"),
        ("deleted", "false"),
        ("city", "Kuwait City"),
    ];
    holds("customers", "customer", &cells);
}

#[test]
fn an_invoice_of_a_subscription() {
    let cells =
        [("total", "30.000"), ("subscription", "sub_1Fix"), ("paid_at", "null"), ("attempt_count", "0"), ("ending_balance", "null")];
    holds("invoices", "invoice", &cells);
}

#[test]
fn lines_in_the_shapes_of_two_api_versions() {
    let first = [("invoice", "in_1Fix"), ("id", "il_1Fix"), ("price", "price_1Fix"), ("product", "prod_1Fix"), ("invoice_item", "ii_1Fix")];
    holds("invoice_line_items", "invoice", &first);
    let read = read("invoice_line_items", None);
    let second = [
        ("id", "il_2Fix"),
        ("type", "subscription"),
        ("amount", "20.000"),
        ("unit_amount_decimal", "0.125000000000"),
        ("price", "price_2Fix"),
        ("product", "prod_1Fix"),
        ("invoice_item", "ii_2Fix"),
        ("subscription", "sub_1Fix"),
        ("proration", "true"),
    ];
    for (column, expected) in second {
        assert_eq!(read.cell(1, column), expected, "{column}");
    }
}

#[test]
fn the_rest_of_the_streams() {
    holds("refunds", "refund", &[("amount", "0.120"), ("charge", "ch_1Fix"), ("status", "succeeded")]);
    holds("disputes", "dispute", &[("amount", "9.000"), ("balance_transaction", "txn_3Fix"), ("evidence_due_by", "1772928200000000")]);
    holds("balance_transactions", "balance_transaction", &[("fee", "0.148"), ("net_minor", "4972"), ("exchange_rate", "0.30789")]);
    holds("payouts", "payout", &[("amount", "49.720"), ("arrival_date", "1772582400000000"), ("automatic", "true")]);
    holds("subscriptions", "subscription", &[("price", "price_1Fix"), ("quantity", "2"), ("current_period_end", "1774915200000000")]);
    holds("prices", "price", &[("unit_amount", "null"), ("unit_amount_decimal", "0.125000000000"), ("recurring_usage_type", "metered")]);
    holds("products", "product", &[("name", "A thing"), ("updated", "1772323300000000"), ("shippable", "null"), ("deleted", "false")]);
}

#[test]
fn streams_are_described_without_a_request() {
    let streams = SourceStripe::discover(&config()).unwrap();
    assert_eq!(streams.len(), 12);
    for stream in streams {
        assert_eq!(stream.write_mode, WriteMode::Merge, "{}", stream.name);
        for key in &stream.primary_key {
            assert!(!stream.schema.field_with_name(key).unwrap().is_nullable(), "{}.{key}", stream.name);
        }
        for field in stream.schema.fields().iter().filter(|field| field.name().ends_with("_minor")) {
            assert_eq!(*field.data_type(), DataType::Int64);
            let major = stream.schema.field_with_name(field.name().trim_end_matches("_minor")).unwrap();
            assert_eq!(*major.data_type(), DataType::Decimal128(22, 3), "{}.{}", stream.name, major.name());
        }
    }
}

#[test]
fn a_config_that_is_wrong_is_told() {
    for (text, word) in [
        (r#"{ "url": "api.stripe.com" }"#, "`url`"),
        (r#"{ "url": "https://api.stripe.com/v1" }"#, "`url`"),
        (r#"{ "api_version": "clover" }"#, "`api_version`"),
        (r#"{ "credential": "" }"#, "`credential`"),
    ] {
        let config = serde_json::from_str(text).unwrap();
        let failure = SourceStripe::check(&config).unwrap_err();
        assert!(failure.message.contains(word), "{failure}");
    }
}
