//! Makes sets of keys without end.

use tidegate_sdk::keys::{Census, Seen};

pub fn run() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push((Seen::default(), Census::default()));
    }
}
