//! Sends more text in one batch than the test allows; below the cap it is an ordinary batch.

use tidegate_sdk::{RecordBatch, Result};

use crate::rows;

const ROWS: usize = 1024;

pub fn batch(mib: usize) -> Result<RecordBatch> {
    let name = "x".repeat(mib * (1 << 20) / ROWS);
    Ok(RecordBatch::try_new(rows::schema(), vec![rows::ids(ROWS), rows::names(ROWS, &name), rows::origins(ROWS)])?)
}
