//! The `tidegate` program.

use std::{ffi::c_long, process::ExitCode};

use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};

/// Memory for everything that is written in Rust.
///
/// # Why
/// A run takes and gives back blocks of some megabytes all the time: pages, batches, what crosses the sandbox. glibc either hands each of
/// them back to the system, which then maps it anew page by page, or keeps them between what is small and lives on, and its heaps grow.
/// mimalloc keeps such blocks for a moment and by themselves. Without huge pages (`no_thp`): they made nothing faster here, and a run of a million
/// orders took 40 MiB more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For so many milliseconds mimalloc keeps what was freed. With its own second a run of a million orders takes 20 MiB more; with 10 ms it asks the
/// system for the same memory again and again, which costs 3 % of its time.
const PURGE_DELAY: c_long = 100;

/// `mi_option_purge_delay` of mimalloc 3, for which `libmimalloc-sys` has no name, and what it is where nobody said otherwise.
const PURGE_DELAY_OPTION: mi_option_t = 15;
const USUAL_PURGE_DELAY: c_long = 1000;

fn main() -> ExitCode {
    purge_sooner();
    tidegate::cli::main()
}

/// Lets mimalloc give memory back sooner, unless the environment says when (`MIMALLOC_PURGE_DELAY`) or the option is another one.
fn purge_sooner() {
    // SAFETY: both take any number as an option, and nothing else uses the options at this moment: no thread was started yet.
    unsafe {
        if mi_option_get(PURGE_DELAY_OPTION) == USUAL_PURGE_DELAY {
            mi_option_set(PURGE_DELAY_OPTION, PURGE_DELAY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        let delay = || unsafe { mi_option_get(PURGE_DELAY_OPTION) };
        assert_eq!(delay(), USUAL_PURGE_DELAY, "of another mimalloc, or MIMALLOC_PURGE_DELAY is set");
        purge_sooner();
        assert_eq!(delay(), PURGE_DELAY);
    }
}
