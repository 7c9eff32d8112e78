//! `ordering`: rows whose columns are in ascending order. One measure, over the rows with at least two of the columns present: a cell
//! that is null is stepped over, and its neighbours are compared with each other.

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

/// Rows whose columns are in ascending order.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Two or more columns, the smallest first: numbers, or texts, or dates and timestamps. A timestamp that meets a date is compared by
    /// its day in UTC.
    pub columns: Names,
    /// Whether equal neighbours pass; true by default.
    #[serde(default = "yes")]
    pub allow_equal: bool,
    /// Counts for this dimension instead of consistency.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `ordering`.
    pub name: Option<String>,
}

fn yes() -> bool {
    true
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let names = &self.columns.0;
        if names.len() < 2 {
            return Err(Failure::config("`columns` needs two columns at least"));
        }
        let columns = names.iter().map(|name| stream.column(name, Family::ORDERED)).collect::<Result<Vec<_>>>()?;
        let mut lanes = Vec::new();
        for (place, right) in columns.iter().enumerate() {
            for left in &columns[..place] {
                let lane = Lane::of([&left.data_type, &right.data_type]).ok_or_else(|| {
                    let (a, b) = (left, right);
                    Failure::config(format!("columns `{}` ({}) and `{}` ({}) do not compare", a.name, a.data_type, b.name, b.data_type))
                })?;
                lanes.push(lane);
            }
        }
        let columns = columns.into_iter().map(|column| column.index).collect();
        Ok(vec![Counted::one(names, Ascending { columns, lanes, allow_equal: self.allow_equal })])
    }
}

struct Ascending {
    columns: Vec<usize>,
    /// Of each pair left < right of `columns`, at [`pair`].
    lanes: Vec<Lane>,
    allow_equal: bool,
}

/// Where the pair of two places is kept.
fn pair(left: usize, right: usize) -> usize {
    right * (right - 1) / 2 + left
}

impl Check for Ascending {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let arrays: Vec<_> = self.columns.iter().map(|index| rows.column(*index)).collect();
        let nulls: Vec<_> = arrays.iter().map(|array| array.nulls().filter(|nulls| nulls.null_count() > 0)).collect();
        let stepping = nulls.iter().any(Option::is_some);
        let mut pairs = Vec::with_capacity(self.lanes.len());
        for right in 1..arrays.len() {
            for left in 0..right {
                // Without nulls only neighbours meet.
                let meet = stepping || left + 1 == right;
                let lane = self.lanes[pair(left, right)];
                pairs.push(meet.then(|| (lane.read(arrays[left]), lane.read(arrays[right]))));
            }
        }
        let batch = Batch { pairs, nulls, allow_equal: self.allow_equal };
        if stepping {
            let comparable: NullBuffer = (0..rows.origins.len()).map(|row| batch.comparable(row)).collect();
            rows.judge(Some(&comparable), tally, |row| batch.ascends(row));
        } else {
            rows.judge(None, tally, |row| (1..arrays.len()).all(|right| batch.ordered(right - 1, right, row)));
        }
    }
}

struct Batch<'a> {
    pairs: Vec<Option<(Cells<'a>, Cells<'a>)>>,
    nulls: Vec<Option<&'a NullBuffer>>,
    allow_equal: bool,
}

impl Batch<'_> {
    fn present(&self, row: usize) -> impl Iterator<Item = usize> {
        (0..self.nulls.len()).filter(move |&place| self.nulls[place].is_none_or(|nulls| nulls.is_valid(row)))
    }

    fn comparable(&self, row: usize) -> bool {
        self.present(row).nth(1).is_some()
    }

    fn ascends(&self, row: usize) -> bool {
        let mut before = None;
        self.present(row).all(|place| before.replace(place).is_none_or(|before| self.ordered(before, place, row)))
    }

    fn ordered(&self, left: usize, right: usize, row: usize) -> bool {
        let (smaller, larger) = self.pairs[pair(left, right)].as_ref().expect("pairs that meet are read");
        smaller.compare(larger, row).is_some_and(|order| order.is_lt() || self.allow_equal && order.is_eq())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{ArrayRef, Date32Array, Decimal128Array, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array};

    use crate::testing::{counts, floats, ints, problem, rows, texts};

    fn check(columns: Vec<(&str, ArrayRef)>, more: &str) -> String {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let config = format!(r#"{{"rules":[{{"kind":"ordering","columns":{}{more}}}]}}"#, serde_json::to_string(&names).unwrap());
        counts(&config, &rows(columns)).concat().replace(&format!("consistency ordering {} ", names.join(",")), "")
    }

    #[test]
    fn neighbours_ascend_and_equal_ones_pass_unless_told() {
        let columns = || {
            vec![
                ("a", ints([Some(1), Some(2), Some(1)])),
                ("b", ints([Some(1), Some(1), Some(2)])),
                ("c", ints([Some(1), Some(3), Some(3)])),
            ]
        };
        assert_eq!(check(columns(), ""), "2/3 1:2");
        assert_eq!(check(columns(), r#","allow_equal":false"#), "1/3 1:1 1:2");
    }

    #[test]
    fn nulls_are_stepped_over() {
        let a = ints([Some(5), Some(5), None, Some(5)]);
        let b = ints([None, None, None, Some(6)]);
        let c = ints([Some(4), Some(6), Some(1), None]);
        assert_eq!(check(vec![("a", a), ("b", b), ("c", c)], ""), "2/3 1:1");
    }

    #[test]
    fn different_types_compare() {
        let bought: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![86_399_999_999, 86_400_000_000]).with_timezone("UTC"));
        let promised: ArrayRef = Arc::new(Date32Array::from(vec![0, 0]));
        let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![86_400, 86_399]));
        assert_eq!(check(vec![("a", bought.clone()), ("b", promised)], ""), "1/2 1:2");
        assert_eq!(check(vec![("a", bought), ("b", seconds)], ""), "1/2 1:2");
        let prices: ArrayRef = Arc::new(Decimal128Array::from(vec![150, 250]).with_precision_and_scale(9, 2).unwrap());
        assert_eq!(check(vec![("a", prices.clone()), ("b", ints([Some(2), Some(2)]))], ""), "1/2 1:2");
        assert_eq!(check(vec![("a", prices), ("b", floats([Some(1.5), Some(f64::NAN)]))], ""), "1/2 1:2");
        let huge: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, 0]));
        assert_eq!(check(vec![("a", huge), ("b", ints([Some(i64::MAX), Some(0)]))], ""), "1/2 1:1");
        assert_eq!(check(vec![("a", texts([Some("a"), Some("b")])), ("b", texts([Some("b"), Some("a")]))], ""), "1/2 1:2");
    }

    #[test]
    fn what_does_not_compare_is_refused() {
        let batch = rows(vec![("a", ints([None])), ("t", texts([None]))]);
        let said = |columns: &str| problem(&format!(r#"{{"rules":[{{"kind":"ordering","columns":{columns}}}]}}"#), &batch);
        assert!(said(r#"["a"]"#).contains("`columns` needs two columns at least"));
        assert!(said(r#"["a","t"]"#).contains("columns `a` (Int64) and `t` (Utf8) do not compare"));
        assert!(said(r#"["a","x"]"#).contains("no column `x`"));
    }
}
