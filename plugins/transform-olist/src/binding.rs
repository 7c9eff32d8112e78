//! Finds a table's columns in the input by their names; order does not matter, what is not asked for is ignored.

use tidegate_sdk::{
    arrow_array::{Array, ArrayRef, RecordBatch, StringArray, cast::AsArray},
    arrow_schema::DataType,
    prelude::*,
};

use crate::tables::Definition;

/// Where a table's columns stand in the input.
pub struct Binding {
    /// In the order of [`Definition::columns`].
    indexes: Vec<usize>,
    /// What the input calls them.
    names: Vec<String>,
    origin: usize,
}

impl Binding {
    /// Fails as `config` where a column is missing or is no text.
    pub fn new(table: &Definition, input: &Schema) -> Result<Self> {
        let (mut indexes, mut names) = (Vec::new(), Vec::new());
        for column in table.columns {
            let index = find(table, column, input).ok_or_else(|| missing(table, column, input))?;
            let field = input.field(index);
            if field.data_type() != &DataType::Utf8 {
                return Err(Failure::config(format!(
                    "column `{}` of table `{}` comes as {}, the cleaning starts from text: read it as text (`types = \"text\"`)",
                    field.name(),
                    table.name,
                    field.data_type()
                )));
            }
            indexes.push(index);
            names.push(field.name().clone());
        }
        let origin = input.index_of(ORIGIN).map_err(|_| Failure::bug(format!("the input has no column `{ORIGIN}`")))?;
        Ok(Self { indexes, names, origin })
    }

    /// What the input calls `column` of `table`.
    pub fn name_in_input(&self, table: &Definition, column: &str) -> String {
        self.names[table.index_of(column)].clone()
    }

    /// The spread that brings rows of one key together, in the input's names.
    pub fn distribution(&self, table: &Definition) -> Distribution {
        match table.spread {
            [] => Distribution::Single,
            columns => Distribution::Hash(columns.iter().map(|column| self.name_in_input(table, column)).collect()),
        }
    }

    /// The table's columns in the order of [`Definition::columns`].
    pub fn cells<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<&'a StringArray>> {
        let cells = self.indexes.iter().map(|index| batch.columns().get(*index)?.as_string_opt::<i32>());
        cells.collect::<Option<_>>().ok_or_else(|| Failure::bug("a batch does not have the schema that the transform was opened with"))
    }

    /// The lineage column.
    pub fn origin<'a>(&self, batch: &'a RecordBatch) -> Result<&'a ArrayRef> {
        let origin = batch.columns().get(self.origin).filter(|origin| origin.data_type() == &DataType::UInt64);
        origin.ok_or_else(|| Failure::bug(format!("a batch has no column `{ORIGIN}` of whole numbers")))
    }
}

fn find(table: &Definition, column: &str, input: &Schema) -> Option<usize> {
    let spellings = table.spellings.iter().filter(|(name, _)| *name == column).map(|(_, other)| *other);
    std::iter::once(column).chain(spellings).find_map(|name| input.index_of(name).ok())
}

fn missing(table: &Definition, column: &str, input: &Schema) -> Failure {
    let unclaimed = input.fields().iter().map(|field| field.name().as_str());
    let unclaimed = unclaimed.filter(|name| *name != ORIGIN && !table.columns.contains(name));
    let hint = nearest(column, unclaimed).map(|name| format!("; there is a column `{name}`, which may be meant")).unwrap_or_default();
    Failure::config(format!("table `{}` needs the column `{column}`, which the stream does not have{hint}", table.name))
}

/// The one of `names` that `wanted` most likely means: at most a third of its letters differ.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = names.into_iter().map(|name| (distance(&wanted.to_lowercase(), &name.to_lowercase()), name));
    distances.min_by_key(|(distance, _)| *distance).filter(|(distance, _)| *distance <= wanted.len().div_ceil(3)).map(|(_, name)| name)
}

/// Levenshtein's distance in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, l) in left.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (column, r) in right.bytes().enumerate() {
            let changed = diagonal + usize::from(l != r);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use tidegate_sdk::arrow_schema::Field;

    use super::*;
    use crate::tables;

    fn schema(names: &[&str]) -> Schema {
        let mut fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        fields.push(Field::new(ORIGIN, DataType::UInt64, false));
        Schema::new(fields)
    }

    #[test]
    fn columns_are_found_by_name_whatever_their_order() {
        let input = schema(&["seller_state", "extra", "seller_city", "seller_id", "seller_zip_code_prefix"]);
        let binding = Binding::new(&tables::sellers::TABLE, &input).unwrap();
        assert_eq!(binding.indexes, [3, 4, 2, 0]);
    }

    #[test]
    fn a_missing_column_is_named_with_its_table_and_the_near_miss() {
        let input = schema(&["seller_id", "seller_zip_code_prefix", "seller_citty", "seller_state"]);
        let failure = Binding::new(&tables::sellers::TABLE, &input).err().unwrap();
        assert_eq!(failure.kind, FailureKind::Config);
        assert_eq!(
            failure.message,
            "table `sellers` needs the column `seller_city`, which the stream does not have; there is a column `seller_citty`, which may be meant"
        );
    }

    #[test]
    fn a_column_that_is_no_text_is_refused() {
        let mut fields = schema(&["seller_id", "seller_city", "seller_state"]).fields().to_vec();
        fields.push(Field::new("seller_zip_code_prefix", DataType::Int64, true).into());
        let failure = Binding::new(&tables::sellers::TABLE, &Schema::new(fields)).err().unwrap();
        assert!(failure.message.contains("`seller_zip_code_prefix` of table `sellers` comes as Int64"), "{failure}");
    }

    #[test]
    fn near_misses_are_near() {
        assert_eq!(nearest("order_id", ["orderid", "customer_id"]), Some("orderid"));
        assert_eq!(nearest("order_id", ["price", "freight"]), None);
    }
}
