//! `reference_value`: values that agree with those of a joined reference. One measure, over the rows in which both are present.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Failure, Result, arrow_array::Array, arrow_buffer::NullBuffer};

use super::{
    Check, Counted, Rule,
    sum_equals::{Tolerance, tolerance},
};
use crate::{
    lane::{Cells, Lane},
    rows::Rows,
    stream::{Family, Stream},
    tally::Tally,
};

/// Values that agree with a reference.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column that is judged.
    pub column: String,
    /// The column that a join filled from the reference. A timestamp that meets a date is compared by its day in UTC.
    pub expected: String,
    /// How far numbers may lie apart: 0 by default, and 0.000001 where a column is a float.
    pub tolerance: Option<f64>,
    /// Counts for this dimension instead of accuracy.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `reference_value`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let (column, expected) = (stream.readable(&self.column)?, stream.readable(&self.expected)?);
        let lane = Lane::of([&column.data_type, &expected.data_type]).ok_or_else(|| {
            let (a, b) = (&column, &expected);
            Failure::config(format!("columns `{}` ({}) and `{}` ({}) do not compare", a.name, a.data_type, b.name, b.data_type))
        })?;
        let number = Family::NUMBERS.contains(&column.family);
        if self.tolerance.is_some() && !number {
            return Err(Failure::config(format!("`tolerance` is for numbers; column `{}` is {}", column.name, column.data_type)));
        }
        let tolerance = if number { Some(tolerance(self.tolerance, lane)?) } else { None };
        let check = Agreeing { column: column.index, expected: expected.index, lane, tolerance };
        Ok(vec![Counted::one([&self.column], check)])
    }
}

struct Agreeing {
    column: usize,
    expected: usize,
    lane: Lane,
    /// None: equal or not.
    tolerance: Option<Tolerance>,
}

impl Check for Agreeing {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let (column, expected) = (rows.column(self.column), rows.column(self.expected));
        let nulls = NullBuffer::union(column.nulls(), expected.nulls());
        let (cells, wanted) = (self.lane.read(column), self.lane.read(expected));
        let nulls = nulls.as_ref();
        match (self.tolerance, &cells, &wanted) {
            (Some(Tolerance::Exact(apart)), Cells::Int(a), Cells::Int(b)) => {
                rows.judge(nulls, tally, |row| u128::from(a[row].abs_diff(b[row])) <= apart);
            }
            (Some(Tolerance::Exact(apart)), Cells::Wide(a), Cells::Wide(b)) => {
                rows.judge(nulls, tally, |row| a[row].abs_diff(b[row]) <= apart)
            }
            (Some(Tolerance::Float(apart)), Cells::Float(a), Cells::Float(b)) => {
                rows.judge(nulls, tally, |row| (a[row] - b[row]).abs() <= apart)
            }
            _ => rows.judge(nulls, tally, |row| cells.compare(&wanted, row).is_some_and(|order| order.is_eq())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{ArrayRef, BooleanArray, Decimal128Array};

    use crate::testing::{counts, floats, ints, problem, rows, texts};

    fn check(column: ArrayRef, expected: ArrayRef, more: &str) -> String {
        let config = format!(r#"{{"rules":[{{"kind":"reference_value","column":"a","expected":"b"{more}}}]}}"#);
        counts(&config, &rows(vec![("a", column), ("b", expected)])).concat().replace("accuracy reference_value a ", "")
    }

    #[test]
    fn values_agree_or_fail_and_nulls_are_not_counted() {
        assert_eq!(check(texts([Some("x"), Some("y"), None, Some("z")]), texts([Some("x"), Some("Y"), Some("z"), None]), ""), "1/2 1:2");
        assert_eq!(check(Arc::new(BooleanArray::from(vec![true, true])), Arc::new(BooleanArray::from(vec![true, false])), ""), "1/2 1:2");
        assert_eq!(check(ints([Some(i64::MIN), Some(1)]), ints([Some(i64::MAX), Some(1)]), ""), "1/2 1:1");
    }

    #[test]
    fn numbers_agree_within_a_tolerance() {
        assert_eq!(check(ints([Some(1), Some(5)]), ints([Some(3), Some(8)]), r#","tolerance":2"#), "1/2 1:2");
        assert_eq!(check(floats([Some(0.3), Some(f64::NAN)]), floats([Some(0.1 + 0.2), Some(f64::NAN)]), ""), "1/2 1:2");
        let prices: ArrayRef = Arc::new(Decimal128Array::from(vec![101, 105]).with_precision_and_scale(9, 2).unwrap());
        assert_eq!(check(prices, ints([Some(1), Some(1)]), r#","tolerance":0.01"#), "1/2 1:2");
    }

    #[test]
    fn what_does_not_compare_is_refused() {
        let batch = rows(vec![("a", ints([None])), ("t", texts([None]))]);
        let said = |rule: &str| problem(&format!(r#"{{"rules":[{{"kind":"reference_value",{rule}}}]}}"#), &batch);
        assert!(said(r#""column":"a","expected":"t""#).contains("columns `a` (Int64) and `t` (Utf8) do not compare"));
        assert!(said(r#""column":"t","expected":"t","tolerance":1"#).contains("`tolerance` is for numbers; column `t` is Utf8"));
        assert!(said(r#""column":"a","expected":"x""#).contains("no column `x`"));
    }
}
