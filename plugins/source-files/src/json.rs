//! JSON arrays and NDJSON, record by record: a scanner finds where an object ends, and only that object is parsed.
//!
//! Numbers and nested values keep the spelling of the file; a nested value is the JSON text of its cell.

use std::{borrow::Cow, collections::BTreeSet};

use memchr::{memchr, memchr2, memchr3};
use serde_json::value::RawValue;
use tidegate_sdk::{Failure, Result};

use crate::{
    config::{ExtraColumns, Format},
    csv::Progress,
    infer::{Candidates, SAMPLE_RECORDS},
    input::Input,
    object::{Value, broken_member, members, value},
    record::MAX_RECORD_BYTES,
    rows::{Bad, Rows, Rule},
};

/// How much of a bad record is kept.
const RAW_BYTES: usize = 4096;
/// How many unexpected keys are named.
const NAMED_KEYS: usize = 20;

/// Reads records one after the other.
pub struct Json {
    lines: bool,
    columns: Vec<String>,
    extra: ExtraColumns,
    /// Whether each row ends with a cell that holds the record as it came.
    raw: bool,
    /// The number of the next record.
    next: u64,
    place: Place,
    depth: Depth,
    /// A record that goes over the end of what was read at a time.
    carry: Vec<u8>,
    blank: u64,
    ignored: BTreeSet<String>,
}

/// Where in an array the scanner stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    First,
    AfterRecord,
    AfterComma,
    Inside,
    After,
}

/// How deep in an object the scanner stands. Brackets need no count: an object ends with its own brace.
#[derive(Default)]
struct Depth {
    braces: u32,
    quoted: bool,
    escaped: bool,
}

/// Where the bytes of a record are.
enum Span {
    /// At the front of what was read: so many bytes, and so many more to skip.
    Here(usize, usize),
    /// In `carry`.
    Carried,
}

impl Json {
    /// Reads objects with these keys, from the beginning of a file.
    pub fn new(format: Format, columns: Vec<String>, extra: ExtraColumns, raw: bool) -> Self {
        let (place, depth, carry, ignored) = (Place::Before, Depth::default(), Vec::new(), BTreeSet::new());
        Self { lines: format == Format::Ndjson, columns, extra, raw, next: 1, place, depth, carry, blank: 0, ignored }
    }

    /// How many cells a row has.
    pub fn width(&self) -> usize {
        self.columns.len() + usize::from(self.raw)
    }

    /// Goes on at another line of the same file, where record number `record` begins.
    pub fn resume(&mut self, record: u64) {
        self.carry.clear();
        self.next = record;
    }

    /// How many blank lines were left out.
    pub fn blank(&self) -> u64 {
        self.blank
    }

