//! Dates, times and intervals: PostgreSQL counts days and microseconds from 2000-01-01, Arrow from 1970-01-01.
//!
//! What always holds here (each with its test in `tests`):
//! - A day or an instant outside PostgreSQL's calendar is unfit; none becomes `infinity`. (`days_and_instants_have_bounds`)
//! - Digits below the microsecond are cut towards the past, so that order stays. (`nanoseconds_are_cut`)

use std::borrow::Cow;

use arrow::{
    array::{Array, ArrowPrimitiveType, AsArray},
    datatypes::{
        DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
        IntervalDayTime, IntervalDayTimeType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
        Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    },
};

use super::super::types::PgType;
use super::{Out, Reason, number::widened, put4, put8};

/// 2000-01-01 in days and seconds since 1970-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_SECONDS: i64 = 946_684_800;
/// From Julian day 0 up to 5874898-01-01, in days from 2000-01-01 (`IS_VALID_DATE` in PostgreSQL's `timestamp.h`).
const DAYS: std::ops::Range<i32> = -2_451_545..2_145_031_949;
/// From Julian day 0 up to 294277-01-01, in microseconds from 2000-01-01 (`IS_VALID_TIMESTAMP`).
const INSTANTS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
const MILLIS_OF_DAY: i64 = 86_400_000;
const MICROS_OF_DAY: i64 = 1_000 * MILLIS_OF_DAY;

const DATE_OUT_OF_RANGE: Reason = "date outside the years -4713 to 5874897";
const DATE_WITH_TIME: Reason = "date with a time of day";
const TIME_OUT_OF_RANGE: Reason = "time outside 00:00 to 24:00";
const TIMESTAMP_OUT_OF_RANGE: Reason = "timestamp outside the years -4713 to 294276";
const INTERVAL_OUT_OF_RANGE: Reason = "interval of more than 2^63 microseconds";

