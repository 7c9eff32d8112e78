//! `unique`: rows whose key is the first of its kind. One measure, over the rows without a null in the key; all rows of a kind but the one
//! with the smallest origin fail.
//!
//! Samples name rows as `page:record`, whatever `key` says: that a row repeats another may show when two states meet, and then its
//! cells are gone.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Failure, Hash128, Result, arrow_array::Array, arrow_buffer::NullBuffer, keys::Census};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    lane::{Cells, Lane},
    rows::{Rows, origin_label},
    state::{Reader, Writer},
    stream::Stream,
    tally::Tally,
};

/// Rows whose key is the first of its kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The columns that together are the key.
    pub columns: Names,
    /// Counts for this dimension instead of uniqueness.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `unique`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        if self.columns.0.is_empty() {
            return Err(Failure::config("`columns` is empty; name the columns of the key"));
        }
        let lane = |name: &String| {
            let column = stream.readable(name)?;
            Ok((column.index, Lane::of([&column.data_type]).expect("readable columns have a lane")))
        };
        let columns = self.columns.0.iter().map(lane).collect::<Result<Vec<_>>>()?;
        Ok(vec![Counted::one(
            &self.columns.0,
            First { columns, census: Census::default(), keys: Vec::new(), origins: Vec::new(), bytes: Vec::new() },
        )])
    }
}

struct First {
    columns: Vec<(usize, Lane)>,
    census: Census,
    /// The keys of a batch, and the origins of their rows.
    keys: Vec<Hash128>,
    origins: Vec<u64>,
    /// The bytes of a row's key, kept for its memory.
    bytes: Vec<u8>,
}

impl Check for First {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let arrays: Vec<_> = self.columns.iter().map(|(index, lane)| (rows.column(*index), lane)).collect();
        let nulls = arrays.iter().fold(None, |nulls, (array, _)| NullBuffer::union(nulls.as_ref(), array.nulls()));
        let cells: Vec<_> = arrays.iter().map(|(array, lane)| lane.read(array)).collect();
        for (row, origin) in rows.origins.iter().enumerate() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let hash = match &cells[..] {
                // A text alone needs no copy with its length.
                [Cells::Text(texts)] => Hash128::of(texts.value(row).as_bytes()),
                cells => {
                    self.bytes.clear();
                    cells.iter().for_each(|cells| cells.write_key(row, &mut self.bytes));
                    Hash128::of(&self.bytes)
                }
            };
            self.keys.push(hash);
            self.origins.push(*origin);
        }
        tally.total += self.keys.len() as u64;
    }

    fn hand_over(&mut self) -> Result<()> {
        self.census.add(&self.keys, &self.origins)?;
        self.keys.clear();
        self.origins.clear();
        Ok(())
    }

    fn save(&self, out: &mut Writer) {
        out.number(self.census.ticket());
    }

    fn merge(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.census.absorb(input.number()?)
    }

    fn settle(&mut self, tally: &mut Tally) -> Result<()> {
        let count = self.census.count()?;
        tally.failed = tally.total.saturating_sub(count.distinct);
        count.repeats.into_iter().for_each(|repeat| tally.samples.offer(repeat, || origin_label(repeat)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, LargeStringArray, StringViewArray, TimestampSecondArray, UInt64Array,
    };

    use crate::testing::{counts, floats, ints, problem, rows, texts};

    #[test]
    fn repeats_of_a_key_fail_and_null_keys_are_not_counted() {
        let batch = rows(vec![
            ("a", texts([Some("x"), Some("y"), Some("x"), None, Some("x"), None])),
            ("b", ints([Some(1), Some(1), Some(1), Some(1), Some(2), None])),
        ]);
        assert_eq!(counts(r#"{"key":["b"],"rules":[{"kind":"unique","columns":["a"]}]}"#, &batch), ["uniqueness unique a 2/4 1:3 1:5"]);
        assert_eq!(counts(r#"{"rules":[{"kind":"unique","columns":["a","b"]}]}"#, &batch), ["uniqueness unique a,b 3/4 1:3"]);
    }

    #[test]
    fn keys_of_every_type_are_told_apart() {
        let arrays: Vec<ArrayRef> = vec![
            ints([Some(1), Some(2), Some(1)]),
            floats([Some(0.0), Some(1.0), Some(-0.0)]),
            Arc::new(UInt64Array::from(vec![u64::MAX, 0, u64::MAX])),
            Arc::new(BooleanArray::from(vec![true, false, true])),
            Arc::new(Date32Array::from(vec![1, 2, 1])),
            Arc::new(TimestampSecondArray::from(vec![1, 2, 1])),
            Arc::new(Decimal128Array::from(vec![1, 2, 1])),
            Arc::new(LargeStringArray::from(vec!["a", "b", "a"])),
            Arc::new(StringViewArray::from(vec!["a", "b", "a"])),
        ];
        for array in arrays {
            let found = counts(r#"{"rules":[{"kind":"unique","columns":"a"}]}"#, &rows(vec![("a", array)]));
            assert_eq!(found, ["uniqueness unique a 2/3 1:3"]);
        }
    }

    #[test]
    fn neighbouring_texts_do_not_run_together() {
        let batch = rows(vec![("a", texts([Some("ab"), Some("a")])), ("b", texts([Some("c"), Some("bc")]))]);
        assert_eq!(counts(r#"{"rules":[{"kind":"unique","columns":["a","b"]}]}"#, &batch), ["uniqueness unique a,b 2/2"]);
    }

    #[test]
    fn a_key_without_columns_is_refused() {
        let batch = rows(vec![("a", ints([None]))]);
        assert!(
            problem(r#"{"rules":[{"kind":"unique","columns":[]}]}"#, &batch).contains("`columns` is empty; name the columns of the key")
        );
        assert!(problem(r#"{"rules":[{"kind":"unique","columns":["b"]}]}"#, &batch).contains("did you mean `a`?"));
    }
}
