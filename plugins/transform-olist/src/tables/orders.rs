//! Orders, with what can be said of an order alone: its local day, how long its steps took, whether it came late.
//!
//! # Why
//! The real data breaks the order of its dates often (the carrier before the approval in 37 of 4,043 orders): such a row is kept, the time between
//! the two is then negative, and a quality rule can count it. Only what can't have happened is rejected; README.md has the table.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::ArrayRef,
    arrow_schema::{
        DataType::{Boolean, Date32, Float64, Utf8},
        Field,
    },
};

use super::{Definition, optional, required, timestamp};
use crate::{cells::word::Words, rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "orders",
    columns: &[
        "order_id",
        "customer_id",
        "order_status",
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ],
    spellings: &[],
    key: &["order_id"],
    spread: &["order_id"],
    rules: RULES,
    fields,
    clean,
};

const STATUSES: Words = Words {
    known: &["delivered", "shipped", "canceled", "unavailable", "invoiced", "processing", "created", "approved"],
    spellings: &[("cancelled", "canceled")],
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    OrderIdMissing: "order-id-missing", Completeness, ["order_id"], "order id is missing";
    CustomerIdMissing: "customer-id-missing", Completeness, ["customer_id"], "customer id is missing";
    StatusMissing: "status-missing", Completeness, ["order_status"], "status is missing";
    PurchaseMissing: "purchase-missing", Completeness, ["order_purchase_timestamp"], "purchase time is missing";
    EstimateMissing: "estimate-missing", Completeness, ["order_estimated_delivery_date"], "estimated delivery is missing";
    OrderIdFormat: "order-id-format", Conformity, ["order_id"], "order id is not 32 hexadecimal digits";
    CustomerIdFormat: "customer-id-format", Conformity, ["customer_id"], "customer id is not 32 hexadecimal digits";
    PurchaseFormat: "purchase-format", Conformity, ["order_purchase_timestamp"], "purchase time is not a date that can be read in one way";
    ApprovalFormat: "approval-format", Conformity, ["order_approved_at"], "approval time is not a date that can be read in one way";
    CarrierFormat: "carrier-format", Conformity, ["order_delivered_carrier_date"], "carrier date is not a date that can be read in one way";
    DeliveryFormat: "delivery-format", Conformity, ["order_delivered_customer_date"], "delivery date is not a date that can be read in one way";
    EstimateFormat: "estimate-format", Conformity, ["order_estimated_delivery_date"],
        "estimated delivery is not a date that can be read in one way";
    StatusKnown: "status-known", Validity, ["order_status"], "status is none of those known";
    DatesPlausible: "dates-plausible", Accuracy, [
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date"
    ], "a date lies outside the plausible days";
    ApprovedAfterPurchase: "approved-after-purchase", Consistency, ["order_purchase_timestamp", "order_approved_at"],
        "the order was approved before it was placed";
    DeliveredAfterPurchase: "delivered-after-purchase", Consistency, ["order_purchase_timestamp", "order_delivered_customer_date"],
        "the order was delivered before it was placed";
    EstimatedAfterPurchase: "estimated-after-purchase", Consistency, ["order_purchase_timestamp", "order_estimated_delivery_date"],
        "delivery was estimated for a day before the purchase";
    Duplicate: "order-duplicate", Uniqueness, ["order_id"], "an earlier row has this order id";
}

fn fields() -> Vec<Field> {
    vec![
        required("order_id", Utf8),
        required("customer_id", Utf8),
        required("order_status", Utf8),
        required("order_purchase_timestamp", timestamp()),
        optional("order_approved_at", timestamp()),
        optional("order_delivered_carrier_date", timestamp()),
        optional("order_delivered_customer_date", timestamp()),
        required("order_estimated_delivery_date", Date32),
        required("order_purchase_date", Date32),
        optional("days_to_approve", Float64),
        optional("days_to_ship", Float64),
        optional("days_to_deliver", Float64),
        optional("delivered_late", Boolean),
    ]
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("order_id", Rule::OrderIdMissing);
    sheet.require("customer_id", Rule::CustomerIdMissing);
    sheet.require("order_status", Rule::StatusMissing);
    sheet.require("order_purchase_timestamp", Rule::PurchaseMissing);
    sheet.require("order_estimated_delivery_date", Rule::EstimateMissing);
    let order_id = sheet.ids("order_id", Rule::OrderIdFormat);
    let customer_id = sheet.ids("customer_id", Rule::CustomerIdFormat);
    let status = sheet.words("order_status", &STATUSES, Rule::StatusKnown);
    let purchase = sheet.instants("order_purchase_timestamp", Rule::PurchaseFormat, Rule::DatesPlausible);
    let approval = sheet.instants("order_approved_at", Rule::ApprovalFormat, Rule::DatesPlausible);
    let carrier = sheet.instants("order_delivered_carrier_date", Rule::CarrierFormat, Rule::DatesPlausible);
    let delivery = sheet.instants("order_delivered_customer_date", Rule::DeliveryFormat, Rule::DatesPlausible);
    let estimate = sheet.instants("order_estimated_delivery_date", Rule::EstimateFormat, Rule::DatesPlausible);
    sheet.check_order(&purchase, &approval, Rule::ApprovedAfterPurchase);
    sheet.check_order(&purchase, &delivery, Rule::DeliveredAfterPurchase);
    sheet.check_days(&purchase, &estimate, Rule::EstimatedAfterPurchase);
    sheet.deduplicate_texts(Rule::Duplicate, &order_id)?;
    Ok(vec![
        Arc::new(order_id),
        Arc::new(customer_id),
        Arc::new(status),
        Arc::new(purchase.timestamps()),
        Arc::new(approval.timestamps()),
        Arc::new(carrier.timestamps()),
        Arc::new(delivery.timestamps()),
        Arc::new(estimate.days()),
        Arc::new(purchase.days()),
        Arc::new(purchase.days_to(&approval)),
        Arc::new(approval.or(&purchase).days_to(&carrier)),
        Arc::new(purchase.days_to(&delivery)),
        Arc::new(delivery.on_later_day_than(&estimate)),
    ])
}

