//! Columns of different types brought to a common form in which they compare and add up, one typed slice per batch.

use std::{borrow::Cow, cmp::Ordering};

use tidegate_sdk::{
    arrow_array::{
        Array, ArrowPrimitiveType, LargeStringArray, StringArray, StringViewArray,
        cast::AsArray,
        types::{
            Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
            TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
        },
    },
    arrow_schema::{DataType, TimeUnit},
};

use crate::{
    instant::{NANOS_PER_DAY, nanos_per},
    stream::Family,
};

/// The form in which columns meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Integers up to 64 bits, days, timestamps of one unit, booleans as 0 and 1.
    Int,
    /// Integers beyond that and decimals, at this scale.
    Wide(u32),
    /// Floats, and whatever meets a float.
    Float,
    /// Texts, by their bytes.
    Text,
    /// Timestamps of different units.
    Nanos,
    /// A timestamp that meets a date, by its day in UTC.
    Day,
}

/// A column of a batch, read along a lane. Cells under a null hold anything.
pub enum Cells<'a> {
    Int(Cow<'a, [i64]>),
    Wide(Cow<'a, [i128]>),
    Float(Cow<'a, [f64]>),
    Text(Texts<'a>),
}

/// A text column.
pub enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl Lane {
    /// Where columns of these types meet; none where they do not.
    pub fn of<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<Self> {
        types.into_iter().map(Self::own).reduce(|left, right| Self::meet(left?, right?)).flatten().map(|form| form.lane)
    }

    fn own(data_type: &DataType) -> Option<Form> {
        let family = Family::of(data_type)?;
        let unit = if let DataType::Timestamp(unit, _) = data_type { Some(*unit) } else { None };
        let lane = match data_type {
            DataType::UInt64 => Self::Wide(0),
            DataType::Decimal128(_, scale) => Self::Wide(u32::try_from(*scale).ok()?),
            _ if family == Family::Float => Self::Float,
            _ if family == Family::Text => Self::Text,
            _ => Self::Int,
        };
        Some(Form { family, unit, lane })
    }

    fn meet(left: Form, right: Form) -> Option<Form> {
        let number = |form: &Form| Family::NUMBERS.contains(&form.family);
        let lane = match (left.family, right.family) {
            _ if number(&left) && number(&right) => match (left.lane, right.lane) {
                (Self::Float, _) | (_, Self::Float) => Self::Float,
                (Self::Wide(a), Self::Wide(b)) => Self::Wide(a.max(b)),
                (Self::Wide(scale), _) | (_, Self::Wide(scale)) => Self::Wide(scale),
                _ => Self::Int,
            },
            (Family::Timestamp, Family::Timestamp) if left.lane == Self::Day || right.lane == Self::Day => Self::Day,
            (Family::Timestamp, Family::Timestamp) if left.unit == right.unit && left.lane == right.lane => left.lane,
            (Family::Timestamp, Family::Timestamp) => Self::Nanos,
            (Family::Date, Family::Timestamp) | (Family::Timestamp, Family::Date) => {
                return Some(Form { family: Family::Timestamp, unit: None, lane: Self::Day });
            }
            (a, b) if a == b => left.lane,
            _ => return None,
        };
        let unit = if left.unit == right.unit { left.unit } else { None };
        Some(Form { family: left.family, unit, lane })
    }

    /// Reads a column; borrowed where it has the lane's form already.
    pub fn read<'a>(self, array: &'a dyn Array) -> Cells<'a> {
        match self {
            Self::Int => Cells::Int(integers(array)),
            Self::Wide(scale) => Cells::Wide(wide(array, scale)),
            Self::Float => Cells::Float(floats(array)),
            Self::Text => Cells::Text(Texts::of(array)),
            Self::Nanos => {
                let scale = nanos_per(unit(array).unwrap_or(TimeUnit::Nanosecond));
                Cells::Wide(integers(array).iter().map(|value| i128::from(*value) * i128::from(scale)).collect())
            }
            Self::Day => match unit(array) {
                None => Cells::Int(integers(array)),
                Some(unit) => {
                    let per_day = NANOS_PER_DAY / nanos_per(unit);
                    Cells::Int(integers(array).iter().map(|value| value.div_euclid(per_day)).collect())
                }
            },
        }
    }
}

/// A type on its way to a lane.
#[derive(Clone, Copy)]
struct Form {
    family: Family,
    unit: Option<TimeUnit>,
    lane: Lane,
}

impl<'a> Texts<'a> {
    pub fn of(array: &'a dyn Array) -> Self {
        match array.data_type() {
            DataType::Utf8 => Self::Small(array.as_string()),
            DataType::LargeUtf8 => Self::Large(array.as_string()),
            _ => Self::View(array.as_string_view()),
        }
    }

    pub fn value(&self, row: usize) -> &'a str {
        match self {
            Self::Small(texts) => texts.value(row),
            Self::Large(texts) => texts.value(row),
            Self::View(texts) => texts.value(row),
        }
    }
}

