//! JSON arrays and NDJSON.

use super::*;

fn lines(content: &str, settings: Value) -> Result<Read> {
    let _folder = folder(&[("x.ndjson", content)]);
    let mut settings = settings;
    settings["files"] = "x.ndjson".into();
    read(&config(settings))
}

fn array(content: &str, settings: Value) -> Result<Read> {
    let _folder = folder(&[("x.json", content)]);
    let mut settings = settings;
    settings["files"] = "x.json".into();
    read(&config(settings))
}

#[test]
fn lines_become_rows_and_blank_ones_do_not() {
    let read = lines("{\"a\":1,\"b\":\"x\"}\r\n\n  \n{\"b\":\"y\\n\\u00e9\",\"a\":null}\n{\"a\":true}", json!({})).unwrap();
    assert_eq!(read.rows, ["1: 1|x", "2: null|y\né", "3: true|null"]);
}

#[test]
fn nested_values_stay_json_and_numbers_keep_their_spelling() {
    let read = lines("{\"a\":{\"x\": [1, \"}\"]},\"b\":10.10,\"c\":[]}\n", json!({})).unwrap();
    assert_eq!(read.rows, ["1: {\"x\": [1, \"}\"]}|10.10|[]"]);
}

#[test]
fn an_array_is_read_record_by_record() {
    let read = array(" [ {\"a\":\"]}\\\"{\"} ,\n{\"a\":{\"b\":{}}}\n] \n", json!({})).unwrap();
    assert_eq!(read.rows, ["1: ]}\"{", "2: {\"b\":{}}"]);
    assert_eq!(array("[]", json!({ "columns": ["a"] })).unwrap().rows, [""; 0]);
    assert!(message(array("[]", json!({}))).contains("holds no record"));
}

#[test]
fn a_large_array_goes_over_the_ends_of_reads() {
    let record = |n: usize| format!("{{\"n\":{n},\"t\":\"{}\\\\\\\"}}{{\",\"o\":{{\"k\":[{n}]}}}}", "x".repeat(n % 101));
    let content = format!("[{}]", (0..30_000).map(record).collect::<Vec<_>>().join(",\n "));
    assert!(content.len() > 2 << 20);
    let read = array(&content, json!({ "types": "infer" })).unwrap();
    assert_eq!(read.rows.len(), 30_000);
    assert_eq!(read.rows[29_999], format!("30000: 29999|{}\\\"}}{{|{{\"k\":[29999]}}", "x".repeat(29_999 % 101)));
}

#[test]
fn types_are_inferred_from_values_but_strings_are_no_numbers() {
    let content = "{\"i\":1,\"s\":\"1\",\"f\":1.5,\"b\":true,\"d\":\"2018-10-17\",\"id\":12345678901234567}\n{\"i\":null,\"d\":null}\n";
    let read = lines(content, json!({ "types": "infer" })).unwrap();
    assert_eq!(read.rows, ["1: 1|1|1.5|true|17821|12345678901234567", "2: null|null|null|null|null|null"]);
    let _folder = folder(&[("x.ndjson", content)]);
    let schema = SourceFiles::discover(&config(json!({ "files": "x.ndjson", "types": "infer" }))).unwrap().remove(0).schema;
    let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    use DataType::*;
    assert_eq!(types, [Int64, Utf8, Float64, Boolean, Date32, Utf8]);
}

#[test]
fn an_empty_string_is_text_and_null_is_null() {
    assert_eq!(lines("{\"a\":\"\",\"b\":null}\n", json!({})).unwrap().rows, ["1: |null"]);
    assert_eq!(lines("{\"a\":\"\",\"b\":\"-\"}\n", json!({ "null_values": ["", "-"] })).unwrap().rows, ["1: null|null"]);
}

#[test]
fn decimals_are_exact() {
    let read = lines("{\"p\":10.1}\n{\"p\":\"0.30\"}\n", json!({ "types": { "p": "decimal(10,2)" } })).unwrap();
    assert_eq!(read.rows, ["1: 10.10", "2: 0.30"]);
}

