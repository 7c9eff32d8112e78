//! The components under test, made by the project's own builder: once per test process, in a folder beside the test program.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow};
use tidegate::{
    build::{BuildRequest, Toolchain, build},
    config::paths::{Cache, rustup_may_install},
    error::chain,
};

use crate::{folder, root};

/// How many of cargo's last words a failed build shows.
const LAST_WORDS: usize = 60;

/// Components that are built and up to date.
pub struct Components {
    folder: PathBuf,
}

impl Components {
    /// The plugins that misbehave on purpose, from `tests/guests`.
    pub fn guests() -> &'static Self {
        static MADE: OnceLock<Result<Components, String>> = OnceLock::new();
        Self::once(&MADE, "tests/guests")
    }

    /// The first-party plugins, from `plugins`.
    pub fn plugins() -> &'static Self {
        static MADE: OnceLock<Result<Components, String>> = OnceLock::new();
        Self::once(&MADE, "plugins")
    }

    /// The folder that holds them, as `<name>.wasm`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The component of a crate.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.wasm"))
    }

    /// A build that failed is not tried again by the next test: it would take as long and say the same.
    fn once(made: &'static OnceLock<Result<Self, String>>, of: &str) -> &'static Self {
        match made.get_or_init(|| make(of).map_err(|error| format!("{error:#}"))) {
            Ok(components) => components,
            Err(message) => panic!("the components of `{of}` can't be built: {message}"),
        }
    }
}

/// Builds all crates of a folder. Where nothing changed it takes cargo a second to say so.
fn make(of: &str) -> Result<Components> {
    let target = folder::of_programs()?.join("components");
    let out_dir = target.join(of.replace('/', "-"));
    fs::create_dir_all(&out_dir)?;
    // Test processes that run side by side must not write the same file at once.
    let lock = fs::File::create(target.join("lock"))?;
    lock.lock().context("lock the folder of components")?;
    let cache = Cache::from_env()?;
    for crate_dir in folder::crates(&root().join(of))? {
        let request = BuildRequest {
            crate_dir,
            cache_dir: cache.root.clone(),
            out_dir: out_dir.clone(),
            release: false,
            toolchain: Toolchain { rustup_may_install: rustup_may_install(), ..Toolchain::default() },
        };
        let mut said = Vec::new();
        build(&request, &mut |line| said.push(line.to_owned())).map_err(|error| failed(&error, &said))?;
    }
    Ok(Components { folder: out_dir })
}

fn failed(error: &tidegate::build::BuildError, said: &[String]) -> anyhow::Error {
    let last = said[said.len().saturating_sub(LAST_WORDS)..].join("\n");
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    anyhow!("{}{hint}\n{last}", chain(error))
}
