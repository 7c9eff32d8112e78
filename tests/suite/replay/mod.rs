//! Runs that are repeated from their archive: the same files byte for byte, what another plugin would change, tables made again; and the
//! archive itself.

mod again;
mod archive;
mod diff;
mod http;
mod kills;
mod rebuild;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tidegate_tests::{
    components::Components,
    program::{Said, Workplace},
};

/// A pipeline that reads `input/*.csv` with the columns `id` and `name`, and passes them through a transform of its own folder.
const PEOPLE: &str = "\
version = 1
name = \"people\"
[clock]
now = \"2026-11-01T00:00:00Z\"
[sources.files]
plugin = \"source-files\"
grants = { files = { data = \"input\" } }
[sources.files.config.streams.people]
files = \"*.csv\"
incremental = \"files\"
[gate]
overall = 0
floors = { validity = 0 }
[streams.people]
transforms = [{ plugin = \"cleaner\" }]
";

/// A workplace with a pipeline.
struct Place {
    workplace: Workplace,
}

impl Place {
    /// [`PEOPLE`] and these tables; the plugin `cleaner` lies beside the pipeline.
    fn new(tables: &str) -> Result<Self> {
        let place = Self { workplace: Workplace::with_pipeline(&format!("{PEOPLE}{tables}"))? };
        place.cleaner("guest-transform")?;
        Ok(place)
    }

    /// Makes another guest the plugin `cleaner`.
    fn cleaner(&self, guest: &str) -> Result<()> {
        fs::create_dir_all(self.path("plugins"))?;
        fs::copy(Components::guests().path(guest), self.path("plugins/cleaner.wasm"))?;
        Ok(())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.workplace.path().join(path)
    }

    /// Calls the program.
    fn call(&self, arguments: &[&str]) -> Result<Said> {
        self.workplace.tidegate(arguments)
    }

    /// Calls the program, and expects this exit code.
    fn ends(&self, arguments: &[&str], code: i32) -> Result<Said> {
        let said = self.call(arguments)?;
        ensure!(said.code == code, "`{}` ended with {}:\n{}{}", arguments.join(" "), said.code, said.stdout, said.stderr);
        Ok(said)
    }

    /// Calls the program with `--json`, and expects this exit code.
    fn json(&self, arguments: &[&str], code: i32) -> Result<Value> {
        let said = self.ends(&[arguments, &["--json"]].concat(), code)?;
        serde_json::from_str(&said.stdout).with_context(|| format!("`{}` said no JSON:\n{}", arguments.join(" "), said.stdout))
    }

    /// Runs with one more file; gives the run.
    fn load(&self, file: &str, csv: &str) -> Result<String> {
        self.workplace.write(&format!("input/{file}"), csv)?;
        self.ends(&["run"], 0)?;
        self.last_run()
    }

    /// The run that began last.
    fn last_run(&self) -> Result<String> {
        let runs = self.json(&["runs"], 0)?;
        Ok(runs[0]["run"].as_str().context("there is a run")?.to_owned())
    }

    /// Rows of the warehouse as CSV without a header.
    fn rows(&self, sql: &str) -> Result<String> {
        let said = self.ends(&["query", "--format", "csv", sql], 0)?;
        Ok(said.stdout.lines().skip(1).collect::<Vec<_>>().join("\n"))
    }
}

/// The component of a guest, as the command line takes it for `cleaner`.
fn instead_of_cleaner(guest: &str) -> String {
    format!("cleaner={}", Components::guests().path(guest).display())
}
