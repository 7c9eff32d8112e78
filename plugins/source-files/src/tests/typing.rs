//! Types, given and inferred.

use super::*;

fn inferred(content: &str) -> Vec<String> {
    let _folder = folder(&[("x.csv", content)]);
    let schema = SourceFiles::discover(&with_file(json!({ "types": "infer" }))).unwrap().remove(0).schema;
    schema.fields().iter().map(|field| field.data_type().to_string()).collect()
}

#[test]
fn a_sample_types_what_it_spells_plainly() {
    let content = "i,n,b,d,t,zip,hex,long,none\n1,1.5,true,2018-01-02,2018-01-02 10:00:00,01310,1e10,1234567890123456,\n-2,2,FALSE,2018-01-03,2018-01-03,20040,2f,1,\n";
    let types = inferred(content);
    assert_eq!(types[..4], ["Int64", "Float64", "Boolean", "Date32"]);
    assert!(types[4].starts_with("Timestamp"), "{}", types[4]);
    assert_eq!(types[5..], ["Utf8"; 4]);
    let rows = rows_of(content, json!({ "types": "infer" }));
    assert_eq!(rows[0], "1: 1|1.5|true|17533|1514887200000000|01310|1e10|1234567890123456|null");
}

#[test]
fn nulls_and_bad_records_of_the_sample_do_not_count() {
    assert_eq!(inferred("a,b\n1,\n,2\n3\nx,y,z\n"), ["Int64", "Int64"]);
    let _folder = folder(&[("x.csv", "a\nNA\n1\n")]);
    let read = read(&with_file(json!({ "types": "infer", "null_values": ["NA"] }))).unwrap();
    assert_eq!(read.rows, ["1: null", "2: 1"]);
}

#[test]
fn a_value_that_the_sample_did_not_show_is_an_error_with_a_way_out() {
    let content = format!("a\n{}x\n", "1\n".repeat(10_000));
    let error = error_of(&content, json!({ "types": "infer" }));
    assert_eq!(
        error,
        "`x.csv`, record 10001, column `a`: not a whole number of 64 bits, as the values of the sample are; name its type in `types`"
    );
    assert_eq!(rows_of(&content, json!({ "types": { "a": "text" } })).len(), 10_001);
}

#[test]
fn the_sample_may_end_inside_a_record() {
    let content = format!("a,b\n{}", "1,\"xxxxxxxx\nyyyyyyy\"\n".repeat(60_000));
    assert!(content.len() > 1 << 20);
    assert_eq!(inferred(&content), ["Int64", "Utf8"]);
}

#[test]
fn given_types_are_kept() {
    let types = json!({ "p": "decimal(10,2)", "t": "timestamp", "b": "boolean", "d": "date", "n": "number", "i": "integer" });
    let content =
        "p,t,b,d,n,i,x\n12.5,2018-10-17T14:00:00-03:00,yes,2018-10-17,1e3,007,01\n,,,,,,\n-0.05,1970-01-01,0,1970-01-02,.5,-1,x\n";
    let rows = rows_of(content, json!({ "types": types }));
    assert_eq!(rows, ["1: 12.50|1539795600000000|true|17821|1000|7|01", "3: -0.05|0|false|1|0.5|-1|x"]);
}

#[test]
fn values_of_the_wrong_type_are_named() {
    let error = |kind: &str, value: &str| error_of(format!("a\n{value}\n"), json!({ "types": { "a": kind } }));
    assert_eq!(error("date", "17/10/2018"), "`x.csv`, record 1, column `a`: not a date like 2018-10-17");
    assert!(error("timestamp", "10/17/2018 5:30 PM").ends_with("not a timestamp like 2018-10-17T17:30:18Z"));
    assert!(error("decimal(5,2)", "1.005").ends_with("not a number that fits decimal(5,2) exactly"));
    assert!(error("number", "\"1,5\"").ends_with("not a number"));
    assert!(error("boolean", "maybe").ends_with("neither true nor false"));
    let message = { error_of(b"a\n\xe3\n", json!({ "types": { "a": "integer" } })) };
    assert!(message.contains("not UTF-8"), "{message}");
}
