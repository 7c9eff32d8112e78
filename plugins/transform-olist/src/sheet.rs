//! A batch in work: the table's columns, the verdict over its rows, and what is remembered between batches.
//!
//! What is done to a kind of column is an `impl Sheet` in its file in [`crate::cells`].

use tidegate_sdk::{
    Hash128, Result,
    arrow_array::{Array, StringArray},
    keys::Seen,
};

use crate::{
    cells::text::trim,
    clock::Clock,
    rules::{RuleIndex, Verdict},
    tables::Definition,
};

/// A batch in work.
pub struct Sheet<'a> {
    table: &'static Definition,
    columns: Vec<&'a StringArray>,
    pub(crate) verdict: Verdict,
    pub(crate) clock: &'a mut Clock,
    seen: &'a mut Seen,
}

/// The first rule of every table's list: all its columns are empty.
pub const ROW_BLANK: RuleIndex = RuleIndex(0);
/// The second rule of every table's list: its first column is empty.
pub const FIRST_COLUMN_MISSING: RuleIndex = RuleIndex(1);

impl<'a> Sheet<'a> {
    /// `columns` are in the order of [`Definition::columns`].
    pub fn new(table: &'static Definition, columns: Vec<&'a StringArray>, clock: &'a mut Clock, seen: &'a mut Seen) -> Self {
        let verdict = Verdict::new(columns.first().map_or(0, |cells| cells.len()));
        Self { table, columns, verdict, clock, seen }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns[0].len()
    }

    /// The cells of a column of the table.
    pub fn column(&self, column: &str) -> &'a StringArray {
        self.columns[self.table.index_of(column)]
    }

    /// Rejects `row`.
    pub fn reject(&mut self, row: usize, rule: impl Into<RuleIndex>) {
        self.verdict.reject(row, rule);
    }

    /// Rejects the rows whose cell in `column` is null or holds only whitespace.
    pub fn require(&mut self, column: &str, missing: impl Into<RuleIndex>) {
        let missing = missing.into();
        for (row, cell) in self.column(column).iter().enumerate() {
            if is_blank(cell) {
                self.reject(row, missing);
            }
        }
    }

    /// Rejects the rows whose key was seen in an accepted row before, in this batch or an earlier one. To be asked last: a row that
    /// another rule rejects is not the first of its kind.
    pub fn deduplicate(&mut self, duplicate: impl Into<RuleIndex>, write_key: impl Fn(&mut Key, usize)) -> Result<()> {
        let mut key = Key::default();
        self.deduplicate_hashes(duplicate.into(), |row| {
            key.0.clear();
            write_key(&mut key, row);
            Hash128::of(&key.0)
        })
    }

    /// The same where the key is one cleaned text.
    pub fn deduplicate_texts(&mut self, duplicate: impl Into<RuleIndex>, cells: &StringArray) -> Result<()> {
        self.deduplicate_hashes(duplicate.into(), |row| Hash128::of(cells.value(row).as_bytes()))
    }

    fn deduplicate_hashes(&mut self, duplicate: RuleIndex, mut hash: impl FnMut(usize) -> Hash128) -> Result<()> {
        let (mut rows, mut hashes) = (Vec::with_capacity(self.rows()), Vec::with_capacity(self.rows()));
        for row in (0..self.rows()).filter(|row| self.verdict.keeps(*row)) {
            rows.push(row);
            hashes.push(hash(row));
        }
        for place in self.seen.insert(&hashes)? {
            self.verdict.reject(rows[place as usize], duplicate);
        }
        Ok(())
    }

    /// The verdict, once all rules were asked.
    pub fn verdict(mut self) -> Verdict {
        for row in self.verdict.rejected_by(FIRST_COLUMN_MISSING) {
            if self.columns.iter().all(|cells| is_blank(cells.is_valid(row).then(|| cells.value(row)))) {
                self.reject(row, ROW_BLANK);
            }
        }
        self.verdict
    }
}

fn is_blank(cell: Option<&str>) -> bool {
    cell.is_none_or(|cell| trim(cell).is_empty())
}

/// The bytes that spell the key of a row.
#[derive(Default)]
pub struct Key(Vec<u8>);

impl Key {
    /// Adds the text of a cleaned cell. Its length goes first: `a` and `bc` are not `ab` and `c`.
    pub fn text(&mut self, cells: &StringArray, row: usize) {
        let text = cells.value(row).as_bytes();
        self.0.extend_from_slice(&u32::try_from(text.len()).expect("a cell is below 2 GiB").to_le_bytes());
        self.0.extend_from_slice(text);
    }

    /// Adds a number.
    pub fn bits(&mut self, bits: u64) {
        self.0.extend_from_slice(&bits.to_le_bytes());
    }
}
