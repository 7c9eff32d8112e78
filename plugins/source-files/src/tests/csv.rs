//! CSV and TSV with all that people do to them.

use super::*;

#[test]
fn records_become_rows_with_their_numbers() {
    assert_eq!(rows_of("a,b\n1,x\n2,y\n", json!({})), ["1: 1|x", "2: 2|y"]);
    assert_eq!(rows_of("a,b\n1,x\n2,y", json!({})), ["1: 1|x", "2: 2|y"]);
}

#[test]
fn byte_order_mark_and_carriage_returns_are_no_text() {
    assert_eq!(rows_of("\u{feff}a,b\r\n1,x\r\n2,y\r\n", json!({ "columns": ["a", "b"] })), ["1: 1|x", "2: 2|y"]);
    assert_eq!(rows_of("\u{feff}\"a\",b\r1,x\r", json!({ "columns": ["a", "b"] })), ["1: 1|x"]);
}

#[test]
fn quotes_hold_delimiters_quotes_and_line_ends() {
    let rows = rows_of("a,b\n\"1,2\",\"say \"\"hi\"\"\"\n5\" disk,\"two\r\nlines\"\n3,z\n", json!({}));
    assert_eq!(rows, ["1: 1,2|say \"hi\"", "2: 5\" disk|two\r\nlines", "3: 3|z"]);
}

#[test]
fn empty_cells_are_null_unless_the_config_says_otherwise() {
    assert_eq!(rows_of("a,b,c\n,NA,\"\"\n", json!({})), ["1: null|NA|null"]);
    assert_eq!(rows_of("a,b,c\n,NA,x\n", json!({ "null_values": ["NA", "-"] })), ["1: |null|x"]);
    assert_eq!(rows_of("a,b\n,x\n", json!({ "null_values": [] })), ["1: |x"]);
}

#[test]
fn blank_rows_are_left_out() {
    // Empty lines have no number; rows of empty cells are records, only nothing is in them.
    assert_eq!(rows_of("\n\na,b\n\n1,x\n\r\n,\n\n2,y\n,,,\n\n", json!({})), ["1: 1|x", "3: 2|y"]);
}

#[test]
fn tabs_separate_in_tsv() {
    let _folder = folder(&[("x.tsv", "a\tb\n1\tx, y\n")]);
    assert_eq!(read(&config(json!({ "files": "x.tsv" }))).unwrap().rows, ["1: 1|x, y"]);
    let _folder = folder(&[("x.txt", "a\tb\n1\tx\n")]);
    assert_eq!(read(&config(json!({ "files": "x.txt", "format": "tsv" }))).unwrap().rows, ["1: 1|x"]);
}

#[test]
fn gzip_is_unpacked() {
    let _folder = folder(&[("x.csv.gz", gzip("a,b\n1,x\n"))]);
    let read = read(&config(json!({ "files": "*.gz" }))).unwrap();
    assert_eq!((read.rows, read.bytes), (vec!["1: 1|x".to_owned()], gzip("a,b\n1,x\n").len() as u64));
}

#[test]
fn ragged_records_are_named() {
    let short = error_of("a,b,c\n1,2,3\n1,2\n", json!({}));
    assert_eq!(short, "`x.csv`, record 2, column `c`: the record ends before it: 2 fields, the header has 3");
    let long = error_of("a,b\n1,2\n1,2,3\n", json!({}));
    assert_eq!(long, "`x.csv`, record 2, column `b`: the record goes on after it: 3 fields, the header has 2");
}

#[test]
fn invalid_utf8_is_named() {
    let message = error_of(b"a,b\n1,x\n2,S\xe3o\n", json!({}));
    assert_eq!(message, "`x.csv`, record 2, column `b`: not UTF-8 (perhaps Latin-1)");
    // Two halves of a character in two cells are no character.
    let message = error_of(b"a,b\n\xc3,\xa3\n", json!({}));
    assert_eq!(message, "`x.csv`, record 1, column `a`: not UTF-8 (perhaps Latin-1)");
}

