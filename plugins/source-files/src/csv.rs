//! CSV and TSV: records into rows, blank rows left out, ragged records named. Records without a quote are found by [`plain`], all others by
//! csv-core; `a_record_is_the_same_whoever_reads_it` holds that both see the same.
//!
//! Record numbers count every record below the header that is not an empty line, in the same way as `cut` does.

use csv_core::{ReadRecordResult, ReaderBuilder};
use tidegate_sdk::{Failure, ORIGIN, Result};

use crate::{
    config::Format,
    input::Input,
    plain::{self, Line},
    record::{MAX_RECORD_BYTES, Record},
    rows::{Bad, Rows, Rule},
};

/// The byte between two fields.
pub fn delimiter(format: Format) -> u8 {
    if format == Format::Tsv { b'\t' } else { b',' }
}

/// The most fields of a record; more are hardly CSV.
const MAX_FIELDS: usize = 1 << 20;

/// Reads records one after the other.
pub struct Csv {
    reader: csv_core::Reader,
    delimiter: u8,
    /// The header's names, for messages.
    names: Vec<String>,
    /// The number of the next record.
    next: u64,
    /// Whether the last line ended with a carriage return whose line feed may follow.
    after_return: bool,
    blank: u64,
}

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The rows are full, or a bad record wants a decision.
    Pause,
    /// The input has ended.
    End,
}

impl Csv {
    /// Reads from the beginning of a file or of a record.
    pub fn new(delimiter: u8) -> Self {
        Self { reader: fresh(delimiter), delimiter, names: Vec::new(), next: 0, after_return: false, blank: 0 }
    }

    /// Reads the header; `None` where the file has no record. The next record is the first.
    pub fn header(&mut self, input: &mut Input) -> Result<Option<Vec<String>>> {
        let mut record = Record::default();
        let found = self.record(input, &mut record)?;
        self.next = 1;
        if !found {
            return Ok(None);
        }
        self.names = names(input.path(), record.cells())?;
        Ok(Some(self.names.clone()))
    }

    /// Goes on at another place of the same file, where record number `record` begins.
    pub fn resume(&mut self, record: u64) {
        self.reader = fresh(self.delimiter);
        self.after_return = false;
        self.next = record;
    }

    /// How many fields the header has.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// How many blank rows were left out.
    pub fn blank(&self) -> u64 {
        self.blank
    }

    /// Adds records to `rows` until they are full or the input ends. Ragged records go to `bad`; with `stop` the first of them ends the call.
    pub fn fill(&mut self, input: &mut Input, rows: &mut Rows, bad: &mut Vec<Bad>, stop: bool) -> Result<Progress> {
        while !rows.is_full() && bad.len() < 4096 {
            if !self.skip_blank(input)? {
                return Ok(Progress::End);
            }
            let number = self.next;
            if let Some(Line { length, cells }) = plain::line(input.rest(), self.delimiter, rows.open.room().1) {
                let text = input.rest();
                self.after_return = text[length] == b'\r';
                // A line without text has only delimiters.
                let is_row = cells == rows.width() && length >= cells;
                if is_row {
                    rows.accept_line(text, number)
                } else {
                    rows.open.push_line(text, cells)
                }
                input.consume(length + 1);
                if is_row {
                    self.next += 1;
                    continue;
                }
            } else if !self.record(input, &mut rows.open)? {
                return Ok(Progress::End);
            }
            self.next += 1;
            if rows.open.bytes() == 0 {
                self.blank += 1;
                rows.open.clear();
            } else if rows.open.len() == rows.width() {
                rows.accept(number);
            } else {
                bad.push(self.ragged(number, rows));
                rows.open.clear();
                if stop {
                    break;
                }
            }
        }
        Ok(Progress::Pause)
    }

