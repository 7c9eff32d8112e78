//! Sends the schema's message twice before the batch.

pub fn bytes(batch: &[u8]) -> Vec<u8> {
    [crate::schema_message(batch), batch].concat()
}