    /// Keys that were left out, some of them.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        self.ignored.iter().map(String::as_str)
    }

    /// Adds records to `rows` until they are full or the input ends. Broken records go to `bad`; with `stop` the first of them ends the call.
    pub fn fill(&mut self, input: &mut Input, rows: &mut Rows, bad: &mut Vec<Bad>, stop: bool) -> Result<Progress> {
        while !rows.is_full() && bad.len() < 4096 {
            let number = self.next;
            let Some(outcome) = self.with_record(input, |json, record| json.row(number, record, rows))? else { return Ok(Progress::End) };
            match outcome {
                Ok(()) => rows.accept(number),
                Err(broken) => {
                    rows.open.clear();
                    bad.push(broken);
                    if stop {
                        break;
                    }
                }
            }
        }
        Ok(Progress::Pause)
    }

    /// The keys of a sample in the order in which they first appear, with what their values may be.
    pub fn sample(&mut self, input: &mut Input) -> Result<Vec<(String, Candidates)>> {
        let mut keys: Vec<(String, Candidates)> = Vec::new();
        let mut count = 0;
        while count < SAMPLE_RECORDS && self.with_record(input, |_, record| see(record, &mut keys))?.is_some() {
            count += 1;
        }
        Ok(keys)
    }

    /// Hands the next record's bytes to `take`; `None` at the end.
    fn with_record<T>(&mut self, input: &mut Input, take: impl FnOnce(&mut Self, &[u8]) -> T) -> Result<Option<T>> {
        let span = if self.lines { self.line(input)? } else { self.element(input)? };
        let Some(span) = span else { return Ok(None) };
        self.next += 1;
        let taken = match span {
            Span::Here(bytes, skip) => {
                let taken = take(self, &input.rest()[..bytes]);
                input.consume(bytes + skip);
                taken
            }
            Span::Carried => {
                let mut carry = std::mem::take(&mut self.carry);
                let taken = take(self, &carry);
                carry.clear();
                self.carry = carry;
                taken
            }
        };
        Ok(Some(taken))
    }

    /// The next line that is not blank.
    fn line(&mut self, input: &mut Input) -> Result<Option<Span>> {
        loop {
            let rest = input.rest();
            if let Some(end) = memchr(b'\n', rest) {
                let blank = self.carry.is_empty() && rest[..end].trim_ascii().is_empty();
                if self.carry.is_empty() && !blank {
                    return Ok(Some(Span::Here(end, 1)));
                }
                self.carry.extend_from_slice(&rest[..end]);
                input.consume(end + 1);
                if !self.carry.trim_ascii().is_empty() {
                    return Ok(Some(Span::Carried));
                }
                self.carry.clear();
                self.blank += 1;
                continue;
            }
            self.carry_rest(input)?;
            if !input.refill()? {
                let last = !self.carry.trim_ascii().is_empty() && !input.was_cut();
                return Ok(last.then_some(Span::Carried));
            }
        }
    }

    /// The next object of the array.
    fn element(&mut self, input: &mut Input) -> Result<Option<Span>> {
        loop {
            let rest = input.rest();
            if self.place == Place::Inside {
                let Some(end) = self.depth.object_end(rest) else {
                    self.carry_rest(input)?;
                    if !input.refill()? {
                        return self.ended(input);
                    }
                    continue;
                };
                self.place = Place::AfterRecord;
                if self.carry.is_empty() {
                    return Ok(Some(Span::Here(end, 0)));
                }
                self.carry.extend_from_slice(&rest[..end]);
                input.consume(end);
                return Ok(Some(Span::Carried));
            }
            let Some(&byte) = rest.first() else {
                if !input.refill()? {
                    return self.ended(input);
                }
                continue;
            };
            self.place = self.step(byte, input)?;
            // The brace belongs to the object.
            input.consume(usize::from(self.place != Place::Inside));
        }
    }

    /// Where a byte outside of objects leads.
    fn step(&mut self, byte: u8, input: &Input) -> Result<Place> {
        match (self.place, byte) {
            (place, b' ' | b'\t' | b'\r' | b'\n') => Ok(place),
            (Place::Before, b'[') => Ok(Place::First),
            (Place::First | Place::AfterComma, b'{') => {
                self.depth = Depth::default();
                Ok(Place::Inside)
            }
            (Place::AfterRecord, b',') => Ok(Place::AfterComma),
            (Place::First | Place::AfterRecord, b']') => Ok(Place::After),
            (Place::Before, b'{') => Err(self.broken(input, "it is no array of objects but begins with an object: is it `ndjson`?")),
            (Place::Before, _) => Err(self.broken(input, "it is no JSON array of objects")),
            (Place::AfterRecord, _) => Err(self.broken(input, "there is no comma before it")),
            (Place::After, _) => Err(self.broken(input, "the array ended before it")),
            _ => Err(self.broken(input, "it is no object")),
        }
    }

    /// What the end of the input means here.
    fn ended(&self, input: &Input) -> Result<Option<Span>> {
        match self.place {
            Place::Before | Place::After => Ok(None),
            _ if input.was_cut() => Ok(None),
            Place::Inside => Err(self.broken(input, "the file ends inside it")),
            _ => Err(self.broken(input, "the file ends before it, and before the array does")),
        }
    }

    fn broken(&self, input: &Input, what: &str) -> Failure {
        Failure::bad_data(format!("`{}`, record {}: {what}", input.path(), self.next))
    }

    fn carry_rest(&mut self, input: &mut Input) -> Result<()> {
        let rest = input.rest();
        self.carry.extend_from_slice(rest);
        input.consume(rest.len());
        if self.carry.len() > MAX_RECORD_BYTES {
            return Err(self.broken(input, &format!("it is larger than {} MiB", MAX_RECORD_BYTES >> 20)));
        }
        Ok(())
    }

    /// Writes a record's cells into the open record of `rows`.
    fn row(&mut self, number: u64, record: &[u8], rows: &mut Rows) -> Result<(), Bad> {
        let bad = |rule, column, reason: String| {
            let raw = String::from_utf8_lossy(&record[..record.len().min(RAW_BYTES)]).into_owned();
            Bad { record: number, rule, column, reason, raw }
        };
        let Ok(text) = std::str::from_utf8(record) else {
            return Err(bad(Rule::Utf8, broken_member(record), "not UTF-8 (perhaps Latin-1)".to_owned()));
        };
        let members = members(text).map_err(|reason| bad(Rule::Malformed, None, reason))?;
        let mut cells: Vec<Option<&RawValue>> = vec![None; self.columns.len()];
        let mut guess = 0;
        for (key, value) in members {
            // Records mostly have their keys in the same order.
            let place = if self.columns.get(guess).is_some_and(|name| *name == key) { Some(guess) } else { self.find(&key) };
            match place {
                Some(place) => {
                    cells[place] = Some(value);
                    guess = place + 1;
                }
                None if self.extra == ExtraColumns::Ignore => self.ignore(key),
                None => return Err(bad(Rule::Malformed, Some(key.into_owned()), "no column of the stream has this key".to_owned())),
            }
        }
        for (place, cell) in cells.into_iter().enumerate() {
            match cell.map(value).transpose() {
                Ok(None | Some(Value::Null)) => rows.open.push(b"", true),
                Ok(Some(Value::Text(text))) => rows.open.push(text.as_bytes(), false),
                Ok(Some(Value::Plain(text) | Value::Nested(text))) => rows.open.push(text.as_bytes(), false),
                Err(reason) => return Err(bad(Rule::Malformed, Some(self.columns[place].clone()), reason)),
            }
        }
        if self.raw {
            rows.open.push(&record[..record.len().min(RAW_BYTES)], false);
        }
        Ok(())
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == key)
    }

    fn ignore(&mut self, key: Cow<'_, str>) {
        if self.ignored.len() < NAMED_KEYS && !self.ignored.contains(key.as_ref()) {
            self.ignored.insert(key.into_owned());
        }
    }
}

