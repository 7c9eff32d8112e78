//! `required`: cells that are present. One measure per column, over all rows.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result, arrow_array::Array};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    rows::Rows,
    stream::{Family, Stream},
    tally::Tally,
};

/// Cells that are present.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The columns, of any type.
    pub columns: Names,
    /// Whether a text that is empty or only white space counts as absent; false by default. Then the columns must be texts.
    #[serde(default)]
    pub blank: bool,
    /// Counts for this dimension instead of completeness.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `required`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let check = |name: &String| {
            let column = if self.blank { stream.column(name, &[Family::Text])?.index } else { stream.any(name)? };
            Ok(Counted::one([name], Present { column, blank: self.blank }))
        };
        self.columns.0.iter().map(check).collect()
    }
}

struct Present {
    column: usize,
    blank: bool,
}

impl Check for Present {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let array = rows.column(self.column);
        if self.blank {
            rows.judge_text(array, tally, |text| !text.trim().is_empty());
        } else {
            tally.total += (array.len() - array.logical_null_count()) as u64;
        }
        // Columns without a null, the usual case, cost nothing.
        let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) else { return };
        tally.total += nulls.null_count() as u64;
        (!nulls.inner()).set_indices().for_each(|row| rows.fail(tally, row));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::NullArray;

    use crate::testing::{counts, ints, problem, rows, texts};

    #[test]
    fn each_column_is_a_measure_and_nulls_fail() {
        let batch = rows(vec![
            ("a", texts([Some("x"), None, Some(" ")])),
            ("b", ints([Some(1), Some(2), Some(3)])),
            ("n", Arc::new(NullArray::new(3))),
        ]);
        let found = counts(r#"{"rules":[{"kind":"required","columns":["a","b","n"]}]}"#, &batch);
        assert_eq!(found, ["completeness required a 2/3 1:2", "completeness required b 3/3", "completeness required n 0/3 1:1 1:2 1:3"]);
    }

    #[test]
    fn blank_texts_count_as_absent_on_request() {
        let batch = rows(vec![("a", texts([Some("x"), None, Some(" ")])), ("b", ints([None, None, None]))]);
        assert_eq!(
            counts(r#"{"rules":[{"kind":"required","columns":"a","blank":true}]}"#, &batch),
            ["completeness required a 1/3 1:2 1:3"]
        );
        let found = problem(r#"{"rules":[{"kind":"required","columns":["b"],"blank":true}]}"#, &batch);
        assert_eq!(found, "rule 1 (`required`): column `b` is Int64; this rule reads texts");
    }
}
