//! Lower-cases the e-mail addresses in one column; rows whose address has no `@` go to quarantine.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::{BooleanArray, StringArray, cast::AsArray},
    arrow_schema::DataType,
    arrow_select::filter::filter_record_batch,
    prelude::*,
};

/// What a pipeline sets. The host checks it against the JSON Schema that is derived here.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "tidegate_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {
    /// The column that holds the addresses.
    pub column: String,
}

impl Config {
    /// The column's place in a batch. A wrong name is a mistake in the pipeline, and said as such.
    fn place(&self, input: &SchemaRef) -> Result<usize> {
        let found = input.column_with_name(&self.column).filter(|(_, field)| *field.data_type() == DataType::Utf8);
        found.map(|(place, _)| place).ok_or_else(|| Failure::config(format!("there is no text column `{}`", self.column)))
    }
}

pub struct Emails {
    place: usize,
}

impl Transform for Emails {
    type Config = Config;

    // What comes out, before any row is read: here the columns of the input, and the one rule that may reject rows.
    fn shape(config: &Config, _: &Context, input: &SchemaRef) -> Result<Shape> {
        config.place(input)?;
        let rule = Rule {
            name: "email-has-at".into(),
            dimension: Dimension::Conformity,
            columns: vec![config.column.clone()],
            reason: "the address has no @".into(),
        };
        Ok(Shape { schema: input.clone(), primary_key: Vec::new(), distribution: Distribution::Any, rules: vec![rule] })
    }

    fn open(config: Config, _: Context, input: SchemaRef) -> Result<Self> {
        Ok(Self { place: config.place(&input)? })
    }

    fn push(&mut self, batch: RecordBatch) -> Result<Output> {
        let emails = batch.column(self.place).as_string::<i32>();
        let good: Vec<bool> = emails.iter().map(|email| email.is_some_and(|email| email.contains('@'))).collect();
        let lower: StringArray = emails.iter().map(|email| email.map(str::to_lowercase)).collect();
        let mut columns = batch.columns().to_vec();
        columns[self.place] = Arc::new(lower);
        let cleaned = RecordBatch::try_new(batch.schema(), columns)?;

        let mut output = Output::default();
        for (row, _) in good.iter().enumerate().filter(|(_, good)| !**good) {
            output.rejected.reject(0, row);
        }
        output.accepted = Some(filter_record_batch(&cleaned, &BooleanArray::from(good))?);
        Ok(output)
    }
}

export_transform!(Emails);

#[cfg(test)]
mod tests {
    use tidegate_sdk::arrow_schema::Field;

    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_rows_without_an_at_are_rejected() {
        let emails: StringArray = [Some("Ann@Example.org"), Some("nobody"), None].into_iter().collect();
        let schema = Schema::new(vec![Field::new("email", DataType::Utf8, true)]);
        let batch = Origin::attach(&schema, vec![Arc::new(emails)], vec![1, 2, 3]).unwrap();
        let output = Emails { place: 0 }.push(batch).unwrap();
        assert_eq!(output.accepted.unwrap().column(0).as_string::<i32>().value(0), "ann@example.org");
        assert_eq!(output.rejected.by_rule().collect::<Vec<_>>(), [(0, &[1, 2][..])]);
    }
}
