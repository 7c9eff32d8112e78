//! `plausible`: as `range`, but what lies outside is valid and hard to believe. One measure per column, over the cells that are not null.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result};

use super::{Counted, Rule};
use crate::{
    bounds::Inside,
    config::{Literal, Names},
    stream::Stream,
};

/// Values inside what is plausible.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns: numbers, dates or timestamps.
    pub column: Names,
    /// The smallest plausible value: a number, a date as `YYYY-MM-DD`, a timestamp as RFC 3339.
    pub min: Option<Literal>,
    /// The largest plausible value. A date beside a timestamp column stands for all of its day in UTC.
    pub max: Option<Literal>,
    /// Counts for this dimension instead of accuracy.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `plausible`.
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
    use crate::testing::{counts, ints, problem, rows};

    #[test]
    fn it_counts_for_accuracy() {
        let batch = rows(vec![("weight", ints([Some(1), Some(40_000), None]))]);
        let found = counts(r#"{"rules":[{"kind":"plausible","column":"weight","max":30000}]}"#, &batch);
        assert_eq!(found, ["accuracy plausible weight 1/2 1:2"]);
    }

    #[test]
    fn unknown_columns_are_refused() {
        let found = problem(r#"{"rules":[{"kind":"plausible","column":"wieght","max":1}]}"#, &rows(vec![("weight", ints([None]))]));
        assert_eq!(found, "rule 1 (`plausible`): stream `orders` has no column `wieght`; did you mean `weight`?");
    }
}
