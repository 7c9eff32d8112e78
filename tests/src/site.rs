//! The dashboard as it is served: the real `tidegate serve` over a workplace, ready before a test asks it, gone with the test.
//!
//! What always holds here:
//! - It listens on loopback and on a port that was free.
//! - A daemon that does not come up is an error with what it logged.
//! - It is killed with its value. A test about its end ends it by itself (`stop`).

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{folder, http, olist, program::Workplace};

/// How long a daemon may take to be ready, and to end: it compiles plugins that the cache does not hold yet.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The folder that it serves.
const FOLDER: &str = "examples";

/// Where it says how it is.
const HEALTH: &str = "/healthz";

/// A daemon that runs, with its dashboard.
#[derive(Debug)]
pub struct Site {
    /// Where it listens.
    pub address: SocketAddr,
    /// The folder around what it serves. Pipelines lie below `examples`.
    pub workplace: Workplace,
    process: Child,
}

impl Site {
    /// The Olist example with a sample of 400 orders, loaded once; `web` are lines for the table `[web]` of the daemon's own file.
    pub fn of_olist(web: &str) -> Result<Self> {
        let workplace = olist::workplace()?;
        folder::lay_over(olist::sample()?, &workplace.path().join(FOLDER).join("olist/data"))?;
        let said = workplace.tidegate(&["run", "examples/olist"])?;
        ensure!(said.code == 0, "the example ended with {}:\n{}", said.code, said.stderr);
        Self::start(workplace, web)
    }

    /// Serves the pipelines below `examples` of a workplace.
    pub fn start(workplace: Workplace, web: &str) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        workplace.write(&format!("{FOLDER}/tidegate.toml"), &format!("version = 1\n\n[web]\nlisten = \"{address}\"\n{web}\n"))?;
        let log = fs::File::create(workplace.path().join("daemon.log"))?;
        let mut command = workplace.command(&["serve", FOLDER])?;
        let process = command.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).spawn().context("start the daemon")?;
        let mut site = Self { address, workplace, process };
        site.wait_until_ready()?;
        Ok(site)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.workplace.path().join("daemon.log")).unwrap_or_default()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop, as a service manager does, and waits for its end.
    pub fn stop(mut self) -> Result<(ExitStatus, String)> {
        let pid = libc::pid_t::try_from(self.process.id()).context("a process id")?;
        // SAFETY: the child is ours and has not been waited for, so the number is still its own.
        ensure!(unsafe { libc::kill(pid, libc::SIGTERM) } == 0, "the daemon can't be asked to stop");
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok((status, self.log()));
            }
            ensure!(started.elapsed() < PATIENCE, "the daemon did not stop within {PATIENCE:?}:\n{}", self.log());
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("the daemon ended ({status}) before it was ready:\n{}", self.log());
            }
            // It does not listen yet, or starts still.
            if http::get(self.address, HEALTH).is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "the daemon was not ready within {PATIENCE:?}:\n{}", self.log());
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
