//! The nine tables, one file each, all alike: the columns, the rules in the order in which they count, the fields that come out, the
//! cleaning.
//!
//! What always holds, and the test below holds it: the first two rules of a table are `row-blank` and that its first column is missing.

pub mod category_translation;
pub mod customers;
pub mod geolocation;
pub mod order_items;
pub mod order_payments;
pub mod order_reviews;
pub mod orders;
pub mod products;
pub mod sellers;

use tidegate_sdk::{
    arrow_array::ArrayRef,
    arrow_schema::{DataType, Field, TimeUnit},
    prelude::*,
};

use crate::{rules::RuleText, sheet::Sheet};

/// What a table is.
pub struct Definition {
    /// Its name, and that of its stream.
    pub name: &'static str,
    /// The columns it needs, as Olist's files call them.
    pub columns: &'static [&'static str],
    /// Other names under which a column is found.
    pub spellings: &'static [(&'static str, &'static str)],
    /// The columns that identify a row; empty where none do.
    pub key: &'static [&'static str],
    /// The columns whose text says which instance a row goes to; empty where all rows go to one.
    pub spread: &'static [&'static str],
    /// In the order in which they count.
    pub rules: &'static [RuleText],
    /// What comes out, without the lineage column.
    pub fields: fn() -> Vec<Field>,
    /// Marks the rows that break a rule and gives the columns of `fields` for all rows.
    pub clean: fn(&mut Sheet) -> Result<Vec<ArrayRef>>,
}

/// In the order in which a person would read them.
pub static ALL: [&Definition; 9] = [
    &customers::TABLE,
    &geolocation::TABLE,
    &order_items::TABLE,
    &order_payments::TABLE,
    &order_reviews::TABLE,
    &orders::TABLE,
    &products::TABLE,
    &sellers::TABLE,
    &category_translation::TABLE,
];

impl Definition {
    /// What comes out, with the lineage column.
    pub fn schema(&self) -> SchemaRef {
        let mut fields = (self.fields)();
        fields.push(required(ORIGIN, DataType::UInt64));
        Schema::new(fields).into()
    }

    /// Where `column` stands in [`Self::columns`].
    pub fn index_of(&self, column: &str) -> usize {
        let index = self.columns.iter().position(|name| *name == column);
        index.expect("rules and cleaning name columns of their own table, as the tests of every table show")
    }
}

/// A field that is never null.
pub fn required(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

/// A field that may be null.
pub fn optional(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

/// An instant in microseconds.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::sheet::{FIRST_COLUMN_MISSING, ROW_BLANK};

    #[test]
    fn the_first_two_rules_of_a_table_are_about_blank_rows_and_its_first_column() {
        for table in ALL {
            assert_eq!(table.rules[usize::from(ROW_BLANK.0)].name, "row-blank", "{}", table.name);
            assert_eq!(table.rules[usize::from(FIRST_COLUMN_MISSING.0)].columns, [table.columns[0]], "{}", table.name);
        }
    }

    #[test]
    fn rules_are_unique_and_name_columns_of_their_table() {
        for table in ALL {
            let names: HashSet<_> = table.rules.iter().map(|rule| rule.name).collect();
            assert_eq!(names.len(), table.rules.len(), "{}", table.name);
            for column in table.rules.iter().flat_map(|rule| rule.columns).chain(table.key).chain(table.spread) {
                table.index_of(column);
            }
        }
    }

    #[test]
    fn a_rule_counts_against_the_same_dimension_in_every_table() {
        let mut dimensions = std::collections::HashMap::new();
        for rule in ALL.iter().flat_map(|table| table.rules) {
            assert_eq!(*dimensions.entry(rule.name).or_insert(rule.dimension), rule.dimension, "{}", rule.name);
        }
    }
}
