//! `length`: texts of a certain length in characters. One measure per column, over the cells that are not null.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Failure, Result};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    rows::Rows,
    stream::{Family, Stream},
    tally::Tally,
};

/// Texts of a certain length.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns: texts.
    pub column: Names,
    /// The smallest number of characters (Unicode scalar values) that passes.
    pub min: Option<u32>,
    /// The largest number of characters that passes.
    pub max: Option<u32>,
    /// Counts for this dimension instead of conformity.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `length`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let (min, max) = match (self.min, self.max) {
            (None, None) => return Err(Failure::config("`min` and `max` are both missing; give one at least")),
            (min, max) => (min.unwrap_or(0) as usize, max.unwrap_or(u32::MAX) as usize),
        };
        if min > max {
            return Err(Failure::config("`min` is above `max`"));
        }
        let check = |name: &String| {
            let column = stream.column(name, &[Family::Text])?.index;
            Ok(Counted::one([name], Long { column, min, max }))
        };
        self.column.0.iter().map(check).collect()
    }
}

struct Long {
    column: usize,
    min: usize,
    max: usize,
}

impl Check for Long {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let (min, max) = (self.min, self.max);
        rows.judge_text(rows.column(self.column), tally, |text| {
            let length = if text.is_ascii() { text.len() } else { text.chars().count() };
            (min..=max).contains(&length)
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{counts, ints, problem, rows, texts};

    #[test]
    fn characters_are_counted_not_bytes() {
        let batch = rows(vec![("a", texts([Some("SP"), Some("é"), Some("éé"), None, Some("abc")]))]);
        let found = counts(r#"{"rules":[{"kind":"length","column":"a","min":2,"max":2}]}"#, &batch);
        assert_eq!(found, ["conformity length a 2/4 1:2 1:5"]);
    }

    #[test]
    fn wrong_bounds_and_types_are_refused() {
        let batch = rows(vec![("a", texts([Some("x")])), ("i", ints([Some(1)]))]);
        let said = |rule: &str| problem(&format!(r#"{{"rules":[{{"kind":"length",{rule}}}]}}"#), &batch);
        assert!(said(r#""column":"a""#).contains("both missing"));
        assert!(said(r#""column":"a","min":3,"max":2"#).contains("`min` is above `max`"));
        assert!(said(r#""column":"i","min":3"#).contains("column `i` is Int64; this rule reads texts"));
        assert!(said(r#""column":"a2","min":3"#).contains("did you mean `a`?"));
    }
}
