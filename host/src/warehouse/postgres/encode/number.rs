//! Integers and floating point numbers of a fixed width.

use std::borrow::Cow;

use arrow::{
    array::{Array, AsArray},
    datatypes::{
        ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};

use super::super::types::PgType;
use super::{Out, Reason, TOO_LARGE, put4, put8};

/// A column of numbers, as wide in memory as what is read from it fastest, by the type it is written as.
pub(super) enum Number<'a> {
    SmallInt(Cow<'a, [i64]>),
    Integer(Cow<'a, [i64]>),
    BigInt(Cow<'a, [i64]>),
    Unsigned(&'a [u64]),
    Real(Cow<'a, [f32]>),
    Double(Cow<'a, [f64]>),
}

impl<'a> Number<'a> {
    pub(super) fn of(array: &'a dyn Array, target: &PgType) -> Option<Self> {
        match target {
            PgType::SmallInt => integers(array).map(Self::SmallInt),
            PgType::Integer => integers(array).map(Self::Integer),
            PgType::BigInt if *array.data_type() == DataType::UInt64 => Some(Self::Unsigned(array.as_primitive::<UInt64Type>().values())),
            PgType::BigInt => integers(array).map(Self::BigInt),
            PgType::Real => singles(array).map(Self::Real),
            PgType::Double => doubles(array).map(Self::Double),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Out) -> Result<(), Reason> {
        match self {
            Self::SmallInt(values) => {
                let value = i16::try_from(values[row]).map_err(|_| TOO_LARGE)?;
                out.extend_from_slice(&2_i32.to_be_bytes());
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::Integer(values) => put4(out, i32::try_from(values[row]).map_err(|_| TOO_LARGE)?.to_be_bytes()),
            Self::BigInt(values) => put8(out, values[row].to_be_bytes()),
            Self::Unsigned(values) => put8(out, i64::try_from(values[row]).map_err(|_| TOO_LARGE)?.to_be_bytes()),
            Self::Real(values) => put4(out, values[row].to_be_bytes()),
            Self::Double(values) => put8(out, values[row].to_be_bytes()),
        }
        Ok(())
    }
}

/// The integers of `array`; none for other types and for those of 64 bits without a sign.
pub(super) fn integers(array: &dyn Array) -> Option<Cow<'_, [i64]>> {
    Some(match array.data_type() {
        DataType::Int8 => widened::<Int8Type, _>(array),
        DataType::Int16 => widened::<Int16Type, _>(array),
        DataType::Int32 => widened::<Int32Type, _>(array),
        DataType::Int64 => Cow::Borrowed(array.as_primitive::<Int64Type>().values()),
        DataType::UInt8 => widened::<UInt8Type, _>(array),
        DataType::UInt16 => widened::<UInt16Type, _>(array),
        DataType::UInt32 => widened::<UInt32Type, _>(array),
        _ => return None,
    })
}

fn singles(array: &dyn Array) -> Option<Cow<'_, [f32]>> {
    Some(match array.data_type() {
        DataType::Float16 => widened::<Float16Type, _>(array),
        DataType::Float32 => Cow::Borrowed(array.as_primitive::<Float32Type>().values()),
        _ => return None,
    })
}

fn doubles(array: &dyn Array) -> Option<Cow<'_, [f64]>> {
    Some(match array.data_type() {
        DataType::Float16 => widened::<Float16Type, _>(array),
        DataType::Float32 => widened::<Float32Type, _>(array),
        DataType::Float64 => Cow::Borrowed(array.as_primitive::<Float64Type>().values()),
        _ => return None,
    })
}

/// The values of `array` in a wider type: one pass for a batch, so that writing knows one width.
pub(super) fn widened<T: ArrowPrimitiveType, W: Clone + From<T::Native>>(array: &dyn Array) -> Cow<'_, [W]> {
    Cow::Owned(array.as_primitive::<T>().values().iter().map(|value| W::from(*value)).collect())
}
