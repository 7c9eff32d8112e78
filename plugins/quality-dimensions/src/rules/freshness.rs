//! `freshness`: dates or timestamps close enough to the run's logical time. One measure per column, over the cells that are not null.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{
    Dimension, Failure, Result,
    arrow_array::{Array, cast::AsArray, types::Date32Type},
    arrow_schema::DataType,
};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    instant::{MICROS_PER_DAY, nanos_per, parse_duration},
    lane::timestamps,
    rows::Rows,
    stream::{Column, Family, Stream},
    tally::Tally,
};

/// How far ahead of the run a value may lie by default: clocks differ.
const AHEAD: &str = "5m";

/// Dates or timestamps close to the run's logical time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns: dates or timestamps. A timestamp without a zone is in UTC; a date stands for all of its day in UTC, whose
    /// nearest end counts.
    pub column: Names,
    /// How old a value may be: `3d`, `48h`, `90m`, `1d12h` or ISO 8601, `PT2H`.
    pub within: String,
    /// How far ahead of the run a value may lie, in the same form; five minutes by default.
    pub ahead: Option<String>,
    /// Counts for this dimension instead of timeliness.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `freshness`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let within = duration("within", &self.within)?;
        let ahead = duration("ahead", self.ahead.as_deref().unwrap_or(AHEAD))?;
        let now = stream.context.now_micros;
        let (oldest, newest) = (now.saturating_sub(within), now.saturating_add(ahead));
        let check = |name: &String| {
            let column = stream.column(name, &[Family::Date, Family::Timestamp])?;
            Ok(Counted::one([name], Fresh { column, oldest, newest }))
        };
        self.column.0.iter().map(check).collect()
    }
}

fn duration(key: &str, text: &str) -> Result<i64> {
    parse_duration(text).ok_or_else(|| {
        Failure::config(format!(
            "`{key}` is \"{text}\", which is no duration; write \"3d\", \"48h\", \"90m\" or \"PT2H\" (months and years differ in length)"
        ))
    })
}

struct Fresh {
    column: Column,
    /// In microseconds since 1970, both inclusive.
    oldest: i64,
    newest: i64,
}

impl Check for Fresh {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let array = rows.column(self.column.index);
        if let DataType::Timestamp(unit, _) = array.data_type() {
            // In the column's unit: the oldest rounds up, the newest down.
            let scale = i128::from(nanos_per(*unit));
            let oldest = -(-i128::from(self.oldest) * 1000).div_euclid(scale);
            let newest = (i128::from(self.newest) * 1000).div_euclid(scale);
            let values = timestamps(array);
            return rows.judge(array.nulls(), tally, |row| (oldest..=newest).contains(&i128::from(values[row])));
        }
        // A day is fresh if any instant of it is.
        let (first, last) = (self.oldest.div_euclid(MICROS_PER_DAY), self.newest.div_euclid(MICROS_PER_DAY));
        let days = array.as_primitive::<Date32Type>().values();
        rows.judge(array.nulls(), tally, |row| (first..=last).contains(&i64::from(days[row])));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{
        ArrayRef, Date32Array, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    };

    use crate::testing::{NOW_SECONDS, counts, ints, problem, rows};

    fn check(array: ArrayRef, more: &str) -> String {
        let config = format!(r#"{{"rules":[{{"kind":"freshness","column":"a",{more}}}]}}"#);
        counts(&config, &rows(vec![("a", array)])).concat().replace("timeliness freshness a ", "")
    }

    #[test]
    fn values_too_old_or_too_far_ahead_fail_in_every_unit() {
        let offsets = [Some(-7200), Some(-7201), None, Some(300), Some(301)];
        let at = |factor: i64| offsets.map(|offset| offset.map(|offset| (NOW_SECONDS + offset) * factor)).to_vec();
        let arrays: [ArrayRef; 4] = [
            Arc::new(TimestampSecondArray::from(at(1))),
            Arc::new(TimestampMillisecondArray::from(at(1000)).with_timezone("America/Sao_Paulo")),
            Arc::new(TimestampMicrosecondArray::from(at(1_000_000)).with_timezone("UTC")),
            Arc::new(TimestampNanosecondArray::from(at(1_000_000_000))),
        ];
        for array in arrays {
            assert_eq!(check(array.clone(), r#""within":"PT2H""#), "2/4 1:2 1:5");
            assert_eq!(check(array, r#""within":"3d","ahead":"301s""#), "4/4");
        }
    }

    #[test]
    fn a_date_stands_for_all_of_its_day() {
        let today = i32::try_from(NOW_SECONDS / 86_400).unwrap();
        let days: ArrayRef = Arc::new(Date32Array::from(vec![today + 1, today, today - 1, today - 2]));
        assert_eq!(check(days, r#""within":"1d""#), "2/4 1:1 1:4");
    }

    #[test]
    fn wrong_durations_and_types_are_refused() {
        let batch = rows(vec![("a", ints([None]))]);
        let said = |more: &str| problem(&format!(r#"{{"rules":[{{"kind":"freshness","column":"a",{more}}}]}}"#), &batch);
        assert!(said(r#""within":"P1M""#).contains(r#"`within` is "P1M", which is no duration; write "3d""#));
        assert!(said(r#""within":"1d","ahead":"x""#).contains(r#"`ahead` is "x", which is no duration"#));
        assert!(said(r#""within":"1d""#).contains("column `a` is Int64; this rule reads dates, timestamps"));
        assert!(said(r#""within":"1d","name":5"#).contains("rule 1 (`freshness`): invalid type: integer `5`, expected a string"));
    }
}
