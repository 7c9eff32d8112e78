//! A scenario is a folder: a pipeline, its input, what is expected.
//!
//! - `pipeline.toml` grants its source the directory `input`.
//! - `input/` is what the first run sees. Where there is `input-2/`, it is laid over `input/` and the pipeline runs again; so for `-3` ...
//! - `expected/<table>.csv` holds a table after the last run. Its header says which columns count; rows are sorted by them.
//! - `expected/<table>.absent` is there where no such table may be.
//! - `error.txt` is there where the last run is to end otherwise than with 0: its first line is `exit <code>`, each further line
//!   must occur in what the program said, in this order. Rewritten it holds all that was said: leave what matters.
//! - `also-on-postgres` is there where the same is expected of a database.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    folder,
    postgres::Database,
    program::{Said, Workplace},
    table, update_expect,
};

/// One folder of `tests/scenarios`.
pub struct Scenario {
    folder: PathBuf,
}

impl Scenario {
    /// All scenarios below a folder, sorted by name.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let folders = folder::sorted(folder)?.into_iter().filter(|path| path.is_dir());
        let scenarios: Vec<_> = folders.map(|folder| Self { folder }).collect();
        ensure!(!scenarios.is_empty(), "`{}` holds no scenario", folder.display());
        Ok(scenarios)
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it is to end in PostgreSQL as it does in the lake.
    pub fn is_for_postgres(&self) -> bool {
        self.folder.join("also-on-postgres").exists()
    }

    /// Runs it; gives what is not as expected.
    pub fn run(&self) -> Result<Vec<String>> {
        self.run_in(Workplace::with_pipeline(&self.pipeline()?)?)
    }

    /// The same with a database as the warehouse.
    pub fn run_on_postgres(&self, database: &Database) -> Result<Vec<String>> {
        let warehouse = "[warehouse]\nkind = \"postgres\"\nurl = { env = \"SCENARIO_URL\" }\n";
        let mut workplace = Workplace::with_pipeline(&format!("{}\n{warehouse}", self.pipeline()?))?;
        workplace.set("SCENARIO_URL", &database.url);
        self.run_in(workplace)
    }

    fn pipeline(&self) -> Result<String> {
        fs::read_to_string(self.folder.join("pipeline.toml")).context("read pipeline.toml")
    }

    fn run_in(&self, workplace: Workplace) -> Result<Vec<String>> {
        let inputs = self.inputs();
        let expected = folder::sorted(&self.folder.join("expected")).unwrap_or_default();
        ensure!(!expected.is_empty() || self.error_file().exists() || update_expect(), "there is neither `expected/` nor `error.txt`");
        let mut wrong = Vec::new();
        for (number, input) in inputs.iter().enumerate() {
            folder::lay_over(input, &workplace.path().join("input"))?;
            let said = workplace.tidegate(&["run"])?;
            if number + 1 < inputs.len() {
                ensure!(said.code == 0, "run {} ended with {}:\n{}", number + 1, said.code, said.stderr);
            } else {
                wrong.extend(self.compare_end(&said)?);
            }
        }
        for table in expected {
            wrong.extend(table::compare(&workplace, &table)?);
        }
        Ok(wrong)
    }

    fn inputs(&self) -> Vec<PathBuf> {
        let later = (2..).map(|number| self.folder.join(format!("input-{number}"))).take_while(|folder| folder.is_dir());
        std::iter::once(self.folder.join("input")).chain(later).collect()
    }

    fn error_file(&self) -> PathBuf {
        self.folder.join("error.txt")
    }

    fn compare_end(&self, said: &Said) -> Result<Option<String>> {
        let wanted = match fs::read_to_string(self.error_file()) {
            Ok(text) => text,
            Err(_) => "exit 0".to_owned(),
        };
        let difference = end_differs(&wanted, said);
        if difference.is_some() && update_expect() && said.code != 0 {
            fs::write(self.error_file(), format!("exit {}\n{}", said.code, said.stderr))?;
            return Ok(None);
        }
        Ok(difference)
    }
}

fn end_differs(wanted: &str, said: &Said) -> Option<String> {
    let mut lines = wanted.lines().map(str::trim).filter(|line| !line.is_empty());
    let code = lines.next().unwrap_or_default();
    if code != format!("exit {}", said.code) {
        return Some(format!("`{code}` was expected, it ended with {}:\n{}", said.code, said.stderr));
    }
    let mut rest = said.stderr.as_str();
    for line in lines {
        match rest.split_once(line) {
            Some((_, after)) => rest = after,
            None => return Some(format!("it did not say `{line}` (at that place); it said:\n{}", said.stderr)),
        }
    }
    None
}