    /// Reads one record; false at the end of the input.
    fn record(&mut self, input: &mut Input, record: &mut Record) -> Result<bool> {
        if !self.skip_blank(input)? {
            return Ok(false);
        }
        let mut ended = false;
        loop {
            let (data, ends) = record.room();
            // A line's end in place of the file's: it ends the last record too, but where a quote is open it does not, which csv-core would
            // not say otherwise.
            let rest = if ended { b"\n" } else { input.rest() };
            let (result, read, bytes, cells) = self.reader.read_record(rest, data, ends);
            if let Some(last) = read.checked_sub(1) {
                self.after_return = rest[last] == b'\r';
            }
            record.wrote(bytes, cells);
            if !ended {
                input.consume(read);
            }
            match result {
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::InputEmpty if ended => return Err(self.open_quote(input)),
                ReadRecordResult::InputEmpty => ended = input.rest().is_empty() && !input.refill()?,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::End => return Ok(false),
            }
            if record.bytes() > MAX_RECORD_BYTES || record.len() > MAX_FIELDS {
                return Err(self.too_large(input));
            }
            if ended && input.was_cut() {
                record.clear();
                return Ok(false);
            }
        }
    }

    /// Skips empty lines before a record; false where the input ends. csv-core would skip them too, but not count them.
    #[inline]
    fn skip_blank(&mut self, input: &mut Input) -> Result<bool> {
        loop {
            let Some(&byte) = input.rest().first() else {
                if input.refill()? {
                    continue;
                }
                return Ok(false);
            };
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.blank += 1;
                    self.after_return = byte == b'\r';
                }
                _ => return Ok(true),
            }
            input.consume(1);
        }
    }

    fn open_quote(&self, input: &Input) -> Failure {
        let place = format!("`{}`, {}", input.path(), self.place());
        Failure::bad_data(format!("{place}: a quote opens in it and the file ends before it closes"))
    }

    fn too_large(&self, input: &Input) -> Failure {
        let place = format!("`{}`, {}", input.path(), self.place());
        Failure::bad_data(format!(
            "{place}: it is larger than {} MiB or has too many fields; does a quote open in it and never close?",
            MAX_RECORD_BYTES >> 20
        ))
    }

    fn place(&self) -> String {
        if self.next == 0 { "header".to_owned() } else { format!("record {}", self.next) }
    }

    fn ragged(&self, record: u64, rows: &Rows) -> Bad {
        let (found, wanted) = (rows.open.len(), rows.width());
        let fields = |count: usize| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
        let (column, what) = match self.names.get(found) {
            Some(missing) => (missing, "the record ends before it"),
            None => (&self.names[wanted - 1], "the record goes on after it"),
        };
        let reason = format!("{what}: {}, the header has {wanted}", fields(found));
        Bad { record, rule: Rule::Ragged, column: Some(column.clone()), reason, raw: self.raw(rows.open.cells()) }
    }

    /// A record as a line. Quotes stand where they are needed, not where they stood.
    pub fn raw<'a>(&self, cells: impl Iterator<Item = &'a [u8]>) -> String {
        let mut raw = String::new();
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                raw.push(char::from(self.delimiter));
            }
            let text = String::from_utf8_lossy(cell);
            if cell.iter().any(|b| *b == self.delimiter || matches!(b, b'"' | b'\n' | b'\r')) {
                raw.push('"');
                raw.push_str(&text.replace('"', "\"\""));
                raw.push('"');
            } else {
                raw.push_str(&text);
            }
            if raw.len() > 4096 {
                break;
            }
        }
        raw
    }
}

fn fresh(delimiter: u8) -> csv_core::Reader {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    // An empty line is nothing to csv-core, but after it a byte order mark is text, as it must be where a chunk begins.
    let (data, ends) = (&mut [0; 4], &mut [0; 4]);
    let _ = reader.read_record(b"\n", data, ends);
    reader
}

/// The names of a header: UTF-8, not empty, each once.
fn names<'a>(path: &str, cells: impl Iterator<Item = &'a [u8]>) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for (place, cell) in cells.enumerate() {
        let wrong = |what: String| Failure::bad_data(format!("`{path}`, header, column {}: {what}", place + 1));
        let name =
            std::str::from_utf8(cell).map_err(|_| wrong("its name is not UTF-8 (perhaps Latin-1): save the file as UTF-8".to_owned()))?;
        if name.trim().is_empty() {
            return Err(wrong("it has no name".to_owned()));
        }
        if name == ORIGIN {
            return Err(wrong(format!("`{ORIGIN}` is a name that tidegate keeps for itself")));
        }
        if let Some(first) = names.iter().position(|other| other == name) {
            return Err(wrong(format!("it is named `{name}` like column {}", first + 1)));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
