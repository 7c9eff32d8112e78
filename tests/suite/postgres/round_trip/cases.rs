//! Arrays, the column that each goes to and what PostgreSQL shows for them.

use std::sync::Arc;

use arrow::{
    array::*,
    buffer::OffsetBuffer,
    datatypes::{DataType, Field, Fields, Float16Type, Int8Type, Int32Type, IntervalDayTime, IntervalMonthDayNano, i256},
};
use tidegate::warehouse::postgres::types::PgType;

pub struct Case {
    pub array: ArrayRef,
    pub column: PgType,
    pub shown: Vec<Option<String>>,
}

/// A column of the type that the field gets.
fn own(array: impl Array + 'static, shown: &[&str]) -> Case {
    let column = PgType::of(&Field::new("c", array.data_type().clone(), true)).unwrap();
    Case { array: Arc::new(array), column, shown: shown.iter().map(|text| (*text != "NULL").then(|| (*text).to_owned())).collect() }
}

/// A column of another type, as `format_type` prints it.
fn to(column: &str, array: impl Array + 'static, shown: &[&str]) -> Case {
    Case { column: PgType::parse(column).unwrap(), ..own(array, shown) }
}

pub fn all() -> Vec<Case> {
    [numbers(), numerics(), texts(), times(), json(), lists(), encoded()].into_iter().flatten().collect()
}

fn numbers() -> Vec<Case> {
    vec![
        own(BooleanArray::from(vec![Some(true), Some(false), None]), &["true", "false", "NULL"]),
        own(Int8Array::from(vec![i8::MIN, 0, i8::MAX]), &["-128", "0", "127"]),
        own(Int16Array::from(vec![i16::MIN, i16::MAX]), &["-32768", "32767"]),
        own(Int32Array::from(vec![i32::MIN, i32::MAX]), &["-2147483648", "2147483647"]),
        own(Int64Array::from(vec![i64::MIN, i64::MAX]), &["-9223372036854775808", "9223372036854775807"]),
        own(UInt8Array::from(vec![u8::MAX]), &["255"]),
        own(UInt16Array::from(vec![u16::MAX]), &["65535"]),
        own(UInt32Array::from(vec![u32::MAX]), &["4294967295"]),
        own(UInt64Array::from(vec![0, u64::MAX]), &["0", "18446744073709551615"]),
        own(Float16Array::from_iter_values([1.5, -0.25].map(<Float16Type as ArrowPrimitiveType>::Native::from_f32)), &["1.5", "-0.25"]),
        own(Float32Array::from(vec![f32::MAX, f32::MIN_POSITIVE, f32::NAN]), &["3.4028235e+38", "1.1754944e-38", "NaN"]),
        own(Float64Array::from(vec![f64::MAX, -0.0, f64::NEG_INFINITY]), &["1.7976931348623157e+308", "-0", "-Infinity"]),
        to("bigint", Int8Array::from(vec![-1]), &["-1"]),
        to("smallint", Int64Array::from(vec![-32_768]), &["-32768"]),
        to("bigint", UInt64Array::from(vec![1]), &["1"]),
        to("double precision", Float32Array::from(vec![0.5]), &["0.5"]),
        to("numeric", Int64Array::from(vec![i64::MIN, 10_000]), &["-9223372036854775808", "10000"]),
        to("numeric(12,2)", Int32Array::from(vec![-7]), &["-7.00"]),
    ]
}

fn numerics() -> Vec<Case> {
    let decimal = |values: Vec<i128>, precision, scale| Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap();
    let nines = "9".repeat(76);
    let wide = |texts: &[&str], scale| {
        let values: Vec<_> = texts.iter().map(|text| i256::from_string(text).unwrap()).collect();
        Decimal256Array::from(values).with_precision_and_scale(76, scale).unwrap()
    };
    let largest = 10_i128.pow(38) - 1;
    vec![
        own(decimal(vec![0, -1, 100, 12_345_678, -99_999], 10, 2), &["0.00", "-0.01", "1.00", "123456.78", "-999.99"]),
        own(decimal(vec![1, -10_000_000_000], 38, 10), &["0.0000000001", "-1.0000000000"]),
        own(decimal(vec![largest, -largest], 38, 0), &[&largest.to_string(), &(-largest).to_string()]),
        own(decimal(vec![largest], 38, 38), &[&format!("0.{}", "9".repeat(38))]),
        own(decimal(vec![largest], 38, 37), &[&format!("9.{}", "9".repeat(37))]),
        own(decimal(vec![12, -340], 9, -3), &["12000", "-340000"]),
        own(Decimal32Array::from(vec![-123_456_789]).with_precision_and_scale(9, 9).unwrap(), &["-0.123456789"]),
        own(Decimal64Array::from(vec![i64::MAX / 10]).with_precision_and_scale(18, 1).unwrap(), &["92233720368547758.0"]),
        own(wide(&[&nines, &format!("-{nines}"), "0"], 0), &[&nines, &format!("-{nines}"), "0"]),
        own(wide(&[&nines, "-5"], 75), &[&format!("9.{}", &nines[1..]), &format!("-0.{}5", "0".repeat(74))]),
        own(wide(&[&format!("1{}1", "0".repeat(60))], 2), &[&format!("1{}.01", "0".repeat(59))]),
        to("numeric(20,4)", decimal(vec![-105], 5, 2), &["-1.0500"]),
        to("numeric(4,1)", decimal(vec![-1050], 5, 2), &["-10.5"]),
        to("numeric(3,-2)", decimal(vec![99_900], 5, 0), &["99900"]),
        to("numeric(2,4)", decimal(vec![99], 5, 4), &["0.0099"]),
        to("numeric", decimal(vec![1_230], 5, 3), &["1.230"]),
    ]
}