impl Depth {
    /// Where the object that is open ends in `bytes`, behind its last brace.
    fn object_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let found = if self.quoted { memchr2(b'"', b'\\', rest) } else { memchr3(b'"', b'{', b'}', rest) }?;
            at += found + 1;
            match bytes[at - 1] {
                b'"' => self.quoted = !self.quoted,
                b'\\' => self.escaped = true,
                b'{' => self.braces += 1,
                _ => self.braces = self.braces.saturating_sub(1),
            }
            if self.braces == 0 && !self.quoted {
                return Some(at);
            }
        }
        None
    }
}

/// Adds a sampled record's keys and values. A broken one is left for the reader to name.
fn see(record: &[u8], keys: &mut Vec<(String, Candidates)>) {
    let Some(members) = std::str::from_utf8(record).ok().and_then(|text| members(text).ok()) else { return };
    for (place, (key, raw)) in members.into_iter().enumerate() {
        let known = if keys.get(place).is_some_and(|(name, _)| *name == key) {
            Some(place)
        } else {
            keys.iter().position(|(name, _)| *name == key)
        };
        let at = known.unwrap_or_else(|| {
            keys.push((key.into_owned(), Candidates::default()));
            keys.len() - 1
        });
        match value(raw) {
            Ok(Value::Null) | Err(_) => {}
            Ok(Value::Text(text)) => keys[at].1.see_string(text.as_bytes()),
            Ok(Value::Plain(text)) => keys[at].1.see(text.as_bytes()),
            Ok(Value::Nested(_)) => keys[at].1.see_other(),
        }
    }
}
