//! Products. Olist's files spell two of their columns `lenght`; what comes out is spelled right.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::{ArrayRef, Int32Array},
    arrow_schema::{
        DataType::{Int32, Utf8},
        Field,
    },
};

use super::{Definition, optional, required};
use crate::{rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "products",
    columns: &[
        "product_id",
        "product_category_name",
        "product_name_lenght",
        "product_description_lenght",
        "product_photos_qty",
        "product_weight_g",
        "product_length_cm",
        "product_height_cm",
        "product_width_cm",
    ],
    spellings: &[("product_name_lenght", "product_name_length"), ("product_description_lenght", "product_description_length")],
    key: &["product_id"],
    spread: &["product_id"],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    ProductIdMissing: "product-id-missing", Completeness, ["product_id"], "product id is missing";
    ProductIdFormat: "product-id-format", Conformity, ["product_id"], "product id is not 32 hexadecimal digits";
    NameLengthFormat: "name-length-format", Conformity, ["product_name_lenght"], "name length is not a whole number";
    DescriptionLengthFormat: "description-length-format", Conformity, ["product_description_lenght"], "description length is not a whole number";
    PhotosFormat: "photos-format", Conformity, ["product_photos_qty"], "number of photos is not a whole number";
    WeightFormat: "weight-format", Conformity, ["product_weight_g"], "weight is not a whole number of grams";
    LengthFormat: "length-format", Conformity, ["product_length_cm"], "length is not a whole number of centimetres";
    HeightFormat: "height-format", Conformity, ["product_height_cm"], "height is not a whole number of centimetres";
    WidthFormat: "width-format", Conformity, ["product_width_cm"], "width is not a whole number of centimetres";
    NotNegative: "measures-not-negative", Validity, [
        "product_name_lenght",
        "product_description_lenght",
        "product_photos_qty",
        "product_weight_g",
        "product_length_cm",
        "product_height_cm",
        "product_width_cm"
    ], "a count, a weight or a dimension is below zero";
    Duplicate: "product-duplicate", Uniqueness, ["product_id"], "an earlier row has this product id";
}

fn fields() -> Vec<Field> {
    vec![
        required("product_id", Utf8),
        required("product_category_name", Utf8),
        optional("product_name_length", Int32),
        optional("product_description_length", Int32),
        optional("product_photos_qty", Int32),
        optional("product_weight_g", Int32),
        optional("product_length_cm", Int32),
        optional("product_height_cm", Int32),
        optional("product_width_cm", Int32),
    ]
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("product_id", Rule::ProductIdMissing);
    let product_id = sheet.ids("product_id", Rule::ProductIdFormat);
    let category = sheet.categories("product_category_name");
    let counts = [
        sheet.integers("product_name_lenght", Rule::NameLengthFormat),
        sheet.integers("product_description_lenght", Rule::DescriptionLengthFormat),
        sheet.integers("product_photos_qty", Rule::PhotosFormat),
    ];
    let measures = [
        sheet.integers("product_weight_g", Rule::WeightFormat),
        sheet.integers("product_length_cm", Rule::LengthFormat),
        sheet.integers("product_height_cm", Rule::HeightFormat),
        sheet.integers("product_width_cm", Rule::WidthFormat),
    ];
    for numbers in counts.iter().chain(&measures) {
        sheet.check(numbers, Rule::NotNegative, |number| number >= 0);
    }
    sheet.deduplicate_texts(Rule::Duplicate, &product_id)?;
    let mut columns: Vec<ArrayRef> = vec![Arc::new(product_id), Arc::new(category)];
    columns.extend(counts.map(|numbers| Arc::new(Int32Array::from(numbers)) as ArrayRef));
    columns.extend(measures.map(|numbers| Arc::new(known(&numbers)) as ArrayRef));
    Ok(columns)
}

/// Nothing weighs 0 g or measures 0 cm: there a 0 says that nobody measured.
fn known(measures: &[Option<i32>]) -> Int32Array {
    measures.iter().map(|measure| measure.filter(|measure| *measure != 0)).collect()
}

#[cfg(test)]
mod tests {
    use tidegate_sdk::{
        Context, Transform,
        arrow_array::{Array, cast::AsArray, types::Int32Type},
        arrow_schema::{DataType, Schema},
    };

    use super::*;
    use crate::{Config, Olist, testing::Bench};

    fn bench() -> Bench {
        Bench::new(&TABLE, &["7bbee6b16545a3f77e1085cd129359be", "bebes", "40", "700", "3", "650", "30", "20", "15"])
    }

    #[test]
    fn what_is_missing_stays_null_but_for_the_category() {
        let bench = bench();
        let (accepted, _) =
            bench.push(&[bench.row(&[("product_category_name", ""), ("product_photos_qty", ""), ("product_width_cm", " ")])]);
        assert_eq!(Bench::texts(&accepted, "product_category_name"), [Some("unknown".to_owned())]);
        assert!(accepted["product_photos_qty"].is_null(0) && accepted["product_width_cm"].is_null(0));
    }

    #[test]
    fn a_weight_of_zero_becomes_null_and_a_count_of_zero_stays() {
        let bench = bench();
        let (accepted, _) =
            bench.push(&[bench.row(&[("product_weight_g", "0"), ("product_photos_qty", "0"), ("product_length_cm", "50.0")])]);
        assert!(accepted["product_weight_g"].is_null(0));
        assert_eq!(accepted["product_photos_qty"].as_primitive::<Int32Type>().value(0), 0);
        assert_eq!(accepted["product_length_cm"].as_primitive::<Int32Type>().value(0), 50);
    }

    #[test]
    fn the_right_spelling_is_taken_too_and_rules_name_what_the_input_has() {
        let mut names: Vec<String> = TABLE.columns.iter().map(|name| name.replace("lenght", "length")).collect();
        names.push(tidegate_sdk::ORIGIN.to_owned());
        let field = |name: &String| match name.as_str() {
            tidegate_sdk::ORIGIN => required(name, DataType::UInt64),
            _ => optional(name, Utf8),
        };
        let input = Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()));
        let context = Context { stream: "products".to_owned(), now_micros: 0, seed: 0 };
        let shape = Olist::shape(&Config::default(), &context, &input).unwrap();
        let rule = shape.rules.iter().find(|rule| rule.name == "name-length-format").unwrap();
        assert_eq!(rule.columns, ["product_name_length"]);
    }
}
