//! What a replay needs of a run beside its pages: `runs/{run}.json`, written before the first row is read.
//!
//! What always holds here:
//! - The record and the manifests of the run's sources are enough: pipeline file, SQL files and plugins may change afterwards
//!   (`tests/suite/replay.rs`).
//! - There is no secret in it: a pipeline names secrets, it does not hold them.
//!
//! # Why
//! It lies beside the archive and not in it, since a run has one pipeline and any number of sources. Slices are not kept: cutting them is pure,
//! so the same component cuts the same ones from the same answers, and another component cuts its own.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{RunError, launch::Host};
use crate::{
    config::{ConfigError, Loaded, Pipeline, StorageLayout, restore},
    engine::Summed,
    plugin::{Plugin, resolve},
    state::tasks::Span,
};

/// The version of this format.
const VERSION: u32 = 1;

/// What a replay needs of a run beside its pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this format: 1.
    pub version: u32,
    /// The run.
    pub run: String,
    /// The pipeline.
    pub pipeline: String,
    /// When it started.
    pub started: DateTime<Utc>,
    /// The logical time that plugins saw.
    pub now: DateTime<Utc>,
    /// The seed that plugins saw.
    pub seed: u64,
    /// The text of the pipeline file.
    pub text: String,
    /// The statements in the files that it names, by the values that name them.
    pub sql: BTreeMap<String, String>,
    /// The plugins, by the names that the pipeline uses.
    pub plugins: BTreeMap<String, Component>,
    /// Where its streams resumed, by `<source>/<stream>`.
    pub cursors: BTreeMap<String, String>,
    /// The window of a backfill that it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// The runs whose pages it read again, where it was a replay that rebuilt the tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replayed: Vec<String>,
}

/// A plugin that a run used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// `name@version`.
    pub plugin: String,
    /// sha256 of the component, in hex: its name in the storage's folder of plugins.
    pub sha256: String,
}

impl Component {
    /// The plugin's own name.
    pub fn name(&self) -> &str {
        self.plugin.split('@').next().unwrap_or_default()
    }
}

