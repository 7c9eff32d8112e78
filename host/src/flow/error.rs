//! What ends a run, and what that means for the exit code.

use std::{error::Error, io, path::PathBuf};

use datafusion::common::DataFusionError;

use super::replay::ReplayError;
use crate::{
    config::ConfigError,
    error,
    plugin::{FailureKind, PluginError, ResolveError, Stop},
    state::{LockError, StateError},
    warehouse::WarehouseError,
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
        source: Box<dyn Error + Send + Sync>,
    },
    /// A check's SQL is wrong or failed.
    #[error("check `{check}` failed")]
    Check {
        /// The check.
        check: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
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
    Warehouse(#[from] WarehouseError),
    /// Another run of the pipeline goes on, or the lock can't be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The history can't be kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// A person stopped it.
    #[error("stopped; nothing half-done is visible, run again to start over")]
    Stopped,
    /// The run is loaded, its marts are not.
    #[error("the run's tables are loaded and visible, but its marts could not be made again")]
    Refresh(#[source] WarehouseError),
    /// A name on the command line that the pipeline does not grant.
    #[error("the pipeline grants no directory `{name}`")]
    UnknownGrant {
        /// The name.
        name: String,
        /// What it grants.
        granted: Vec<String>,
    },
    /// A run can't be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The clients of a source can't be made.
    #[error("can't make an HTTP client: {0}")]
    Client(String),
    /// The engine could not be started.
    #[error("can't start the WebAssembly engine: {0}")]
    Engine(String),
}

impl RunError {
    /// The engine's error while it worked on `stream`.
    pub(super) fn in_stream(stream: &str, error: DataFusionError) -> Self {
        Self::Stream { stream: stream.to_owned(), source: root(error) }
    }

    /// The engine's error while it worked on `check`.
    pub(super) fn in_check(check: &str, error: DataFusionError) -> Self {
        Self::Check { check: check.to_owned(), source: root(error) }
    }

    /// The exit code for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Grant { .. } | Self::UnknownGrant { .. } => error::CONFIG,
            Self::Resolve(_) => error::PLUGIN,
            Self::Plugin(error) => plugin_code(error),
            Self::Stream { source, .. } | Self::Check { source, .. } => plugin_error(source.as_ref()).map_or(error::FAILED, plugin_code),
            Self::Warehouse(error) if error.is_busy() => error::BUSY,
            Self::Warehouse(_) | Self::Refresh(_) => error::WAREHOUSE,
            Self::Lock(LockError::Held { .. }) => error::BUSY,
            Self::Stopped => error::INTERRUPTED,
            Self::Replay(error) => error.exit_code(),
            Self::Lock(_) | Self::State(_) | Self::File { .. } | Self::Client(_) | Self::Engine(_) => error::FAILED,
        }
    }

    /// Whether a run that ended so may end well when it is run again later. One whose tables are loaded would load them twice.
    pub fn may_run_again(&self) -> bool {
        !matches!(self, Self::Refresh(_)) && self.may_pass()
    }

    /// Whether what failed lies outside of the run and may pass: the same stage may end well when it is tried again later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Plugin(error) => may_pass(error),
            Self::Stream { source, .. } | Self::Check { source, .. } => {
                plugin_error(source.as_ref()).map_or_else(|| has_io_error(source.as_ref()), may_pass)
            }
            Self::Warehouse(error) | Self::Refresh(error) => error.may_pass(),
            Self::Lock(LockError::Held { .. } | LockError::File { .. }) | Self::State(_) | Self::File { .. } => true,
            Self::Config(_)
            | Self::Resolve(_)
            | Self::Grant { .. }
            | Self::UnknownGrant { .. }
            | Self::Stopped
            | Self::Replay(_)
            | Self::Client(_)
            | Self::Engine(_) => false,
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
            Self::Refresh(_) => {
                let what = "mend the mart, or let the role that loads own the continuous aggregate, and run again";
                Some(format!("{what}: merged and replaced tables do not change, marts are made again"))
            }
            Self::UnknownGrant { granted, .. } if granted.is_empty() => Some("its sources are granted none".to_owned()),
            Self::UnknownGrant { granted, .. } => Some(format!("it grants {}", granted.join(", "))),
            Self::Warehouse(error) => error.hint(),
            Self::Replay(error) => error.hint(),
            Self::Config(error) => miette::Diagnostic::help(error).map(|help| help.to_string()),
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

/// A machine that is too busy for a deadline now may be free later.
fn may_pass(error: &PluginError) -> bool {
    error.is_transient() || matches!(error, PluginError::Stopped { stop: Stop::Deadline(_), .. })
}

/// Whether the system refused something: a full disk, a folder on a server that is away.
fn has_io_error(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The error that the engine's carries, without the engine's own words around it.
fn root(error: DataFusionError) -> Box<dyn Error + Send + Sync> {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<DataFusionError>() {
            Ok(inner) => root(*inner),
            Err(inner) => inner,
        },
        DataFusionError::Context(_, inner) => root(*inner),
        // What a retry may cure travels as an I/O error.
        DataFusionError::IoError(error) => match error.downcast::<PluginError>() {
            Ok(inner) => Box::new(inner),
            Err(error) => Box::new(error),
        },
        error => Box::new(error),
    }
}

/// The plugin's error among the causes, where there is one.
fn plugin_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a PluginError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
