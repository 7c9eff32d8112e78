//! Cuts a stream into more slices than were wanted.

use tidegate_sdk::Slice;

pub fn slices(wanted: usize) -> Vec<Slice> {
    (0..=wanted).map(crate::slice).collect()
}