/// A record that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is none.
    #[error("there is no record of run `{run}` in `{}`", folder.display())]
    Absent {
        /// The run.
        run: String,
        /// Where records lie.
        folder: PathBuf,
    },
    /// It can't be read.
    #[error("can't read the record `{}`", path.display())]
    Read {
        /// The record.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("the record `{}` is broken", path.display())]
    Broken {
        /// The record.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A newer tidegate wrote it.
    #[error("the record `{}` has version {version}; this tidegate reads version {VERSION}", path.display())]
    Newer {
        /// The record.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

impl RunRecord {
    /// What is known of a run before it reads anything; plugins come with [`Self::keep`].
    pub fn new(run: &str, loaded: &Loaded, started: DateTime<Utc>, cursors: BTreeMap<String, String>) -> Self {
        let now = loaded.pipeline.clock.now.unwrap_or(started);
        Self {
            version: VERSION,
            run: run.to_owned(),
            pipeline: loaded.pipeline.name.clone(),
            started,
            now,
            seed: super::launch::seed(now),
            text: loaded.text.clone(),
            sql: loaded.sql.clone(),
            plugins: BTreeMap::new(),
            cursors,
            window: None,
            replayed: Vec::new(),
        }
    }

    /// Keeps the components of a pipeline, each once however many runs use it, then writes the record.
    pub async fn keep(&mut self, host: &Host, loaded: &Loaded) -> Result<(), RunError> {
        let storage = loaded.storage();
        let folder = storage.plugins();
        let shared = plugins_shared(&storage).map_err(|source| RunError::File { doing: "lock", path: folder.clone(), source })?;
        let names: BTreeSet<_> = plugin_names(&loaded.pipeline).filter(|name| !self.plugins.contains_key(*name)).collect();
        let kept = names.into_iter().map(|name| {
            let folder = folder.clone();
            async move {
                let plugin = host.runtime.load(&resolve(name, &loaded.root, &host.plugin_folders)?).await?;
                let component = Component { plugin: plugin.id(), sha256: plugin.digest.clone() };
                let path = plugin.path.clone();
                let kept = tokio::task::spawn_blocking(move || keep(&plugin, &folder)).await;
                let kept = kept.map_err(io::Error::other).and_then(|kept| kept);
                kept.map_err(|source| RunError::File { doing: "keep the plugin", path, source })?;
                Ok::<_, RunError>((name.to_owned(), component))
            }
        });
        self.plugins.extend(try_join_all(kept).await?);
        self.write(&storage)?;
        drop(shared);
        Ok(())
    }

    /// Writes the record into a storage.
    pub(super) fn write(&self, storage: &StorageLayout) -> Result<(), RunError> {
        let path = path_of(storage, &self.run);
        write_whole(&path, &serde_json::to_vec_pretty(self).unwrap_or_default()).map_err(|source| RunError::File {
            doing: "write the record",
            path,
            source,
        })
    }

    /// Reads the record of a run.
    pub fn read(storage: &StorageLayout, run: &str) -> Result<Self, RecordError> {
        let path = path_of(storage, run);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RecordError::Absent { run: run.to_owned(), folder: storage.runs() });
            }
            Err(source) => return Err(RecordError::Read { path, source }),
        };
        // A newer version may have other fields.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let broken = |source| RecordError::Broken { path: path.clone(), source };
        let Version { version } = serde_json::from_slice(&text).map_err(broken)?;
        if version > VERSION {
            return Err(RecordError::Newer { path, version });
        }
        serde_json::from_slice(&text).map_err(broken)
    }

    /// The pipeline as it was. Relative paths refer to where it is `now`.
    pub fn loaded(&self, now: &Loaded) -> Result<Loaded, ConfigError> {
        let file = PathBuf::from(format!("{} as run {} had it", now.file.display(), self.run));
        let mut loaded = restore(file, now.root.clone(), self.text.clone(), self.sql.clone())?;
        // Where the storage is, the caller knows; the folder may have been moved since.
        loaded.pipeline.storage.path.clone_from(&now.pipeline.storage.path);
        if let Some(window) = self.window {
            super::window::apply(&mut loaded, window);
        }
        Ok(loaded)
    }

    /// Where the run's components are kept, by the names that the pipeline uses.
    pub fn components(&self, storage: &StorageLayout) -> HashMap<String, PathBuf> {
        let kept = |component: &Component| component_path(&storage.plugins(), &component.sha256);
        self.plugins.iter().map(|(name, component)| (name.clone(), kept(component))).collect()
    }
}

/// The runs of a storage of which there is a record, in the order of their starts.
pub fn runs(storage: &StorageLayout) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(storage.runs()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut runs = Vec::new();
    for entry in entries {
        runs.extend(entry?.file_name().to_string_lossy().strip_suffix(".json").map(str::to_owned));
    }
    runs.sort();
    Ok(runs)
}

/// Where the record of a run lies.
pub fn path_of(storage: &StorageLayout, run: &str) -> PathBuf {
    storage.runs().join(format!("{run}.json"))
}

/// Where the component with a sum is kept.
pub fn component_path(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(format!("{sha256}.wasm"))
}

/// Begins to load the plugins of a pipeline, for those who will ask for them. What is wrong with one is told to them.
pub(super) fn load_ahead(host: &Host, loaded: &Loaded) {
    for name in plugin_names(&loaded.pipeline) {
        if let Ok(path) = resolve(name, &loaded.root, &host.plugin_folders) {
            let runtime = host.runtime.clone();
            tokio::spawn(async move { runtime.load(&path).await });
        }
    }
}

/// The plugins that a pipeline names, sources first.
fn plugin_names(pipeline: &Pipeline) -> impl Iterator<Item = &str> {
    let sources = pipeline.sources.values().map(|source| source.plugin.as_str());
    let steps = pipeline.streams.values().flat_map(|stream| stream.transforms.iter().chain(&stream.quality));
    let checks = pipeline.checks.values().flat_map(|check| &check.quality);
    sources.chain(steps.chain(checks).map(|step| step.plugin.as_str()))
}

