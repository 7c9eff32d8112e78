//! One column of a batch, downcast once and then written row by row.

use arrow::{
    array::{Array, AsArray, BooleanArray},
    buffer::NullBuffer,
    datatypes::{DataType, FieldRef},
};

use super::super::types::PgType;
use super::{
    Out, Reason,
    array::List,
    json::{self, Nested},
    number::Number,
    numeric::Numeric,
    put16,
    text::{self, Bytes, Text},
    time::Time,
};

/// The length that stands for a null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// What a cell of a fixed or unknown width is expected to need.
const USUAL_CELL_BYTES: usize = 12;

/// A column of a batch, ready to write.
pub(super) struct Column<'a> {
    nulls: Option<NullBuffer>,
    cells: Cells<'a>,
    rows: usize,
}

enum Cells<'a> {
    Nulls,
    Boolean(&'a BooleanArray),
    Number(Number<'a>),
    Numeric(Numeric<'a>),
    Text(Text<'a>),
    Bytea(Bytes<'a>),
    Time(Time<'a>),
    Uuid(Bytes<'a>),
    UuidText(Bytes<'a>),
    JsonText(Bytes<'a>),
    Nested(Nested<'a>),
    List(List<'a>),
    Dictionary { keys: Vec<usize>, values: Box<Column<'a>> },
}

impl<'a> Column<'a> {
    /// None where a value of `array` can't be a `target`.
    pub(super) fn of(field: &'a FieldRef, array: &'a dyn Array, target: &PgType) -> Option<Self> {
        let cells = Cells::of(field, array, target)?;
        // The logical nulls know of a null among a dictionary's values too.
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Some(Self { nulls, cells, rows: array.len() })
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    #[inline]
    pub(super) fn write(&mut self, row: usize, out: &mut Out) -> Result<(), Reason> {
        if self.is_null(row) {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        self.cells.write(row, out)
    }

    /// About how many bytes the column needs, for a reservation.
    pub(super) fn size(&self) -> usize {
        let values = match &self.cells {
            Cells::Text(values) => values.size(),
            Cells::Bytea(values) | Cells::JsonText(values) => values.size(),
            _ => 0,
        };
        self.rows * USUAL_CELL_BYTES + values
    }
}

impl<'a> Cells<'a> {
    fn of(field: &'a FieldRef, array: &'a dyn Array, target: &PgType) -> Option<Self> {
        if *array.data_type() == DataType::Null {
            return Some(Self::Nulls);
        }
        if let DataType::Dictionary(..) = array.data_type() {
            return Self::of_dictionary(field, array, target);
        }
        match target {
            PgType::Boolean => array.as_boolean_opt().map(Self::Boolean),
            PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Real | PgType::Double => {
                Number::of(array, target).map(Self::Number)
            }
            PgType::Numeric(_) => Numeric::of(array, target).map(Self::Numeric),
            PgType::Text => Text::of(array, None).map(Self::Text),
            PgType::Varchar(max) => Text::of(array, Some(*max)).map(Self::Text),
            PgType::Bytea => Bytes::of_binary(array).map(Self::Bytea),
            PgType::Date | PgType::Time | PgType::Timestamp | PgType::Timestamptz | PgType::Interval => {
                Time::of(array, target).map(Self::Time)
            }
            PgType::Uuid => Bytes::of_sixteen(array).map(Self::Uuid).or_else(|| Bytes::of_text(array).map(Self::UuidText)),
            PgType::Jsonb => Bytes::of_text(array).map(Self::JsonText).or_else(|| Nested::of(field, array).map(Self::Nested)),
            PgType::Array(element) => List::of(array, element).map(Self::List),
        }
    }

    fn of_dictionary(field: &'a FieldRef, array: &'a dyn Array, target: &PgType) -> Option<Self> {
        let dictionary = array.as_any_dictionary_opt()?;
        let values = Box::new(Column::of(field, dictionary.values().as_ref(), target)?);
        // Arrow normalizes no keys where there are no values that they could mean.
        let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
        Some(Self::Dictionary { keys, values })
    }

    #[inline]
    fn write(&mut self, row: usize, out: &mut Out) -> Result<(), Reason> {
        match self {
            Self::Text(values) => values.write(row, out),
            Self::Time(values) => values.write(row, out),
            Self::Number(values) => values.write(row, out),
            Self::Numeric(values) => values.write(row, out),
            Self::Bytea(values) | Self::Uuid(values) => values.write(row, out),
            Self::UuidText(values) => text::uuid(values.value(row)).map(|uuid| put16(out, uuid)),
            Self::JsonText(values) => json::write(values.value(row), out),
            Self::Nested(values) => values.write(row, out),
            Self::List(values) => values.write(row, out),
            Self::Dictionary { keys, values } => values.write(keys[row], out),
            Self::Boolean(values) => {
                out.extend_from_slice(&[0, 0, 0, 1, values.value(row).into()]);
                Ok(())
            }
            Self::Nulls => {
                out.extend_from_slice(&NULL);
                Ok(())
            }
        }
    }
}
