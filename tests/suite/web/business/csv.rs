//! Reads CSV as RFC 4180 has it, on its own: neither by what wrote it nor by what loaded it.

use std::collections::BTreeMap;

/// A row by the names of its columns.
pub type Row = BTreeMap<String, String>;

/// The rows of a text with a header. Repeated rows are kept.
pub fn rows(text: &str) -> Vec<Row> {
    let mut records = records(text).into_iter();
    let Some(header) = records.next() else { return Vec::new() };
    records.map(|record| header.iter().cloned().zip(record).collect()).collect()
}

/// The records of a text, the header among them.
pub fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (true, '"') if letters.peek() == Some(&'"') => field.push(letters.next().unwrap_or_default()),
            (_, '"') => quoted = !quoted,
            (false, ',') => record.push(std::mem::take(&mut field)),
            (false, '\r') if letters.peek() == Some(&'\n') => {}
            (false, '\n') => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            (_, letter) => field.push(letter),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

#[test]
fn quotes_and_ends_of_lines_are_read() {
    let text = "\u{feff}a,b\r\n\"x, \"\"y\"\"\n\",2\r\n,\n";
    assert_eq!(records(text), [vec!["a", "b"], vec!["x, \"y\"\n", "2"], vec!["", ""]]);
}
