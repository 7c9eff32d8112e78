//! Sends a batch of more than 65,536 rows.

use tidegate_sdk::{RecordBatch, Result};

use crate::rows;

const ROWS: usize = 65_537;

pub fn batch() -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(rows::schema(), vec![rows::ids(ROWS), rows::names(ROWS, ""), rows::origins(ROWS)])?)
}
