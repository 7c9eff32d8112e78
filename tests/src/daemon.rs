//! The real daemon, started in a workplace, and its store, looked at from outside.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tidegate::schedule::{Task, TaskStatus, Tasks};

use crate::program::Workplace;

/// How long a test waits for what should come within seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon; it dies with this value.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `tidegate serve` for the folder `pipelines` of a workplace, without its dashboard.
    pub fn start(workplace: &Workplace) -> Result<Self> {
        Self::start_with(workplace, &["serve", "pipelines", "--no-web"])
    }

    /// Starts it with these arguments.
    pub fn start_with(workplace: &Workplace, arguments: &[&str]) -> Result<Self> {
        let log = tempfile::Builder::new().prefix("daemon-").suffix(".log").tempfile_in(workplace.path())?.keep()?.1;
        let child = workplace.start_logged(arguments, File::create(&log)?)?;
        Ok(Self { child, log })
    }

    /// Kills it as a power failure would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop, and waits until it has. Gives its exit code.
    pub fn stop(mut self) -> Result<Option<i32>> {
        self.signal("TERM")?;
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            ensure!(started.elapsed() < PATIENCE, "the daemon does not stop:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = std::process::Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status()?;
        ensure!(status.success(), "no signal {name} for the daemon");
        Ok(())
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it says this.
    pub fn wait_for(&self, words: &str) -> Result<()> {
        wait(&format!("the daemon says `{words}`"), || Ok(self.said().contains(words).then_some(())))
            .map_err(|error| error.context(self.said()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `look` gives something.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if started.elapsed() > PATIENCE {
            bail!("waited in vain: {what}");
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// The store of the daemon that serves the folder `pipelines` of a workplace.
pub fn store(workplace: &Workplace) -> Result<Tasks> {
    Ok(Tasks::open(&workplace.path().join("pipelines/.tidegate/daemon.db"))?)
}

/// The tasks of a pipeline, oldest first.
pub fn tasks(store: &Tasks, pipeline: &str) -> Result<Vec<Task>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut tasks = runtime.block_on(store.tasks(pipeline, 10_000))?;
    tasks.reverse();
    Ok(tasks)
}

/// Waits until the pipeline has so many tasks and all of them have ended; gives them, oldest first.
pub fn ended(store: &Tasks, pipeline: &str, count: usize) -> Result<Vec<Task>> {
    wait(&format!("{count} tasks of {pipeline} have ended"), || {
        let found = tasks(store, pipeline)?;
        Ok((found.len() >= count && found.iter().all(|task| task.status.is_end())).then_some(found))
    })
}

/// How the tasks of a pipeline stand.
pub fn statuses(tasks: &[Task]) -> Vec<TaskStatus> {
    tasks.iter().map(|task| task.status).collect()
}

/// A pipeline over `<name>.csv` in the folder `input` beside it. Its tables grow with each run, so that a run that is lost or done twice shows.
pub fn growing(name: &str, more: &str) -> String {
    format!(
        "version = 1\nname = \"{name}\"\n[storage]\npath = \"../stores/{name}\"\n{more}\n\
         [sources.files]\nplugin = \"source-files\"\ngrants = {{ files = {{ data = \"../input\" }} }}\n\
         [sources.files.config.streams]\norders = {{ files = \"{name}.csv\" }}\n\
         [streams.orders]\n\
         [tables.orders]\nstream = \"orders\"\nmode = \"append\"\n\
         [marts.total]\nsql = \"select count(*) as n, sum(amount) as amount from orders\"\n"
    )
}

/// A pipeline as by [`growing`] that takes seconds for a million orders: its rules look at each id time and again.
pub fn slow(name: &str, more: &str) -> String {
    let rule = |number: u32| {
        format!("{{ kind = \"pattern\", column = \"order_id\", regex = \"^o[0-9]+(x{{{number}}})?$\", name = \"form-{number}\" }}")
    };
    let rules: Vec<_> = (1..=24).map(rule).collect();
    let quality = format!(
        "[[streams.orders.quality]]\nplugin = \"quality-dimensions\"\n[streams.orders.quality.config]\nkey = [\"order_id\"]\nrules = [{}]\n",
        rules.join(", ")
    );
    growing(name, more).replace("[streams.orders]\n", &quality)
}

/// So many orders as CSV.
pub fn orders(count: u32) -> String {
    let rows = (1..=count).map(|id| format!("o{id},{}\n", id * 3));
    std::iter::once("order_id,amount\n".to_owned()).chain(rows).collect()
}

/// Asks the lake of a pipeline in the folder `pipelines`, as CSV.
pub fn query(workplace: &Workplace, pipeline: &str, sql: &str) -> Result<String> {
    let file = format!("pipelines/{pipeline}.toml");
    let said = workplace.tidegate(&["query", "--pipeline", &file, "--format", "csv", sql])?;
    ensure!(said.code == 0, "`{sql}` ended with {}:\n{}", said.code, said.stderr);
    Ok(said.stdout)
}

/// Runs a command that must succeed.
pub fn command(workplace: &Workplace, arguments: &[&str]) -> Result<String> {
    let said = workplace.tidegate(arguments)?;
    ensure!(said.code == 0, "`tidegate {}` ended with {}:\n{}", arguments.join(" "), said.code, said.stderr);
    Ok(said.stdout)
}

/// Asks for a run of a pipeline.
pub fn trigger(workplace: &Workplace, pipeline: &str) -> Result<()> {
    command(workplace, &["trigger", pipeline, "--folder", "pipelines"]).map(drop)
}

/// The files and folders of `folder` that are there.
pub fn is_there(folder: &Path, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('/') else { return names(folder, pattern).next().is_some() };
    names(folder, first).any(|path| is_there(&path, rest))
}

fn names(folder: &Path, pattern: &str) -> impl Iterator<Item = PathBuf> {
    let (before, after) = pattern.split_once('*').map_or((pattern.to_owned(), None), |(a, b)| (a.to_owned(), Some(b.to_owned())));
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(move |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        after.as_ref().map_or(*name == *before, |after| name.starts_with(&before) && name.ends_with(after))
    })
}
