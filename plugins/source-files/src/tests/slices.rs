//! Slices: what they cover together, and in which order.

use super::*;

/// Rows of all slices with their numbers, sorted by number.
fn together(reads: &[Read]) -> Vec<String> {
    let mut rows: Vec<_> = reads.iter().flat_map(|read| read.rows.clone()).collect();
    rows.sort_by_key(|row| row.split_once(':').map(|(record, _)| record.parse::<u64>().unwrap()));
    rows
}

#[test]
fn slices_read_what_one_reader_reads() {
    let quirks =
        ["plain,x", "\"quoted, \"\"q\"\"\",\"two\nlines\"", "5\" disk,\"\"", "", ",", "\"a\r\n\r\nb\",c", "é,\"\"\"\"", "a\"b,\"c\"d\"e"];
    for (line_end, begin) in [("\n", ""), ("\r\n", "\u{feff}"), ("\r", "\u{feff}\n")] {
        let mut content = format!("{begin}a,b{line_end}");
        (0..200).for_each(|n| content += &format!("{}{line_end}", quirks[(n * 7 + n / 5) % quirks.len()]));
        let _folder = folder(&[("x.csv", content)]);
        let config = with_file(json!({}));
        let whole = read(&config).unwrap().rows;
        for (wanted, chunk) in [(2, 1), (3, 50), (4, 1000), (7, 300)] {
            let reads = read_cut(&config, wanted, chunk);
            assert!(reads.len() > 1 || line_end == "\r");
            assert_eq!(together(&reads), whole, "{wanted} slices, {chunk} bytes, {line_end:?}");
        }
    }
}

#[test]
fn lines_are_cut_too() {
    let content: String = (0..300).map(|n| if n % 7 == 0 { " \n".to_owned() } else { format!("{{\"n\":{n}}}\r\n") }).collect();
    let _folder = folder(&[("x.ndjson", content)]);
    let config = config(json!({ "files": "x.ndjson" }));
    assert_eq!(together(&read_cut(&config, 3, 64)), read(&config).unwrap().rows);
}

#[test]
fn chunks_are_dealt_in_turn_so_that_slices_ascend_side_by_side() {
    let content = format!("a\n{}", "xxxxxxx\n".repeat(100));
    let size = content.len() as u64;
    let _folder = folder(&[("x.csv", content)]);
    let config = with_file(json!({}));
    let reads = read_cut(&config, 2, 80);
    assert_eq!(reads.iter().map(|read| read.rows.len()).collect::<Vec<_>>(), [50, 50]);
    assert!(reads[0].rows[10].starts_with("21:"), "{}", reads[0].rows[10]);
    assert_eq!(reads.iter().map(|read| read.bytes).sum::<u64>(), size);
    let slices = plan_cut(&config, "s", None, 2, Cutting { above: 0, chunk: 80 }).unwrap();
    assert_eq!(slices[1].label, "x.csv, part 2 of 2");
    assert_eq!(slices.iter().map(|slice| slice.bytes.unwrap()).sum::<u64>(), size);
    assert_eq!(slices, plan_cut(&config, "s", None, 2, Cutting { above: 0, chunk: 80 }).unwrap());
}

#[test]
fn large_files_are_cut_by_default_and_smaller_ones_are_not() {
    let line = format!("{},{}\n", "x".repeat(400), "y".repeat(600));
    let content = |bytes: usize| format!("a,b\n{}", line.repeat(bytes / line.len() + 1));
    let _folder = folder(&[("large.csv", content(17 << 20)), ("small.csv", content(1 << 20))]);
    let config = config(json!({ "files": "*.csv" }));
    let slices = SourceFiles::slices(&config, "s", None, 2).unwrap();
    let reads: Vec<_> = slices.into_iter().map(|slice| read_slice(&config, slice, None, 8192).unwrap()).collect();
    let rows = reads.iter().map(|read| read.rows.len()).sum::<usize>();
    assert_eq!(rows, (17 << 20) / line.len() + 1 + (1 << 20) / line.len() + 1);
    // Three chunks: slice one has the first and the third, a short one.
    assert_eq!(reads[1].rows[0].split_once(':').unwrap().0, ((8 << 20) / line.len() + 2).to_string());
    assert_eq!(SourceFiles::slices(&config, "s", None, 1).unwrap().len(), 1);
}

#[test]
fn packed_files_and_arrays_are_never_cut() {
    let _folder = folder(&[("a.csv.gz", gzip("n\n1\n2\n")), ("b.json", "[{\"n\":3},\n{\"n\":4}]".as_bytes().to_vec())]);
    let config = config(json!({ "files": "*" }));
    let reads = read_cut(&config, 4, 1);
    assert_eq!(reads.iter().map(|read| read.rows.clone()).collect::<Vec<_>>(), [["1: 1", "2: 2"], ["1: 3", "2: 4"]]);
}

#[test]
fn small_files_are_spread_by_size_in_path_order() {
    let file = |rows: usize| format!("a\n{}", "x\n".repeat(rows));
    let _folder = folder(&[("1.csv", file(90)), ("2.csv", file(30)), ("3.csv", file(30)), ("4.csv", file(40))]);
    let config = config(json!({ "files": "*.csv" }));
    let slices = SourceFiles::slices(&config, "s", None, 2).unwrap();
    let labels: Vec<_> = slices.iter().map(|slice| slice.label.as_str()).collect();
    assert_eq!(labels, ["1.csv", "2.csv and 2 more, part 2 of 2"]);
    assert_eq!(SourceFiles::slices(&config, "s", None, 9).unwrap().len(), 4);
}

#[test]
fn pages_ascend_within_a_slice_whatever_was_opened_first() {
    let _folder = folder(&[("page-a.csv", "a\n1\n"), ("page-b.csv", "a\n2\n")]);
    tidegate_sdk::files::open("data", "page-b.csv", tidegate_sdk::files::Packing::Plain, 0).unwrap();
    // `read` holds that `_origin` ascends.
    assert_eq!(read(&config(json!({ "files": "page-*.csv" }))).unwrap().rows, ["1: 2", "1: 1"]);
}

#[test]
fn blank_and_ragged_records_in_chunks_keep_their_numbers() {
    let _folder = folder(&[("x.csv", "a,b\n1,x\n,\n3\n4,y\n5,z\n")]);
    let config = with_file(json!({ "on_bad_record": "reject" }));
    let reads = read_cut(&config, 2, 1);
    assert_eq!(together(&reads), ["1: 1|x", "4: 4|y", "5: 5|z"]);
    let unread: Vec<_> = reads.iter().flat_map(|read| &read.unread).map(|unread| unread.origin.record()).collect();
    assert_eq!(unread, [3]);
}
