//! The run's scratch folder: what operators leave beside their batches.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::quality::Dimension;

/// What a source partition leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceNote {
    /// The cursors that its slices reached.
    pub cursors: Vec<String>,
    /// The rows it gave.
    pub rows: u64,
    /// The bytes it read.
    pub bytes: u64,
    /// The records it left out: rule, dimension, reason, how many.
    pub unread: Vec<(String, Dimension, String, u64)>,
}

/// What a transform partition leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransformNote {
    /// The rows it got.
    pub rows: u64,
    /// The rows it rejected, by rule.
    pub rejected: Vec<u64>,
}

/// The folder of one stream in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// The scratch of `stream` in the run whose scratch folder is `run`.
    pub fn new(run: &Path, stream: &str) -> Self {
        Self { folder: run.join(stream) }
    }

    /// Writes what operator `name` leaves for `partition`.
    pub fn leave(&self, name: &str, partition: usize, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        io::Write::write_all(&mut file, bytes)?;
        file.persist(self.path(name, partition))?;
        Ok(())
    }

    /// Reads what operator `name` left, partition by partition; partitions that left nothing are passed over.
    pub fn collect(&self, name: &str, partitions: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut left = Vec::new();
        for partition in 0..partitions {
            match fs::read(self.path(name, partition)) {
                Ok(bytes) => left.push(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }

    /// The same for notes.
    pub fn notes<T: DeserializeOwned>(&self, name: &str, partitions: usize) -> io::Result<Vec<T>> {
        self.collect(name, partitions)?.iter().map(|bytes| serde_json::from_slice(bytes).map_err(io::Error::other)).collect()
    }

    fn path(&self, name: &str, partition: usize) -> PathBuf {
        self.folder.join(format!("{name}-{partition:05}"))
    }
}
