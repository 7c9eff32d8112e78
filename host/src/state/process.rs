//! Whether the process that started a run still lives.

use std::process;

/// A process, told apart from a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in whatever form the system tells it; none where the system does not.
    pub start: Option<String>,
}

/// What is known of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Alive,
    /// It is gone, or its number belongs to another one.
    Dead,
    /// The system does not tell. The pipeline's lock will.
    Unknown,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = process::id();
        Self { pid, start: start_of(pid).ok().flatten() }
    }

    /// Whether it still runs.
    pub fn life(&self) -> Life {
        match start_of(self.pid) {
            Err(NotTold) => Life::Unknown,
            Ok(None) => Life::Dead,
            Ok(now) if self.start.is_some() && now != self.start => Life::Dead,
            Ok(_) => Life::Alive,
        }
    }
}

struct NotTold;

/// When the process `pid` started; none where there is no such process.
#[cfg(target_os = "linux")]
fn start_of(pid: u32) -> Result<Option<String>, NotTold> {
    use std::{fs, io};

    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        // ESRCH comes when the process ends between open and read.
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => return Ok(None),
        Err(_) => return Err(NotTold),
    };
    // proc(5): field 2 is the command in brackets and may hold anything, field 3 the state, field 22 the start in ticks since the boot.
    let (_, fields) = stat.rsplit_once(')').ok_or(NotTold)?;
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return Ok(None);
    }
    let ticks = fields.nth(18).ok_or(NotTold)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(Some(format!("{}:{ticks}", boot.trim())))
}

/// When the process `pid` started; none where there is no such process.
#[cfg(all(unix, not(target_os = "linux")))]
fn start_of(pid: u32) -> Result<Option<String>, NotTold> {
    let output = process::Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().map_err(|_| NotTold)?;
    let start = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((!start.is_empty()).then_some(start))
}

/// Here, only the pipeline's lock tells.
#[cfg(not(unix))]
fn start_of(_pid: u32) -> Result<Option<String>, NotTold> {
    Err(NotTold)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive() {
        let current = Process::current();
        assert_eq!(current.life(), Life::Alive);
        assert_eq!(Process { start: None, ..current }.life(), Life::Alive);
    }

    #[test]
    fn a_later_process_with_the_same_number_is_another() {
        let earlier = Process { start: Some("another boot:1".into()), ..Process::current() };
        assert_eq!(earlier.life(), Life::Dead);
    }

    #[test]
    fn a_process_that_ended_is_dead() {
        let mut child = process::Command::new("cat").stdin(process::Stdio::piped()).spawn().unwrap();
        let of_child = Process { pid: child.id(), start: start_of(child.id()).ok().flatten() };
        assert_eq!(of_child.life(), Life::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(of_child.life(), Life::Dead);
    }
}
