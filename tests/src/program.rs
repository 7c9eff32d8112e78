//! The real `tidegate` program, run in a temporary folder.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    child::{self, Usage},
    components::Components,
    folder,
};

/// A temporary folder with a pipeline; it goes away with this value.
#[derive(Debug)]
pub struct Workplace {
    dir: tempfile::TempDir,
    /// Environment variables for the program.
    variables: Vec<(String, String)>,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its data.
    pub stdout: String,
    /// Its talk, with `<dir>` for the temporary folder.
    pub stderr: String,
}

impl Workplace {
    /// A folder with this text as its `pipeline.toml`.
    pub fn with_pipeline(text: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("pipeline.toml"), text)?;
        Ok(Self { dir, variables: Vec::new() })
    }

    /// A folder without anything.
    pub fn empty() -> Result<Self> {
        Ok(Self { dir: tempfile::tempdir()?, variables: Vec::new() })
    }

    /// Sets an environment variable for the program.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
        fs::write(path, text).map_err(Into::into)
    }

    /// Starts `tidegate` in this folder; what it says is lost.
    pub fn start(&self, arguments: &[&str]) -> Result<Child> {
        Ok(self.command(arguments)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// Starts `tidegate` in this folder; what it says goes into a file.
    pub fn start_logged(&self, arguments: &[&str], log: fs::File) -> Result<Child> {
        Ok(self.command(arguments)?.stdout(log.try_clone()?).stderr(log).spawn()?)
    }

    /// Runs `tidegate` in this folder. It finds the first-party plugins and the guests that misbehave.
    pub fn tidegate(&self, arguments: &[&str]) -> Result<Said> {
        let output = self.command(arguments)?.output()?;
        self.said(arguments, output)
    }

    fn said(&self, arguments: &[&str], output: Output) -> Result<Said> {
        let stderr = String::from_utf8_lossy(&output.stderr).replace(&*self.path().to_string_lossy(), "<dir>");
        let code = output.status.code().with_context(|| format!("`tidegate {}` ended by {}", arguments.join(" "), output.status))?;
        Ok(Said { code, stdout: String::from_utf8_lossy(&output.stdout).into_owned(), stderr })
    }

    /// The same with a text as its input.
    pub fn tidegate_with_input(&self, arguments: &[&str], input: &str) -> Result<Said> {
        let mut command = self.command(arguments)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("the program has an input")?.write_all(input.as_bytes())?;
        self.said(arguments, child.wait_with_output()?)
    }

    /// Runs `tidegate` in this folder and measures it; it must succeed.
    pub fn measure(&self, arguments: &[&str]) -> Result<Usage> {
        Ok(child::measure(self.command(arguments)?)?.1)
    }

    /// The command that runs `tidegate` in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command> {
        let plugins = env::join_paths([Components::plugins().folder(), Components::guests().folder()])?;
        let mut command = Command::new(program()?);
        command.args(arguments).current_dir(self.path()).env("TIDEGATE_PLUGINS", plugins).env_remove("RUST_LOG").stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// The program that was built with this test.
fn program() -> Result<PathBuf> {
    let program = folder::of_programs()?.join(format!("tidegate{}", env::consts::EXE_SUFFIX));
    if !program.is_file() {
        bail!("there is no `{}`: run tests/run, which builds it first", program.display());
    }
    Ok(program)
}
