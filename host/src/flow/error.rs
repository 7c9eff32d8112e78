//! What ends a run, and what that means for the exit code.

use std::{io, path::PathBuf};

use datafusion::common::DataFusionError;

use crate::{
    config::ConfigError,
    error,
    plugin::{FailureKind, PluginError, ResolveError},
    state::{LockError, StateError},
    warehouse::lake::LakeError,
};

/// What ends a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The pipeline is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A plugin is not there.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A plugin failed or misbehaved.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A granted directory can't be opened.
    #[error("can't open the directory `{}` that source `{source_name}` is granted as `{name}`", path.display())]
    Grant {
        /// The source.
        source_name: String,
        /// The name of the grant.
        name: String,
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The engine failed while it worked on a stream.
    #[error("stream `{stream}` failed")]
    Stream {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: DataFusionError,
    },
    /// A check's SQL is wrong or failed.
    #[error("check `{check}` failed")]
    Check {
        /// The check.
        check: String,
        /// Why.
        #[source]
        source: DataFusionError,
    },
    /// A file of the run can't be written or read.
    #[error("can't {doing} `{}`", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The warehouse refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Another run of the pipeline goes on, or the lock can't be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The history can't be kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// A person stopped it.
    #[error("stopped; nothing half-done is visible, run again to start over")]
    Stopped,
    /// The engine could not be started.
    #[error("can't start the WebAssembly engine: {0}")]
    Engine(String),
}

impl RunError {
    /// The exit code for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Grant { .. } => error::CONFIG,
            Self::Resolve(_) => error::PLUGIN,
            Self::Plugin(error) => plugin_code(error),
            Self::Stream { source, .. } | Self::Check { source, .. } => plugin_error(source).map_or(error::FAILED, plugin_code),
            Self::Lake(_) => error::WAREHOUSE,
            Self::Lock(LockError::Held { .. }) => error::BUSY,
            Self::Stopped => error::INTERRUPTED,
            Self::Lock(_) | Self::State(_) | Self::File { .. } | Self::Engine(_) => error::FAILED,
        }
    }

    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Resolve(error) => Some(match &error.near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "build it with `tidegate plugin build <crate>`, or name a path that ends in `.wasm`".to_owned(),
            }),
            Self::Grant { .. } => Some("make the directory, or name another one with `--data DIR` or in the pipeline's grants".to_owned()),
            Self::Plugin(PluginError::Contract { source, .. }) => source.hint(),
            _ => None,
        }
    }
}

fn plugin_code(error: &PluginError) -> u8 {
    match error {
        PluginError::Failure { kind: FailureKind::Config, .. } => error::CONFIG,
        PluginError::Failure {
            kind: FailureKind::Auth | FailureKind::RateLimited(_) | FailureKind::Unavailable | FailureKind::BadData,
            ..
        } => error::SOURCE,
        _ => error::PLUGIN,
    }
}

/// The plugin's error inside the engine's, where there is one.
fn plugin_error(error: &DataFusionError) -> Option<&PluginError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<PluginError>() {
            return Some(found);
        }
        // Wrapped I/O errors hide what they carry from `source`.
        if let Some(found) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).and_then(|e| e.downcast_ref()) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