fn texts() -> Vec<Case> {
    let texts = vec![Some(""), None, Some("Grüße, \"Welt\"\n😀\\"), Some("\u{1}")];
    let shown = ["", "NULL", "Grüße, \"Welt\"\n😀\\", "\u{1}"];
    let bytes: Vec<Option<&[u8]>> = vec![Some(b""), None, Some(b"\0\xff\\")];
    let hex = ["\\x", "NULL", "\\x00ff5c"];
    let sixteen = FixedSizeBinaryArray::try_from_iter([[0xab_u8; 16]].into_iter()).unwrap();
    let uuid = "abababab-abab-abab-abab-abababababab";
    vec![
        own(StringArray::from(texts.clone()), &shown),
        own(LargeStringArray::from(texts.clone()), &shown),
        own(StringViewArray::from(texts), &shown),
        own(StringArray::from(vec!["not here", "sliced"]).slice(1, 1), &["sliced"]),
        to("character varying(3)", StringArray::from(vec!["äöü", "a  "]), &["äöü", "a  "]),
        own(BinaryArray::from(bytes.clone()), &hex),
        own(LargeBinaryArray::from(bytes.clone()), &hex),
        own(BinaryViewArray::from(bytes), &hex),
        own(sixteen.clone(), &[&format!("\\x{}", "ab".repeat(16))]),
        to("uuid", sixteen, &[uuid]),
        to("uuid", StringArray::from(vec![Some("{ABABABABABABABABABABABABABABABAB}"), None]), &[uuid, "NULL"]),
        own(NullArray::new(2), &["NULL", "NULL"]),
        to("bigint", NullArray::new(1), &["NULL"]),
    ]
}

fn times() -> Vec<Case> {
    let day = |days: i32| days + 10_957;
    let micro = |micros: i64| micros + 946_684_800_000_000;
    vec![
        own(
            Date32Array::from(vec![Some(0), Some(-1), Some(day(-2_451_545)), Some(day(2_145_031_948)), None]),
            &["1970-01-01", "1969-12-31", "4714-11-24 BC", "5874897-12-31", "NULL"],
        ),
        own(Date64Array::from(vec![86_400_000, -86_400_000]), &["1970-01-02", "1969-12-31"]),
        own(Time32SecondArray::from(vec![0, 86_399, 86_400]), &["00:00:00", "23:59:59", "24:00:00"]),
        own(Time32MillisecondArray::from(vec![1]), &["00:00:00.001"]),
        own(Time64MicrosecondArray::from(vec![86_399_999_999]), &["23:59:59.999999"]),
        own(Time64NanosecondArray::from(vec![1_999]), &["00:00:00.000001"]),
        own(TimestampSecondArray::from(vec![0, -1]), &["1970-01-01 00:00:00", "1969-12-31 23:59:59"]),
        own(TimestampMillisecondArray::from(vec![-1]), &["1969-12-31 23:59:59.999"]),
        own(
            TimestampMicrosecondArray::from(vec![micro(-211_813_488_000_000_000), i64::MAX]),
            &["4714-11-24 00:00:00 BC", "294247-01-10 04:00:54.775807"],
        ),
        own(TimestampNanosecondArray::from(vec![-1, i64::MIN]), &["1969-12-31 23:59:59.999999", "1677-09-21 00:12:43.145224"]),
        own(TimestampSecondArray::from(vec![0]).with_timezone("America/Sao_Paulo"), &["1970-01-01 00:00:00+00"]),
        own(TimestampSecondArray::from(vec![9_224_318_015_999]), &["294276-12-31 23:59:59"]),
        own(DurationSecondArray::from(vec![90_061]), &["25:01:01"]),
        own(DurationNanosecondArray::from(vec![-1]), &["-00:00:00.000001"]),
        own(DurationMicrosecondArray::from(vec![i64::MAX]), &["2562047788:00:54.775807"]),
        own(IntervalYearMonthArray::from(vec![-14]), &["-1 years -2 mons"]),
        own(IntervalDayTimeArray::from(vec![IntervalDayTime::new(-3, 1_500)]), &["-3 days +00:00:01.5"]),
        own(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, -1, 1_000)]), &["1 mon -1 days +00:00:00.000001"]),
    ]
}

