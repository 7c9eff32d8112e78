//! What the unit tests share: a sheet of one column, and a table fed with rows of text.

use std::sync::Arc;

use chrono_tz::America::Sao_Paulo;
use tidegate_sdk::{
    arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array},
    arrow_schema::{DataType, Field},
    keys::Seen,
    prelude::*,
};

use crate::{
    Config, Olist,
    clock::Clock,
    rules::RuleIndex,
    sheet::Sheet,
    tables::{Definition, required},
};

/// Any rule.
pub const REJECTED: RuleIndex = RuleIndex(5);

static ONE_COLUMN: Definition = Definition {
    name: "one_column",
    columns: &["column"],
    spellings: &[],
    key: &[],
    spread: &[],
    rules: &[],
    fields: || vec![required("column", DataType::Utf8)],
    clean: |_| Ok(Vec::new()),
};

/// Gives `work` a sheet whose only column holds `cells`, and the column's name.
pub fn with_sheet<T>(cells: &[Option<&str>], work: impl FnOnce(&mut Sheet, &str) -> T) -> T {
    let cells = StringArray::from(cells.to_vec());
    let mut clock = Clock::new(Sao_Paulo, None, 16_000..=19_000);
    let mut seen = Seen::default();
    work(&mut Sheet::new(&ONE_COLUMN, vec![&cells], &mut clock, &mut seen), "column")
}

/// A table with one row that breaks no rule, which tests change cell by cell.
pub struct Bench {
    table: &'static Definition,
    good: Vec<&'static str>,
}

impl Bench {
    /// `good` are the cells of a good row in the order of the table's columns.
    pub fn new(table: &'static Definition, good: &[&'static str]) -> Self {
        assert_eq!(table.columns.len(), good.len());
        Self { table, good: good.to_vec() }
    }

    /// The good row with some cells changed.
    pub fn row<'c>(&self, changes: &[(&str, &'c str)]) -> Vec<&'c str> {
        let mut row: Vec<&'c str> = self.good.clone();
        for (column, cell) in changes {
            row[self.table.index_of(column)] = cell;
        }
        row
    }

    /// What becomes of rows; an empty cell is null. Gives the accepted batch and, per row, the name of the rule it breaks.
    pub fn push(&self, rows: &[Vec<&str>]) -> (RecordBatch, Vec<Option<String>>) {
        let batch = self.batch(rows);
        let context = Context { stream: self.table.name.to_owned(), now_micros: 0, seed: 0 };
        let shape = Olist::shape(&Config::default(), &context, &batch.schema()).unwrap();
        let mut olist = Olist::open(Config::default(), context, batch.schema()).unwrap();
        let output = olist.push(batch).unwrap();
        let mut broken = vec![None; rows.len()];
        for (rule, rejected) in output.rejected.by_rule() {
            for row in rejected {
                broken[*row as usize] = Some(shape.rules[rule].name.clone());
            }
        }
        let accepted = output.accepted.unwrap();
        assert_eq!(accepted.schema(), shape.schema);
        (accepted, broken)
    }

    /// The name of the rule that the good row breaks once `changes` are made.
    pub fn broken_by(&self, changes: &[(&str, &str)]) -> Option<String> {
        self.push(&[self.row(changes)]).1.remove(0)
    }

    /// The cells of an accepted column of text.
    pub fn texts(accepted: &RecordBatch, column: &str) -> Vec<Option<String>> {
        let cells = accepted[column].as_any().downcast_ref::<StringArray>().unwrap();
        cells.iter().map(|cell| cell.map(str::to_owned)).collect()
    }

    fn batch(&self, rows: &[Vec<&str>]) -> RecordBatch {
        let mut fields: Vec<Field> = self.table.columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        fields.push(Field::new(ORIGIN, DataType::UInt64, false));
        let column = |index: usize| rows.iter().map(|row| Some(row[index]).filter(|cell| !cell.is_empty())).collect::<StringArray>();
        let mut columns: Vec<ArrayRef> = (0..self.good.len()).map(|index| Arc::new(column(index)) as ArrayRef).collect();
        columns.push(Arc::new(UInt64Array::from_iter_values(1..=rows.len() as u64)));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }
}
