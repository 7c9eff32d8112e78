//! Why the store of tasks failed.

use std::{io, path::PathBuf};

use crate::warehouse::postgres::connect::ConnectError;

/// Why the store of tasks failed.
#[derive(Debug, thiserror::Error)]
pub enum TasksError {
    /// The folder of the file could not be made.
    #[error("make the folder of the daemon's file `{}`", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer tidegate made it.
    #[error("open the daemon's store of version {found}: this tidegate knows versions up to {known}")]
    Newer {
        /// Its version.
        found: usize,
        /// The newest that is known here.
        known: usize,
    },
    /// SQLite refused.
    #[error("use the daemon's file")]
    Sqlite(#[from] rusqlite::Error),
    /// There is no connection to PostgreSQL.
    #[error("reach the daemon's database")]
    Connect(#[from] ConnectError),
    /// The environment does not hold the URL.
    #[error("find the daemon's database: the environment variable `{variable}` is not set")]
    NoUrl {
        /// The variable.
        variable: String,
    },
    /// PostgreSQL refused, or the connection broke.
    #[error("use the daemon's database: {message}")]
    Postgres {
        /// What the server, or the line to it, says.
        message: String,
    },
    /// A value is not what it should be.
    #[error("understand the daemon's store: its column `{column}` holds something else")]
    Value {
        /// The column.
        column: &'static str,
    },
}

impl TasksError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Connect(error) => error.hint().map(str::to_owned),
            Self::NoUrl { variable } => Some(format!("export {variable}=postgres://user@host/database")),
            Self::Newer { .. } => Some("use the tidegate that made it, or a newer one".to_owned()),
            _ => None,
        }
    }
}
