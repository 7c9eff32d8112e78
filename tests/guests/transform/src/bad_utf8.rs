//! Sends texts that are not UTF-8.

use std::sync::Arc;

use tidegate_sdk::{
    RecordBatch,
    arrow_array::StringArray,
    arrow_buffer::{Buffer, OffsetBuffer},
};

use crate::rows;

pub fn batch() -> RecordBatch {
    // SAFETY: none; arrow's writer copies the bytes without looking at them.
    let names =
        unsafe { StringArray::new_unchecked(OffsetBuffer::from_lengths([2, 2]), Buffer::from([0xff, 0xfe, b'o', b'k'].as_slice()), None) };
    rows::unchecked(vec![rows::ids(2), Arc::new(names), rows::origins(2)], 2)
}
