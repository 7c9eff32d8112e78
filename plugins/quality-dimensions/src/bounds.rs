//! Intervals over numbers, dates and timestamps: what `range` and `plausible` ask, in two dimensions.

use tidegate_sdk::{
    Failure, Result,
    arrow_array::{
        Array, ArrowPrimitiveType,
        cast::AsArray,
        types::{
            Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
            TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
        },
    },
    arrow_schema::{DataType, TimeUnit},
};

use crate::{
    config::Literal,
    literal::Round,
    rows::Rows,
    rules::Check,
    stream::{Column, Family, Stream},
    tally::Tally,
};

/// Counts the cells of a column that lie inside bounds, both inclusive. Nulls are not counted; NaN fails.
pub struct Inside {
    column: Column,
    interval: Interval,
}

#[derive(Debug, Clone, Copy)]
enum Interval {
    /// In the column's own unit and scale.
    Exact(i128, i128),
    Float(f64, f64),
}

impl Inside {
    pub fn new(stream: &Stream<'_>, name: &str, min: Option<&Literal>, max: Option<&Literal>) -> Result<Self> {
        if min.is_none() && max.is_none() {
            return Err(Failure::config("`min` and `max` are both missing; give one at least"));
        }
        let column = stream.column(name, Family::MEASURABLE)?;
        let (interval, empty) = if column.family == Family::Float {
            let low = min.map_or(Ok(f64::NEG_INFINITY), |min| min.float(&column))?;
            let high = max.map_or(Ok(f64::INFINITY), |max| max.float(&column))?;
            (Interval::Float(low, high), low > high)
        } else {
            let low = min.map_or(Ok(i128::MIN), |min| min.exact(&column, Round::Up))?;
            let high = max.map_or(Ok(i128::MAX), |max| max.exact(&column, Round::Down))?;
            (Interval::Exact(low, high), low > high)
        };
        if empty {
            return Err(Failure::config(format!("no value of column `{name}` lies between `min` and `max`")));
        }
        Ok(Self { column, interval })
    }
}

impl Check for Inside {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let array = rows.column(self.column.index);
        let (low, high) = match self.interval {
            Interval::Exact(low, high) => (low, high),
            Interval::Float(low, high) => return float(rows, array, low, high, tally),
        };
        match array.data_type() {
            DataType::Int8 => exact::<Int8Type>(rows, array, low, high, tally),
            DataType::Int16 => exact::<Int16Type>(rows, array, low, high, tally),
            DataType::Int32 => exact::<Int32Type>(rows, array, low, high, tally),
            DataType::Int64 => exact::<Int64Type>(rows, array, low, high, tally),
            DataType::UInt8 => exact::<UInt8Type>(rows, array, low, high, tally),
            DataType::UInt16 => exact::<UInt16Type>(rows, array, low, high, tally),
            DataType::UInt32 => exact::<UInt32Type>(rows, array, low, high, tally),
            DataType::UInt64 => exact::<UInt64Type>(rows, array, low, high, tally),
            DataType::Decimal128(_, _) => exact::<Decimal128Type>(rows, array, low, high, tally),
            DataType::Date32 => exact::<Date32Type>(rows, array, low, high, tally),
            DataType::Timestamp(TimeUnit::Second, _) => exact::<TimestampSecondType>(rows, array, low, high, tally),
            DataType::Timestamp(TimeUnit::Millisecond, _) => exact::<TimestampMillisecondType>(rows, array, low, high, tally),
            DataType::Timestamp(TimeUnit::Microsecond, _) => exact::<TimestampMicrosecondType>(rows, array, low, high, tally),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => exact::<TimestampNanosecondType>(rows, array, low, high, tally),
            other => unreachable!("{other} is refused when the rule is opened"),
        }
    }
}

/// Compares in the column's own width. A bound beyond that width leaves all values inside or none.
fn exact<T: ArrowPrimitiveType>(rows: &Rows<'_>, array: &dyn Array, low: i128, high: i128, tally: &mut Tally)
where
    T::Native: TryFrom<i128>,
{
    let values = array.as_primitive::<T>().values();
    let low_native = T::Native::try_from(low).ok();
    let high_native = T::Native::try_from(high).ok();
    if low_native.is_none() && low > 0 || high_native.is_none() && high < 0 {
        return rows.judge(array.nulls(), tally, |_| false);
    }
    match (low_native, high_native) {
        (Some(low), Some(high)) => rows.judge(array.nulls(), tally, |row| values[row] >= low && values[row] <= high),
        (Some(low), None) => rows.judge(array.nulls(), tally, |row| values[row] >= low),
        (None, Some(high)) => rows.judge(array.nulls(), tally, |row| values[row] <= high),
        (None, None) => rows.judge(array.nulls(), tally, |_| true),
    }
}

fn float(rows: &Rows<'_>, array: &dyn Array, low: f64, high: f64, tally: &mut Tally) {
    if *array.data_type() == DataType::Float32 {
        let values = array.as_primitive::<Float32Type>().values();
        rows.judge(array.nulls(), tally, |row| (low..=high).contains(&f64::from(values[row])));
    } else {
        let values = array.as_primitive::<Float64Type>().values();
        rows.judge(array.nulls(), tally, |row| (low..=high).contains(&values[row]));
    }
}
