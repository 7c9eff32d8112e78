//! Prune: forgets runs. Their pages, clean files, rejected rows, records and replays go, and components that no other run needs.
//!
//! What always holds here (`tests/suite/replay.rs`):
//! - What an unfinished load needs stays, and a pipeline that is running is left alone.
//! - The manifests and the record of a run go last: a prune that was cut short is finished by the next one.
//! - Tables, cursors and the history stay as they are.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{RunError, RunRecord, record};
use crate::{
    config::{Loaded, StorageLayout},
    egress::archive::{each_page, manifests, run_of},
    state::{Lock, RunId, State},
    warehouse::{Load, Warehouse},
};

/// Which runs are forgotten.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// Those that started before this.
    Before(DateTime<Utc>),
    /// All but so many, the newest ones.
    AllBut(usize),
}

/// What a prune takes away, or would.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Pruned {
    /// Whether nothing was taken away yet.
    pub dry_run: bool,
    /// The runs that are forgotten.
    pub runs: Vec<PrunedRun>,
    /// The components that no run needs any more, by their sums.
    pub components: Vec<String>,
    /// The bytes that become free.
    pub bytes: u64,
    /// Runs that were meant, and stay: the run and why.
    pub kept: Vec<(String, String)>,
}

/// A run that is forgotten.
#[derive(Debug, Clone, Serialize)]
pub struct PrunedRun {
    /// The run.
    pub run: String,
    /// Bytes of its pages.
    pub raw: u64,
    /// Bytes of its clean files.
    pub clean: u64,
    /// Bytes of its rejected rows.
    pub quarantine: u64,
    /// Bytes of its replays.
    pub replays: u64,
}

/// Forgets runs of a pipeline.
pub async fn prune(loaded: &Loaded, which: Which, dry_run: bool) -> Result<Pruned, RunError> {
    let storage = loaded.storage();
    if !storage.root.is_dir() {
        return Ok(Pruned { dry_run, ..Pruned::default() });
    }
    let _lock = Lock::take(&storage, &loaded.pipeline.name)?;
    let pending = Warehouse::open(loaded).await?.pending(&loaded.pipeline.name).await?;
    let store = Store { storage, manifests: Vec::new() }.read()?;
    let runs = store.runs_of(&loaded.pipeline.name)?;
    let mut pruned = Pruned { dry_run, ..Pruned::default() };
    for run in chosen(&runs, which) {
        if pending.as_ref().is_some_and(|load| needs(load, run)) {
            pruned.kept.push((run.to_string(), "its load is not finished; run the pipeline, then prune".to_owned()));
            continue;
        }
        pruned.runs.push(store.forget(run.as_str(), dry_run)?);
    }
    let gone: BTreeSet<_> = pruned.runs.iter().map(|run| run.run.as_str()).collect();
    let (components, bytes) = store.unused_components(&gone, dry_run)?;
    pruned.bytes = bytes + pruned.runs.iter().map(|run| run.raw + run.clean + run.quarantine + run.replays).sum::<u64>();
    pruned.components = components;
    Ok(pruned)
}

fn chosen(runs: &BTreeSet<RunId>, which: Which) -> Vec<&RunId> {
    match which {
        // The name of a run begins with its start.
        Which::Before(instant) => {
            let first = RunId::new(instant, 0);
            let start = |id: &RunId| id.as_str()[..19].to_owned();
            runs.iter().filter(|run| start(run) < start(&first)).collect()
        }
        Which::AllBut(newest) => runs.iter().take(runs.len().saturating_sub(newest)).collect(),
    }
}

/// Whether a load that was begun reads files of a run.
fn needs(load: &Load, run: &RunId) -> bool {
    let names = |path: &PathBuf| path.iter().any(|part| part == run.as_str());
    load.run == run.as_str() || load.streams.iter().flat_map(|stream| &stream.files).any(names)
}

/// What a storage holds of runs.
struct Store {
    storage: StorageLayout,
    manifests: Vec<PathBuf>,
}

impl Store {
    fn read(self) -> Result<Self, RunError> {
        let raw = self.storage.raw();
        Ok(Self { manifests: manifests(&raw).map_err(at("read", &raw))?, ..self })
    }

    /// The runs of a pipeline of which something is there.
    fn runs_of(&self, pipeline: &str) -> Result<BTreeSet<RunId>, RunError> {
        let mut found = BTreeSet::new();
        let records = self.storage.runs();
        for run in record::runs(&self.storage).map_err(at("read", &records))? {
            let is_ours = RunRecord::read(&self.storage, &run).is_ok_and(|record| record.pipeline == pipeline);
            found.extend(run.parse::<RunId>().ok().filter(|_| is_ours));
        }
        // Runs of a tidegate that kept no records are known to the history only.
        let database = self.storage.state_db();
        if database.is_file() {
            let runs = State::open(&database)?.runs(u32::MAX, Some(pipeline))?;
            found.extend(runs.into_iter().map(|run| run.id).filter(|run| self.is_there(run.as_str())));
        }
        Ok(found)
    }

    fn is_there(&self, run: &str) -> bool {
        let has_pages = self.manifests.iter().any(|manifest| run_of(manifest) == Some(run));
        has_pages || self.folders_of(run).iter().any(|(_, folder)| folder.exists())
    }

