//! Cursors: which files were read (`files`), or the greatest value that was read (`field`).

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use tidegate_sdk::{
    Failure, Result,
    arrow_array::{
        Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
        cast::AsArray,
    },
};

use crate::{
    config::{Incremental, StreamConfig},
    kind::Kind,
    listing::Found,
    parse,
    slice::Part,
};

/// What a file was like when it was read. The cursor of `files` is a JSON object of these by path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    size: u64,
    modified: i64,
}

type Files = BTreeMap<String, Seen>;

/// The cursor of `field`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    field: String,
    #[serde(rename = "type")]
    kind: Kind,
    /// The greatest value seen, as text that `parse` reads.
    value: String,
}

/// The files that are new or changed since `cursor`.
pub fn unseen(stream: &str, cursor: Option<&str>, found: Vec<Found>) -> Result<Vec<Found>> {
    let seen: Files = read(stream, cursor)?.unwrap_or_default();
    Ok(found.into_iter().filter(|file| seen.get(&file.path) != Some(&Seen { size: file.size, modified: file.modified })).collect())
}

/// The cursor of a slice that has finished these files.
pub fn finished(files: &[Part]) -> Option<String> {
    let seen: Files = files.iter().map(|file| (file.path.clone(), Seen { size: file.size, modified: file.modified })).collect();
    (!seen.is_empty()).then(|| write(&seen))
}

/// Folds what the slices of a complete run reached into the cursor.
pub fn advance(config: &StreamConfig, stream: &str, cursor: Option<String>, reached: &[String]) -> Result<Option<String>> {
    match &config.incremental {
        Incremental::None => Ok(None),
        Incremental::Files => {
            let mut seen: Files = read(stream, cursor.as_deref())?.unwrap_or_default();
            for cursor in reached {
                seen.extend(read::<Files>(stream, Some(cursor))?.unwrap_or_default());
            }
            Ok((!seen.is_empty()).then(|| write(&seen)))
        }
        Incremental::Field(field) => {
            let mut newest: Option<(Mark, Value)> = None;
            for cursor in cursor.iter().chain(reached) {
                let Some(mark) = read::<Mark>(stream, Some(cursor))?.filter(|mark| mark.field == *field) else { continue };
                let value = mark.parsed(stream)?;
                if newest.as_ref().is_none_or(|(_, newest)| value.cmp(newest) == Ordering::Greater) {
                    newest = Some((mark, value));
                }
            }
            Ok(newest.map(|(mark, _)| write(&mark)))
        }
    }
}

/// Leaves out rows whose value is not above a cursor, and remembers the greatest value.
pub struct Watch {
    field: String,
    kind: Kind,
    /// The field's place among the stream's columns.
    place: usize,
    after: Option<Value>,
    newest: Option<Value>,
}

impl Watch {
    /// Watches `field`, which is the column `place` with this type. A cursor that was kept for another field does not count.
    pub fn new(stream: &str, field: &str, place: usize, kind: Kind, cursor: Option<&str>) -> Result<Self> {
        let mark = read::<Mark>(stream, cursor)?.filter(|mark| mark.field == field);
        if let Some(mark) = mark.as_ref().filter(|mark| mark.kind != kind) {
            return Err(Failure::config(format!(
                "stream `{stream}`: the cursor was kept while column `{field}` was {}, now it is {kind}; give it that type in `types`, or reset the cursor",
                mark.kind
            )));
        }
        let after = mark.map(|mark| mark.parsed(stream)).transpose()?;
        Ok(Self { field: field.to_owned(), kind, place, after, newest: None })
    }

    /// Which rows are above the cursor; `None` where all are. Rows without a value are kept, for nothing says that they were read.
    pub fn newer(&mut self, columns: &[ArrayRef]) -> Option<BooleanArray> {
        let array = &columns[self.place];
        let values = (0..array.len()).map(|row| (!array.is_null(row)).then(|| value(array, self.kind, row)));
        let mut all = true;
        let mut newer = Vec::with_capacity(array.len());
        for value in values {
            let keep = match (&value, &self.after) {
                (Some(value), Some(after)) => value.cmp(after) == Ordering::Greater,
                _ => true,
            };
            all &= keep;
            newer.push(keep);
            if let Some(value) = value.filter(|_| keep)
                && self.newest.as_ref().is_none_or(|newest| value.cmp(newest) == Ordering::Greater)
            {
                self.newest = Some(value);
            }
        }
        (!all).then(|| BooleanArray::from(newer))
    }