#[test]
fn the_first_bad_record_is_named_whatever_its_trouble() {
    let types = json!({ "types": { "a": "integer" } });
    assert!(error_of("a,b\nx,1\n1,2,3\n", types.clone()).contains("record 1, column `a`"));
    assert!(error_of("a,b\n1,2,3\nx,1\n", types).contains("record 1, column `b`"));
}

#[test]
fn bad_records_go_to_quarantine_where_the_config_says_so() {
    let _folder = folder(&[("x.csv", b"a,b\n1,x\n2\nz,\"q,r\"\n4,S\xe3o\n5,ok\n6,7,8\n")]);
    let read = read(&with_file(json!({ "on_bad_record": "reject", "types": { "a": "integer" } }))).unwrap();
    assert_eq!(read.rows, ["1: 1|x", "5: 5|ok"]);
    let unread: Vec<_> =
        read.unread.iter().map(|u| (u.origin.record(), u.rule.as_str(), format!("{:?}", u.dimension), u.raw.as_str())).collect();
    let conformity = || "Conformity".to_owned();
    assert_eq!(
        unread,
        [
            (2, "ragged-record", conformity(), "2"),
            (3, "bad-value", "Validity".to_owned(), "z,\"q,r\""),
            (4, "invalid-utf8", conformity(), "4,S\u{fffd}o"),
            (6, "ragged-record", conformity(), "6,7,8"),
        ]
    );
    assert_eq!(read.unread[1].reason, "column `a`: not a whole number of 64 bits");
}

#[test]
fn a_batch_of_nothing_but_bad_records_is_no_end() {
    let content = format!("a\n{}7\n", "1,2\n".repeat(10_000));
    let _folder = folder(&[("x.csv", content)]);
    let read = read(&with_file(json!({ "on_bad_record": "reject" }))).unwrap();
    assert_eq!((read.rows, read.unread.len()), (vec!["10001: 7".to_owned()], 10_000));
}

#[test]
fn other_encodings_are_refused_by_name() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    assert_eq!(error_of(utf16("\u{feff}a,b\n"), json!({})), "`x.csv` is UTF-16 (little endian): save it as UTF-8");
    assert!(error_of(utf16("a,b\n"), json!({})).contains("UTF-16 (little endian, without a byte order mark)"));
    assert!(error_of([0xfe, 0xff, 0, b'a'], json!({})).contains("UTF-16 (big endian)"));
    assert!(error_of([0xff, 0xfe, 0, 0, b'a', 0, 0, 0], json!({})).contains("UTF-32"));
    assert!(error_of(gzip("a,b\n"), json!({})).contains("packed with gzip"));
    assert!(error_of(b"PK\x03\x04rest", json!({})).contains("zip archive"));
}

#[test]
fn a_quote_that_never_closes_is_named_where_it_opens() {
    let message = error_of("a,b\n1,x\n2,\"y\n3,z\n", json!({}));
    assert_eq!(message, "`x.csv`, record 2: a quote opens in it and the file ends before it closes");
    assert!(error_of("a,\"b\n1,x\n", json!({})).contains("header: a quote opens"));
    // One that closes with the last byte is fine.
    assert_eq!(rows_of("a,b\n1,\"x\"", json!({})), ["1: 1|x"]);
    assert_eq!(rows_of("a,b\n1,5\"", json!({})), ["1: 1|5\""]);
}

#[test]
fn headers_must_name_each_column_once() {
    assert_eq!(error_of("a,b,a\n1,2,3\n", json!({})), "`x.csv`, header, column 3: it is named `a` like column 1");
    assert_eq!(error_of("a,,c\n1,2,3\n", json!({})), "`x.csv`, header, column 2: it has no name");
    assert!(error_of("a,_origin\n1,2\n", json!({})).contains("a name that tidegate keeps for itself"));
    assert!(error_of(b"a,pre\xe7o\n1,2\n", json!({})).contains("column 2: its name is not UTF-8"));
}

