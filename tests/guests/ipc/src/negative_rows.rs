//! Sends a batch of less than no rows.

use crate::message::{Claims, stream};

pub fn bytes(batch: &[u8]) -> Vec<u8> {
    stream(batch, &Claims { rows: -1, column_rows: -1, compressed: false }, &[0; 16])
}
