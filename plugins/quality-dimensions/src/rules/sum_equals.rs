//! `sum_equals`: rows in which the sums of two groups of columns agree. One measure, over the rows without a null in any of them.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Failure, Result, arrow_array::Array, arrow_buffer::NullBuffer};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    lane::{Cells, Lane},
    rows::Rows,
    stream::{Family, Stream},
    tally::Tally,
};

/// How far sums of floats may lie apart by default: what adding up a handful of money amounts loses is below it.
pub const FLOAT_TOLERANCE: f64 = 1e-6;

/// Rows in which two sums agree.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The columns of one sum: numbers.
    pub left: Names,
    /// The columns of the other sum.
    pub right: Names,
    /// How far the sums may lie apart: 0 by default, and 0.000001 where a column is a float.
    pub tolerance: Option<f64>,
    /// Counts for this dimension instead of consistency.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `sum_equals`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let names: Vec<_> = self.left.0.iter().chain(&self.right.0).cloned().collect();
        if self.left.0.is_empty() || self.right.0.is_empty() {
            return Err(Failure::config("`left` and `right` need a column each at least"));
        }
        let columns = names.iter().map(|name| stream.column(name, Family::NUMBERS)).collect::<Result<Vec<_>>>()?;
        let lane = Lane::of(columns.iter().map(|column| &column.data_type)).expect("numbers meet in a lane");
        let tolerance = tolerance(self.tolerance, lane)?;
        let columns = columns.into_iter().map(|column| column.index).collect();
        Ok(vec![Counted::one(names, Balanced { columns, left: self.left.0.len(), lane, tolerance })])
    }
}

/// How far numbers may lie apart, in the units of their lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    Exact(u128),
    Float(f64),
}

/// A tolerance of the config, for numbers read along a lane.
pub fn tolerance(given: Option<f64>, lane: Lane) -> Result<Tolerance> {
    if given.is_some_and(|given| !given.is_finite() || given < 0.0) {
        return Err(Failure::config("`tolerance` is below zero"));
    }
    Ok(match lane {
        Lane::Float => Tolerance::Float(given.unwrap_or(FLOAT_TOLERANCE)),
        Lane::Wide(scale) => Tolerance::Exact(scaled(given, scale)),
        _ => Tolerance::Exact(scaled(given, 0)),
    })
}

/// Whole units below the tolerance. The nudge makes 0.01 at scale 2 one unit, whichever side of it the float lies.
fn scaled(tolerance: Option<f64>, scale: u32) -> u128 {
    (tolerance.unwrap_or(0.0) * 10_f64.powi(i32::try_from(scale).unwrap_or(38)) * (1.0 + f64::EPSILON * 4.0)).floor() as u128
}

struct Balanced {
    columns: Vec<usize>,
    /// How many of them make the left sum.
    left: usize,
    lane: Lane,
    tolerance: Tolerance,
}

impl Check for Balanced {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let arrays: Vec<_> = self.columns.iter().map(|index| rows.column(*index)).collect();
        let nulls = arrays.iter().fold(None, |nulls, array| NullBuffer::union(nulls.as_ref(), array.nulls()));
        let cells: Vec<_> = arrays.iter().map(|array| self.lane.read(array)).collect();
        let (left, right) = cells.split_at(self.left);
        match self.tolerance {
            Tolerance::Exact(apart) => rows.judge(nulls.as_ref(), tally, |row| exact(left, row).abs_diff(exact(right, row)) <= apart),
            Tolerance::Float(apart) => rows.judge(nulls.as_ref(), tally, |row| (float(left, row) - float(right, row)).abs() <= apart),
        }
    }
}

fn exact(cells: &[Cells<'_>], row: usize) -> i128 {
    cells.iter().fold(0, |sum: i128, cells| match cells {
        Cells::Int(values) => sum.saturating_add(i128::from(values[row])),
        Cells::Wide(values) => sum.saturating_add(values[row]),
        Cells::Float(_) | Cells::Text(_) => unreachable!("exact sums are read as integers"),
    })
}

fn float(cells: &[Cells<'_>], row: usize) -> f64 {
    cells.iter().map(|cells| if let Cells::Float(values) = cells { values[row] } else { f64::NAN }).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{ArrayRef, Decimal128Array};

    use crate::testing::{counts, floats, ints, problem, rows, texts};

    fn check(columns: Vec<(&str, ArrayRef)>, more: &str) -> String {
        let config = format!(r#"{{"rules":[{{"kind":"sum_equals","left":["a","b"],"right":["c"]{more}}}]}}"#);
        counts(&config, &rows(columns)).concat().replace("consistency sum_equals a,b,c ", "")
    }

    #[test]
    fn integers_are_exact_and_rows_with_nulls_are_not_counted() {
        let columns = || {
            vec![
                ("a", ints([Some(i64::MAX), Some(1), None])),
                ("b", ints([Some(1), Some(2), Some(2)])),
                ("c", ints([Some(i64::MIN), Some(4), Some(2)])),
            ]
        };
        assert_eq!(check(columns(), ""), "0/2 1:1 1:2");
        assert_eq!(check(columns(), r#","tolerance":1"#), "1/2 1:1");
    }

    #[test]
    fn floats_and_decimals_agree_within_their_tolerance() {
        let columns =
            |c: Vec<Option<f64>>| vec![("a", floats([Some(0.1), Some(0.1)])), ("b", floats([Some(0.2), Some(0.2)])), ("c", floats(c))];
        assert_eq!(check(columns(vec![Some(0.3), Some(0.31)]), ""), "1/2 1:2");
        assert_eq!(check(columns(vec![Some(f64::NAN), Some(0.31)]), r#","tolerance":0.02"#), "1/2 1:1");
        let decimals =
            |values: Vec<i128>, scale| -> ArrayRef { Arc::new(Decimal128Array::from(values).with_precision_and_scale(12, scale).unwrap()) };
        let columns = || vec![("a", decimals(vec![100, 100], 2)), ("b", decimals(vec![5, 5], 1)), ("c", decimals(vec![1500, 1510], 3))];
        assert_eq!(check(columns(), ""), "1/2 1:2");
        assert_eq!(check(columns(), r#","tolerance":0.01"#), "2/2");
    }

    #[test]
    fn other_types_and_tolerances_are_refused() {
        let batch = rows(vec![("a", ints([None])), ("t", texts([None]))]);
        let said = |rule: &str| problem(&format!(r#"{{"rules":[{{"kind":"sum_equals",{rule}}}]}}"#), &batch);
        assert!(said(r#""left":["a"],"right":["t"]"#).contains("column `t` is Utf8; this rule reads integers, floats, decimals"));
        assert!(said(r#""left":["a"],"right":["a"],"tolerance":-1"#).contains("`tolerance` is below zero"));
        assert!(said(r#""left":[],"right":["a"]"#).contains("`left` and `right` need a column each at least"));
        assert!(said(r#""left":"x","right":["a"]"#).contains("no column `x`"));
    }
}
