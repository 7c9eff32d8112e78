//! The stream's schema, as rules look columns up in it. What is wrong is a config failure that says what would be right.

use tidegate_sdk::{
    Context, Failure, ORIGIN, Result, Schema,
    arrow_schema::{DataType, TimeUnit},
};

/// What a plugin is told about its stream.
pub struct Stream<'a> {
    pub schema: &'a Schema,
    pub context: &'a Context,
}

/// A column that a rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub index: usize,
    pub name: String,
    pub data_type: DataType,
    pub family: Family,
}

/// Types that rules treat alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Text,
    Integer,
    Float,
    Decimal,
    Boolean,
    Date,
    Timestamp,
}

impl Family {
    pub const NUMBERS: &[Self] = &[Self::Integer, Self::Float, Self::Decimal];
    pub const MEASURABLE: &[Self] = &[Self::Integer, Self::Float, Self::Decimal, Self::Date, Self::Timestamp];
    pub const EXACT: &[Self] = &[Self::Text, Self::Integer, Self::Decimal, Self::Boolean, Self::Date, Self::Timestamp];
    pub const ORDERED: &[Self] = &[Self::Text, Self::Integer, Self::Float, Self::Decimal, Self::Date, Self::Timestamp];
    pub const ALL: &[Self] = &[Self::Text, Self::Integer, Self::Float, Self::Decimal, Self::Boolean, Self::Date, Self::Timestamp];

    /// The family of a type; none for types that rules do not read, such as dictionaries and lists.
    pub fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Integer,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Self::Integer,
            DataType::Float32 | DataType::Float64 => Self::Float,
            // A negative scale stands for tens and hundreds; nothing that reaches a gate has one.
            DataType::Decimal128(_, scale) if *scale >= 0 => Self::Decimal,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _) => {
                Self::Timestamp
            }
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Text => "texts",
            Self::Integer => "integers",
            Self::Float => "floats",
            Self::Decimal => "decimals",
            Self::Boolean => "booleans",
            Self::Date => "dates",
            Self::Timestamp => "timestamps",
        }
    }
}

impl Stream<'_> {
    /// A column of whatever type, for rules that only ask whether a cell is there.
    pub fn any(&self, name: &str) -> Result<usize> {
        let found = self.schema.index_of(name).ok().filter(|_| name != ORIGIN);
        found.ok_or_else(|| {
            let columns = self.schema.fields().iter().map(|field| field.name().as_str()).filter(|name| *name != ORIGIN);
            let advice = match nearest(name, columns.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", columns.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
            };
            Failure::config(format!("stream `{}` has no column `{name}`; {advice}", self.context.stream))
        })
    }

    /// A column of one of the families that a rule reads.
    pub fn column(&self, name: &str, families: &[Family]) -> Result<Column> {
        let index = self.any(name)?;
        let data_type = self.schema.field(index).data_type();
        match Family::of(data_type).filter(|family| families.contains(family)) {
            Some(family) => Ok(Column { index, name: name.to_owned(), data_type: data_type.clone(), family }),
            None => {
                let words: Vec<_> = families.iter().map(|family| family.word()).collect();
                Err(Failure::config(format!("column `{name}` is {data_type}; this rule reads {}", words.join(", "))))
            }
        }
    }

    /// A column of any type whose values can be read.
    pub fn readable(&self, name: &str) -> Result<Column> {
        self.column(name, Family::ALL)
    }
}

/// What was probably meant: the name with the fewest edits, if they are few.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = (name.chars().count() / 3).max(1);
    candidates.map(|candidate| (edits(name, candidate), candidate)).filter(|(edits, _)| *edits <= bound).min().map(|(_, near)| near)
}

/// Levenshtein's distance, letter case aside.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (done, letter) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], done + 1);
        for (place, other) in right.iter().enumerate() {
            let cost = (diagonal + usize::from(letter != *other)).min(row[place] + 1).min(row[place + 1] + 1);
            diagonal = std::mem::replace(&mut row[place + 1], cost);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{ArrayRef, DictionaryArray, types::Int32Type};

    use super::{edits, nearest};
    use crate::testing::{ints, problem, rows};

    #[test]
    fn near_misses_are_found_and_far_ones_are_not() {
        assert_eq!((edits("kitten", "sitting"), edits("", "ab"), edits("Price", "price")), (3, 2, 0));
        assert_eq!(nearest("prise", ["freight", "price"].into_iter()), Some("price"));
        assert_eq!(nearest("colour", ["freight", "price"].into_iter()), None);
    }

    #[test]
    fn all_problems_are_said_at_once() {
        let batch = rows(vec![("price", ints([Some(1)])), ("freight", ints([Some(1)]))]);
        let found = problem(
            r#"{"key":["prices"],"rules":[{"kind":"required","columns":["colour"]},{"kind":"pattern","column":"price","regex":"x"},{"kind":"unique","columns":["_origin"]}]}"#,
            &batch,
        );
        assert_eq!(
            found,
            "`key`: stream `orders` has no column `prices`; did you mean `price`?; \
             rule 1 (`required`): stream `orders` has no column `colour`; it has `price`, `freight`; \
             rule 2 (`pattern`): column `price` is Int64; this rule reads texts; \
             rule 3 (`unique`): stream `orders` has no column `_origin`; it has `price`, `freight`"
        );
    }

    #[test]
    fn dictionaries_are_refused_where_values_are_read() {
        let dictionary: ArrayRef = Arc::new(["a", "b"].into_iter().collect::<DictionaryArray<Int32Type>>());
        let found = problem(r#"{"rules":[{"kind":"unique","columns":["d"]}]}"#, &rows(vec![("d", dictionary)]));
        assert!(found.contains("column `d` is Dictionary(Int32, Utf8); this rule reads texts, integers"), "{found}");
    }
}
