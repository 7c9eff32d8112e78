//! Failures: a plugin says what kind of trouble it saw, the host decides what to do about it.

use std::{fmt, time::Duration};

/// What the functions of a plugin return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What kind of trouble a plugin saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The plugin's configuration is wrong.
    Config,
    /// The other side refused the credentials or their rights.
    Auth,
    /// The other side asks for patience, for this long where it said so.
    RateLimited(Option<Duration>),
    /// The other side, or a file, can't be had now and may be had later.
    Unavailable,
    /// The data can't be read or is not what was declared.
    BadData,
    /// The plugin contradicts itself.
    Bug,
}

/// A failure: its kind for the host, its message for a person. The message is a lower-case fragment that names file, record, column or
/// config key, and holds no row values and no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of trouble it is.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
}

impl Failure {
    /// The configuration is wrong; say which key and what would be right.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Config, message)
    }

    /// The other side refused the credentials or their rights.
    pub fn auth(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Auth, message)
    }

    /// The other side asks for patience.
    pub fn rate_limited(wait: Option<Duration>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::RateLimited(wait), message)
    }

    /// The other side, or a file, can't be had now and may be had later.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unavailable, message)
    }

    /// The data can't be read or is not what was declared; name file, record and column.
    pub fn bad_data(message: impl Into<String>) -> Self {
        Self::new(FailureKind::BadData, message)
    }

    /// The plugin contradicts itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Bug, message)
    }

    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<arrow_schema::ArrowError> for Failure {
    /// An Arrow error inside a plugin is the plugin's own mistake: its input was validated by the host.
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::bug(error.to_string())
    }
}
