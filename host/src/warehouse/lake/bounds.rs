//! What a commit says of a data file: its rows, and for each column the nulls and the bounds of the values, as its Parquet footer tells.
//! Readers pass over files by them.
//!
//! What always holds here (each with its test below):
//! - A bound excludes no value. What can't be said exactly is widened, or left unsaid.
//! - Text, dates and times have the form of the Delta protocol, "Per-file Statistics": times in whole milliseconds.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt64Array},
        datatypes::{DataType, Schema},
    },
    common::ScalarValue,
};
use parquet::{arrow::arrow_reader::statistics::StatisticsConverter, errors::Result, file::metadata::ParquetMetaData};
use serde_json::{Map, Value, json};

/// Delta's default of `delta.dataSkippingNumIndexedCols`: the columns of a wide table that are worth their place in the log.
const INDEXED_COLUMNS: usize = 32;
/// Up to here a decimal's digits survive the way through a 64-bit float, which is what JSON has.
const EXACT: u128 = 1_000_000_000_000_000;

/// The `stats` of a file whose footer is `file` and whose columns are `schema`.
pub(super) fn statistics(file: &ParquetMetaData, schema: &Schema) -> Result<Value> {
    let (mut nulls, mut least, mut greatest) = (Map::new(), Map::new(), Map::new());
    for field in schema.fields().iter().take(INDEXED_COLUMNS).filter(|field| !field.data_type().is_nested()) {
        let name = field.name();
        let groups = || file.row_groups().iter();
        let column =
            StatisticsConverter::try_new(name, schema, file.file_metadata().schema_descr())?.with_missing_null_counts_as_zero(false);
        if column.parquet_column_index().is_none() {
            continue;
        }
        let missing = column.row_group_null_counts(groups())?;
        if missing.null_count() == 0 {
            nulls.insert(name.clone(), missing.values().iter().sum::<u64>().into());
        }
        if !has_bounds(field.data_type()) {
            continue;
        }
        let values = Values { file, missing: &missing };
        let bound = values.outermost(&column.row_group_mins(groups())?, Ordering::Less).and_then(|value| as_json(&value, Ordering::Less));
        least.extend(bound.map(|bound| (name.clone(), bound)));
        let bound =
            values.outermost(&column.row_group_maxes(groups())?, Ordering::Greater).and_then(|value| as_json(&value, Ordering::Greater));
        greatest.extend(bound.map(|bound| (name.clone(), bound)));
    }
    let rows = file.file_metadata().num_rows();
    Ok(json!({ "numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": nulls }))
}

/// Floats have none: Parquet leaves NaN out of its own, and a reader to whom NaN is the greatest number would pass over it. Nor do readers
/// look for bounds of truth values and bytes.
fn has_bounds(kind: &DataType) -> bool {
    kind.is_signed_integer() || matches!(kind, DataType::Utf8 | DataType::Date32 | DataType::Timestamp(..) | DataType::Decimal128(..))
}

/// The values of a column, one row group after another.
struct Values<'f> {
    file: &'f ParquetMetaData,
    missing: &'f UInt64Array,
}

impl Values<'_> {
    /// The bound of all row groups; none where one that has values does not tell its own.
    fn outermost(&self, bounds: &ArrayRef, side: Ordering) -> Option<ScalarValue> {
        let mut found: Option<ScalarValue> = None;
        for (at, group) in self.file.row_groups().iter().enumerate() {
            if self.missing.is_valid(at) && i64::try_from(self.missing.value(at)).is_ok_and(|missing| missing == group.num_rows()) {
                continue;
            }
            let bound = ScalarValue::try_from_array(bounds, at).ok().filter(|bound| !bound.is_null())?;
            if found.as_ref().is_none_or(|found| bound.partial_cmp(found) == Some(side)) {
                found = Some(bound);
            }
        }
        found
    }
}

/// A bound as Delta writes it, not further in than `value`.
fn as_json(value: &ScalarValue, side: Ordering) -> Option<Value> {
    match value {
        ScalarValue::Int8(Some(value)) => Some(json!(value)),
        ScalarValue::Int16(Some(value)) => Some(json!(value)),
        ScalarValue::Int32(Some(value)) => Some(json!(value)),
        ScalarValue::Int64(Some(value)) => Some(json!(value)),
        ScalarValue::Utf8(Some(text)) => Some(json!(text)),
        ScalarValue::Date32(Some(days)) => time(i64::from(*days) * 86_400_000, "%Y-%m-%d"),
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            let up = i64::from(side == Ordering::Greater && micros.rem_euclid(1000) != 0);
            let form = if zone.is_some() { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.3f" };
            time(micros.div_euclid(1000) + up, form)
        }
        ScalarValue::Decimal128(Some(digits), _, scale) => decimal(*digits, *scale),
        _ => None,
    }
}

