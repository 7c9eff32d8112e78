//! Values at the edge of what PostgreSQL takes, on both of its sides.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use tidegate::warehouse::postgres::{encode::Encoder, types::PgType};

/// Type and text; the server says which of them it takes.
pub fn texts() -> Vec<(&'static str, String)> {
    let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let json = [
        "0",
        "-0",
        " -1.5e+3 ",
        "{\"a\": [true, false, null, {}], \"\\ud83d\\ude00\": \"\"}",
        "\"\u{7f}ü\"",
        "1e131071",
        "1e-16383",
        "",
        "01",
        "1.",
        "-",
        "+1",
        ".5",
        "1e",
        "1e+",
        "-a",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":1,}",
        "{1:1}",
        "[1",
        "]",
        "\"\n\"",
        "\"\\x\"",
        "nul",
        "nulll",
        "truefalse",
        "1 2",
        "\u{a0}1",
        "\"\\u0000\"",
        "\"\\\\u0000\"",
        "\"\\u00e4\"",
        "\"\\u00g0\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\n\"",
        "1e131072",
        "1e-16384",
        "12e131071",
        "0.1e131072",
        "1e99999999999999999999",
        "NaN",
        "\u{feff}1",
        "\"a",
        "[1]x",
        "1a",
    ];
    let uuid = [
        "00112233445566778899aAbBcCdDeEfF",
        "00112233-4455-6677-8899-aabbccddeeff",
        "{00112233-4455-6677-8899-aabbccddeeff}",
        "0011-2233-4455-6677-8899-aabb-ccdd-eeff",
        "",
        "{",
        "0011223344556677889",
        "00112233445566778899aabbccddeeff0",
        "001-12233445566778899aabbccddeeff",
        "{00112233445566778899aabbccddeeff",
        "00112233445566778899aabbccddeeff}",
        "00112233445566778899aabbccddeeff-",
        "00112233--445566778899aabbccddeeff",
        " 00112233445566778899aabbccddeeff",
        "g0112233445566778899aabbccddeeff",
    ];
    let json =
        json.into_iter().map(str::to_owned).chain([deep(1_000), format!("0.{}", "1".repeat(16_383)), format!("0.{}", "1".repeat(16_384))]);
    json.map(|text| ("jsonb", text)).chain(uuid.into_iter().map(|text| ("uuid", text.to_owned()))).collect()
}

/// Type, cell as the encoder would write it and whether the encoder's bounds let it.
pub fn cells() -> Vec<(&'static str, Vec<u8>, bool)> {
    let day = |days: i32, fit| ("date", days.to_be_bytes().to_vec(), fit);
    let instant = |micros: i64, fit| ("timestamp", micros.to_be_bytes().to_vec(), fit);
    let time = |micros: i64, fit| ("time", micros.to_be_bytes().to_vec(), fit);
    vec![
        day(-2_451_545, true),
        day(-2_451_546, false),
        day(2_145_031_948, true),
        day(2_145_031_949, false),
        instant(-211_813_488_000_000_000, true),
        instant(-211_813_488_000_000_001, false),
        instant(9_223_371_331_199_999_999, true),
        instant(9_223_371_331_200_000_000, false),
        time(86_400_000_000, true),
        time(86_400_000_001, false),
        time(-1, false),
        ("text", b"\0".to_vec(), false),
    ]
}

/// Whether the encoder writes `text` to a column of this type.
pub fn fits(text: &str, sql: &str) -> bool {
    let schema = Arc::new(Schema::new(vec![Field::new("c", DataType::Utf8, true)]));
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let batch = RecordBatch::try_new(schema.clone(), vec![array]).unwrap();
    let encoder = Encoder::new(&schema, &[PgType::parse(sql).unwrap()]).unwrap();
    encoder.encode(&batch, &mut Vec::new(), &mut Vec::new()).unwrap() == 1
}
