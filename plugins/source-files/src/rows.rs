//! Records as they were read, before they become arrays: the cells of a column stand one behind the other, as Arrow wants them.

use tidegate_sdk::{Dimension, Origin, Unread};

use crate::record::Record;

/// How many bytes of cells a batch may hold before it is handed over with fewer rows than were asked for.
const FULL_BYTES: usize = 16 << 20;

/// So many bytes of a cell are copied together.
const BLOCK: usize = 32;

/// The rows that were read, and the record that is open: cells are added to it, then it is accepted as a row or discarded.
#[derive(Default)]
pub struct Rows {
    /// The record that is open.
    pub open: Record,
    most: usize,
    columns: Vec<Texts>,
    /// Which cells are null though they may hold text, row by row; empty where only the text says it.
    nulls: Vec<bool>,
    /// The numbers of the rows' records.
    records: Vec<u64>,
    /// How many bytes the rows' cells have.
    bytes: usize,
}

/// The cells of a column.
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each begins, and where the last ends.
    offsets: Vec<i32>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}

impl Texts {
    /// The cells, one behind the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each cell begins, and where the last ends.
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    #[inline]
    fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.offsets.truncate(1);
    }

    /// Adds the cell `text[start..end]`.
    ///
    /// # Why
    /// In a component a copy whose length is not known to the compiler is a call into the host, which costs more than most cells are long. So
    /// blocks are copied, and what came too much with the last is taken back.
    #[inline(always)]
    fn push(&mut self, text: &[u8], start: usize, end: usize) {
        let length = self.bytes.len() + (end - start);
        match text[start..].first_chunk::<BLOCK>() {
            Some(block) if end - start <= BLOCK => self.bytes.extend_from_slice(block),
            _ => self.extend(&text[start..], end - start),
        }
        self.bytes.truncate(length);
        // A batch is far below 2 GiB.
        self.offsets.push(length as i32);
    }

    #[inline(never)]
    fn extend(&mut self, text: &[u8], length: usize) {
        for from in (0..length).step_by(BLOCK) {
            match text[from..].first_chunk::<BLOCK>() {
                Some(block) => self.bytes.extend_from_slice(block),
                // The last bytes that there are.
                None => self.bytes.extend_from_slice(&text[from..length]),
            }
        }
    }

    /// Takes out the cells of these rows, which ascend.
    fn remove(&mut self, rows: &[usize]) {
        let mut kept = Self::default();
        let mut gone = rows.iter().copied().peekable();
        for row in 0..self.offsets.len() - 1 {
            if gone.next_if_eq(&row).is_none() {
                let cell = self.get(row);
                kept.push(cell, 0, cell.len());
            }
        }
        *self = kept;
    }
}

impl Rows {
    /// No rows yet; at most `most` rows of `width` cells.
    pub fn new(width: usize, most: usize) -> Self {
        let mut rows = Self { most, ..Self::default() };
        rows.reset(width);
        rows
    }

    /// Forgets all rows and takes rows of `width` cells from now on. The buffers stay.
    pub fn reset(&mut self, width: usize) {
        self.open.clear();
        self.columns.resize_with(width, Texts::default);
        self.columns.iter_mut().for_each(Texts::clear);
        self.nulls.clear();
        self.records.clear();
        self.bytes = 0;
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a batch should be made of what is there.
    pub fn is_full(&self) -> bool {
        self.len() >= self.most || self.bytes >= FULL_BYTES
    }

    /// The number of cells in a row.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// A cell of a row.
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> &[u8] {
        self.columns[column].get(row)
    }

    /// The cells of a column.
    pub fn texts(&self, column: usize) -> &Texts {
        &self.columns[column]
    }

    /// Whether a record's format said of any cell that it is null.
    #[inline]
    pub fn has_nulls(&self) -> bool {
        !self.nulls.is_empty()
    }

    /// Whether the record's format said that the cell is null.
    #[inline]
    pub fn is_null(&self, row: usize, column: usize) -> bool {
        !self.nulls.is_empty() && self.nulls[row * self.width() + column]
    }

    /// The numbers of the rows' records.
    pub fn records(&self) -> &[u64] {
        &self.records
    }

    /// Makes the line at the beginning of `text` a row, whose cells are divided by one byte each and end at the places in [`Record::room`], as
    /// many of them as a row has.
    #[inline]
    pub fn accept_line(&mut self, text: &[u8], record: u64) {
        let mut start = 0;
        for (column, end) in self.columns.iter_mut().zip(self.open.written_ends()) {
            column.push(text, start, *end);
            self.bytes += *end - start;
            start = *end + 1;
        }
        self.records.push(record);
    }

    /// Makes the open record, which has as many cells as a row, a row.
    pub fn accept(&mut self, record: u64) {
        debug_assert_eq!(self.open.len(), self.width(), "a row of another width");
        self.bytes += self.open.bytes();
        for (column, cell) in self.columns.iter_mut().zip(self.open.cells()) {
            column.push(cell, 0, cell.len());
        }
        self.nulls.extend_from_slice(self.open.nulls());
        self.records.push(record);
        self.open.clear();
    }

    /// Takes out the rows at these indexes, which ascend.
    pub fn remove(&mut self, rows: &[usize]) {
        self.columns.iter_mut().for_each(|column| column.remove(rows));
        let width = self.width();
        let is_kept = |row: &usize| rows.binary_search(row).is_err();
        let kept: Vec<usize> = (0..self.len()).filter(is_kept).collect();
        if self.has_nulls() {
            self.nulls = kept.iter().flat_map(|row| &self.nulls[row * width..(row + 1) * width]).copied().collect();
        }
        self.records = kept.into_iter().map(|row| self.records[row]).collect();
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
