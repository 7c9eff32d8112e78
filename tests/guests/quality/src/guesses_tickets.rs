//! Takes in a census that it was never told of.

use tidegate_sdk::{Result, keys::Census};

pub fn run() -> Result<()> {
    Census::default().absorb(7)
}
