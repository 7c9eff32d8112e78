//! Sends a batch that claims a thousand rows and holds two.

use std::sync::Arc;

use tidegate_sdk::{
    RecordBatch,
    arrow_array::{Array, ArrayRef, Int64Array},
};

use crate::rows;

const CLAIMED: usize = 1000;

pub fn batch() -> RecordBatch {
    let two = rows::ids(2).to_data();
    // SAFETY: none; the array says that it is longer than its buffer, and arrow's writer believes it.
    let ids: ArrayRef = Arc::new(Int64Array::from(unsafe { two.into_builder().len(CLAIMED).build_unchecked() }));
    rows::unchecked(vec![ids, rows::names(2, "two"), rows::origins(2)], CLAIMED)
}
