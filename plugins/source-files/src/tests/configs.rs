//! Configs, good and bad, and files that do not fit each other.

use tidegate_sdk::{FailureKind, WriteMode, schemars::schema_for};

use super::*;

fn parsed(config: Value) -> Result<Config, String> {
    serde_json::from_value(config).map_err(|error| error.to_string())
}

fn checked(settings: Value) -> String {
    let failure = SourceFiles::check(&config(settings)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    failure.message
}

#[test]
fn a_glob_without_a_file_lists_near_misses() {
    let _folder = folder(&[("orders.csv", "a\n"), ("notes.txt", ""), ("sub/items.csv", "a\n")]);
    assert_eq!(
        checked(json!({ "files": "order.csv" })),
        "stream `s`: `order.csv` matches no file in the directory `data`, did you mean `orders.csv`?"
    );
    assert!(checked(json!({ "files": "sub/itms*.csv" })).ends_with("did you mean `sub/items.csv`?"));
    assert!(checked(json!({ "files": "zzzzzz" })).ends_with("; there are `notes.txt`, `orders.csv`"));
    assert!(checked(json!({ "files": "none/x.csv" })).ends_with("and there is no file in `data/none/`"));
}

#[test]
fn what_a_file_holds_must_be_clear() {
    let _folder = folder(&[("orders.dat", "a\n")]);
    let error = checked(json!({ "files": "*.dat" }));
    assert_eq!(error, "the name of `orders.dat` does not say what it holds: set `format` to csv, tsv, json or ndjson");
}

#[test]
fn an_ungranted_directory_is_named() {
    let config = parsed(json!({ "directory": "elsewhere", "streams": { "s": { "files": "x.csv" } } })).unwrap();
    assert!(message(SourceFiles::check(&config)).contains("`elsewhere`"));
}

#[test]
fn broken_configs_are_refused_in_words() {
    let _folder = folder(&[("x.csv", "a\n")]);
    let stream = |settings: Value| parsed(json!({ "streams": { "s": settings } })).unwrap_err();
    assert!(stream(json!({ "files": "x.csv", "tipes": "text" })).contains("unknown field `tipes`"));
    assert!(stream(json!({ "files": "x.csv", "types": "txt" })).contains("write \"infer\", \"text\" or a table"));
    assert!(stream(json!({ "files": "x.csv", "types": { "a": "integr" } })).contains("did you mean `integer`?"));
    assert!(stream(json!({ "files": "x.csv", "types": { "a": "decimal(40,2)" } })).contains("1 to 38 digits"));
    assert!(stream(json!({ "files": "x.csv", "types": { "a": "decimal(2,3)" } })).contains("decimal(p,s)"));
    assert!(stream(json!({ "files": "x.csv", "incremental": "file" })).contains("`file`"));

    assert!(checked(json!({ "files": "../x.csv" })).contains("without `..`"));
    assert!(checked(json!({ "files": "x.csv", "columns": ["a", "a"] })).contains("names column `a` twice"));
    assert!(checked(json!({ "files": "x.csv", "columns": [] })).contains("`columns` is empty"));
    assert!(checked(json!({ "files": "x.csv", "columns": ["_origin"] })).contains("tidegate adds itself"));
    let error = checked(json!({ "files": "x.csv", "columns": ["order_id"], "primary_key": ["order_di"] }));
    assert_eq!(error, "stream `s`: `primary_key` names column `order_di`, which the stream does not have, did you mean `order_id`?");
    let none = parsed(json!({ "streams": {} })).unwrap();
    assert!(message(SourceFiles::check(&none)).contains("at least one stream"));
    let name = parsed(json!({ "streams": { "S-1": { "files": "x.csv" } } })).unwrap();
    assert!(message(SourceFiles::check(&name)).contains("lower-case letters"));
}

#[test]
fn named_columns_must_be_in_the_header() {
    let content = "order_id,price\n1,2\n";
    let error = error_of(content, json!({ "primary_key": ["oder_id"] }));
    assert_eq!(error, "stream `s`: `primary_key` names column `oder_id`, which the stream does not have, did you mean `order_id`?");
    assert!(error_of(content, json!({ "types": { "prise": "number" } })).contains("`types` names column `prise`"));
    assert!(
        error_of(content, json!({ "incremental": { "field": "updated_at" } })).contains("`incremental.field` names column `updated_at`")
    );
    let error = error_of(content, json!({ "columns": ["order_id", "prize"] }));
    assert_eq!(error, "`x.csv`, header: there is no column `prize`, which `columns` asks for, did you mean `price`?");
    let error = error_of("order_id;price\n1;2\n", json!({ "columns": ["order_id"] }));
    assert!(error.ends_with("its fields seem to be separated by ';'"), "{error}");
}

#[test]
fn extra_columns_are_left_out_kept_or_refused() {
    let content = "z,a,b\n1,2,3\n";
    let rows = |extra: &str| rows_of(content, json!({ "columns": ["b", "a"], "extra_columns": extra }));
    assert_eq!(rows("ignore"), ["1: 3|2"]);
    assert_eq!(rows("keep"), ["1: 3|2|1"]);
    let error = error_of(content, json!({ "columns": ["b", "a"], "extra_columns": "fail" }));
    assert_eq!(error, "`x.csv`, header: `columns` does not name `z`, and `extra_columns` is fail");
}

#[test]
fn files_of_a_stream_are_mapped_by_name() {
    let _folder = folder(&[("1.csv", "a,b\n1,x\n"), ("2.csv", "b,a\ny,2\n"), ("3.csv", ""), ("4.csv", "a,z,b\n3,?,w\n")]);
    let read = read(&config(json!({ "files": "*.csv" }))).unwrap();
    assert_eq!(read.rows, ["1: 1|x", "1: 2|y", "1: 3|w"]);
}

#[test]
fn an_empty_first_file_does_not_name_the_columns() {
    let _folder = folder(&[("1.csv", ""), ("2.csv", "a\n1\n")]);
    assert_eq!(read(&config(json!({ "files": "*.csv" }))).unwrap().rows, ["1: 1"]);
}

#[test]
fn a_file_that_lacks_a_column_is_named_with_the_one_that_has_it() {
    let _folder = folder(&[("1.csv", "order_id,b\n1,x\n"), ("2.csv", "orderid,b\n2,y\n")]);
    let error = message(read(&config(json!({ "files": "*.csv" }))));
    assert_eq!(error, "`2.csv`, header: there is no column `order_id`, which `1.csv` has, did you mean `orderid`?");
}

#[test]
fn a_file_with_a_column_more_is_named_where_that_is_forbidden() {
    let _folder = folder(&[("1.csv", "a\n1\n"), ("2.csv", "a,z\n2,y\n")]);
    for extra in ["fail", "keep"] {
        let error = message(read(&config(json!({ "files": "*.csv", "extra_columns": extra }))));
        assert!(error.starts_with("`2.csv`, header: the stream has no column `z`, see `1.csv`"), "{error}");
    }
}

#[test]
fn streams_say_how_they_are_written() {
    let _folder = folder(&[("x.csv", "id,t\n1,2\n")]);
    let stream = |settings: Value| SourceFiles::discover(&with_file(settings)).unwrap().remove(0);
    assert_eq!(stream(json!({ "primary_key": ["id"] })).write_mode, WriteMode::Replace);
    assert_eq!(stream(json!({ "incremental": "files" })).write_mode, WriteMode::Append);
    let merged = stream(json!({ "incremental": { "field": "t" }, "primary_key": ["id"] }));
    assert_eq!(
        (merged.write_mode, merged.cursor_field.as_deref(), merged.primary_key),
        (WriteMode::Merge, Some("t"), vec!["id".to_owned()])
    );
}

#[test]
fn the_schema_documents_every_key() {
    let schema = serde_json::to_value(schema_for!(Config)).unwrap();
    let stream = &schema["$defs"]["StreamConfig"]["properties"];
    assert_eq!(stream.as_object().unwrap().len(), 9);
    assert!(stream.as_object().unwrap().values().all(|key| key["description"].is_string()), "{stream:#}");
    assert_eq!(schema["additionalProperties"], false);
}
