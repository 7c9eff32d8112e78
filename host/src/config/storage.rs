//! Where things lie in a pipeline's storage folder. Nothing here touches the disk.

use std::path::{Path, PathBuf};

/// The folder in which tidegate keeps what it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageLayout {
    /// The storage folder itself.
    pub root: PathBuf,
}

impl StorageLayout {
    /// The layout below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Pages as they came: `raw/{source}/{date}/`.
    pub fn raw(&self) -> PathBuf {
        self.root.join("raw")
    }

    /// Accepted rows as Parquet: `clean/{stream}/{run}/`.
    pub fn clean(&self) -> PathBuf {
        self.root.join("clean")
    }

    /// Rejected rows with their reasons: `quarantine/{run}/`.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The embedded warehouse, one Delta table per folder.
    pub fn lake(&self) -> PathBuf {
        self.root.join("lake")
    }

    /// Files that are being written. It is on the file system of their final place, so that a rename puts them there in one step.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Locks, one file per pipeline. They stay when a run ends: removing a lock file lets two holders in.
    pub fn locks(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// What a replay needs of each run beside its pages: `runs/{run}.json`.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The components that runs used, each once: `plugins/{sha256}.wasm`.
    pub fn plugins(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// What replays write, a storage of its own for each: `replays/{run}/`.
    pub fn replays(&self) -> PathBuf {
        self.root.join("replays")
    }

    /// What each pipeline's channels were told and when: `alerts/{pipeline}.json`.
    pub fn alerts(&self) -> PathBuf {
        self.root.join("alerts")
    }

    /// The store of runs.
    pub fn state_db(&self) -> PathBuf {
        self.root.join("state.sqlite")
    }
}

impl AsRef<Path> for StorageLayout {
    fn as_ref(&self) -> &Path {
        &self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_lies_in_the_storage_folder() {
        let layout = StorageLayout::new("store");
        let places = [layout.raw(), layout.clean(), layout.quarantine(), layout.lake(), layout.work(), layout.locks(), layout.state_db()];
        assert!(places.iter().all(|place| place.parent() == Some(layout.as_ref())));
        let places = [layout.runs(), layout.plugins(), layout.replays(), layout.alerts()];
        assert!(places.iter().all(|place| place.parent() == Some(layout.as_ref())));
        assert_eq!(layout.state_db(), Path::new("store").join("state.sqlite"));
    }
}
