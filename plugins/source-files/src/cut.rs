//! Where a large file can be cut: a scan of all its bytes that knows quotes, so that each piece begins with a record whose number is known.
//!
//! What is a record here is one in `csv` and `json` too; `slices_read_what_one_reader_reads` holds that.

use memchr::{memchr, memchr3};
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Result, files::Packing};

use crate::{config::Format, csv, input::Input};

/// A part of a file that begins and ends between records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its first byte.
    pub start: u64,
    /// The byte behind its last; `None` for the end of the file.
    pub end: Option<u64>,
    /// The number of its first record; the header, where there is one, is none.
    pub first: u64,
}

impl Chunk {
    /// All of a file.
    pub const WHOLE: Self = Self { start: 0, end: None, first: 1 };
}

/// Cuts a plain file into chunks of about `bytes` bytes.
pub fn chunks(directory: &str, path: &str, format: Format, bytes: u64) -> Result<Vec<Chunk>> {
    let mut input = Input::open(directory, path, Packing::Plain, 0, None)?;
    let begin = input.read() - input.rest().len() as u64;
    let mut scan = Scan::new(format, begin, bytes);
    loop {
        let rest = input.rest();
        scan.feed(rest);
        let length = rest.len();
        input.consume(length);
        if !input.refill()? {
            return Ok(scan.chunks);
        }
    }
}

struct Scan {
    lines: bool,
    delimiter: u8,
    bytes: u64,
    /// How many bytes were fed before those at hand, counted from the beginning of the file.
    fed: u64,
    chunks: Vec<Chunk>,
    /// How many records have ended; the header is one of them.
    ended: u64,
    /// Whether the line at hand has anything in it.
    begun: bool,
    last: u8,
    quoted: bool,
    /// Whether the byte before was a quote inside quotes: another one makes it text, anything else shows that it closed.
    perhaps_closed: bool,
}

impl Scan {
    fn new(format: Format, begin: u64, bytes: u64) -> Self {
        let lines = format == Format::Ndjson;
        let (begun, quoted, perhaps_closed) = (false, false, false);
        let delimiter = csv::delimiter(format);
        Self { lines, delimiter, bytes, fed: begin, chunks: vec![Chunk::WHOLE], ended: 0, begun, last: b'\n', quoted, perhaps_closed }
    }

    fn feed(&mut self, bytes: &[u8]) {
        if self.lines {
            self.feed_lines(bytes)
        } else {
            self.feed_records(bytes)
        }
        self.fed += bytes.len() as u64;
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    fn feed_lines(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(length) = memchr(b'\n', &bytes[at..]) {
            self.begun |= !bytes[at..at + length].trim_ascii().is_empty();
            at += length + 1;
            self.end_line(at, true);
        }
        self.begun |= !bytes[at..].trim_ascii().is_empty();
    }

    fn feed_records(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            if self.perhaps_closed {
                self.perhaps_closed = false;
                self.quoted = bytes[at] == b'"';
                at += usize::from(self.quoted);
                continue;
            }
            let rest = &bytes[at..];
            let found = if self.quoted { memchr(b'"', rest) } else { memchr3(b'"', b'\n', b'\r', rest) };
            let Some(length) = found else {
                self.begun = true;
                return;
            };
            self.begun |= length > 0;
            let found = at + length;
            at = found + 1;
            match bytes[found] {
                b'"' if self.quoted => self.perhaps_closed = true,
                b'"' => {
                    // A quote elsewhere than at the beginning of a field is text.
                    let before = if found == 0 { self.last } else { bytes[found - 1] };
                    self.quoted = before == self.delimiter || matches!(before, b'\n' | b'\r');
                    self.begun = true;
                }
                byte => self.end_line(at, byte == b'\n'),
            }
        }
    }

    /// A line ends before the byte `at` of those at hand; only behind a line feed can be cut, for one may follow a carriage return.
    fn end_line(&mut self, at: usize, may_cut: bool) {
        self.ended += u64::from(self.begun);
        self.begun = false;
        let at = self.fed + at as u64;
        let chunk = self.chunks.last_mut().expect("there is one from the start");
        let header = u64::from(!self.lines);
        // The first chunk holds the header, even below blank lines.
        if may_cut && at - chunk.start >= self.bytes && self.ended >= header {
            chunk.end = Some(at);
            self.chunks.push(Chunk { start: at, end: None, first: self.ended + 1 - header });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks that a text is cut into wherever it can be, fed so many bytes at a time.
    fn cut(format: Format, text: &str, at_a_time: usize) -> Vec<(u64, u64)> {
        let mut scan = Scan::new(format, 0, 1);
        text.as_bytes().chunks(at_a_time).for_each(|bytes| scan.feed(bytes));
        scan.chunks.iter().skip(1).map(|chunk| (chunk.start, chunk.first)).collect()
    }

    #[test]
    fn line_ends_in_quotes_are_no_cut() {
        let text = "a,b\n\"1\n\",\"x\"\"\n\"\n5\" disk,\"\"\n\r\n\n,\n";
        for at_a_time in 1..text.len() {
            assert_eq!(cut(Format::Csv, text, at_a_time), [(4, 1), (16, 2), (27, 3), (29, 3), (30, 3), (32, 4)], "{at_a_time}");
        }
    }

    #[test]
    fn blank_lines_are_no_records() {
        let text = "{}\n\n  \r\n{}\n";
        for at_a_time in 1..text.len() {
            assert_eq!(cut(Format::Ndjson, text, at_a_time), [(3, 2), (4, 2), (8, 2), (11, 3)], "{at_a_time}");
        }
    }
}
