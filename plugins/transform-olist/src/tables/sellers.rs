//! Sellers.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::ArrayRef,
    arrow_schema::{DataType::Utf8, Field},
};

use super::{Definition, required};
use crate::{rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "sellers",
    columns: &["seller_id", "seller_zip_code_prefix", "seller_city", "seller_state"],
    spellings: &[],
    key: &["seller_id"],
    spread: &["seller_id"],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    SellerIdMissing: "seller-id-missing", Completeness, ["seller_id"], "seller id is missing";
    ZipMissing: "zip-missing", Completeness, ["seller_zip_code_prefix"], "zip prefix is missing";
    StateMissing: "state-missing", Completeness, ["seller_state"], "state is missing";
    SellerIdFormat: "seller-id-format", Conformity, ["seller_id"], "seller id is not 32 hexadecimal digits";
    ZipFormat: "zip-format", Conformity, ["seller_zip_code_prefix"], "zip prefix is not five digits from 01000 on";
    StateKnown: "state-known", Validity, ["seller_state"], "state is none of the 27 of Brazil";
    Duplicate: "seller-duplicate", Uniqueness, ["seller_id"], "an earlier row has this seller id";
}

fn fields() -> Vec<Field> {
    TABLE.columns.iter().map(|name| required(name, Utf8)).collect()
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("seller_id", Rule::SellerIdMissing);
    sheet.require("seller_zip_code_prefix", Rule::ZipMissing);
    sheet.require("seller_state", Rule::StateMissing);
    let seller_id = sheet.ids("seller_id", Rule::SellerIdFormat);
    let zip = sheet.zips("seller_zip_code_prefix", Rule::ZipFormat);
    let state = sheet.states("seller_state", Rule::StateKnown);
    let city = sheet.cities("seller_city", &state);
    sheet.deduplicate_texts(Rule::Duplicate, &seller_id)?;
    Ok(vec![Arc::new(seller_id), Arc::new(zip), Arc::new(city), Arc::new(state)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        Bench::new(&TABLE, &["a540f74acf9cff93c3461eab5469c639", "70000", "brasilia", "DF"])
    }

    #[test]
    fn a_seller_whose_city_says_nothing_stays() {
        let bench = bench();
        let (accepted, _) = bench.push(&[bench.row(&[("seller_city", "vendas@example.com")])]);
        assert_eq!(Bench::texts(&accepted, "seller_city"), [Some("unknown".to_owned())]);
    }
}
