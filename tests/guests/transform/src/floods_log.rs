//! Writes to the log without end.

use tidegate_sdk::log;

pub fn run() -> ! {
    loop {
        log::info("and another thing");
    }
}
