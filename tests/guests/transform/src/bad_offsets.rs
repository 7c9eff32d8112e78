//! Sends texts whose offsets point far behind their bytes.

use std::sync::Arc;

use tidegate_sdk::{
    RecordBatch,
    arrow_array::StringArray,
    arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer},
};

use crate::rows;

pub fn batch() -> RecordBatch {
    // SAFETY: none; the last offset is within the bytes, so that arrow's writer copies them without looking at the others.
    let names = unsafe {
        let offsets = OffsetBuffer::new_unchecked(ScalarBuffer::from(vec![0, 1_000_000, 3]));
        StringArray::new_unchecked(offsets, Buffer::from(b"abc".as_slice()), None)
    };
    rows::unchecked(vec![rows::ids(2), Arc::new(names), rows::origins(2)], 2)
}