/// Keeps those out who remove components, until it is dropped: a run that relies on one has not written its record yet.
fn plugins_shared(storage: &StorageLayout) -> io::Result<fs::File> {
    let file = plugins_lock(storage)?;
    file.lock_shared()?;
    Ok(file)
}

/// Waits for runs that are about to rely on components, and keeps them out until it is dropped.
pub(super) fn plugins_alone(storage: &StorageLayout) -> io::Result<fs::File> {
    let file = plugins_lock(storage)?;
    file.lock()?;
    Ok(file)
}

fn plugins_lock(storage: &StorageLayout) -> io::Result<fs::File> {
    fs::create_dir_all(storage.plugins())?;
    fs::OpenOptions::new().write(true).create(true).truncate(false).open(storage.plugins().join(".lock"))
}

/// Copies a component to where replays find it.
fn keep(plugin: &Plugin, folder: &Path) -> io::Result<()> {
    let path = component_path(folder, &plugin.digest);
    if path.is_file() {
        return Ok(());
    }
    let mut copy = Summed::new(new_in(folder)?);
    io::copy(&mut fs::File::open(&plugin.path)?, &mut copy)?;
    let (copy, sum) = copy.finish();
    if sum != plugin.digest {
        return Err(io::Error::other("it changed while it was read"));
    }
    settle(copy, &path)
}

/// Writes a file that is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = new_in(path.parent().expect("it lies in a folder"))?;
    io::Write::write_all(&mut file, bytes)?;
    settle(file, path)
}

/// A file that vanishes unless it is settled.
fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(".new-").tempfile_in(folder)
}

/// Brings a file to disk, then gives it its name.
fn settle(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPELINE: &str = "version = 1\nname = \"small\"\n[sources.files]\nplugin = \"source-files\"\n[streams.orders]\n\
                            transforms = [{ plugin = \"mine.wasm\" }]\n[tables.facts]\nsql = \"facts.sql\"\n";

    fn loaded(folder: &Path) -> Loaded {
        fs::write(folder.join("facts.sql"), "select 1").unwrap();
        fs::write(folder.join("pipeline.toml"), PIPELINE).unwrap();
        crate::config::load(folder).unwrap()
    }

    #[test]
    fn a_pipeline_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = loaded(folder.path());
        let started = "2018-10-17T17:30:18.125Z".parse().unwrap();
        let cursors = BTreeMap::from([("files/orders".to_owned(), "7".to_owned())]);
        let mut record = RunRecord::new("20181017T173018125Z-5f3a91", &loaded, started, cursors);
        record.plugins.insert("mine.wasm".into(), Component { plugin: "mine@1.0.0".into(), sha256: "abc".into() });
        record.write(&loaded.storage()).unwrap();
        fs::remove_file(folder.path().join("facts.sql")).unwrap();

        let again = RunRecord::read(&loaded.storage(), &record.run).unwrap();
        assert_eq!(again, record);
        assert_eq!(again.loaded(&loaded).unwrap().statement("facts.sql"), "select 1");
        assert_eq!(again.components(&loaded.storage())["mine.wasm"], folder.path().join("store/plugins/abc.wasm"));
        assert_eq!(runs(&loaded.storage()).unwrap(), [record.run]);
    }

    #[test]
    fn a_run_without_a_record_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunRecord::read(&StorageLayout::new(folder.path()), "20181017T173018125Z-5f3a91").unwrap_err();
        assert!(error.to_string().starts_with("there is no record of run `20181017T173018125Z-5f3a91`"), "{error}");
    }

    #[test]
    fn a_record_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageLayout::new(folder.path());
        write_whole(&path_of(&storage, "run"), b"{ \"version\": 2, \"what\": [] }").unwrap();
        assert!(matches!(RunRecord::read(&storage, "run"), Err(RecordError::Newer { version: 2, .. })));
    }

    #[test]
    fn plugins_are_named_once_for_each_place() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = loaded(folder.path());
        assert_eq!(plugin_names(&loaded.pipeline).collect::<Vec<_>>(), ["source-files", "mine.wasm"]);
    }
}
