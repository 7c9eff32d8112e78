//! Sends 2 MiB of text in one batch; the test allows 1 MiB.

use tidegate_sdk::{RecordBatch, Result};

use crate::rows;

const ROWS: usize = 2048;

pub fn batch() -> Result<RecordBatch> {
    let name = "x".repeat(1024);
    Ok(RecordBatch::try_new(rows::schema(), vec![rows::ids(ROWS), rows::names(ROWS, &name), rows::origins(ROWS)])?)
}
