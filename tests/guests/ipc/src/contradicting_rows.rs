//! Sends a batch of a thousand rows whose columns say that they have two.

use crate::message::{Claims, stream};

pub fn bytes(batch: &[u8]) -> Vec<u8> {
    stream(batch, &Claims { rows: 1000, column_rows: 2, compressed: false }, &[0; 16])
}
