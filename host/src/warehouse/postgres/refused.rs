//! Rows that PostgreSQL has no place for: they go to the run's quarantine, each with the column at fault.

use std::path::PathBuf;

use arrow::{
    array::{RecordBatch, UInt32Array},
    compute::take_record_batch,
    error::ArrowError,
};

use super::PostgresError;
use crate::{
    quality::Dimension,
    quarantine::{Rejected, Writer, json_rows},
};

/// Who rejects, in the quarantine.
const WAREHOUSE: &str = "postgres";

/// A row of a batch, and why it can't be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub row: u32,
    pub column: String,
    pub why: Why,
}

/// Why a row can't be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// PostgreSQL can't represent a value.
    Value(&'static str),
    /// The pipeline's contract keeps the table as it is, and it has no place for the column.
    Column,
}

impl Why {
    fn rule(self) -> (&'static str, Dimension) {
        match self {
            Self::Value(_) => ("postgres-value", Dimension::Validity),
            Self::Column => ("postgres-contract", Dimension::Conformity),
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Value(reason) => reason,
            Self::Column => "the table has no place for this column's values",
        }
    }
}

/// The rows of one table that were refused.
pub(super) struct Refused {
    writer: Writer,
    rows: u64,
}

impl Refused {
    /// For the file `<table>-load.parquet` in the run's quarantine folder.
    pub fn new(folder: PathBuf, table: &str) -> Self {
        Self { writer: Writer::new(table, WAREHOUSE, folder.join(format!("{table}-load.parquet"))), rows: 0 }
    }

    /// Adds rows of a batch.
    pub fn add(&mut self, batch: &RecordBatch, refusals: &[Refusal]) -> Result<(), PostgresError> {
        if refusals.is_empty() {
            return Ok(());
        }
        self.write(batch, refusals).map_err(PostgresError::Quarantine)
    }

    fn write(&mut self, batch: &RecordBatch, refusals: &[Refusal]) -> Result<(), ArrowError> {
        let taken = take_record_batch(batch, &UInt32Array::from_iter_values(refusals.iter().map(|refusal| refusal.row)))?;
        for (refusal, row) in refusals.iter().zip(json_rows(&taken)?) {
            let (rule, dimension) = refusal.why.rule();
            self.rows += 1;
            self.writer.append(Rejected {
                rule,
                dimension: dimension.name(),
                reason: refusal.why.reason(),
                columns: &refusal.column,
                file: None,
                record: self.rows,
                row: &row,
            })?;
        }
        Ok(())
    }

    /// How many rows there are so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Gives the file its name.
    pub fn finish(&mut self) -> Result<(), PostgresError> {
        self.writer.finish().map_err(PostgresError::Quarantine)
    }
}
