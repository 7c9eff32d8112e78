//! The rows of a batch, as rules walk over them.

use std::fmt::Write;

use tidegate_sdk::{
    ORIGIN, RecordBatch,
    arrow_array::{
        Array, ArrayRef,
        cast::AsArray,
        types::{
            Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
            UInt32Type, UInt64Type,
        },
    },
    arrow_buffer::NullBuffer,
    arrow_schema::DataType,
};

use crate::{instant, lane, tally::Tally};

/// The longest text of one cell in a label, in characters: a key names a row, it is not the row.
const LABEL_CHARS: usize = 100;

/// A batch with what names its rows.
pub struct Rows<'a> {
    pub batch: &'a RecordBatch,
    pub origins: &'a [u64],
    /// Indexes of the columns that name a row; none: by its origin.
    pub key: &'a [usize],
}

impl<'a> Rows<'a> {
    pub fn column(&self, index: usize) -> &'a ArrayRef {
        self.batch.column(index)
    }

    /// Counts every row that `nulls` leaves, and names those that do not pass.
    #[inline]
    pub fn judge(&self, nulls: Option<&NullBuffer>, tally: &mut Tally, pass: impl Fn(usize) -> bool) {
        let rows = self.batch.num_rows();
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            None => {
                tally.total += rows as u64;
                (0..rows).filter(|&row| !pass(row)).for_each(|row| self.fail(tally, row));
            }
            Some(nulls) => {
                tally.total += (rows - nulls.null_count()) as u64;
                nulls.valid_indices().filter(|&row| !pass(row)).for_each(|row| self.fail(tally, row));
            }
        }
    }

    /// Counts the cells of a text column.
    pub fn judge_text(&self, array: &dyn Array, tally: &mut Tally, pass: impl Fn(&str) -> bool) {
        match array.data_type() {
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                self.judge(array.nulls(), tally, |row| pass(texts.value(row)));
            }
            DataType::LargeUtf8 => {
                let texts = array.as_string::<i64>();
                self.judge(array.nulls(), tally, |row| pass(texts.value(row)));
            }
            _ => {
                let texts = array.as_string_view();
                self.judge(array.nulls(), tally, |row| pass(texts.value(row)));
            }
        }
    }

    /// Counts a failing row that `total` already holds.
    pub fn fail(&self, tally: &mut Tally, row: usize) {
        tally.failed += 1;
        tally.samples.offer(self.origins[row], || self.label(row));
    }

    fn label(&self, row: usize) -> String {
        if self.key.is_empty() {
            return origin_label(self.origins[row]);
        }
        let mut label = String::new();
        for (place, &index) in self.key.iter().enumerate() {
            if place > 0 {
                label.push('/');
            }
            write_cell(&mut label, self.column(index), row);
        }
        label
    }
}

/// Where a row came from, as `page:record`.
pub fn origin_label(origin: u64) -> String {
    format!("{}:{}", origin >> 40, origin & ((1 << 40) - 1))
}

fn write_cell(out: &mut String, array: &dyn Array, row: usize) {
    if array.is_null(row) {
        out.push_str("null");
        return;
    }
    macro_rules! number {
        ($kind:ty) => {
            write!(out, "{}", array.as_primitive::<$kind>().value(row)).expect("a string takes everything")
        };
    }
    match array.data_type() {
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Decimal128(_, _) => out.push_str(&array.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Date32 => out.push_str(&instant::date_text(array.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(unit, _) => {
            let nanos = i128::from(lane::timestamps(array)[row]) * i128::from(instant::nanos_per(*unit));
            out.push_str(&instant::timestamp_text(nanos));
        }
        DataType::Utf8 => out.extend(array.as_string::<i32>().value(row).chars().take(LABEL_CHARS)),
        DataType::LargeUtf8 => out.extend(array.as_string::<i64>().value(row).chars().take(LABEL_CHARS)),
        DataType::Utf8View => out.extend(array.as_string_view().value(row).chars().take(LABEL_CHARS)),
        other => unreachable!("`{ORIGIN}` and readable columns only, not {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, TimestampMillisecondArray};

    use crate::testing::{ints, measure, rows, texts};

    #[test]
    fn keys_are_written_for_every_type() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("a", texts([Some("x"), None])),
            ("b", ints([Some(-7), Some(8)])),
            ("c", Arc::new(Decimal128Array::from(vec![1250, -5]).with_precision_and_scale(10, 2).unwrap())),
            ("d", Arc::new(Date32Array::from(vec![17_454, 0]))),
            ("e", Arc::new(TimestampMillisecondArray::from(vec![1_539_797_418_500, -1]).with_timezone("America/Sao_Paulo"))),
            ("f", Arc::new(BooleanArray::from(vec![true, false]))),
            ("g", Arc::new(Float64Array::from(vec![0.5, 2.0]))),
            ("bad", texts([None, None])),
        ];
        let config = r#"{"key":["a","b","c","d","e","f","g"],"rules":[{"kind":"required","columns":["bad"]}]}"#;
        assert_eq!(
            measure(config, &rows(columns))[0].samples,
            ["x/-7/12.50/2017-10-15/2018-10-17T17:30:18.500Z/true/0.5", "null/8/-0.05/1970-01-01/1969-12-31T23:59:59.999Z/false/2"]
        );
    }

    #[test]
    fn rows_without_a_key_are_named_by_page_and_record() {
        let batch = rows(vec![("a", texts([Some("x"), None]))]);
        assert_eq!(measure(r#"{"rules":[{"kind":"required","columns":["a"]}]}"#, &batch)[0].samples, ["1:2"]);
    }
}