/// A column of dates, times or intervals.
pub(super) enum Time<'a> {
    Days(&'a [i32]),
    Millis(&'a [i64]),
    OfDay(Cow<'a, [i64]>, TimeUnit),
    Instant(&'a [i64], TimeUnit),
    Duration(&'a [i64], TimeUnit),
    Months(&'a [i32]),
    DaysMillis(&'a [IntervalDayTime]),
    MonthsDaysNanos(&'a [IntervalMonthDayNano]),
}

impl<'a> Time<'a> {
    pub(super) fn of(array: &'a dyn Array, target: &PgType) -> Option<Self> {
        Some(match (array.data_type(), target) {
            (DataType::Date32, PgType::Date) => Self::Days(values::<Date32Type>(array)),
            (DataType::Date64, PgType::Date) => Self::Millis(values::<Date64Type>(array)),
            (DataType::Time32(unit) | DataType::Time64(unit), PgType::Time) => Self::OfDay(times(array, *unit)?, *unit),
            (DataType::Timestamp(unit, None), PgType::Timestamp) => Self::Instant(instants(array, *unit), *unit),
            (DataType::Timestamp(unit, Some(_)), PgType::Timestamptz) => Self::Instant(instants(array, *unit), *unit),
            (DataType::Duration(unit), PgType::Interval) => Self::Duration(durations(array, *unit), *unit),
            (DataType::Interval(unit), PgType::Interval) => match unit {
                IntervalUnit::YearMonth => Self::Months(values::<IntervalYearMonthType>(array)),
                IntervalUnit::DayTime => Self::DaysMillis(values::<IntervalDayTimeType>(array)),
                IntervalUnit::MonthDayNano => Self::MonthsDaysNanos(values::<IntervalMonthDayNanoType>(array)),
            },
            _ => return None,
        })
    }

    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Out) -> Result<(), Reason> {
        match self {
            Self::Days(days) => put4(out, date(days[row].into())?.to_be_bytes()),
            Self::Millis(millis) => put4(out, date(whole_days(millis[row])?)?.to_be_bytes()),
            Self::OfDay(values, unit) => put8(out, time_of_day(values[row], *unit)?.to_be_bytes()),
            Self::Instant(values, unit) => put8(out, instant(values[row], *unit)?.to_be_bytes()),
            Self::Duration(values, unit) => interval(out, 0, 0, micros(values[row], *unit).ok_or(INTERVAL_OUT_OF_RANGE)?),
            Self::Months(months) => interval(out, months[row], 0, 0),
            Self::DaysMillis(values) => interval(out, 0, values[row].days, 1_000 * i64::from(values[row].milliseconds)),
            Self::MonthsDaysNanos(values) => {
                let IntervalMonthDayNano { months, days, nanoseconds } = values[row];
                interval(out, months, days, nanoseconds.div_euclid(1_000));
            }
        }
        Ok(())
    }
}

fn values<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

fn times(array: &dyn Array, unit: TimeUnit) -> Option<Cow<'_, [i64]>> {
    Some(match (array.data_type(), unit) {
        (DataType::Time32(_), TimeUnit::Second) => widened::<Time32SecondType, _>(array),
        (DataType::Time32(_), TimeUnit::Millisecond) => widened::<Time32MillisecondType, _>(array),
        (DataType::Time64(_), TimeUnit::Microsecond) => Cow::Borrowed(values::<Time64MicrosecondType>(array)),
        (DataType::Time64(_), TimeUnit::Nanosecond) => Cow::Borrowed(values::<Time64NanosecondType>(array)),
        _ => return None,
    })
}

fn instants(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => values::<TimestampSecondType>(array),
        TimeUnit::Millisecond => values::<TimestampMillisecondType>(array),
        TimeUnit::Microsecond => values::<TimestampMicrosecondType>(array),
        TimeUnit::Nanosecond => values::<TimestampNanosecondType>(array),
    }
}

fn durations(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => values::<DurationSecondType>(array),
        TimeUnit::Millisecond => values::<DurationMillisecondType>(array),
        TimeUnit::Microsecond => values::<DurationMicrosecondType>(array),
        TimeUnit::Nanosecond => values::<DurationNanosecondType>(array),
    }
}

#[inline]
fn micros(value: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => value.checked_mul(1_000_000),
        TimeUnit::Millisecond => value.checked_mul(1_000),
        TimeUnit::Microsecond => Some(value),
        TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
    }
}

#[inline]
fn date(days: i64) -> Result<i32, Reason> {
    let days = i32::try_from(days).ok().and_then(|days| days.checked_sub(EPOCH_DAYS));
    days.filter(|days| DAYS.contains(days)).ok_or(DATE_OUT_OF_RANGE)
}

fn whole_days(millis: i64) -> Result<i64, Reason> {
    if millis % MILLIS_OF_DAY == 0 { Ok(millis / MILLIS_OF_DAY) } else { Err(DATE_WITH_TIME) }
}

fn time_of_day(value: i64, unit: TimeUnit) -> Result<i64, Reason> {
    micros(value, unit).filter(|micros| (0..=MICROS_OF_DAY).contains(micros)).ok_or(TIME_OUT_OF_RANGE)
}

#[inline]
fn instant(value: i64, unit: TimeUnit) -> Result<i64, Reason> {
    let micros = match unit {
        // Moved while they are coarse: PostgreSQL's calendar goes on for 30 years where microseconds since 1970 end.
        TimeUnit::Second => value.checked_sub(EPOCH_SECONDS).and_then(|seconds| micros(seconds, unit)),
        TimeUnit::Millisecond => value.checked_sub(1_000 * EPOCH_SECONDS).and_then(|millis| micros(millis, unit)),
        TimeUnit::Microsecond | TimeUnit::Nanosecond => {
            micros(value, unit).and_then(|micros| micros.checked_sub(1_000_000 * EPOCH_SECONDS))
        }
    };
    micros.filter(|micros| INSTANTS.contains(micros)).ok_or(TIMESTAMP_OUT_OF_RANGE)
}

fn interval(out: &mut Out, months: i32, days: i32, micros: i64) {
    out.extend_from_slice(&16_i32.to_be_bytes());
    out.extend_from_slice(&micros.to_be_bytes());
    out.extend_from_slice(&days.to_be_bytes());
    out.extend_from_slice(&months.to_be_bytes());
}
