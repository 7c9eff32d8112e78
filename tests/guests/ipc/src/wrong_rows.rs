//! Sends a batch that claims a thousand rows, in buffers that hold two.

use crate::message::{Claims, stream};

pub fn bytes(batch: &[u8]) -> Vec<u8> {
    stream(batch, &Claims { rows: 1000, column_rows: 1000, compressed: false }, &[0; 16])
}
