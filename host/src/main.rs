//! The `tidegate` program.

/// Memory for everything that is written in Rust.
///
/// # Why
/// A run takes and gives back blocks of some megabytes all the time: pages, batches, what crosses the sandbox. glibc either hands each of
/// them back to the system, which then maps it anew page by page, or keeps them between what is small and lives on, and its heaps grow.
/// mimalloc keeps such blocks for a moment and by themselves. Without huge pages (`no_thp`): they made nothing faster here, and a run of a million
/// orders took 40 MiB more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tidegate::cli::main()
}
