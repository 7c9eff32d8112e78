//! `range`: numbers, dates or timestamps inside bounds. One measure per column, over the cells that are not null.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result};

use super::{Counted, Rule};
use crate::{
    bounds::Inside,
    config::{Literal, Names},
    stream::Stream,
};

/// Values inside bounds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns: numbers, dates or timestamps.
    pub column: Names,
    /// The smallest value that passes: a number, a date as `YYYY-MM-DD`, a timestamp as RFC 3339.
    pub min: Option<Literal>,
    /// The largest value that passes. A date beside a timestamp column stands for all of its day in UTC.
    pub max: Option<Literal>,
    /// Counts for this dimension instead of validity.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `range`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let check = |name: &String| Ok(Counted::one([name], Inside::new(stream, name, self.min.as_ref(), self.max.as_ref())?));
        self.column.0.iter().map(check).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{
        ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, TimestampMicrosecondArray, TimestampSecondArray,
        UInt64Array,
    };

    use crate::testing::{counts, ints, problem, rows, texts};

    fn check(array: ArrayRef, bounds: &str) -> String {
        let found = counts(&format!(r#"{{"rules":[{{"kind":"range","column":"a",{bounds}}}]}}"#), &rows(vec![("a", array)]));
        found.concat().replace("validity range a ", "")
    }

    #[test]
    fn bounds_are_inclusive_and_nulls_are_not_counted() {
        assert_eq!(check(ints([Some(0), Some(1), None, Some(5), Some(6)]), r#""min":1,"max":5"#), "2/4 1:1 1:5");
        assert_eq!(check(ints([Some(0), Some(1)]), r#""min":0.5"#), "1/2 1:1");
        assert_eq!(check(ints([None]), r#""min":1"#), "");
    }

    #[test]
    fn every_width_takes_bounds_beyond_it() {
        let tiny = || -> ArrayRef { Arc::new(Int8Array::from(vec![-128, 127])) };
        assert_eq!(check(tiny(), r#""min":-1000,"max":1000"#), "2/2");
        assert_eq!(check(tiny(), r#""min":1000"#), "0/2 1:1 1:2");
        assert_eq!(check(tiny(), r#""max":-1000"#), "0/2 1:1 1:2");
        let huge: ArrayRef = Arc::new(UInt64Array::from(vec![0, u64::MAX]));
        assert_eq!(check(huge.clone(), r#""min":-1,"max":18446744073709551614"#), "1/2 1:2");
        assert_eq!(check(huge, r#""max":-1"#), "0/2 1:1 1:2");
    }

    #[test]
    fn floats_decimals_dates_and_timestamps_are_read() {
        assert_eq!(check(Arc::new(Float64Array::from(vec![0.1, f64::NAN, 0.3])), r#""min":0.1,"max":0.2"#), "1/3 1:2 1:3");
        assert_eq!(check(Arc::new(Float32Array::from(vec![1.5, -1.5])), r#""min":0"#), "1/2 1:2");
        let prices = Decimal128Array::from(vec![999, 1000, 1001]).with_precision_and_scale(10, 2).unwrap();
        assert_eq!(check(Arc::new(prices), r#""min":"9.995","max":10"#), "1/3 1:1 1:3");
        assert_eq!(check(Arc::new(Date32Array::from(vec![0, 1, 2])), r#""min":"1970-01-02","max":"1970-01-02""#), "1/3 1:1 1:3");
        let seconds = TimestampSecondArray::from(vec![0, 86_399, 86_400]).with_timezone("UTC");
        assert_eq!(check(Arc::new(seconds), r#""max":"1970-01-01""#), "2/3 1:3");
        let micros = TimestampMicrosecondArray::from(vec![0, 3_600_000_001]);
        assert_eq!(check(Arc::new(micros), r#""max":"1970-01-01T02:00:00+01:00""#), "1/2 1:2");
    }

    #[test]
    fn wrong_bounds_are_refused() {
        let batch = rows(vec![("a", ints([Some(1)])), ("t", texts([Some("1")])), ("d", Arc::new(Date32Array::from(vec![1])))]);
        let said = |rule: &str| problem(&format!(r#"{{"rules":[{{"kind":"range",{rule}}}]}}"#), &batch);
        assert!(said(r#""column":"a""#).ends_with("`min` and `max` are both missing; give one at least"));
        assert!(
            said(r#""column":"t","min":1"#).contains("column `t` is Utf8; this rule reads integers, floats, decimals, dates, timestamps")
        );
        assert!(said(r#""column":"a","min":5,"max":4"#).contains("no value of column `a` lies between `min` and `max`"));
        assert!(said(r#""column":"d","min":5"#).contains(r#"5 does not suit column `d` of type Date32; write a date as "YYYY-MM-DD""#));
        assert!(said(r#""column":["a","b"],"min":5"#).contains("stream `orders` has no column `b`; did you mean"));
    }
}