fn json() -> Vec<Case> {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a\"\\\n/ü\u{1}"), None]));
    let paid: ArrayRef = Arc::new(Decimal128Array::from(vec![1_050, -1]).with_precision_and_scale(10, 2).unwrap());
    let at: ArrayRef = Arc::new(TimestampSecondArray::from(vec![0, 1]));
    let tags: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), Some(vec![])]));
    let fields: Fields = [("name", &names), ("paid", &paid), ("at", &at), ("tags", &tags)]
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .to_vec()
        .into();
    let structs = StructArray::new(fields, vec![names, paid, at, tags], None);
    let first = r#"{"at": "1970-01-01T00:00:00", "name": "a\"\\\n/ü\u0001", "paid": 10.50, "tags": [1, null]}"#;
    let second = r#"{"at": "1970-01-01T00:00:01", "paid": -0.01, "tags": []}"#;
    let item = Arc::new(Field::new_list_field(structs.data_type().clone(), true));
    let list = ListArray::new(item, OffsetBuffer::from_lengths([2, 0]), Arc::new(structs.clone()), Some(vec![true, false].into()));
    let dictionary = DictionaryArray::<Int8Type>::new(vec![1, 0].into(), Arc::new(structs.clone()));
    let mut map = MapBuilder::new(None, StringBuilder::new(), ListBuilder::new(Int32Builder::new()));
    map.keys().append_value("k");
    map.values().append_value([Some(1), None]);
    map.append(true).unwrap();
    map.append(false).unwrap();
    vec![
        to("jsonb", StringArray::from(vec![r#"{"b": 1, "a": "\ud83d\ude00"}"#, "1e3"]), &[r#"{"a": "😀", "b": 1}"#, "1000"]),
        to("jsonb", StringViewArray::from(vec![Some("null"), None]), &["null", "NULL"]),
        own(structs, &[first, second]),
        own(list, &[&format!("[{first}, {second}]"), "NULL"]),
        own(dictionary, &[second, first]),
        own(map.finish(), &[r#"{"k": [1, null]}"#, "NULL"]),
        to("jsonb", ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]), &["[1]"]),
    ]
}

fn lists() -> Vec<Case> {
    let numbers = || vec![Some(vec![Some(1), None, Some(-3)]), Some(vec![]), None, Some(vec![None])];
    let shown = ["{1,NULL,-3}", "{}", "NULL", "{NULL}"];
    let mut texts = ListBuilder::new(StringBuilder::new());
    texts.append_value([Some("a,\"b\""), Some(""), Some("NULL"), None]);
    let fixed =
        FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), Some(2)]), None, Some(vec![None, Some(3)])], 2);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(numbers());
    let cents = Decimal128Array::from(vec![-150, 0]).with_precision_and_scale(5, 2).unwrap();
    let cents = ListArray::new(
        Arc::new(Field::new_list_field(cents.data_type().clone(), true)),
        OffsetBuffer::from_lengths([2]),
        Arc::new(cents),
        None,
    );
    vec![
        own(list.clone(), &shown),
        own(list.slice(1, 3), &shown[1..]),
        own(LargeListArray::from_iter_primitive::<Int32Type, _, _>(numbers()), &shown),
        own(ListViewArray::from(list.clone()), &shown),
        own(fixed.clone(), &["{1,2}", "NULL", "{NULL,3}"]),
        own(fixed.slice(2, 1), &["{NULL,3}"]),
        own(texts.finish(), &[r#"{"a,\"b\"","","NULL",NULL}"#]),
        own(cents.clone(), &["{-1.50,0.00}"]),
        to("numeric[]", cents, &["{-1.50,0.00}"]),
        to("bigint[]", list, &shown),
    ]
}

fn encoded() -> Vec<Case> {
    let dictionary: DictionaryArray<Int8Type> = [Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let empty = DictionaryArray::<Int8Type>::new(Int8Array::new_null(1), new_empty_array(&DataType::Utf8));
    vec![own(dictionary, &["a", "NULL", "b", "a"]), own(empty, &["NULL"])]
}
