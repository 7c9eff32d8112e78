//! What the lake writes down before the first table changes, so that a load can be finished later.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{config::Mode, warehouse::Load};

/// What the lake writes down before the first table changes: the load, and the checked rows of each table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub version: u32,
    pub load: Load,
    pub tables: Vec<Prepared>,
}

impl Intent {
    /// The version of the format.
    pub const FORMAT: u32 = 1;
}

/// A table's rows, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prepared {
    pub table: String,
    pub mode: Mode,
    pub key: Vec<String>,
    /// Parquet files, relative to the storage folder.
    pub files: Vec<PathBuf>,
    pub rows: u64,
}

/// `path` relative to the storage folder where it lies in it.
pub(super) fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}
