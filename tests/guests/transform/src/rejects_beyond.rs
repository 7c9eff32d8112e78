//! Rejects a row that the batch does not have.

use tidegate_sdk::{RecordBatch, Rejections};

pub fn rows(batch: &RecordBatch) -> Rejections {
    let mut rejected = Rejections::default();
    rejected.reject(0, batch.num_rows());
    rejected
}
