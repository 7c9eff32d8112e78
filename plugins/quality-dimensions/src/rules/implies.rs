//! `implies`: rows in which one condition brings another. One measure, over the rows for which the first holds.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use tidegate_sdk::{Dimension, Result, arrow_array::Array, arrow_buffer::NullBuffer};

use super::{Check, Counted, Rule};
use crate::{
    config::Literal,
    lane::Cells,
    members::Members,
    rows::Rows,
    stream::{Column, Family, Stream},
    tally::Tally,
};

/// Rows in which one condition brings another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Rows for which this does not hold are not counted.
    pub when: Condition,
    /// What must hold for the others.
    pub then: Condition,
    /// Counts for this dimension instead of consistency.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `implies`.
    pub name: Option<String>,
}

/// What a cell must be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// A list of values, or `"null"`, or `"not_null"`.
    pub is: Wanted,
}

/// What a condition asks of a cell. A null is in no list.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    Null,
    NotNull,
    In(Vec<Literal>),
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Wanted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"null\", \"not_null\" or a list of values")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Wanted, E> {
                match word {
                    "null" => Ok(Wanted::Null),
                    "not_null" => Ok(Wanted::NotNull),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Wanted, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(values)).map(Wanted::In)
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

impl JsonSchema for Wanted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Wanted".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<Vec<Literal>>();
        json_schema!({ "anyOf": [{ "enum": ["null", "not_null"] }, values] })
    }
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let check = Implied { when: Test::new(stream, &self.when)?, then: Test::new(stream, &self.then)? };
        Ok(vec![Counted::one([&self.when.column, &self.then.column], check)])
    }
}

struct Implied {
    when: Test,
    then: Test,
}

impl Check for Implied {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let (when, then) = (self.when.on(rows), self.then.on(rows));
        let concerned: NullBuffer = (0..rows.origins.len()).map(|row| when.holds(row)).collect();
        rows.judge(Some(&concerned), tally, |row| then.holds(row));
    }
}

/// A condition on a column that is there.
enum Test {
    Null(usize),
    NotNull(usize),
    In(Column, Members),
}

impl Test {
    fn new(stream: &Stream<'_>, condition: &Condition) -> Result<Self> {
        Ok(match &condition.is {
            Wanted::Null => Self::Null(stream.any(&condition.column)?),
            Wanted::NotNull => Self::NotNull(stream.any(&condition.column)?),
            Wanted::In(values) => {
                let column = stream.column(&condition.column, Family::EXACT)?;
                let members = Members::new(&column, "is", values)?;
                Self::In(column, members)
            }
        })
    }

    fn on<'a>(&'a self, rows: &Rows<'a>) -> Held<'a> {
        let (index, wanted) = match self {
            Self::Null(index) => (*index, None),
            Self::NotNull(index) => (*index, None),
            Self::In(column, members) => (column.index, Some((Members::lane(column).read(rows.column(column.index)), members))),
        };
        Held { nulls: rows.column(index).logical_nulls(), null_holds: matches!(self, Self::Null(_)), wanted }
    }
}

/// A condition on the rows of a batch.
struct Held<'a> {
    nulls: Option<NullBuffer>,
    null_holds: bool,
    wanted: Option<(Cells<'a>, &'a Members)>,
}

impl Held<'_> {
    fn holds(&self, row: usize) -> bool {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return self.null_holds;
        }
        !self.null_holds && self.wanted.as_ref().is_none_or(|(cells, members)| members.contains(cells, row))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{counts, floats, ints, problem, rows, texts};

    fn check(when: &str, then: &str) -> String {
        let status = texts([Some("delivered"), Some("delivered"), Some("open"), None]);
        let batch = rows(vec![("status", status), ("days", ints([Some(3), None, None, Some(1)]))]);
        let config = format!(
            r#"{{"rules":[{{"kind":"implies","when":{{"column":"status","is":{when}}},"then":{{"column":"days","is":{then}}}}}]}}"#
        );
        counts(&config, &batch).concat().replace("consistency implies status,days ", "")
    }

    #[test]
    fn rows_for_which_the_first_condition_holds_are_counted() {
        assert_eq!(check(r#"["delivered","lost"]"#, r#""not_null""#), "1/2 1:2");
        assert_eq!(check(r#"["open"]"#, r#""null""#), "1/1");
        assert_eq!(check(r#""null""#, "[1,2]"), "1/1");
        assert_eq!(check(r#""not_null""#, "[3]"), "1/3 1:2 1:3");
        assert_eq!(check(r#"["lost"]"#, r#""null""#), "");
    }

    #[test]
    fn wrong_conditions_are_refused() {
        let batch = rows(vec![("a", ints([None])), ("f", floats([None]))]);
        let said = |when: &str| {
            problem(&format!(r#"{{"rules":[{{"kind":"implies","when":{when},"then":{{"column":"a","is":"null"}}}}]}}"#), &batch)
        };
        assert!(
            said(r#"{"column":"a","is":"nul"}"#)
                .contains(r#"invalid value: string "nul", expected "null", "not_null" or a list of values"#)
        );
        assert!(said(r#"{"column":"a","is":["x"]}"#).contains(r#""x" does not suit column `a` of type Int64; write a number"#));
        assert!(said(r#"{"column":"f","is":[1]}"#).contains("column `f` is Float64; this rule reads texts"));
        assert!(said(r#"{"column":"a","in":[1]}"#).contains("unknown field `in`, expected `column` or `is`"));
        assert!(said(r#"{"column":"zz","is":"null"}"#).contains("no column `zz`"));
    }
}
