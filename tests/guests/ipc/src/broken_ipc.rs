//! Sends bytes that were never Arrow IPC.

pub fn bytes() -> Vec<u8> {
    (0..4096_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
