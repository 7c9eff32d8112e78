//! `tidegate plugin`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::{
    host,
    output::{Failed, bytes, columns, print_json, say, talk},
    plugin_folders,
};
use crate::{
    build::{self, BuildRequest, Toolchain},
    config::paths::{Cache, rustup_may_install},
    contract, error,
    plugin::{Plugin, names_in, resolve},
};

/// What to do with plugins.
#[derive(Subcommand)]
pub enum PluginCommand {
    /// Compile crates to components and check them against the contract.
    Build {
        /// The folders of the crates.
        #[arg(required = true)]
        crates: Vec<PathBuf>,
        /// Where the components go; the cache's `plugins` folder by default.
        #[arg(long, short)]
        out: Option<PathBuf>,
        /// Take minutes for a component that is as fast and small as can be.
        #[arg(long)]
        release: bool,
    },
    /// Say in plain words what a component is and what it may touch.
    Inspect {
        /// A `.wasm` file, or a plugin's name.
        plugin: String,
    },
    /// List the plugins that pipelines find by name.
    List,
}

/// Builds, inspects or lists plugins.
pub async fn plugin(command: PluginCommand, json: bool) -> Result<u8, Failed> {
    match command {
        PluginCommand::Build { crates, out, release } => {
            let cache = Cache::from_env().map_err(anyhow::Error::from)?;
            let out = out.unwrap_or_else(|| cache.folder("plugins"));
            for folder in crates {
                build(&folder, &cache, &out, release, json).await?;
            }
        }
        PluginCommand::Inspect { plugin } => inspect(&plugin, json).await?,
        PluginCommand::List => list(json).await?,
    }
    Ok(error::OK)
}

async fn build(folder: &Path, cache: &Cache, out: &Path, release: bool, json: bool) -> Result<(), Failed> {
    let request = BuildRequest {
        crate_dir: folder.to_owned(),
        cache_dir: cache.root.clone(),
        out_dir: out.to_owned(),
        release,
        toolchain: Toolchain { rustup_may_install: rustup_may_install(), ..Toolchain::default() },
    };
    let built = build::build(&request, &mut |line| talk(line)).map_err(|error| {
        let hint = error.hint();
        Failed::Hinted(error.into(), hint)
    })?;
    let plugin = host()?.runtime.load(&built.path).await?;
    if json {
        print_json(&described(&plugin));
        return Ok(());
    }
    let grants = if plugin.manifest.grants.is_empty() { "nothing".to_owned() } else { wishes(&plugin).join("; ") };
    say(&format!(
        "{} {} · {} · core module {} · {} · imports {} · asks for {grants}",
        plugin.id(),
        built.world,
        bytes(built.bytes),
        bytes(built.core_bytes),
        built.path.display(),
        built.imports.join(", "),
    ));
    Ok(())
}

fn described(plugin: &Plugin) -> serde_json::Value {
    json!({
        "path": plugin.path,
        "sha256": plugin.digest,
        "role": plugin.role,
        "manifest": plugin.manifest,
    })
}

fn wishes(plugin: &Plugin) -> Vec<String> {
    plugin.manifest.grants.iter().map(|grant| format!("{} `{}` ({})", grant.kind, grant.name, grant.purpose)).collect()
}

async fn inspect(name: &str, json: bool) -> Result<(), Failed> {
    let host = host()?;
    let direct = Path::new(name);
    let path = if direct.is_file() {
        direct.to_owned()
    } else {
        resolve(name, Path::new("."), &host.plugin_folders).map_err(crate::flow::RunError::from)?
    };
    let plugin = host.runtime.load(&path).await?;
    if json {
        print_json(&described(&plugin));
        return Ok(());
    }
    let interface = contract::inspect_types(&std::fs::read(&path)?).map_err(anyhow::Error::from)?;
    say(&format!("{} is a {} plugin under {}: {}", plugin.id(), plugin.role, plugin.manifest.licence, plugin.manifest.summary));
    say(&format!("  file      {} ({})", path.display(), bytes(std::fs::metadata(&path)?.len())));
    say(&format!("  sha256    {}", plugin.digest));
    say(&format!("  contract  tidegate:plugin@{}", interface.contract));
    say(&format!("  imports   {}", interface.imports.join(", ")));
    say("\nWhat it may touch:");
    let doors = [
        ("/files@", "files below the directories that a pipeline grants"),
        ("/http@", "hosts that a pipeline grants"),
        ("/database@", "connections that a pipeline names"),
    ];
    let open: Vec<_> = doors.iter().filter(|(door, _)| interface.imports.iter().any(|import| import.contains(door))).collect();
    if open.is_empty() {
        say("  nothing: it gets batches and gives batches, and can write log messages");
    }
    for (_, words) in open {
        say(&format!("  {words}"));
    }
    say("  no clock, no randomness, no environment, no network of its own");
    if !plugin.manifest.grants.is_empty() {
        say("\nWhat it asks for (a pipeline decides):");
        wishes(&plugin).iter().for_each(|wish| say(&format!("  {wish}")));
    }
    Ok(())
}

async fn list(json: bool) -> Result<(), Failed> {
    let host = host()?;
    let cache = Cache::from_env().map_err(anyhow::Error::from)?;
    let mut rows = vec![["plugin", "role", "sha256", "file"].map(str::to_owned).to_vec()];
    let mut found = Vec::new();
    for folder in plugin_folders(&cache) {
        for name in names_in(&folder) {
            let path = folder.join(format!("{name}.wasm"));
            match host.runtime.load(&path).await {
                Ok(plugin) => {
                    rows.push(vec![plugin.id(), plugin.role.to_string(), plugin.digest[..12].to_owned(), path.display().to_string()]);
                    found.push(described(&plugin));
                }
                Err(error) => talk(&format!("warning: {}", error::chain(&error))),
            }
        }
    }
    if json {
        print_json(&found);
    } else if found.is_empty() {
        say("no plugins; build one with `tidegate plugin build <crate>`");
    } else {
        columns(&rows, &[]).iter().for_each(|line| say(line));
    }
    Ok(())
}
