//! The payments of orders.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::{ArrayRef, Int32Array, Int64Array},
    arrow_schema::{
        DataType::{Int32, Int64, Utf8},
        Field,
    },
};

use super::{Definition, required};
use crate::{cells::word::Words, rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "order_payments",
    columns: &["order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value"],
    spellings: &[],
    key: &["order_id", "payment_sequential"],
    spread: &["order_id", "payment_sequential"],
    rules: RULES,
    fields,
    clean,
};

const TYPES: Words = Words { known: &["credit_card", "boleto", "voucher", "debit_card", "not_defined"], spellings: &[] };

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    OrderIdMissing: "order-id-missing", Completeness, ["order_id"], "order id is missing";
    SequentialMissing: "payment-number-missing", Completeness, ["payment_sequential"], "the payment's number is missing";
    TypeMissing: "payment-type-missing", Completeness, ["payment_type"], "payment type is missing";
    InstallmentsMissing: "installments-missing", Completeness, ["payment_installments"], "the number of installments is missing";
    ValueMissing: "payment-value-missing", Completeness, ["payment_value"], "payment value is missing";
    OrderIdFormat: "order-id-format", Conformity, ["order_id"], "order id is not 32 hexadecimal digits";
    SequentialFormat: "payment-number-format", Conformity, ["payment_sequential"], "the payment's number is not a whole number";
    InstallmentsFormat: "installments-format", Conformity, ["payment_installments"], "the number of installments is not a whole number";
    ValueFormat: "payment-value-format", Conformity, ["payment_value"], "payment value is not an amount in whole cents";
    SequentialPositive: "payment-number-positive", Validity, ["payment_sequential"], "the payment's number is below 1";
    TypeKnown: "payment-type-known", Validity, ["payment_type"], "payment type is none of those known";
    InstallmentsNotNegative: "installments-not-negative", Validity, ["payment_installments"], "the number of installments is below zero";
    ValueNotNegative: "payment-value-not-negative", Validity, ["payment_value"], "payment value is below zero";
    Duplicate: "payment-duplicate", Uniqueness, ["order_id", "payment_sequential"], "an earlier row has this order id and payment number";
}

fn fields() -> Vec<Field> {
    vec![
        required("order_id", Utf8),
        required("payment_sequential", Int32),
        required("payment_type", Utf8),
        required("payment_installments", Int32),
        required("payment_value_cents", Int64),
    ]
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("order_id", Rule::OrderIdMissing);
    sheet.require("payment_sequential", Rule::SequentialMissing);
    sheet.require("payment_type", Rule::TypeMissing);
    sheet.require("payment_installments", Rule::InstallmentsMissing);
    sheet.require("payment_value", Rule::ValueMissing);
    let order_id = sheet.ids("order_id", Rule::OrderIdFormat);
    let sequential = sheet.integers("payment_sequential", Rule::SequentialFormat);
    let payment_type = sheet.words("payment_type", &TYPES, Rule::TypeKnown);
    let installments = sheet.integers("payment_installments", Rule::InstallmentsFormat);
    let value = sheet.cents("payment_value", Rule::ValueFormat);
    sheet.check(&sequential, Rule::SequentialPositive, |sequential| sequential >= 1);
    sheet.check(&installments, Rule::InstallmentsNotNegative, |installments| installments >= 0);
    sheet.check(&value, Rule::ValueNotNegative, |cents| cents >= 0);
    let sequential = Int32Array::from(sequential);
    sheet.deduplicate(Rule::Duplicate, |key, row| {
        key.text(&order_id, row);
        key.bits(sequential.value(row).cast_unsigned().into());
    })?;
    Ok(vec![
        Arc::new(order_id),
        Arc::new(sequential),
        Arc::new(payment_type),
        Arc::new(Int32Array::from(installments)),
        Arc::new(Int64Array::from(value)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        Bench::new(&TABLE, &["7799dddeb32e284d5ec67f402a2d85a6", "1", "credit_card", "3", "107.25"])
    }

    #[test]
    fn what_the_real_data_holds_is_kept() {
        let zero = [("payment_value", "0.0"), ("payment_installments", "0"), ("payment_type", "not_defined"), ("payment_sequential", "2")];
        assert_eq!(bench().broken_by(&zero), None);
    }
}
