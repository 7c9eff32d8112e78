//! Runs a child process and says what it used.

use std::{
    ffi::OsStr,
    io::Read,
    mem::MaybeUninit,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// What a process used.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Usage {
    /// From its start to its end.
    pub wall_seconds: f64,
    /// User and system time of all its threads.
    pub cpu_seconds: f64,
    /// The most memory that was resident at one time, files that it mapped included.
    pub peak_mib: f64,
}

/// Runs `program` to its end and gives what it printed. What it says on stderr is shown only when it fails.
pub fn run<A: AsRef<OsStr>>(program: &Path, arguments: &[A]) -> Result<(Vec<u8>, Usage)> {
    let mut command = Command::new(program);
    command.args(arguments);
    measure(command)
}

/// The same for a command that is ready.
pub fn measure(mut command: Command) -> Result<(Vec<u8>, Usage)> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("start `{program}`"))?;
    let (mut stdout, mut stderr) = (child.stdout.take().expect("stdout is piped"), child.stderr.take().expect("stderr is piped"));
    let talk = std::thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).map(|_| said)
    });
    let mut printed = Vec::new();
    stdout.read_to_end(&mut printed)?;
    let (status, used) = wait(child.id())?;
    let wall_seconds = started.elapsed().as_secs_f64();
    if status != 0 {
        let said = talk.join().expect("reading does not panic")?;
        bail!("`{program}` ended with status {status:#x}: {}{}", String::from_utf8_lossy(&printed).trim(), said.trim());
    }
    let cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
    // Linux counts in KiB.
    Ok((printed, Usage { wall_seconds, cpu_seconds, peak_mib: used.ru_maxrss as f64 / 1024.0 }))
}

/// Waits for a child. The standard library waits too, but keeps to itself what the child used.
fn wait(pid: u32) -> Result<(i32, libc::rusage)> {
    let pid = libc::pid_t::try_from(pid).context("a process id")?;
    let (mut status, mut used) = (0, MaybeUninit::<libc::rusage>::zeroed());
    loop {
        // SAFETY: both pointers are to locals that live through the call; the child is ours, and nobody else waits for it.
        let waited = unsafe { libc::wait4(pid, &raw mut status, 0, used.as_mut_ptr()) };
        if waited == pid {
            // SAFETY: all zeroes is a valid `rusage`, and the call has filled it.
            return Ok((status, unsafe { used.assume_init() }));
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error).context("wait for the child");
        }
    }
}

fn seconds(time: libc::timeval) -> f64 {
    let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    (whole + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))).as_secs_f64()
}
