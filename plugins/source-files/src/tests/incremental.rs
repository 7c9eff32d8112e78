//! Cursors over several runs.

use super::*;

fn advanced(config: &Config, cursor: Option<String>, reached: Vec<String>) -> Option<String> {
    SourceFiles::advance(config, "s", cursor, reached).unwrap()
}

#[test]
fn without_a_cursor_everything_is_read_again() {
    let _folder = folder(&[("x.csv", "a\n1\n")]);
    let config = with_file(json!({}));
    let first = read(&config).unwrap();
    assert_eq!((first.rows.len(), first.cursors.len()), (1, 0));
    assert_eq!(advanced(&config, None, first.cursors), None);
}

#[test]
fn only_new_and_changed_files_are_read() {
    let folder = folder(&[("1.csv", "a\n1\n"), ("2.csv", "a\n2\n"), ("empty.csv", "a\n")]);
    let config = config(json!({ "files": "*.csv", "incremental": "files" }));
    let first = read(&config).unwrap();
    let cursor = advanced(&config, None, first.cursors);
    let seen: serde_json::Map<_, _> = serde_json::from_str(cursor.as_deref().unwrap()).unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["1.csv", "2.csv", "empty.csv"]);
    assert_eq!(seen["1.csv"]["size"], 4);

    assert_eq!(SourceFiles::slices(&config, "s", cursor.as_deref(), 2).unwrap(), []);
    put(&folder, "2.csv", b"a\n2\n20\n");
    put(&folder, "3.csv", b"a\n3\n");
    let second = read_after(&config, cursor.as_deref()).unwrap();
    assert_eq!(second.rows, ["1: 2", "2: 20", "1: 3"]);
    let cursor = advanced(&config, cursor, second.cursors);
    assert_eq!(SourceFiles::slices(&config, "s", cursor.as_deref(), 2).unwrap(), []);
}

#[test]
fn slices_of_one_file_each_name_it() {
    let _folder = folder(&[("x.csv", "a\n1\n2\n3\n")]);
    let config = with_file(json!({ "incremental": "files" }));
    let cursors: Vec<_> = read_cut(&config, 2, 1).into_iter().flat_map(|read| read.cursors).collect();
    assert_eq!(cursors.len(), 2);
    assert_eq!(advanced(&config, None, cursors.clone()).as_ref(), cursors.first());
}

#[test]
fn only_rows_above_the_cursor_are_read() {
    let folder = folder(&[("x.csv", "id,t\n1,2018-01-01\n2,2018-01-03T00:00:00.5Z\n3,\n4,2018-01-02\n")]);
    let config = with_file(json!({ "incremental": { "field": "t" }, "types": { "t": "timestamp" } }));
    let first = read(&config).unwrap();
    assert_eq!(first.rows.len(), 4);
    assert_eq!(first.cursors, ["{\"field\":\"t\",\"type\":\"timestamp\",\"value\":\"2018-01-03T00:00:00.500000Z\"}"]);
    let cursor = advanced(&config, None, first.cursors);

    put(&folder, "x.csv", b"id,t\n1,2018-01-01\n2,2018-01-03T00:00:00.5Z\n3,\n5,2018-01-04\n");
    let second = read_after(&config, cursor.as_deref()).unwrap();
    // A row without a value is read each time.
    assert_eq!(second.rows, ["3: 3|null", "4: 5|1515024000000000"]);
    let next = advanced(&config, cursor.clone(), second.cursors);
    assert!(next.as_deref().unwrap().contains("2018-01-04T"));
    // Nothing new leaves the cursor where it is, and so does a cursor that is older.
    let third = read_after(&config, next.as_deref()).unwrap();
    assert_eq!(third.rows, ["3: 3|null"]);
    assert_eq!(advanced(&config, next.clone(), third.cursors), next);
    assert_eq!(advanced(&config, next.clone(), cursor.into_iter().collect()), next);
}

#[test]
fn every_type_that_grows_can_be_a_cursor() {
    for (kind, values, last) in [
        ("integer", ["9", "10", "-1"], "10"),
        ("number", ["9.5", "10.25", "-1"], "10.25"),
        ("decimal(10,2)", ["9", "10.05", "-1"], "10.05"),
        ("date", ["2018-01-09", "2018-01-10", "1969-01-01"], "2018-01-10"),
        ("text", ["b", "c", "a"], "c"),
    ] {
        let _folder = folder(&[("x.csv", format!("a\n{}\n", values.join("\n")))]);
        let config = with_file(json!({ "incremental": { "field": "a" }, "types": { "a": kind } }));
        let first = read(&config).unwrap();
        assert!(first.cursors[0].contains(&format!("\"value\":\"{last}\"")), "{kind}: {}", first.cursors[0]);
        assert_eq!(read_after(&config, first.cursors.first().map(String::as_str)).unwrap().rows, [""; 0], "{kind}");
    }
}

#[test]
fn a_cursor_that_does_not_fit_is_refused() {
    let _folder = folder(&[("x.csv", "a\n1\n")]);
    let by_field = |kind: &str| with_file(json!({ "incremental": { "field": "a" }, "types": { "a": kind } }));
    let cursor = read(&by_field("integer")).unwrap().cursors.remove(0);
    let error = message(read_after(&by_field("text"), Some(&cursor)));
    assert!(error.contains("the cursor was kept while column `a` was integer, now it is text"), "{error}");
    let error = message(read_after(&with_file(json!({ "incremental": "files" })), Some(&cursor)));
    assert!(error.contains("its cursor does not fit `incremental`"), "{error}");
    let error = error_of("a\ntrue\n", json!({ "incremental": { "field": "a" }, "types": { "a": "boolean" } }));
    assert!(error.contains("can't grow"), "{error}");
}
