//! Rows of cells into Arrow columns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_sdk::{
    arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, PrimitiveArray, StringArray,
        TimestampMicrosecondArray, types::ArrowPrimitiveType,
    },
    arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer},
};

use crate::{
    kind::Kind,
    parse,
    rows::{Rows, Rule},
};

/// A column of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether the type was taken from a sample.
    pub inferred: bool,
}

/// A cell that does not fit its column.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The row in the batch.
    pub row: usize,
    /// The column in the stream.
    pub column: usize,
    /// Why.
    pub rule: Rule,
}

/// Where a column's cells stand and which of them are null.
pub struct Cells<'a> {
    /// The rows.
    pub rows: &'a Rows,
    /// The cell's place in a row.
    pub place: usize,
    /// Values that mean null.
    pub nulls: &'a [String],
}

impl Cells<'_> {
    /// The cell, `None` where it is null.
    #[inline]
    fn get(&self, row: usize) -> Option<&[u8]> {
        let cell = self.rows.cell(row, self.place);
        let null = match self.nulls {
            [one] if one.is_empty() => cell.is_empty(),
            nulls => nulls.iter().any(|null| null.as_bytes() == cell),
        };
        (!null && !self.rows.is_null(row, self.place)).then_some(cell)
    }
}

/// The column number `column` with this type, or the cells that do not fit it.
pub fn build(cells: &Cells<'_>, column: usize, kind: Kind) -> Result<ArrayRef, Vec<Misfit>> {
    let built: Result<ArrayRef, Vec<(usize, Rule)>> = match kind {
        Kind::Text => text(cells),
        Kind::Integer => primitive(cells, parse::integer).map(|array: Int64Array| Arc::new(array) as _),
        Kind::Number => primitive(cells, parse::number).map(|array: Float64Array| Arc::new(array) as _),
        Kind::Boolean => boolean(cells),
        Kind::Date => primitive(cells, parse::date).map(|array: Date32Array| Arc::new(array) as _),
        Kind::Timestamp => {
            primitive(cells, parse::timestamp).map(|array: TimestampMicrosecondArray| Arc::new(array.with_timezone("UTC")) as _)
        }
        Kind::Decimal(precision, scale) => decimal(cells, precision, scale),
    };
    built.map_err(|bad| bad.into_iter().map(|(row, rule)| Misfit { row, column, rule }).collect())
}

fn text(cells: &Cells<'_>) -> Result<ArrayRef, Vec<(usize, Rule)>> {
    let (count, texts) = (cells.rows.len(), cells.rows.texts(cells.place));
    // The usual case: a length says whether the cell is null, and the cells are the array's values as they stand.
    let empty_is_null = matches!(cells.nulls, [one] if one.is_empty()) && !cells.rows.has_nulls();
    // UTF-8 is checked here, once for the whole column; only where that fails is the cell looked for.
    let array = if empty_is_null {
        let offsets = texts.offsets();
        let nulls = offsets.windows(2).filter(|ends| ends[0] == ends[1]).count();
        let valid = (nulls > 0).then(|| NullBuffer::from(BooleanBuffer::collect_bool(count, |row| offsets[row] < offsets[row + 1])));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets.to_vec()));
        StringArray::try_new(offsets, Buffer::from_slice_ref(texts.bytes()), valid).ok()
    } else {
        let cell = |row| cells.get(row).map(std::str::from_utf8).transpose();
        (0..count).map(cell).collect::<Result<StringArray, _>>().ok()
    };
    array.map(|array| Arc::new(array) as _).ok_or_else(|| {
        let broken = |row: &usize| cells.get(*row).is_some_and(|cell| std::str::from_utf8(cell).is_err());
        (0..count).filter(broken).map(|row| (row, Rule::Utf8)).collect()
    })
}

fn primitive<T: ArrowPrimitiveType>(
    cells: &Cells<'_>,
    parse: impl Fn(&[u8]) -> Option<T::Native>,
) -> Result<PrimitiveArray<T>, Vec<(usize, Rule)>> {
    let count = cells.rows.len();
    let mut values = Vec::with_capacity(count);
    let mut valid = NullBufferBuilder::new(count);
    let mut bad = Vec::new();
    for row in 0..count {
        let cell = cells.get(row);
        let value = cell.and_then(&parse);
        if let (Some(cell), None) = (cell, &value) {
            bad.push((row, rule(cell)));
        }
        valid.append(value.is_some());
        values.push(value.unwrap_or_default());
    }
    if bad.is_empty() { Ok(PrimitiveArray::new(ScalarBuffer::from(values), valid.finish())) } else { Err(bad) }
}

fn decimal(cells: &Cells<'_>, precision: u8, scale: i8) -> Result<ArrayRef, Vec<(usize, Rule)>> {
    let array: Decimal128Array = primitive(cells, |cell| parse::decimal(cell, precision, scale))?;
    let array = array.with_precision_and_scale(precision, scale).expect("the config's decimals are checked when they are read");
    Ok(Arc::new(array))
}

fn boolean(cells: &Cells<'_>) -> Result<ArrayRef, Vec<(usize, Rule)>> {
    let count = cells.rows.len();
    let mut values = BooleanBufferBuilder::new(count);
    let mut valid = NullBufferBuilder::new(count);
    let mut bad = Vec::new();
    for row in 0..count {
        let cell = cells.get(row);
        let value = cell.and_then(parse::boolean);
        if let (Some(cell), None) = (cell, value) {
            bad.push((row, rule(cell)));
        }
        valid.append(value.is_some());
        values.append(value.unwrap_or_default());
    }
    if bad.is_empty() { Ok(Arc::new(BooleanArray::new(values.finish(), valid.finish()))) } else { Err(bad) }
}

fn rule(cell: &[u8]) -> Rule {
    if std::str::from_utf8(cell).is_ok() { Rule::Value } else { Rule::Utf8 }
}
