//! Adds keys without end.

use tidegate_sdk::{Hash128, keys::Seen, prelude::*};

pub fn run() -> Result<Output> {
    let mut seen = Seen::default();
    for first in (0_u64..).step_by(1000) {
        seen.insert(&(first..first + 1000).map(|number| Hash128(number, number)).collect::<Vec<_>>())?;
    }
    Err(Failure::bug("there was room for all keys"))
}
