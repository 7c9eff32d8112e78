//! The items of orders.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::{ArrayRef, Int32Array, Int64Array},
    arrow_schema::{
        DataType::{Int32, Int64, Utf8},
        Field,
    },
};

use super::{Definition, required, timestamp};
use crate::{rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "order_items",
    columns: &["order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value"],
    spellings: &[],
    key: &["order_id", "order_item_id"],
    spread: &["order_id", "order_item_id"],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    OrderIdMissing: "order-id-missing", Completeness, ["order_id"], "order id is missing";
    ItemMissing: "item-number-missing", Completeness, ["order_item_id"], "the item's number is missing";
    ProductIdMissing: "product-id-missing", Completeness, ["product_id"], "product id is missing";
    SellerIdMissing: "seller-id-missing", Completeness, ["seller_id"], "seller id is missing";
    LimitMissing: "shipping-limit-missing", Completeness, ["shipping_limit_date"], "shipping limit is missing";
    PriceMissing: "price-missing", Completeness, ["price"], "price is missing";
    FreightMissing: "freight-missing", Completeness, ["freight_value"], "freight is missing";
    OrderIdFormat: "order-id-format", Conformity, ["order_id"], "order id is not 32 hexadecimal digits";
    ItemFormat: "item-number-format", Conformity, ["order_item_id"], "the item's number is not a whole number";
    ProductIdFormat: "product-id-format", Conformity, ["product_id"], "product id is not 32 hexadecimal digits";
    SellerIdFormat: "seller-id-format", Conformity, ["seller_id"], "seller id is not 32 hexadecimal digits";
    LimitFormat: "shipping-limit-format", Conformity, ["shipping_limit_date"], "shipping limit is not a date that can be read in one way";
    PriceFormat: "price-format", Conformity, ["price"], "price is not an amount in whole cents";
    FreightFormat: "freight-format", Conformity, ["freight_value"], "freight is not an amount in whole cents";
    ItemPositive: "item-number-positive", Validity, ["order_item_id"], "the item's number is below 1";
    PricePositive: "price-positive", Validity, ["price"], "price is not above zero";
    FreightNotNegative: "freight-not-negative", Validity, ["freight_value"], "freight is below zero";
    DatesPlausible: "dates-plausible", Accuracy, ["shipping_limit_date"], "a date lies outside the plausible days";
    Duplicate: "item-duplicate", Uniqueness, ["order_id", "order_item_id"], "an earlier row has this order id and item number";
}

fn fields() -> Vec<Field> {
    vec![
        required("order_id", Utf8),
        required("order_item_id", Int32),
        required("product_id", Utf8),
        required("seller_id", Utf8),
        required("shipping_limit_date", timestamp()),
        required("price_cents", Int64),
        required("freight_cents", Int64),
    ]
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("order_id", Rule::OrderIdMissing);
    sheet.require("order_item_id", Rule::ItemMissing);
    sheet.require("product_id", Rule::ProductIdMissing);
    sheet.require("seller_id", Rule::SellerIdMissing);
    sheet.require("shipping_limit_date", Rule::LimitMissing);
    sheet.require("price", Rule::PriceMissing);
    sheet.require("freight_value", Rule::FreightMissing);
    let order_id = sheet.ids("order_id", Rule::OrderIdFormat);
    let item = sheet.integers("order_item_id", Rule::ItemFormat);
    let product_id = sheet.ids("product_id", Rule::ProductIdFormat);
    let seller_id = sheet.ids("seller_id", Rule::SellerIdFormat);
    let limit = sheet.instants("shipping_limit_date", Rule::LimitFormat, Rule::DatesPlausible);
    let price = sheet.cents("price", Rule::PriceFormat);
    let freight = sheet.cents("freight_value", Rule::FreightFormat);
    sheet.check(&item, Rule::ItemPositive, |item| item >= 1);
    sheet.check(&price, Rule::PricePositive, |cents| cents > 0);
    sheet.check(&freight, Rule::FreightNotNegative, |cents| cents >= 0);
    let item = Int32Array::from(item);
    sheet.deduplicate(Rule::Duplicate, |key, row| {
        key.text(&order_id, row);
        key.bits(item.value(row).cast_unsigned().into());
    })?;
    Ok(vec![
        Arc::new(order_id),
        Arc::new(item),
        Arc::new(product_id),
        Arc::new(seller_id),
        Arc::new(limit.timestamps()),
        Arc::new(Int64Array::from(price)),
        Arc::new(Int64Array::from(freight)),
    ])
}

#[cfg(test)]
mod tests {
    use tidegate_sdk::arrow_array::cast::AsArray;

    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        let ids = ["206ea351e37a006b7546ccbbd4bc23bc", "cceb0bfaa83b39bc38cde71723a3c148", "6ba350f84baceb60d07d001af4bc6d7a"];
        Bench::new(&TABLE, &[ids[0], "1", ids[1], ids[2], "2018-08-20 12:00:00", "89.9", "17.35"])
    }

    #[test]
    fn free_freight_and_late_limits_are_kept() {
        assert_eq!(bench().broken_by(&[("freight_value", "0.0"), ("shipping_limit_date", "2020-04-09 22:35:08")]), None);
    }

    #[test]
    fn the_key_is_order_and_item() {
        let bench = bench();
        let (_, broken) = bench.push(&[bench.row(&[]), bench.row(&[("order_item_id", "2")]), bench.row(&[("order_item_id", "1.0")])]);
        assert_eq!(broken, [None, None, Some("item-duplicate".to_owned())]);
    }

    #[test]
    fn money_is_cents() {
        let bench = bench();
        let (accepted, _) = bench.push(&[bench.row(&[("price", "1.234,56")])]);
        assert_eq!(accepted["price_cents"].as_primitive::<tidegate_sdk::arrow_array::types::Int64Type>().value(0), 123_456);
        assert_eq!(accepted["freight_cents"].as_primitive::<tidegate_sdk::arrow_array::types::Int64Type>().value(0), 1735);
    }
}