#[test]
fn files_without_rows_are_fine_and_files_without_a_header_only_where_columns_are_declared() {
    assert_eq!(rows_of("a,b\n", json!({})), [""; 0]);
    assert_eq!(rows_of("a,b", json!({})), [""; 0]);
    assert!(error_of("", json!({})).contains("`x.csv` holds no record and no header"));
    assert!(error_of("\u{feff}\r\n", json!({})).contains("holds no record"));
    assert_eq!(rows_of("", json!({ "columns": ["a"] })), [""; 0]);
}

#[test]
fn records_go_over_the_ends_of_reads() {
    // Lines of many lengths, so that the ends of the reads fall everywhere; more than two mebibytes.
    let line = |n: usize| format!("{n},\"{}\"\"\r\n{}\",é\r\n", "x".repeat(n % 97), "y".repeat(n % 31));
    let content: String = std::iter::once("a,b,c\r\n".to_owned()).chain((0..40_000).map(line)).collect();
    assert!(content.len() > 2 << 20);
    let rows = rows_of(&content, json!({}));
    assert_eq!(rows.len(), 40_000);
    for n in [0, 1, 9_999, 17_777, 39_999] {
        assert_eq!(rows[n], format!("{}: {n}|{}\"\r\n{}|é", n + 1, "x".repeat(n % 97), "y".repeat(n % 31)));
    }
}

#[test]
fn a_record_larger_than_any_is_refused() {
    let content = format!("a,b\n1,\"{}", "x\n".repeat(9 << 20));
    assert!(error_of(content, json!({})).contains("`x.csv`, record 1: it is larger than 16 MiB"));
}

#[test]
fn large_cells_make_smaller_batches() {
    let cell = "x".repeat(1 << 20);
    let content = format!("a\n{}", format!("{cell}\n").repeat(40));
    let _folder = folder(&[("x.csv", content)]);
    assert_eq!(read(&with_file(json!({}))).unwrap().batches, [16, 16, 8]);
}

#[test]
fn batches_are_filled_over_the_ends_of_reads() {
    let content = format!("a\n{}", format!("{}\n", "x".repeat(1000)).repeat(2500));
    let _folder = folder(&[("x.csv", content)]);
    let read = read(&with_file(json!({}))).unwrap();
    assert_eq!((read.batches, read.bytes), (vec![1000, 1000, 500], 2 + 2500 * 1001));
}

#[test]
fn a_record_is_the_same_whoever_reads_it() {
    let long = "um texto que é mais longo do que duas vezes o que se copia de uma vez só";
    let cells = ["", "a", long, "ção", "0123456789abcdef0123456789abcdef", "2018-10-17 17:30:18"];
    let (mut plain, mut quoted) = ("x,y,z\n".to_owned(), "x,y,z\n".to_owned());
    for record in 0..2000 {
        let cell = |place: usize| cells[(record / 7_usize.pow(place as u32) + record / 343) % 6];
        let end = ["\n", "\r\n", "\r"][record / 700];
        let more = if record % 97 == 0 { ",more" } else { "" };
        plain.push_str(&format!("{},{},{}{more}{end}", cell(0), cell(1), cell(2)));
        quoted.push_str(&format!("{},{},\"{}\"{more}{end}", cell(0), cell(1), cell(2)));
    }
    let read = |text: &str| {
        let _folder = folder(&[("x.csv", text)]);
        let read = read(&with_file(json!({ "on_bad_record": "reject" }))).unwrap();
        let unread: Vec<_> = read.unread.iter().map(|bad| (bad.origin, bad.reason.clone(), bad.raw.clone())).collect();
        (read.rows, unread)
    };
    let (plain, quoted) = (read(&plain), read(&quoted));
    assert!(plain.0.len() > 1900 && plain.1.len() > 15, "{} rows, {} unread", plain.0.len(), plain.1.len());
    assert_eq!(plain, quoted);
}
