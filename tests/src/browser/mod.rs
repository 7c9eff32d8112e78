//! A real browser for the tests of the dashboard: Debian's Chromium, driven by its ChromeDriver over the WebDriver protocol.
//!
//! What always holds here:
//! - Each [`Page`] is a browser of its own with a fresh profile: no cookie, no cache, nothing of another test. It ends with its value.
//! - One browser works at a time; a second one waits, because two of them and a daemon starve each other on a small machine.
//! - What a test clicks it finds as a person or a screen reader does, by role and accessible name (`page`), never by class or place.
//! - A missing program is an error that names the package.

mod judge;
mod look;
mod page;
mod protocol;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use self::protocol::Session;
pub use self::{
    judge::{Complaint, Violation},
    look::{Colours, Size},
    page::{Element, Role},
};

/// What to say where the browser is missing.
const MISSING: &str = "apt-get install --no-install-recommends chromium chromium-driver";

/// How long a page may take to show what a test waits for. A busy machine needs a few seconds; a minute is never right.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Time between two looks at a page that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How often ChromeDriver is started until it has a port.
const STARTS: usize = 10;

/// What it says where its port is taken, after `IPv4` or `IPv6`.
const PORT_TAKEN: &str = "port not available";

/// Chromium as a test wants it: no window, nothing sent to its maker, no sandbox because tests may run as root.
const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// One browser at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A browser that shows the pages of one site.
#[derive(Debug)]
pub struct Page {
    site: SocketAddr,
    // These end in this order: the session closes the browser, then its driver goes, then its profile.
    session: Session,
    _driver: Driver,
    _profile: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Page {
    /// Starts a browser for the site at this address.
    pub fn open(site: SocketAddr) -> Result<Self> {
        // A test that failed has left nothing which the next browser could trip over.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = Driver::start()?;
        let profile = tempfile::tempdir()?;
        let own = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([own.as_str()]).collect();
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": program("chromium")?, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let session = Session::new(driver.address, &capabilities)?;
        let page = Self { site, session, _driver: driver, _profile: profile, _turn: turn };
        page.resize(Size::WIDE)?;
        Ok(page)
    }

    /// Looks again and again until there is what is waited for.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Result<Option<T>>) -> Result<T> {
        let started = Instant::now();
        loop {
            match look(self) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                // The page that was looked at goes: the next look is at what comes.
                Err(error) if protocol::gave_way(&error) => {}
                Err(error) => return Err(error.context(format!("while waiting for {what}"))),
            }
            let shown = || format!("{what} did not come within {PATIENCE:?}; the page is {} and says:\n{}", self.address(), self.excerpt());
            ensure!(started.elapsed() < PATIENCE, shown());
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// ChromeDriver in a process of its own, on a port that it chose.
#[derive(Debug)]
struct Driver {
    address: SocketAddr,
    process: Child,
}

impl Driver {
    /// Starts it, again where another program was quicker: it takes a free port for IPv4, wants the same one for IPv6, and gives up where
    /// that one is taken.
    fn start() -> Result<Self> {
        let program = program("chromedriver")?;
        let mut said = String::new();
        for _ in 0..STARTS {
            match Self::once(&program)? {
                Ok(driver) => return Ok(driver),
                Err(last_words) => said = last_words,
            }
            if !said.contains(PORT_TAKEN) {
                break;
            }
        }
        anyhow::bail!("chromedriver ended before it said its port; it said:\n{said}")
    }

    /// The driver, or what it said before it ended.
    fn once(program: &Path) -> Result<Result<Self, String>> {
        let mut command = Command::new(program);
        command.args(["--port=0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("start chromedriver")?;
        let output = BufReader::new(process.stdout.take().context("chromedriver has an output")?);
        let mut driver = Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), process };
        let mut said = String::new();
        for line in output.lines() {
            let line = line?;
            if let Some((_, port)) = line.trim_end_matches('.').rsplit_once(" on port ").filter(|_| line.contains("successfully")) {
                driver.address.set_port(port.parse().with_context(|| format!("the port in `{line}`"))?);
                return Ok(Ok(driver));
            }
            said.push_str(&line);
            said.push('\n');
        }
        Ok(Err(said))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where a program of the browser is.
fn program(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file());
    found.with_context(|| format!("there is no `{name}` in the PATH: {MISSING}"))
}

/// A folder for screenshots that a person can look at: `screenshots` in the folder of the programs, or what `TIDEGATE_SCREENSHOTS` names.
pub fn screenshots() -> Result<PathBuf> {
    let folder = match env::var_os("TIDEGATE_SCREENSHOTS") {
        Some(folder) => folder.into(),
        None => crate::folder::of_programs()?.join("screenshots"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("make the folder `{}`", folder.display()))?;
    Ok(folder)
}
