//! Customers: one row per order's customer; the person is `customer_unique_id`.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::ArrayRef,
    arrow_schema::{DataType::Utf8, Field},
};

use super::{Definition, required};
use crate::{rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "customers",
    columns: &["customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state"],
    spellings: &[],
    key: &["customer_id"],
    spread: &["customer_id"],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    CustomerIdMissing: "customer-id-missing", Completeness, ["customer_id"], "customer id is missing";
    UniqueIdMissing: "customer-unique-id-missing", Completeness, ["customer_unique_id"], "the person's id is missing";
    ZipMissing: "zip-missing", Completeness, ["customer_zip_code_prefix"], "zip prefix is missing";
    StateMissing: "state-missing", Completeness, ["customer_state"], "state is missing";
    CustomerIdFormat: "customer-id-format", Conformity, ["customer_id"], "customer id is not 32 hexadecimal digits";
    UniqueIdFormat: "customer-unique-id-format", Conformity, ["customer_unique_id"], "the person's id is not 32 hexadecimal digits";
    ZipFormat: "zip-format", Conformity, ["customer_zip_code_prefix"], "zip prefix is not five digits from 01000 on";
    StateKnown: "state-known", Validity, ["customer_state"], "state is none of the 27 of Brazil";
    Duplicate: "customer-duplicate", Uniqueness, ["customer_id"], "an earlier row has this customer id";
}

fn fields() -> Vec<Field> {
    TABLE.columns.iter().map(|name| required(name, Utf8)).collect()
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("customer_id", Rule::CustomerIdMissing);
    sheet.require("customer_unique_id", Rule::UniqueIdMissing);
    sheet.require("customer_zip_code_prefix", Rule::ZipMissing);
    sheet.require("customer_state", Rule::StateMissing);
    let customer_id = sheet.ids("customer_id", Rule::CustomerIdFormat);
    let unique_id = sheet.ids("customer_unique_id", Rule::UniqueIdFormat);
    let zip = sheet.zips("customer_zip_code_prefix", Rule::ZipFormat);
    let state = sheet.states("customer_state", Rule::StateKnown);
    let city = sheet.cities("customer_city", &state);
    sheet.deduplicate_texts(Rule::Duplicate, &customer_id)?;
    Ok(vec![Arc::new(customer_id), Arc::new(unique_id), Arc::new(zip), Arc::new(city), Arc::new(state)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        let id = "b39cdafab9a1749637b616f2d38d6eec";
        Bench::new(&TABLE, &[id, "eda15b3beb43965044c27517b65cce56", "38400", "uberlandia", "MG"])
    }

    #[test]
    fn blank_rows_and_duplicates_are_told_apart() {
        let bench = bench();
        let other = bench.row(&[("customer_id", "B39CDAFAB9A1749637B616F2D38D6EEC ")]);
        let (_, broken) = bench.push(&[vec!["", " ", "", "", ""], bench.row(&[]), other]);
        assert_eq!(broken, [Some("row-blank".to_owned()), None, Some("customer-duplicate".to_owned())]);
    }

    #[test]
    fn a_rejected_row_is_not_the_first_of_its_kind() {
        let bench = bench();
        let (accepted, broken) = bench.push(&[bench.row(&[("customer_state", "MX")]), bench.row(&[])]);
        assert_eq!(broken, [Some("state-known".to_owned()), None]);
        assert_eq!(accepted.num_rows(), 1);
    }

    #[test]
    fn lost_zeros_and_cities_are_mended_and_the_row_stays() {
        let bench = bench();
        let changes = [("customer_zip_code_prefix", "1027"), ("customer_city", "São Paulo - SP"), ("customer_state", "sp")];
        let (accepted, _) = bench.push(&[bench.row(&changes)]);
        assert_eq!(Bench::texts(&accepted, "customer_zip_code_prefix"), [Some("01027".to_owned())]);
        assert_eq!(Bench::texts(&accepted, "customer_city"), [Some("sao paulo".to_owned())]);
        assert_eq!(Bench::texts(&accepted, "customer_state"), [Some("SP".to_owned())]);
        let (accepted, _) = bench.push(&[bench.row(&[("customer_city", "")])]);
        assert_eq!(Bench::texts(&accepted, "customer_city"), [Some("unknown".to_owned())]);
    }
}