/// Years of more than four digits have no form that every reader understands.
fn time(millis: i64, form: &str) -> Option<Value> {
    let time = DateTime::from_timestamp_millis(millis).filter(|time| (0..=9999).contains(&time.year()))?;
    Some(json!(time.format(form).to_string()))
}

fn decimal(digits: i128, scale: i8) -> Option<Value> {
    let whole = i64::try_from(digits).ok().filter(|_| digits.unsigned_abs() < EXACT)?;
    match scale {
        0 => Some(json!(whole)),
        // Both are exact, so the quotient is the float nearest to the decimal, and that is printed as the decimal.
        1..=15 => Some(json!(whole as f64 / 10_f64.powi(i32::from(scale)))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    };
    use parquet::{
        arrow::ArrowWriter,
        file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    };

    use super::*;

    /// The statistics of a file with one column of `values`, two rows to a row group.
    fn told(values: ArrayRef) -> Value {
        told_by(values, WriterProperties::builder())
    }

    fn told_by(values: ArrayRef, properties: WriterPropertiesBuilder) -> Value {
        let batch = RecordBatch::try_from_iter_with_nullable([("c", values, true)]).unwrap();
        let properties = properties.set_max_row_group_row_count(Some(2)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        statistics(&writer.close().unwrap(), &batch.schema()).unwrap()
    }

    /// The bounds of `values`, from the least to the greatest.
    fn bounds(values: impl Array + 'static) -> (Value, Value) {
        let mut told = told(Arc::new(values));
        (told["minValues"]["c"].take(), told["maxValues"]["c"].take())
    }

    #[test]
    fn bounds_and_nulls_are_those_of_all_row_groups() {
        let told = told(Arc::new(Int64Array::from(vec![Some(5), Some(-1), None, None, Some(9), None])));
        assert_eq!(told, json!({ "numRecords": 6, "minValues": { "c": -1 }, "maxValues": { "c": 9 }, "nullCount": { "c": 3 } }));
    }

    #[test]
    fn a_column_of_nulls_has_no_bounds() {
        assert_eq!(bounds(Int64Array::from(vec![None, None, None])), (Value::Null, Value::Null));
    }

    #[test]
    fn a_file_that_says_nothing_of_its_columns_has_rows_only() {
        let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None);
        let told = told_by(Arc::new(Int64Array::from(vec![1, 2])), properties);
        assert_eq!(told, json!({ "numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": {} }));
    }

    #[test]
    fn a_long_text_is_cut_outwards() {
        let long = "m".repeat(100);
        let (least, greatest) = bounds(StringArray::from(vec![long.as_str()]));
        assert!(least.as_str().unwrap() < long.as_str() && greatest.as_str().unwrap() > long.as_str());
    }

    #[test]
    fn times_are_whole_milliseconds_rounded_outwards() {
        let times = TimestampMicrosecondArray::from(vec![-1, 1_500_000_000_000_001]);
        let zoned = bounds(times.clone().with_timezone("UTC"));
        assert_eq!(zoned, (json!("1969-12-31T23:59:59.999Z"), json!("2017-07-14T02:40:00.001Z")));
        assert_eq!(bounds(times), (json!("1969-12-31T23:59:59.999"), json!("2017-07-14T02:40:00.001")));
    }

    #[test]
    fn dates_are_told_as_far_as_they_have_four_digits() {
        assert_eq!(bounds(Date32Array::from(vec![-1, 4_000_000])), (json!("1969-12-31"), Value::Null));
    }

    #[test]
    fn decimals_are_told_as_far_as_json_has_them() {
        let decimals = |digits: Vec<i128>| Decimal128Array::from(digits).with_precision_and_scale(38, 2).unwrap();
        assert_eq!(bounds(decimals(vec![-1234, 10])), (json!(-12.34), json!(0.1)));
        assert_eq!(bounds(decimals(vec![1, 10_i128.pow(30) + 1])), (json!(0.01), Value::Null));
        let whole = Decimal128Array::from(vec![7]).with_precision_and_scale(20, 0).unwrap();
        assert_eq!(bounds(whole), (json!(7), json!(7)));
    }

    #[test]
    fn floats_and_truth_values_have_nulls_but_no_bounds() {
        let wanted = json!({ "numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": { "c": 1 } });
        assert_eq!(told(Arc::new(Float64Array::from(vec![Some(f64::NAN), None]))), wanted);
        assert_eq!(told(Arc::new(BooleanArray::from(vec![Some(true), None]))), wanted);
    }
}
