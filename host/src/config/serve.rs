//! The daemon's own file, `tidegate.toml` in the folder that it serves. Every key is documented here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::{
    diagnose::{ConfigError, Part, Problem},
    every::Every,
    observe::Observe,
    pipeline::FromEnv,
    web::{Access, Web, WebError},
};

/// The only version of the format so far.
const VERSION: u32 = 1;

/// The name of the daemon's own file.
pub const SERVE_FILE: &str = "tidegate.toml";

/// What the daemon's own file says. Without the file everything has its default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// The version of this format: 1.
    pub version: u32,
    /// The dashboard and its JSON API.
    #[serde(default)]
    pub web: Web,
    /// How much is done at once.
    #[serde(default)]
    pub limits: RunLimits,
    /// Who watches, and how.
    #[serde(default)]
    pub observe: Observe,
    /// Where the daemon keeps what is due, waits and runs: `.tidegate/daemon.db` in the folder by default, which is for one daemon.
    pub state: Option<StateStore>,
}

/// How much is done at once. A pipeline runs once at a time, whatever stands here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunLimits {
    /// The most runs on this machine: 2 by default.
    pub runs: u32,
    /// The most runs, of all daemons together, that use the same source: a source's plugin, or a host that it may contact. No limit by default.
    pub runs_per_source: Option<u32>,
    /// The same for single ones, by the plugin's name or the host's: `"api.stripe.com" = 1`.
    pub sources: IndexMap<String, u32>,
    /// How long runs may go on after the daemon was asked to stop: `60s` by default. They are parked then, and start again with the daemon.
    pub grace: Every,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { runs: 2, runs_per_source: None, sources: IndexMap::new(), grace: Every::seconds(60) }
    }
}

/// Where several daemons keep what they share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateStore {
    /// The environment variable that holds the URL of a PostgreSQL database.
    pub url: FromEnv,
}

/// Who may come to the dashboard of a folder's daemon. What is wrong is said at its line, where the file has one for it.
pub fn access(folder: &Path, web: &Web) -> Result<Access, ConfigError> {
    let file = folder.join(SERVE_FILE);
    web.access(folder).map_err(|error: WebError| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut problem = Problem::at(&file, &text, &error.place(), Part::Value, error.to_string());
        problem.help = Some(error.help().to_owned());
        problem.into()
    })
}

/// Reads the daemon's own file in `folder`.
pub fn serve(folder: &Path) -> Result<Serve, ConfigError> {
    let file = folder.join(SERVE_FILE);
    match fs::read_to_string(&file) {
        Ok(text) => parse(&file, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Serve { version: VERSION, ..Serve::default() }),
        Err(source) => Err(ConfigError::Read { path: file, source }),
    }
}

/// The files of a folder that are pipelines: every `*.toml` but the daemon's own, and every `pipeline.toml` one folder down. In their order.
pub fn pipeline_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let nested = path.join("pipeline.toml");
        if name.starts_with('.') {
            continue;
        } else if path.is_dir() {
            files.extend(nested.is_file().then_some(nested));
        } else if name.ends_with(".toml") && name != SERVE_FILE {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn parse(file: &Path, text: &str) -> Result<Serve, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| Problem::from_toml(file, text, &error))?;
    let serve = Serve::deserialize(Deserializer::from(document)).map_err(|error| Problem::from_toml(file, text, &error))?;
    match Problem::all(problems(file, text, &serve)) {
        Some(problem) => Err(problem.into()),
        None => Ok(serve),
    }
}

fn problems(file: &Path, text: &str, serve: &Serve) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |path: &[&str], message: String, label: String| {
        problems.push(Problem::at(file, text, path, Part::Value, message).label(label));
    };
    if serve.version != VERSION {
        wrong(&["version"], format!("unknown version {}", serve.version), format!("this tidegate reads version {VERSION}"));
    }
    let limits = &serve.limits;
    let numbers = [(vec!["limits", "runs"], Some(limits.runs)), (vec!["limits", "runs_per_source"], limits.runs_per_source)];
    let sources = limits.sources.iter().map(|(name, number)| (vec!["limits", "sources", name.as_str()], Some(*number)));
    for (path, number) in numbers.into_iter().chain(sources) {
        let key = path.last().copied().unwrap_or_default();
        if number.is_some_and(|number| !(1..=1000).contains(&number)) {
            wrong(&path, format!("`{key}` is {}, but goes from 1 to 1000", number.unwrap_or_default()), "from 1 to 1000".to_owned());
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        parse(Path::new("tidegate.toml"), text).unwrap_err().rendered()
    }

    #[test]
    fn without_a_file_everything_has_its_default() {
        let folder = tempfile::tempdir().unwrap();
        let serve = serve(folder.path()).unwrap();
        assert_eq!((serve.limits, serve.state), (RunLimits::default(), None));
    }

    #[test]
    fn a_file_is_read_and_its_slips_are_pointed_at() {
        let text =
            "version = 1\n[limits]\nruns = 4\ngrace = \"5m\"\nsources = { \"api.stripe.com\" = 1 }\n[state]\nurl = { env = \"STATE\" }\n";
        let serve = parse(Path::new("tidegate.toml"), text).unwrap();
        assert_eq!((serve.limits.runs, serve.limits.grace.get().as_secs(), serve.limits.sources["api.stripe.com"]), (4, 300, 1));
        assert_eq!(serve.state.unwrap().url.env, "STATE");
        assert!(told("version = 2").contains("unknown version 2"));
        assert!(told("version = 1\n[limits]\nrun = 1").contains("did you mean `runs`?"));
        assert!(told("version = 1\n[limits]\nruns = 0").contains("from 1 to 1000"));
    }

    #[test]
    fn pipelines_are_the_toml_files_and_the_folders_that_hold_one() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b.toml", "tidegate.toml", "notes.md", "a/pipeline.toml", "a/other.toml", ".hidden/pipeline.toml", "c/x"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let files = pipeline_files(folder.path()).unwrap();
        assert_eq!(files, [folder.path().join("a/pipeline.toml"), folder.path().join("b.toml")]);
    }
}
