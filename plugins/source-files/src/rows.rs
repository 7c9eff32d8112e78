//! Records as they were read: cells in one buffer, row by row, before they become columns.
//!
//! At most one record is open at a time: cells are added to it, then it is accepted as a row or discarded. A record's cells stand side by
//! side, or as they stood in the file, one byte between them ([`Rows::take_line`]).

use tidegate_sdk::{Dimension, Origin, Unread};

/// How many bytes of cells a batch may hold before it is handed over with fewer rows than were asked for.
const FULL_BYTES: usize = 16 << 20;
/// The largest record. More is hardly a record but a quote that never closes.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// How many bytes [`copy`] may write behind those that it was asked for.
pub const SLACK: usize = 32;

/// Copies the first `length` bytes of `from`, [`SLACK`] at a time. In a component a copy whose length is not known to the compiler is a call
/// into the host, which costs more than most cells are long.
#[inline]
fn copy(from: &[u8], length: usize, to: &mut [u8]) {
    let mut at = 0;
    while at < length {
        match (from.get(at..at + SLACK), to.get_mut(at..at + SLACK)) {
            (Some(from), Some(to)) => to.copy_from_slice(from),
            // The last bytes that there are.
            _ => return to[at..length].copy_from_slice(&from[at..length]),
        }
        at += SLACK;
    }
}

/// Cells of many records.
#[derive(Default)]
pub struct Rows {
    width: usize,
    most: usize,
    data: Vec<u8>,
    used: usize,
    /// Where each cell ends, relative to its row's base; `width` of them per accepted row, then those of the open record.
    ends: Vec<usize>,
    used_ends: usize,
    /// How many bytes stand between the cells of each row: none or one.
    gaps: Vec<u8>,
    /// Which cells are null though they may hold text; empty where only the text says it.
    nulls: Vec<bool>,
    bases: Vec<usize>,
    records: Vec<u64>,
    open_base: usize,
    open_gap: u8,
}

impl Rows {
    /// No rows yet; at most `most` rows of `width` cells.
    pub fn new(width: usize, most: usize) -> Self {
        Self { width, most, ..Self::default() }
    }

    /// Forgets all rows and takes rows of `width` cells from now on. The buffers stay.
    pub fn reset(&mut self, width: usize) {
        self.width = width;
        (self.used, self.used_ends, self.open_base, self.open_gap) = (0, 0, 0, 0);
        self.gaps.clear();
        self.nulls.clear();
        self.bases.clear();
        self.records.clear();
    }

    /// The number of accepted rows.
    pub fn len(&self) -> usize {
        self.bases.len()
    }

    /// Whether there is no accepted row.
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// Whether a batch should be made of what is there.
    pub fn is_full(&self) -> bool {
        self.len() >= self.most || self.open_base >= FULL_BYTES
    }

    /// The number of cells in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A cell of an accepted row.
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> &[u8] {
        let place = row * self.width + column;
        let base = self.bases[row];
        let start = if column == 0 { 0 } else { self.ends[place - 1] + usize::from(self.gaps[row]) };
        &self.data[base + start..base + self.ends[place]]
    }

    /// How many bytes each cell of a column has, row by row.
    #[inline]
    pub fn lengths(&self, column: usize) -> impl Iterator<Item = usize> {
        self.places(column).map(|(start, end)| end - start)
    }

    /// Copies the beginnings of a column's cells to where `offsets` say that they stand in `to`, each as long as there is room up to the next.
    /// `to` has [`SLACK`] bytes more, which are overwritten.
    pub fn copy_cells(&self, column: usize, offsets: &[i32], to: &mut [u8]) {
        for ((start, _), ends) in self.places(column).zip(offsets.windows(2)) {
            copy(&self.data[start..], (ends[1] - ends[0]) as usize, &mut to[ends[0] as usize..]);
        }
    }

