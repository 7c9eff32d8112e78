//! What can go wrong with a plugin, each naming the plugin and what it did.

use std::{path::PathBuf, time::Duration};

/// Why an instance was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A call took longer than its deadline.
    Deadline(Duration),
    /// It wanted more memory than its cap.
    Memory {
        /// The size it asked for in bytes.
        wanted: usize,
        /// The cap in bytes.
        cap: usize,
    },
    /// It wrote more log messages than its limit.
    LogFlood(u32),
    /// It held more files and answers open than the limit.
    Open(usize),
    /// It added more keys to sets than its limit.
    Keys(u64),
    /// It panicked, with this message.
    Panic(String),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MIB: usize = 1 << 20;
        match self {
            Self::Deadline(limit) => write!(f, "it ran longer than its deadline of {} s for one call", limit.as_secs_f64()),
            Self::Memory { wanted, cap } => {
                write!(f, "it asked for {} MiB of memory, its cap is {} MiB", wanted.div_ceil(MIB), cap / MIB)
            }
            Self::LogFlood(limit) => write!(f, "it wrote more than {limit} log messages"),
            Self::Open(limit) => write!(f, "it held more than {limit} files or answers open"),
            Self::Keys(limit) => write!(f, "it added more than {limit} keys to sets"),
            Self::Panic(message) => write!(f, "it panicked: {message}"),
        }
    }
}

/// The kind of failure that a plugin reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Its configuration is wrong.
    Config,
    /// The other side refused the credentials.
    Auth,
    /// The other side asks for patience.
    RateLimited(Option<Duration>),
    /// Something can't be had now.
    Unavailable,
    /// The data can't be read.
    BadData,
    /// The plugin contradicts itself.
    Bug,
}

/// What can go wrong with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The file can't be read.
    #[error("can't read plugin `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The component does not fit the contract.
    #[error("plugin `{path}` does not fit this host")]
    Contract {
        /// The file.
        path: PathBuf,
        /// In which way.
        #[source]
        source: crate::contract::ContractError,
    },
    /// wasmtime refused the component.
    #[error("plugin `{path}` can't be compiled: {reason}")]
    Compile {
        /// The file.
        path: PathBuf,
        /// What wasmtime said.
        reason: String,
    },
    /// The plugin reported a failure.
    #[error("{plugin} failed to {doing}: {message}")]
    Failure {
        /// `name@version`.
        plugin: String,
        /// What it was asked to do.
        doing: String,
        /// The kind it reported.
        kind: FailureKind,
        /// Its own words, cut.
        message: String,
    },
    /// The instance broke a limit or panicked.
    #[error("{plugin} was stopped while it was asked to {doing}: {stop}")]
    Stopped {
        /// `name@version`.
        plugin: String,
        /// What it was asked to do.
        doing: String,
        /// Why.
        stop: Stop,
    },
    /// The instance trapped.
    #[error("{plugin} trapped while it was asked to {doing}: {reason}")]
    Trap {
        /// `name@version`.
        plugin: String,
        /// What it was asked to do.
        doing: String,
        /// The trap.
        reason: String,
    },
    /// What came back is not what the contract promises.
    #[error("{plugin} broke the contract when it was asked to {doing}: {reason}")]
    Broken {
        /// `name@version`.
        plugin: String,
        /// What it was asked to do.
        doing: String,
        /// In which way.
        reason: String,
    },
    /// The plugin has another role than the pipeline wants.
    #[error("{plugin} is a {is} plugin, a {wanted} plugin is wanted here")]
    Role {
        /// `name@version`.
        plugin: String,
        /// What it is.
        is: super::Role,
        /// What is wanted.
        wanted: super::Role,
    },
}

impl PluginError {
    /// Whether trying again may help: the plugin said that something can't be had now.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Failure { kind: FailureKind::RateLimited(_) | FailureKind::Unavailable, .. })
    }
}
