//! Sends a batch whose few bytes claim to be 8 GiB once they are unpacked; the contract knows no compression.

use crate::message::{Claims, stream};

const CLAIMED_BYTES: i64 = 8 << 30;

pub fn bytes(batch: &[u8]) -> Vec<u8> {
    let body = [CLAIMED_BYTES.to_le_bytes(), *b"notlz4!!"].concat();
    stream(batch, &Claims { rows: 2, column_rows: 2, compressed: true }, &body)
}