    /// Where the cells of a column begin and end, row by row.
    #[inline]
    fn places(&self, column: usize) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.ends.chunks_exact(self.width).zip(self.bases.iter().zip(&self.gaps));
        rows.map(move |(ends, (base, gap))| {
            let start = if column == 0 { 0 } else { ends[column - 1] + usize::from(*gap) };
            (base + start, base + ends[column])
        })
    }

    /// Whether a record's format said of any cell that it is null.
    #[inline]
    pub fn has_nulls(&self) -> bool {
        !self.nulls.is_empty()
    }

    /// Whether the record's format said that the cell is null.
    #[inline]
    pub fn is_null(&self, row: usize, column: usize) -> bool {
        !self.nulls.is_empty() && self.nulls[row * self.width + column]
    }

    /// The numbers of the accepted rows' records.
    pub fn records(&self) -> &[u64] {
        &self.records
    }

    /// Where a parser writes text and ends of cells of the open record; both have room.
    pub fn room(&mut self) -> (&mut [u8], &mut [usize]) {
        self.reserve(4096);
        if self.ends.len() < self.used_ends + 64 {
            self.ends.resize((self.used_ends + 64).max(self.ends.len() * 2), 0);
        }
        (&mut self.data[self.used..], &mut self.ends[self.used_ends..])
    }

    /// Makes the open record, which has no cell yet, the line `line[..length]`, whose cells are divided by one byte each. Where they end was
    /// written to [`Rows::room`], so many of them.
    #[inline]
    pub fn take_line(&mut self, line: &[u8], length: usize, cells: usize) {
        self.reserve(length);
        copy(line, length, &mut self.data[self.used..]);
        self.open_gap = 1;
        self.wrote(length, cells);
    }

    /// Makes room for so many bytes and what [`copy`] writes behind them.
    #[inline]
    fn reserve(&mut self, bytes: usize) {
        let wanted = self.used + bytes + SLACK;
        if self.data.len() < wanted {
            self.data.resize(wanted.max(self.data.len() * 2), 0);
        }
    }

    /// Says how much of [`Rows::room`] was written.
    #[inline]
    pub fn wrote(&mut self, bytes: usize, ends: usize) {
        self.used += bytes;
        self.used_ends += ends;
    }

    /// Adds a cell to the open record. Either all records or none come this way.
    pub fn push(&mut self, text: &[u8], null: bool) {
        self.reserve(text.len());
        let end = self.used + text.len();
        self.data[self.used..end].copy_from_slice(text);
        if self.ends.len() <= self.used_ends {
            self.ends.resize((self.used_ends + 64).max(self.ends.len() * 2), 0);
        }
        self.ends[self.used_ends] = end - self.open_base;
        self.nulls.push(null);
        self.wrote(text.len(), 1);
    }

    /// How many bytes the open record's cells have.
    #[inline]
    pub fn open_bytes(&self) -> usize {
        self.used - self.open_base - usize::from(self.open_gap) * self.open_cells().saturating_sub(1)
    }

    /// How many cells the open record has.
    #[inline]
    pub fn open_cells(&self) -> usize {
        self.used_ends - self.len() * self.width
    }

    /// The cells of the open record.
    pub fn open(&self) -> impl Iterator<Item = &[u8]> {
        let ends = &self.ends[self.len() * self.width..self.used_ends];
        let gap = usize::from(self.open_gap);
        let starts = std::iter::once(0).chain(ends.iter().map(move |end| end + gap));
        starts.zip(ends).map(|(start, end)| &self.data[self.open_base + start..self.open_base + end])
    }

    /// Makes the open record, which has as many cells as a row, a row.
    #[inline]
    pub fn accept(&mut self, record: u64) {
        debug_assert_eq!(self.open_cells(), self.width, "a row of another width");
        self.bases.push(self.open_base);
        self.gaps.push(self.open_gap);
        self.records.push(record);
        (self.open_base, self.open_gap) = (self.used, 0);
    }

    /// Forgets the open record.
    pub fn discard(&mut self) {
        (self.used, self.open_gap) = (self.open_base, 0);
        self.used_ends = self.len() * self.width;
        self.nulls.truncate(self.used_ends);
    }

    /// Takes out the rows at these indexes, which ascend.
    pub fn remove(&mut self, rows: &[usize]) {
        let (width, count) = (self.width, self.len());
        let mut gone = rows.iter().copied().peekable();
        let mut kept = 0;
        for row in 0..count {
            if gone.next_if_eq(&row).is_some() {
                continue;
            }
            if kept != row {
                self.bases[kept] = self.bases[row];
                self.gaps[kept] = self.gaps[row];
                self.records[kept] = self.records[row];
                self.ends.copy_within(row * width..(row + 1) * width, kept * width);
                if !self.nulls.is_empty() {
                    self.nulls.copy_within(row * width..(row + 1) * width, kept * width);
                }
            }
            kept += 1;
        }
        self.bases.truncate(kept);
        self.gaps.truncate(kept);
        self.records.truncate(kept);
        self.used_ends = kept * width;
        self.nulls.truncate(kept * width);
    }
}

/// Why a record is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It has more or fewer cells than the header.
    Ragged,
    /// It is not UTF-8.
    Utf8,
    /// A cell does not fit its column's type.
    Value,
    /// It is not a JSON object, or has keys that are not expected.
    Malformed,
}

impl Rule {
    /// The rule's name in the quarantine.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ragged => "ragged-record",
            Self::Utf8 => "invalid-utf8",
            Self::Value => "bad-value",
            Self::Malformed => "malformed-record",
        }
    }

    /// The dimension that it counts against.
    pub fn dimension(self) -> Dimension {
        match self {
            Self::Value => Dimension::Validity,
            Self::Ragged | Self::Utf8 | Self::Malformed => Dimension::Conformity,
        }
    }
}

/// A record that is no row.
#[derive(Debug)]
pub struct Bad {
    /// Its number.
    pub record: u64,
    /// Why.
    pub rule: Rule,
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// What is wrong, fit to follow `record 7, column `price`: `.
    pub reason: String,
    /// The record as it came.
    pub raw: String,
}

impl Bad {
    /// What is wrong and where in the record.
    pub fn place(&self) -> String {
        match &self.column {
            Some(column) => format!("column `{column}`: {}", self.reason),
            None => self.reason.clone(),
        }
    }

    /// The record for the quarantine.
    pub fn unread(self, page: u32) -> Unread {
        let (rule, reason) = (self.rule, self.place());
        let origin = Origin::new(page, self.record);
        Unread { origin, rule: rule.name().to_owned(), dimension: rule.dimension(), reason, raw: self.raw }
    }
}