    /// The greatest value so far, as a cursor.
    pub fn cursor(&self) -> Option<String> {
        let value = self.newest.as_ref()?.text(self.kind);
        Some(write(&Mark { field: self.field.clone(), kind: self.kind, value }))
    }
}

impl Mark {
    fn parsed(&self, stream: &str) -> Result<Value> {
        let text = self.value.as_bytes();
        let value = match self.kind {
            Kind::Text => Some(Value::Text(self.value.clone())),
            Kind::Integer => parse::integer(text).map(|value| Value::Whole(value.into())),
            Kind::Number => parse::number(text).map(Value::Number),
            Kind::Date => parse::date(text).map(|days| Value::Whole(days.into())),
            Kind::Timestamp => parse::timestamp(text).map(|micros| Value::Whole(micros.into())),
            Kind::Decimal(precision, scale) => parse::decimal(text, precision, scale).map(Value::Whole),
            Kind::Boolean => None,
        };
        value.ok_or_else(|| strange(stream))
    }
}

/// A value that grows.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    /// Integers, days, microseconds, and decimals in their smallest unit.
    Whole(i128),
    Number(f64),
    Text(String),
}

impl Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => unreachable!("values of one column have one type"),
        }
    }

    /// The value as `parse` reads it.
    fn text(&self, kind: Kind) -> String {
        match (self, kind) {
            (Self::Text(text), _) => text.clone(),
            (Self::Number(number), _) => number.to_string(),
            (Self::Whole(days), Kind::Date) => day(*days),
            (Self::Whole(micros), Kind::Timestamp) => {
                let (days, of_day) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
                let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
                format!("{}T{:02}:{:02}:{:02}.{micros:06}Z", day(days), seconds / 3600, seconds / 60 % 60, seconds % 60)
            }
            (Self::Whole(units), Kind::Decimal(_, scale)) if scale > 0 => {
                let unit = 10u128.pow(scale.unsigned_abs().into());
                let (sign, units) = (if *units < 0 { "-" } else { "" }, units.unsigned_abs());
                format!("{sign}{}.{:0width$}", units / unit, units % unit, width = usize::from(scale.unsigned_abs()))
            }
            (Self::Whole(number), _) => number.to_string(),
        }
    }
}

fn day(days: i128) -> String {
    let (year, month, day) = parse::civil(i64::try_from(days).unwrap_or_default());
    format!("{year:04}-{month:02}-{day:02}")
}

fn value(array: &ArrayRef, kind: Kind, row: usize) -> Value {
    let any = array.as_any();
    match kind {
        Kind::Integer => any.downcast_ref::<Int64Array>().map(|array| Value::Whole(array.value(row).into())),
        Kind::Number => any.downcast_ref::<Float64Array>().map(|array| Value::Number(array.value(row))),
        Kind::Date => any.downcast_ref::<Date32Array>().map(|array| Value::Whole(array.value(row).into())),
        Kind::Timestamp => any.downcast_ref::<TimestampMicrosecondArray>().map(|array| Value::Whole(array.value(row).into())),
        Kind::Decimal(..) => any.downcast_ref::<Decimal128Array>().map(|array| Value::Whole(array.value(row))),
        Kind::Boolean => Some(Value::Whole(array.as_boolean().value(row).into())),
        Kind::Text => any.downcast_ref::<StringArray>().map(|array| Value::Text(array.value(row).to_owned())),
    }
    .expect("the column was built with this type")
}

fn read<T: serde::de::DeserializeOwned>(stream: &str, cursor: Option<&str>) -> Result<Option<T>> {
    cursor.map(|cursor| serde_json::from_str(cursor).map_err(|_| strange(stream))).transpose()
}

fn write<T: Serialize>(cursor: &T) -> String {
    serde_json::to_string(cursor).expect("names and numbers are JSON")
}

fn strange(stream: &str) -> Failure {
    Failure::config(format!("stream `{stream}`: its cursor does not fit `incremental`; was that changed? Reset the cursor"))
}