#[cfg(test)]
mod tests {
    use tidegate_sdk::arrow_array::{
        Array, RecordBatch,
        cast::AsArray,
        types::{Date32Type, Float64Type, TimestampMicrosecondType},
    };

    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        let ids = ["fe0ac56733d089ca4ad1c05ea1986522", "02cde35a16965a991aed379851d9a6eb"];
        let times = ["2017-07-09 21:30:00", "2017-07-09 22:15:00", "2017-07-11 15:00:00", "2017-07-26 11:00:00", "2017-08-01 00:00:00"];
        Bench::new(&TABLE, &[ids[0], ids[1], "delivered", times[0], times[1], times[2], times[3], times[4]])
    }

    fn days(accepted: &RecordBatch, column: &str) -> Option<f64> {
        let days = accepted[column].as_primitive::<Float64Type>();
        days.is_valid(0).then(|| days.value(0))
    }

    #[test]
    fn the_disorder_of_the_real_data_is_kept() {
        let bench = bench();
        for changes in [
            [("order_delivered_carrier_date", "2017-07-09 22:00:00")].as_slice(), // before the approval
            &[("order_delivered_carrier_date", "2017-07-08 00:00:00")],           // before the purchase
            &[("order_delivered_customer_date", "2017-07-10 00:00:00")],          // before the carrier
            &[("order_delivered_customer_date", "")],                             // delivered without a date
            &[("order_status", "canceled")],                                      // canceled with one
            &[("order_approved_at", "")],
            &[("order_estimated_delivery_date", "2017-07-09 00:00:00")], // the day of the purchase
        ] {
            assert_eq!(bench.broken_by(changes), None, "{changes:?}");
        }
    }

    #[test]
    fn times_are_instants_and_days_are_local() {
        let (accepted, _) = bench().push(&[bench().row(&[])]);
        assert_eq!(accepted["order_purchase_timestamp"].as_primitive::<TimestampMicrosecondType>().value(0), 1_499_646_600_000_000);
        assert_eq!(accepted["order_purchase_date"].as_primitive::<Date32Type>().value(0), 17_356);
        assert_eq!(accepted["order_estimated_delivery_date"].as_primitive::<Date32Type>().value(0), 17_379);
    }

    #[test]
    fn metrics_are_elapsed_days() {
        let bench = bench();
        let (accepted, _) = bench.push(&[bench.row(&[])]);
        assert_eq!(days(&accepted, "days_to_approve"), Some(2_700.0 / 86_400.0));
        assert_eq!(days(&accepted, "days_to_ship"), Some(146_700.0 / 86_400.0));
        assert_eq!(days(&accepted, "days_to_deliver"), Some(1_431_000.0 / 86_400.0));
        let (accepted, _) = bench.push(&[bench.row(&[("order_approved_at", ""), ("order_delivered_customer_date", "")])]);
        assert_eq!(days(&accepted, "days_to_approve"), None);
        assert_eq!(days(&accepted, "days_to_ship"), Some(149_400.0 / 86_400.0));
        assert_eq!(days(&accepted, "days_to_deliver"), None);
        assert!(accepted["delivered_late"].is_null(0));
    }

    #[test]
    fn late_means_a_later_local_day() {
        let bench = bench();
        for (delivery, wanted) in [("2017-08-01 23:59:59", false), ("2017-08-02 00:00:00", true)] {
            let (accepted, _) = bench.push(&[bench.row(&[("order_delivered_customer_date", delivery)])]);
            assert_eq!(accepted["delivered_late"].as_boolean().value(0), wanted, "{delivery}");
        }
    }

    #[test]
    fn a_year_starts_summer_time_and_the_elapsed_time_knows() {
        let bench = bench();
        let changes = [("order_purchase_timestamp", "2017-10-14 12:00:00"), ("order_approved_at", "2017-10-15 12:00:00")];
        let rest = [("order_delivered_customer_date", ""), ("order_estimated_delivery_date", "2017-11-01")];
        let (accepted, _) = bench.push(&[bench.row(&[changes, rest].concat())]);
        assert_eq!(days(&accepted, "days_to_approve"), Some(23.0 / 24.0));
    }
}
