//! The `tidegate` program.

fn main() -> std::process::ExitCode {
    share_arenas();
    tidegate::cli::main()
}

/// The least bytes that the system gives and takes back by themselves.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const BY_ITSELF: libc::c_int = 256 << 10;

/// Sets how glibc keeps memory.
///
/// - Threads share as many heaps as there are cores. Otherwise each has its own, up to eight per core, and each keeps what was freed in it: a
///   load of 10 M rows made by SQL held 254 MiB at its peak, 223 with two heaps, and took no longer.
/// - Large blocks stay out of the heaps. Otherwise glibc takes them in after the first few, what packs a page finds no room between what
///   stays of others, and the heaps grow by a page's size with each page: 400 pages of an API held 220 MiB at their peak, 120 in this way, for
///   the same CPU.
fn share_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        // SAFETY: it sets two numbers of the allocator's, before there is a second thread.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, i32::try_from(cores).unwrap_or(2));
            libc::mallopt(libc::M_MMAP_THRESHOLD, BY_ITSELF);
        }
    }
}
