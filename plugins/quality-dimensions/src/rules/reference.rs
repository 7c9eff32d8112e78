//! `reference`: references that a left join resolved. One measure, over the rows that refer to something.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result, arrow_array::Array};

use super::{Check, Counted, Rule};
use crate::{rows::Rows, stream::Stream, tally::Tally};

/// References that resolve.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column that refers, of any type. A row in which it is null refers to nothing and is not counted.
    pub column: String,
    /// The column that a left join filled from the other side; null where it found nothing.
    pub found: String,
    /// Counts for this dimension instead of integrity.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `reference`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let check = Resolved { column: stream.any(&self.column)?, found: stream.any(&self.found)? };
        Ok(vec![Counted::one([&self.column], check)])
    }
}

struct Resolved {
    column: usize,
    found: usize,
}

impl Check for Resolved {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let refers = rows.column(self.column).logical_nulls();
        match rows.column(self.found).logical_nulls() {
            None => rows.judge(refers.as_ref(), tally, |_| true),
            Some(found) => rows.judge(refers.as_ref(), tally, |row| found.is_valid(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{counts, ints, problem, rows, texts};

    #[test]
    fn references_that_found_nothing_fail() {
        let batch =
            rows(vec![("order", texts([Some("x"), Some("y"), None])), ("found", ints([Some(1), None, None])), ("all", ints([Some(1); 3]))]);
        assert_eq!(
            counts(r#"{"rules":[{"kind":"reference","column":"order","found":"found"}]}"#, &batch),
            ["integrity reference order 1/2 1:2"]
        );
        assert_eq!(counts(r#"{"rules":[{"kind":"reference","column":"order","found":"all"}]}"#, &batch), ["integrity reference order 2/2"]);
    }

    #[test]
    fn unknown_columns_are_refused() {
        let found = problem(r#"{"rules":[{"kind":"reference","column":"order","found":"fuond"}]}"#, &rows(vec![("order", ints([None]))]));
        assert_eq!(found, "rule 1 (`reference`): stream `orders` has no column `fuond`; it has `order`");
    }
}
