//! What operators need to work, found through the task's session: plugins, grants, folders.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::{
    common::{DataFusionError, Result},
    execution::TaskContext,
};

use super::{Scratch, Tap};
use crate::{
    config::Limits,
    egress::granted::Granted,
    plugin::{Access, KeyDesk, LogSink, Plugin, PluginError, Runtime},
};

/// What a run has done so far, for those who watch.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes read from sources.
    pub bytes: AtomicU64,
    /// Rows read from sources.
    pub rows: AtomicU64,
    /// Rows accepted by transforms and landed.
    pub landed: AtomicU64,
    /// Rows rejected.
    pub rejected: AtomicU64,
}

impl Progress {
    pub(super) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

/// What operators need to work.
pub struct Workbench {
    /// Runs the instances.
    pub runtime: Arc<Runtime>,
    /// The plugins of the pipeline, by digest.
    pub plugins: HashMap<String, Arc<Plugin>>,
    /// What each source may touch, by the source's name.
    pub granted: HashMap<String, Granted>,
    /// What an instance may use.
    pub limits: Limits,
    /// Where messages of plugins go.
    pub log: LogSink,
    /// Where its instances keep sets of keys.
    pub keys: KeyDesk,
    /// The run's scratch folder.
    pub scratch: PathBuf,
    /// The storage's folder for rejected rows.
    pub quarantine: PathBuf,
    /// The storage's folder for clean files.
    pub clean: PathBuf,
    /// Whether clean files are written as CSV too.
    pub clean_csv: bool,
    /// The run.
    pub run: String,
    /// What the run has done so far.
    pub progress: Arc<Progress>,
    /// Whether clean files are packed.
    pub packs_clean: bool,
    /// Where accepted batches go beside their files.
    pub tap: Option<Tap>,
}

impl Workbench {
    /// The workbench of a task.
    pub fn of(context: &TaskContext) -> Result<Arc<Self>> {
        context.session_config().get_extension::<Self>().ok_or_else(|| DataFusionError::Internal("the session has no workbench".into()))
    }

    /// The plugin with a digest.
    pub fn plugin(&self, digest: &str) -> Result<Arc<Plugin>> {
        self.plugins
            .get(digest)
            .cloned()
            .ok_or_else(|| DataFusionError::Internal(format!("the workbench lacks the plugin with digest {digest}")))
    }

    /// What an instance may use and touch; sources also get what they are granted.
    pub fn access(&self, source: Option<&str>) -> Access {
        let granted = source.and_then(|source| self.granted.get(source).cloned());
        Access { limits: self.limits.clone(), log: self.log.clone(), granted, keys: self.keys.clone() }
    }

    /// The scratch of a stream.
    pub fn scratch(&self, stream: &str) -> Scratch {
        Scratch::new(&self.scratch, stream)
    }
}

/// A plugin's error as DataFusion's: what a retry may cure is an I/O error, which is what a cluster repeats.
pub(super) fn plugin_error(error: PluginError) -> DataFusionError {
    if error.is_transient() { DataFusionError::IoError(std::io::Error::other(error)) } else { DataFusionError::External(Box::new(error)) }
}
