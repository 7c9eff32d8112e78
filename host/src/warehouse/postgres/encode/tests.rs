//! Encoded rows, byte by byte.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal32Array, Decimal128Array, Decimal256Array,
        DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int32Array, Int64Array,
        IntervalMonthDayNanoArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray, Time64NanosecondArray,
        TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt16Array, UInt64Array,
    },
    datatypes::{DataType, Field, Int8Type, Int32Type, IntervalMonthDayNano, Schema, UnionFields, UnionMode, i256},
};

use super::super::types::PgType;
use super::{EncodeError, Encoder, Unfit, cells, rows};

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().enumerate().map(|(index, array)| Field::new(format!("c{index}"), array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn encode(batch: &RecordBatch, targets: &[PgType]) -> (Vec<u8>, Vec<Unfit>) {
    let (mut out, mut unfit) = (Vec::new(), Vec::new());
    let encoder = Encoder::new(&batch.schema(), targets).unwrap();
    let count = encoder.encode(batch, &mut out, &mut unfit).unwrap();
    assert_eq!(rows(&out).count(), count);
    assert_eq!(count + unfit.len(), batch.num_rows());
    (out, unfit)
}

/// The cells of one column as `target`: the bytes, none for a null, or why there are none.
fn column(array: impl Array + 'static, target: &str) -> Vec<Result<Option<Vec<u8>>, &'static str>> {
    let target = PgType::parse(target).unwrap();
    let array: ArrayRef = Arc::new(array);
    let one = |row: usize| {
        let (out, unfit) = encode(&batch(vec![array.slice(row, 1)]), std::slice::from_ref(&target));
        unfit.first().map_or_else(|| Ok(cells(&out).next().unwrap().map(<[u8]>::to_vec)), |unfit| Err(unfit.reason))
    };
    (0..array.len()).map(one).collect()
}

fn bytes(array: impl Array + 'static, target: &str) -> Vec<u8> {
    column(array, target).remove(0).unwrap().unwrap()
}

fn reasons(array: impl Array + 'static, target: &str) -> Vec<Option<&'static str>> {
    column(array, target).into_iter().map(Result::err).collect()
}

/// A `numeric` cell as its sixteen-bit words: count, weight, sign, scale, groups.
fn words(array: impl Array + 'static) -> Vec<i16> {
    bytes(array, "numeric").chunks(2).map(|word| i16::from_be_bytes(word.try_into().unwrap())).collect()
}

#[test]
fn each_type_has_the_bytes_that_postgres_receives() {
    assert_eq!(bytes(BooleanArray::from(vec![true]), "boolean"), [1]);
    assert_eq!(bytes(UInt16Array::from(vec![258]), "smallint"), [1, 2]);
    assert_eq!(bytes(UInt16Array::from(vec![u16::MAX]), "integer"), [0, 0, 255, 255]);
    assert_eq!(bytes(Int32Array::from(vec![-2]), "bigint"), [255, 255, 255, 255, 255, 255, 255, 254]);
    assert_eq!(bytes(Float32Array::from(vec![1.0]), "real"), [0x3f, 0x80, 0, 0]);
    assert_eq!(bytes(Float32Array::from(vec![1.0]), "double precision"), [0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(Float64Array::from(vec![-0.0]), "double precision"), [0x80, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(StringViewArray::from(vec!["a string that no view holds inline"]), "text"), b"a string that no view holds inline");
    assert_eq!(bytes(BinaryArray::from(vec![b"\0\xff".as_slice()]), "bytea"), [0, 255]);
    assert_eq!(bytes(Date32Array::from(vec![10_958]), "date"), [0, 0, 0, 1]);
    assert_eq!(bytes(Time64NanosecondArray::from(vec![1_000]), "time without time zone"), [0, 0, 0, 0, 0, 0, 0, 1]);
    let second = TimestampSecondArray::from(vec![946_684_801]);
    assert_eq!(bytes(second.clone(), "timestamp without time zone"), [0, 0, 0, 0, 0, 0x0f, 0x42, 0x40]);
    assert_eq!(bytes(second.with_timezone("Asia/Tokyo"), "timestamp with time zone"), [0, 0, 0, 0, 0, 0x0f, 0x42, 0x40]);
    let interval = IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 3_000)]);
    assert_eq!(bytes(interval, "interval"), [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1]);
    let uuid = FixedSizeBinaryArray::try_from_iter([[7_u8; 16]].into_iter()).unwrap();
    assert_eq!(bytes(uuid, "uuid"), [7; 16]);
    assert_eq!(bytes(StringArray::from(vec![" [1] "]), "jsonb"), b"\x01 [1] ");
    assert_eq!(column(NullArray::new(1), "uuid"), [Ok(None)]);
}

#[test]
fn numerics_are_groups_of_four_digits() {
    let decimal = |value, scale| words(Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap());
    assert_eq!(decimal(0, 2), [0, 0, 0, 2]);
    assert_eq!(decimal(-123_456_789, 2), [3, 1, 0x4000, 2, 123, 4567, 8900]);
    assert_eq!(decimal(1_000_000, 0), [1, 1, 0, 0, 100]);
    assert_eq!(decimal(1, 10), [1, -3, 0, 10, 100]);
    assert_eq!(decimal(12, -5), [1, 1, 0, 0, 120]);
    assert_eq!(decimal(10_i128.pow(37), 3), [1, 8, 0, 3, 100]);
    assert_eq!(words(UInt64Array::from(vec![u64::MAX])), [5, 4, 0, 0, 1844, 6744, 737, 955, 1615]);
    assert_eq!(words(Decimal32Array::from(vec![-15]).with_precision_and_scale(9, 1).unwrap()), [2, 0, 0x4000, 1, 1, 5000]);
    let wide = |text: &str, scale| {
        words(Decimal256Array::from(vec![i256::from_string(text).unwrap()]).with_precision_and_scale(76, scale).unwrap())
    };
    assert_eq!(wide(&format!("-{}", "9".repeat(76)), 0), [[19, 18, 0x4000, 0].as_slice(), &[9999; 19]].concat());
    assert_eq!(wide(&format!("1{}", "0".repeat(75)), 2), [1, 18, 0, 2, 10]);
    assert_eq!(wide(&format!("1{}1", "0".repeat(44)), 1), [[13, 11, 0, 1, 1].as_slice(), &[0; 11], &[1000]].concat());
}

#[test]
fn digits_that_the_column_lacks_are_unfit() {
    let fits = |value: i128, scale, target| {
        let array = Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap();
        reasons(array, target) == [None]
    };
    assert!(fits(99_999, 2, "numeric(5,2)") && !fits(100_000, 2, "numeric(5,2)"));
    assert!(fits(-99_990, 3, "numeric(4,2)") && !fits(99_991, 3, "numeric(5,2)"));
    assert!(fits(0, 9, "numeric(1,0)"));
    assert!(fits(99, 3, "numeric(2,3)") && !fits(100, 3, "numeric(2,3)"));
    assert!(fits(99_900, 0, "numeric(3,-2)") && !fits(99_950, 0, "numeric(3,-2)"));
    assert_eq!(reasons(Int32Array::from(vec![99, 100]), "numeric(2,0)"), [None, Some("number with more digits than its column")]);
}

#[test]
fn integers_beyond_their_column_are_unfit() {
    let beyond = Some("number beyond the range of its column");
    assert_eq!(reasons(UInt64Array::from(vec![i64::MAX as u64, u64::MAX]), "bigint"), [None, beyond]);
    assert_eq!(reasons(Int64Array::from(vec![i64::from(i32::MIN), 1 << 31]), "integer"), [None, beyond]);
    assert_eq!(reasons(Int32Array::from(vec![-32_768, 32_768]), "smallint"), [None, beyond]);
}

#[test]
fn a_zero_character_is_unfit() {
    let zero = Some("text with the character 0x00");
    assert_eq!(reasons(StringArray::from(vec!["a", "\0", "b\0"]), "text"), [None, zero, zero]);
    assert_eq!(reasons(StringViewArray::from(vec!["a", "\0", "b\0"]), "text"), [None, zero, zero]);
    let dictionary: DictionaryArray<Int8Type> = ["a", "a\0", "a"].into_iter().collect();
    assert_eq!(reasons(dictionary, "text"), [None, zero, None]);
}

#[test]
fn text_is_measured_in_characters() {
    let too_long = Some("text that is longer than its column");
    assert_eq!(reasons(StringArray::from(vec!["äöü", "abcd"]), "character varying(3)"), [None, too_long]);
}

#[test]
fn days_and_instants_have_bounds() {
    let date = Some("date outside the years -4713 to 5874897");
    let first = 10_957 - 2_451_545;
    assert_eq!(reasons(Date32Array::from(vec![first, first - 1, i32::MIN, i32::MAX]), "date"), [None, date, date, date]);
    let millis = Date64Array::from(vec![-86_400_000, 1, i64::MAX - i64::MAX % 86_400_000]);
    assert_eq!(reasons(millis, "date"), [None, Some("date with a time of day"), date]);
    let instant = Some("timestamp outside the years -4713 to 294276");
    let first = 946_684_800_000_000 - 211_813_488_000_000_000;
    let micros = TimestampMicrosecondArray::from(vec![first, first - 1, i64::MIN, i64::MAX]);
    assert_eq!(reasons(micros, "timestamp without time zone"), [None, instant, instant, None]);
    assert_eq!(reasons(TimestampSecondArray::from(vec![i64::MAX]), "timestamp without time zone"), [instant]);
    let time = Time64NanosecondArray::from(vec![86_400_000_000_000, -1, 86_400_000_001_000]);
    let outside = Some("time outside 00:00 to 24:00");
    assert_eq!(reasons(time, "time without time zone"), [None, outside, outside]);
    assert_eq!(reasons(DurationSecondArray::from(vec![i64::MAX]), "interval"), [Some("interval of more than 2^63 microseconds")]);
}

#[test]
fn nanoseconds_are_cut() {
    let before = TimestampNanosecondArray::from(vec![946_684_799_999_999_999]);
    assert_eq!(bytes(before, "timestamp without time zone"), (-1_i64).to_be_bytes());
}

#[test]
fn uuids_are_read_in_every_spelling_that_postgres_knows() {
    let plain = "00112233445566778899aAbBcCdDeEfF";
    let wanted = u128::from_str_radix(plain, 16).unwrap().to_be_bytes();
    for text in
        [plain, "00112233-4455-6677-8899-aabbccddeeff", "{00112233-4455-6677-8899-aabbccddeeff}", "0011-2233-4455-6677-8899-aabb-ccdd-eeff"]
    {
        assert_eq!(bytes(StringArray::from(vec![text]), "uuid"), wanted, "{text}");
    }
    for text in [
        "",
        "{",
        plain.split_at(31).0,
        "00112233445566778899aabbccddeeff0",
        "001-12233445566778899aabbccddeeff",
        "{00112233445566778899aabbccddeeff",
    ] {
        assert_eq!(reasons(StringArray::from(vec![text]), "uuid"), [Some("text that is no uuid")], "{text}");
    }
}

#[test]
fn json_is_judged_as_postgres_judges_it() {
    let reason = |text: &str| reasons(StringArray::from(vec![text]), "jsonb")[0];
    for text in ["0", " -1.5e+3 ", r#"{"a": [true, false, null, {}], "\ud83d\ude00": ""}"#, "\"\u{7f}ü\"", "1e131071", "1e-16383"] {
        assert_eq!(reason(text), None, "{text}");
    }
    for text in ["", "01", "1.", "-", "+1", ".5", "1e", "[1,]", "{\"a\"}", "{a:1}", "[1", "\"\n\"", r#""\x""#, "nul", "1 2", "\u{a0}1"] {
        assert_eq!(reason(text), Some("malformed JSON"), "{text}");
    }
    assert_eq!(reason(r#""\u0000""#), Some("JSON with the character 0x00"));
    assert_eq!(reason(r#""\\u0000""#), None);
    for text in [r#""\ud800""#, r#""\udc00\ud800""#, r#""\ud800\u0041""#] {
        assert_eq!(reason(text), Some("JSON with half of a surrogate pair"), "{text}");
    }
    for text in ["1e131072", "1e-16384", "1e99999999999999999999"] {
        assert_eq!(reason(text), Some("JSON with a number of too many digits"), "{text}");
    }
    let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(reason(&deep(1_000)), None);
    assert_eq!(reason(&deep(1_001)), Some("JSON of more than 1000 levels"));
}

#[test]
fn nested_values_are_json() {
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("a\"\\\n"), None, Some("\0")]));
    let number: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN, 2.0]));
    let array = StructArray::from(vec![
        (Arc::new(Field::new("t", inner.data_type().clone(), true)), inner),
        (Arc::new(Field::new("n", number.data_type().clone(), true)), number),
    ]);
    let zero = Err("JSON with the character 0x00");
    let json = |text: &str| Ok(Some([b"\x01", text.as_bytes()].concat()));
    assert_eq!(column(array, "jsonb"), [json(r#"{"t":"a\"\\\n","n":1.5}"#), json(r#"{"n":null}"#), zero]);
}

#[test]
fn lists_are_arrays_with_their_nulls() {
    let lists = vec![Some(vec![Some(5), None]), Some(vec![]), None];
    let array = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
    let head = |dimensions: u8, nulls: u8| [[0, 0, 0, dimensions], [0, 0, 0, nulls], [0, 0, 0, 23]].concat();
    let full = [head(1, 1), vec![0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 255, 255, 255, 255]].concat();
    assert_eq!(column(array, "integer[]"), [Ok(Some(full)), Ok(Some(head(0, 0))), Ok(None)]);
}

#[test]
fn a_dictionary_is_its_values() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let dictionary = DictionaryArray::<Int8Type>::new(vec![Some(0), Some(1), None].into(), values);
    assert_eq!(column(dictionary, "text"), [Ok(Some(b"a".to_vec())), Ok(None), Ok(None)]);
    let empty = DictionaryArray::<Int8Type>::new(vec![None].into(), Arc::new(StringArray::new_null(0)));
    assert_eq!(column(empty, "text"), [Ok(None)]);
}

#[test]
fn an_unfit_row_leaves_no_byte() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "\0", "c", "\0"]));
    let targets = [PgType::BigInt, PgType::Text];
    let (out, unfit) = encode(&batch(vec![numbers, texts]), &targets);
    let reason = "text with the character 0x00";
    assert_eq!(unfit, [Unfit { row: 1, column: 1, reason }, Unfit { row: 3, column: 1, reason }]);
    let fit = batch(vec![Arc::new(Int64Array::from(vec![1, 3])), Arc::new(StringArray::from(vec!["a", "c"]))]);
    assert_eq!(out, encode(&fit, &targets).0);
}

