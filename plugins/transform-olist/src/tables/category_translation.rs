//! The English names of product categories.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::ArrayRef,
    arrow_schema::{DataType::Utf8, Field},
};

use super::{Definition, required};
use crate::{rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "category_translation",
    columns: &["product_category_name", "product_category_name_english"],
    spellings: &[],
    key: &["product_category_name"],
    // Cleaning makes one name of several spellings, and there are only 71: one instance sees them all.
    spread: &[],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    NameMissing: "category-missing", Completeness, ["product_category_name"], "category name is missing";
    EnglishMissing: "category-english-missing", Completeness, ["product_category_name_english"], "English category name is missing";
    Duplicate: "category-duplicate", Uniqueness, ["product_category_name"], "an earlier row translates this category";
}

fn fields() -> Vec<Field> {
    TABLE.columns.iter().map(|name| required(name, Utf8)).collect()
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("product_category_name", Rule::NameMissing);
    sheet.require("product_category_name_english", Rule::EnglishMissing);
    let name = sheet.categories("product_category_name");
    let english = sheet.categories("product_category_name_english");
    sheet.deduplicate_texts(Rule::Duplicate, &name)?;
    Ok(vec![Arc::new(name), Arc::new(english)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn both_names_are_normalised() {
        let bench = Bench::new(&TABLE, &["Beleza Saude", "Health  Beauty "]);
        let (accepted, _) = bench.push(&[bench.row(&[])]);
        assert_eq!(Bench::texts(&accepted, "product_category_name"), [Some("beleza_saude".to_owned())]);
        assert_eq!(Bench::texts(&accepted, "product_category_name_english"), [Some("health_beauty".to_owned())]);
    }
}
