//! `_tidegate/head.json`: which version of each table is the lake. Replacing this one file makes a run visible.

use std::{collections::BTreeMap, path::Path};

use deltalake_core::kernel::Version;
use serde::{Deserialize, Serialize};

use super::{LakeError, atomic};

/// The version of the format.
const FORMAT: u32 = 1;

/// What is visible: the tables with their versions, and how far each pipeline came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    version: u32,
    /// The pipelines that loaded something, by name.
    #[serde(default)]
    pub pipelines: BTreeMap<String, PipelineHead>,
    /// The visible Delta version of each table.
    #[serde(default)]
    pub tables: BTreeMap<String, Version>,
}

/// How far a pipeline came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineHead {
    /// The number of its last load.
    pub sequence: u64,
    /// The run of its last load.
    pub run: String,
    /// Where its streams resume, by `<source>/<stream>`.
    #[serde(default)]
    pub cursors: BTreeMap<String, String>,
}

impl Default for Head {
    fn default() -> Self {
        Self { version: FORMAT, pipelines: BTreeMap::new(), tables: BTreeMap::new() }
    }
}

impl Head {
    /// The number of a pipeline's last load: 0 before the first.
    pub fn sequence(&self, pipeline: &str) -> u64 {
        self.pipelines.get(pipeline).map_or(0, |pipeline| pipeline.sequence)
    }

    pub(super) fn read(path: &Path) -> Result<Self, LakeError> {
        let head = atomic::read_json::<Self>(path)?.unwrap_or_default();
        if head.version > FORMAT {
            return Err(LakeError::Newer { path: path.to_owned(), found: head.version, known: FORMAT });
        }
        Ok(head)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), LakeError> {
        atomic::write_json(path, self)
    }
}