#[test]
fn rows_and_cells_are_found_again() {
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec![Some("a"), None])), Arc::new(StringArray::from(vec!["", "bc"]))];
    let (out, _) = encode(&batch(columns), &[PgType::Text, PgType::Text]);
    let found: Vec<Vec<_>> = rows(&out).map(|row| cells(row).collect()).collect();
    assert_eq!(found, [[Some(b"a".as_slice()), Some(b"")], [None, Some(b"bc")]]);
    assert_eq!(rows(b"").count(), 0);
}

#[test]
fn a_column_without_an_encoding_is_named() {
    let schema = batch(vec![Arc::new(Int32Array::from(vec![1]))]).schema();
    let refused = |target| Encoder::new(&schema, &[PgType::parse(target).unwrap()]).unwrap_err().to_string();
    assert_eq!(refused("text"), "column `c0` is Int32, which `text` of the table can't take");
    for target in ["double precision", "boolean", "bytea", "date", "uuid", "jsonb", "integer[]", "interval"] {
        assert!(refused(target).contains(target));
    }
    let union = DataType::Union(UnionFields::empty(), UnionMode::Sparse);
    let union = Schema::new(vec![Field::new("u", union, true)]);
    assert!(matches!(Encoder::new(&union, &[PgType::Text]), Err(EncodeError::Column { .. })));
    assert!(matches!(Encoder::new(&schema, &[]), Err(EncodeError::Width { found: 1, wanted: 0 })));
}

#[test]
fn a_batch_of_another_schema_is_an_error() {
    let encoder = Encoder::new(&batch(vec![Arc::new(Int32Array::from(vec![1]))]).schema(), &[PgType::BigInt]).unwrap();
    let other = batch(vec![Arc::new(StringArray::from(vec!["1"]))]);
    assert!(encoder.encode(&other, &mut Vec::new(), &mut Vec::new()).is_err());
    let metadata = HashMap::from([("k".to_owned(), "v".to_owned())]);
    let same = batch(vec![Arc::new(Int64Array::from(vec![1]))]);
    let same = same.clone().with_schema(Arc::new(same.schema().as_ref().clone().with_metadata(metadata))).unwrap();
    assert_eq!(encoder.encode(&same, &mut Vec::new(), &mut Vec::new()).unwrap(), 1);
}
