//! Points of zip prefixes. A prefix has many points, so nothing identifies a row but the whole of it.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::{ArrayRef, Float64Array},
    arrow_schema::{
        DataType::{Float64, Utf8},
        Field,
    },
};

use super::{Definition, required};
use crate::{cells::coordinate::is_in_brazil, rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "geolocation",
    columns: &["geolocation_zip_code_prefix", "geolocation_lat", "geolocation_lng", "geolocation_city", "geolocation_state"],
    spellings: &[],
    key: &[],
    spread: &["geolocation_zip_code_prefix"],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    ZipMissing: "zip-missing", Completeness, ["geolocation_zip_code_prefix"], "zip prefix is missing";
    LatitudeMissing: "latitude-missing", Completeness, ["geolocation_lat"], "latitude is missing";
    LongitudeMissing: "longitude-missing", Completeness, ["geolocation_lng"], "longitude is missing";
    StateMissing: "state-missing", Completeness, ["geolocation_state"], "state is missing";
    ZipFormat: "zip-format", Conformity, ["geolocation_zip_code_prefix"], "zip prefix is not five digits from 01000 on";
    LatitudeFormat: "latitude-format", Conformity, ["geolocation_lat"], "latitude is not a number";
    LongitudeFormat: "longitude-format", Conformity, ["geolocation_lng"], "longitude is not a number";
    StateKnown: "state-known", Validity, ["geolocation_state"], "state is none of the 27 of Brazil";
    InsideBrazil: "inside-brazil", Accuracy, ["geolocation_lat", "geolocation_lng"], "the point lies outside Brazil";
    Duplicate: "point-duplicate", Uniqueness, ["geolocation_zip_code_prefix", "geolocation_lat", "geolocation_lng", "geolocation_city", "geolocation_state"],
        "an earlier row is the same once cleaned";
}

fn fields() -> Vec<Field> {
    vec![
        required("geolocation_zip_code_prefix", Utf8),
        required("geolocation_lat", Float64),
        required("geolocation_lng", Float64),
        required("geolocation_city", Utf8),
        required("geolocation_state", Utf8),
    ]
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("geolocation_zip_code_prefix", Rule::ZipMissing);
    sheet.require("geolocation_lat", Rule::LatitudeMissing);
    sheet.require("geolocation_lng", Rule::LongitudeMissing);
    sheet.require("geolocation_state", Rule::StateMissing);
    let zip = sheet.zips("geolocation_zip_code_prefix", Rule::ZipFormat);
    let latitude = sheet.degrees("geolocation_lat", Rule::LatitudeFormat);
    let longitude = sheet.degrees("geolocation_lng", Rule::LongitudeFormat);
    let state = sheet.states("geolocation_state", Rule::StateKnown);
    let city = sheet.cities("geolocation_city", &state);
    sheet.check_pair(&latitude, &longitude, Rule::InsideBrazil, is_in_brazil);
    let (latitude, longitude) = (Float64Array::from(latitude), Float64Array::from(longitude));
    sheet.deduplicate(Rule::Duplicate, |key, row| {
        key.text(&zip, row);
        key.bits(latitude.value(row).to_bits());
        key.bits(longitude.value(row).to_bits());
        key.text(&city, row);
        key.text(&state, row);
    })?;
    Ok(vec![Arc::new(zip), Arc::new(latitude), Arc::new(longitude), Arc::new(city), Arc::new(state)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        Bench::new(&TABLE, &["01027", "-23.54321098765432", "-46.6123456789", "sao paulo", "SP"])
    }

    #[test]
    fn rows_that_are_the_same_once_cleaned_are_duplicates() {
        let bench = bench();
        let same = bench.row(&[("geolocation_city", "São Paulo"), ("geolocation_zip_code_prefix", "1027")]);
        let other = bench.row(&[("geolocation_lat", "-23.543210987654")]);
        let (accepted, broken) = bench.push(&[bench.row(&[]), same, other]);
        assert_eq!(broken, [None, Some("point-duplicate".to_owned()), None]);
        assert_eq!(accepted.num_rows(), 2);
    }
}
