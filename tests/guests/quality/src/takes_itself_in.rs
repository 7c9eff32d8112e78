//! Takes in its own census.

use tidegate_sdk::{Result, keys::Census};

pub fn run() -> Result<()> {
    let mut census = Census::default();
    let ticket = census.ticket();
    census.absorb(ticket)
}
