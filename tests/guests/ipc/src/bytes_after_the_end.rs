//! Sends a whole stream, and more bytes behind its end.

pub fn bytes(mut batch: Vec<u8>) -> Vec<u8> {
    batch.extend_from_slice(&[0; 64]);
    batch
}
