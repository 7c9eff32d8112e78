//! A measurement, run by hand: `cargo test --release -p quality-dimensions -- --ignored --nocapture speed`.

use std::time::Instant;

use tidegate_sdk::{Quality, arrow_array::ArrayRef};

use crate::testing::{ints, open, rows, texts};

#[test]
#[ignore = "a measurement"]
fn rows_per_second() {
    const ROWS: usize = 8192;
    let ids: Vec<String> =
        (0..ROWS).map(|row| format!("{:032x}", (row as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))).collect();
    let mut columns: Vec<(&str, ArrayRef)> = vec![("id", texts(ids.iter().map(|id| Some(id.as_str()))))];
    let names = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"];
    // Every tenth cell of the even columns is null.
    columns.extend(
        names.iter().enumerate().map(|(at, name)| (*name, ints((0..ROWS).map(|row| (row % 10 > 0 || at % 2 > 0).then_some(row as i64))))),
    );
    let batch = rows(columns);
    for (label, rule) in [
        ("required, 10 columns", format!(r#"{{"kind":"required","columns":{names:?}}}"#)),
        ("range", r#"{"kind":"range","column":"c1","min":0,"max":8000}"#.to_owned()),
        ("format hex32", r#"{"kind":"format","column":"id","format":"hex32"}"#.to_owned()),
        ("pattern [0-9a-f]{32}", r#"{"kind":"pattern","column":"id","regex":"[0-9a-f]{32}"}"#.to_owned()),
        ("ordering, 3 columns with nulls", r#"{"kind":"ordering","columns":["c0","c1","c2"]}"#.to_owned()),
        ("sum_equals", r#"{"kind":"sum_equals","left":["c1"],"right":["c3"]}"#.to_owned()),
        ("set of 3 integers", r#"{"kind":"set","column":"c1","values":[1,2,3]}"#.to_owned()),
        ("unique, repeated", r#"{"kind":"unique","columns":["id"]}"#.to_owned()),
    ] {
        let mut observer = open(&format!(r#"{{"rules":[{rule}]}}"#), batch.schema()).unwrap();
        let start = Instant::now();
        let rounds = 200;
        (0..rounds).for_each(|_| observer.observe(&batch).unwrap());
        println!("{label}: {:.1} M rows/s", (ROWS * rounds) as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
}