    /// The folders that hold nothing but this run's.
    fn folders_of(&self, run: &str) -> Vec<(Kind, PathBuf)> {
        let streams = fs::read_dir(self.storage.clean()).into_iter().flatten().flatten().map(|stream| stream.path().join(run));
        let mut folders: Vec<_> = streams.map(|folder| (Kind::Clean, folder)).collect();
        folders.push((Kind::Quarantine, self.storage.quarantine().join(run)));
        folders.push((Kind::Replays, self.storage.replays().join(run)));
        folders
    }

    fn forget(&self, run: &str, dry_run: bool) -> Result<PrunedRun, RunError> {
        let mut gone = PrunedRun { run: run.to_owned(), raw: 0, clean: 0, quarantine: 0, replays: 0 };
        for (kind, folder) in self.folders_of(run).into_iter().filter(|(_, folder)| folder.exists()) {
            let bytes = match kind {
                Kind::Clean => &mut gone.clean,
                Kind::Quarantine => &mut gone.quarantine,
                Kind::Replays => &mut gone.replays,
            };
            *bytes += size_of(&folder).map_err(at("read", &folder))?;
            if !dry_run {
                fs::remove_dir_all(&folder).map_err(at("remove", &folder))?;
            }
        }
        for manifest in self.manifests.iter().filter(|manifest| run_of(manifest) == Some(run)) {
            gone.raw += self.forget_pages(manifest, dry_run)?;
        }
        if !dry_run {
            remove(&record::path_of(&self.storage, run))?;
        }
        Ok(gone)
    }

    /// Removes the pages of a manifest, then the manifest.
    fn forget_pages(&self, manifest: &Path, dry_run: bool) -> Result<u64, RunError> {
        let mut paths = Vec::new();
        each_page(manifest, |page| paths.push(self.storage.raw().join(&page.archived))).map_err(super::ReplayError::from)?;
        paths.push(manifest.to_owned());
        let mut bytes = 0;
        for path in &paths {
            bytes += fs::metadata(path).map_or(0, |file| file.len());
            if !dry_run {
                remove(path)?;
            }
        }
        // The day's folder, and the source's, where nothing else is in them.
        if !dry_run && let Some(day) = manifest.parent() {
            let _ = fs::remove_dir(day).and_then(|()| day.parent().map_or(Ok(()), fs::remove_dir));
        }
        Ok(bytes)
    }

    /// Components that no remaining run needs, and their bytes.
    fn unused_components(&self, gone: &BTreeSet<&str>, dry_run: bool) -> Result<(Vec<String>, u64), RunError> {
        let folder = self.storage.plugins();
        if !folder.is_dir() {
            return Ok((Vec::new(), 0));
        }
        let _alone = record::plugins_alone(&self.storage).map_err(at("lock", &folder))?;
        let mut needed = BTreeSet::new();
        for run in record::runs(&self.storage).map_err(at("read", &self.storage.runs()))?.iter().filter(|run| !gone.contains(run.as_str()))
        {
            // A record that can't be read may need any of them.
            let Ok(record) = RunRecord::read(&self.storage, run) else { return Ok((Vec::new(), 0)) };
            needed.extend(record.plugins.into_values().map(|component| component.sha256));
        }
        let (mut unused, mut bytes) = (Vec::new(), 0);
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.map_err(at("read", &folder))?.path();
            let Some(sum) = path.file_stem().and_then(|stem| stem.to_str()).filter(|sum| !needed.contains(*sum)) else { continue };
            if path.extension().is_none_or(|extension| extension != "wasm") {
                continue;
            }
            bytes += fs::metadata(&path).map_or(0, |file| file.len());
            unused.push(sum.to_owned());
            if !dry_run {
                remove(&path)?;
            }
        }
        unused.sort();
        Ok((unused, bytes))
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Clean,
    Quarantine,
    Replays,
}

fn remove(path: &Path) -> Result<(), RunError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(error)),
        _ => Ok(()),
    }
}

fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { size_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::File { doing, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> BTreeSet<RunId> {
        ["20261101T000000000Z-000001", "20261102T000000000Z-ffffff", "20261103T120000000Z-000003"].map(|run| run.parse().unwrap()).into()
    }

    fn names(which: Which) -> Vec<String> {
        chosen(&runs(), which).into_iter().map(|run| run.as_str()[..8].to_owned()).collect()
    }

    #[test]
    fn runs_are_chosen_by_their_start_or_their_number() {
        assert_eq!(names(Which::Before("2026-11-02T00:00:00Z".parse().unwrap())), ["20261101"]);
        assert_eq!(names(Which::Before("2026-11-02T00:00:00.001Z".parse().unwrap())), ["20261101", "20261102"]);
        assert_eq!(names(Which::AllBut(1)), ["20261101", "20261102"]);
        assert!(names(Which::AllBut(7)).is_empty());
    }

    #[test]
    fn a_load_that_was_begun_needs_its_files() {
        let text = r#"{ "pipeline": "p", "run": "20261103T120000000Z-000003", "sequence": 1, "tables": [],
                        "streams": [{ "name": "s", "files": ["replays/20261101T000000000Z-000001/clean/s/part-0.parquet"] }] }"#;
        let load: Load = serde_json::from_str(text).unwrap();
        let needed: Vec<_> = runs().into_iter().filter(|run| needs(&load, run)).map(|run| run.as_str()[..8].to_owned()).collect();
        assert_eq!(needed, ["20261101", "20261103"]);
    }
}