impl Cells<'_> {
    /// How two cells of one lane compare; none where one is not a number.
    pub fn compare(&self, other: &Self, row: usize) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Some(left[row].cmp(&right[row])),
            (Self::Wide(left), Self::Wide(right)) => Some(left[row].cmp(&right[row])),
            (Self::Float(left), Self::Float(right)) => left[row].partial_cmp(&right[row]),
            (Self::Text(left), Self::Text(right)) => Some(left.value(row).cmp(right.value(row))),
            _ => unreachable!("cells of one lane are compared"),
        }
    }

    /// Appends a cell's bytes to a key, so that different cells give different bytes.
    pub fn write_key(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Int(values) => key.extend_from_slice(&values[row].to_le_bytes()),
            Self::Wide(values) => key.extend_from_slice(&values[row].to_le_bytes()),
            Self::Float(values) => {
                let value = values[row];
                let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
                key.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            Self::Text(texts) => {
                let text = texts.value(row);
                key.extend_from_slice(text.as_bytes());
                key.extend_from_slice(&(text.len() as u64).to_le_bytes());
            }
        }
    }
}

fn unit(array: &dyn Array) -> Option<TimeUnit> {
    if let DataType::Timestamp(unit, _) = array.data_type() { Some(*unit) } else { None }
}

/// The values of a timestamp column, in its unit.
pub fn timestamps(array: &dyn Array) -> &[i64] {
    match unit(array) {
        Some(TimeUnit::Second) => array.as_primitive::<TimestampSecondType>().values(),
        Some(TimeUnit::Millisecond) => array.as_primitive::<TimestampMillisecondType>().values(),
        Some(TimeUnit::Nanosecond) => array.as_primitive::<TimestampNanosecondType>().values(),
        _ => array.as_primitive::<TimestampMicrosecondType>().values(),
    }
}

fn collect<T: ArrowPrimitiveType, V: From<T::Native> + Clone>(array: &dyn Array) -> Cow<'_, [V]> {
    array.as_primitive::<T>().values().iter().map(|value| V::from(*value)).collect()
}

fn integers(array: &dyn Array) -> Cow<'_, [i64]> {
    match array.data_type() {
        DataType::Int64 => Cow::Borrowed(array.as_primitive::<Int64Type>().values()),
        DataType::Timestamp(_, _) => Cow::Borrowed(timestamps(array)),
        DataType::Int8 => collect::<Int8Type, _>(array),
        DataType::Int16 => collect::<Int16Type, _>(array),
        DataType::Int32 => collect::<Int32Type, _>(array),
        DataType::UInt8 => collect::<UInt8Type, _>(array),
        DataType::UInt16 => collect::<UInt16Type, _>(array),
        DataType::UInt32 => collect::<UInt32Type, _>(array),
        DataType::Date32 => collect::<Date32Type, _>(array),
        DataType::Boolean => array.as_boolean().values().iter().map(i64::from).collect(),
        other => unreachable!("{other} is not read as 64-bit integers"),
    }
}

fn wide(array: &dyn Array, scale: u32) -> Cow<'_, [i128]> {
    let own = match array.data_type() {
        DataType::Decimal128(_, own) => u32::try_from(*own).expect("negative scales are refused when the rule is opened"),
        _ => 0,
    };
    let values = match array.data_type() {
        DataType::Decimal128(_, _) => Cow::Borrowed(array.as_primitive::<Decimal128Type>().values().as_ref()),
        DataType::UInt64 => collect::<UInt64Type, i128>(array),
        _ => integers(array).iter().map(|value| i128::from(*value)).collect(),
    };
    if own == scale {
        return values;
    }
    // A scale is at most 38, and 10^38 fits; values of 38 digits that would overflow saturate, which keeps their order.
    let factor = 10_i128.pow(scale - own);
    values.iter().map(|value| value.saturating_mul(factor)).collect()
}

fn floats(array: &dyn Array) -> Cow<'_, [f64]> {
    match array.data_type() {
        DataType::Float64 => Cow::Borrowed(array.as_primitive::<Float64Type>().values()),
        DataType::Float32 => collect::<Float32Type, _>(array),
        DataType::Decimal128(_, scale) => {
            let divisor = 10_f64.powi(i32::from(*scale));
            wide(array, u32::try_from(*scale).unwrap_or(0)).iter().map(|value| *value as f64 / divisor).collect()
        }
        DataType::UInt64 => array.as_primitive::<UInt64Type>().values().iter().map(|value| *value as f64).collect(),
        _ => integers(array).iter().map(|value| *value as f64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_meet_where_nothing_is_lost() {
        let micros = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let lane = |types: &[DataType]| Lane::of(types);
        assert_eq!(lane(&[DataType::Int8, DataType::UInt32]), Some(Lane::Int));
        assert_eq!(lane(&[DataType::Int8, DataType::UInt64]), Some(Lane::Wide(0)));
        assert_eq!(lane(&[DataType::Decimal128(10, 2), DataType::Int64, DataType::Decimal128(10, 4)]), Some(Lane::Wide(4)));
        assert_eq!(lane(&[DataType::Decimal128(10, 2), DataType::Float32]), Some(Lane::Float));
        assert_eq!(lane(&[micros(None), micros(Some("UTC"))]), Some(Lane::Int));
        assert_eq!(lane(&[micros(None), DataType::Timestamp(TimeUnit::Second, None), micros(None)]), Some(Lane::Nanos));
        assert_eq!(lane(&[micros(None), DataType::Date32, micros(None)]), Some(Lane::Day));
        assert_eq!(lane(&[DataType::Utf8, DataType::LargeUtf8]), Some(Lane::Text));
        assert_eq!(lane(&[DataType::Utf8, DataType::Int8]), None);
        assert_eq!(lane(&[DataType::Boolean, DataType::Int8]), None);
        assert_eq!(lane(&[]), None);
    }
}