#[test]
fn broken_records_are_named() {
    assert!(message(lines("{\"a\":1}\n{\"a\":}\n", json!({}))).starts_with("`x.ndjson`, record 2: not valid JSON: "));
    assert_eq!(message(lines("{\"a\":1}\n\n[1]\n", json!({}))), "`x.ndjson`, record 2: not a JSON object");
    assert_eq!(
        message(lines("{\"a\":1}\n{\"a\":\"\\ud800\"}\n", json!({}))),
        "`x.ndjson`, record 2, column `a`: its string has a broken escape"
    );
    assert!(
        message(lines("{\"a\":1}\n{\"a\":\"x\"}\n", json!({ "types": { "a": "integer" } })))
            .contains("record 2, column `a`: not a whole number")
    );
}

#[test]
fn broken_arrays_are_named() {
    let error = |content: &str| message(array(content, json!({})));
    assert_eq!(error("{\"a\":1}"), "`x.json`, record 1: it is no array of objects but begins with an object: is it `ndjson`?");
    assert_eq!(error("[{\"a\":1}, 2]"), "`x.json`, record 2: it is no object");
    assert_eq!(error("[{\"a\":1} {\"a\":2}]"), "`x.json`, record 2: there is no comma before it");
    assert_eq!(error("[{\"a\":1}, {\"a\":2"), "`x.json`, record 2: the file ends inside it");
    assert_eq!(error("[{\"a\":1},"), "`x.json`, record 2: the file ends before it, and before the array does");
    assert_eq!(error("[{\"a\":1}] x"), "`x.json`, record 2: the array ended before it");
}

#[test]
fn invalid_utf8_names_its_key() {
    let _folder = folder(&[("x.ndjson", b"{\"a\":1,\"b\":\"x\"}\n{\"a\":1,\"b\":\"S\xe3o\"}\n")]);
    let error = message(read(&config(json!({ "files": "x.ndjson" }))));
    assert_eq!(error, "`x.ndjson`, record 2, column `b`: not UTF-8 (perhaps Latin-1)");
}

#[test]
fn broken_records_go_to_quarantine_as_they_came() {
    let settings = json!({ "on_bad_record": "reject", "types": { "a": "integer" } });
    let read = lines("{\"a\":1}\n{\"a\":}\n{ \"a\" : \"x\" }\n{\"a\":4}\n", settings).unwrap();
    assert_eq!(read.rows, ["1: 1", "4: 4"]);
    let unread: Vec<_> = read.unread.iter().map(|unread| (unread.origin.record(), unread.rule.as_str(), unread.raw.as_str())).collect();
    assert_eq!(unread, [(2, "malformed-record", "{\"a\":}"), (3, "bad-value", "{ \"a\" : \"x\" }")]);
}

#[test]
fn unexpected_keys_are_left_out_or_refused() {
    let content = "{\"a\":1,\"z\":2}\n";
    assert_eq!(lines(content, json!({ "columns": ["a", "b"] })).unwrap().rows, ["1: 1|null"]);
    assert_eq!(lines(content, json!({ "columns": ["a"], "extra_columns": "keep" })).unwrap().rows, ["1: 1|2"]);
    let error = message(lines(content, json!({ "columns": ["a"], "extra_columns": "fail" })));
    assert_eq!(error, "`x.ndjson`, record 1, column `z`: no column of the stream has this key");
}

#[test]
fn a_typed_key_is_a_column_before_it_appears() {
    assert_eq!(lines("{\"a\":1}\n", json!({ "types": { "rare": "integer" } })).unwrap().rows, ["1: 1|null"]);
}

#[test]
fn gzip_is_unpacked() {
    let _folder = folder(&[("x.jsonl.gz", gzip("{\"a\":1}\n")), ("y.json.gz", gzip("[{\"a\":2}]"))]);
    assert_eq!(read(&config(json!({ "files": "*.gz" }))).unwrap().rows, ["1: 1", "1: 2"]);
}
