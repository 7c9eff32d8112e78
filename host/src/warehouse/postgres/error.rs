//! What can go wrong in PostgreSQL, in words fit to follow "failed to ...".
//!
//! What always holds here: what the server says about rows (its `DETAIL`) is left out, since it quotes their values.

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use tokio_postgres::error::SqlState;

use super::{connect::ConnectError, ident::NoName};
use crate::warehouse::error::{KeyError, QueryError, is_out_of_memory};

/// Why PostgreSQL could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The environment does not hold the URL.
    #[error("find the database: the environment variable `{variable}` is not set")]
    NoUrl {
        /// The variable.
        variable: String,
    },
    /// The server refused, or the connection broke.
    #[error("{doing}")]
    Server {
        /// What was to be done.
        doing: String,
        /// What the server says, without values.
        source: ServerError,
    },
    /// A name is none.
    #[error("use a name in PostgreSQL")]
    Name(#[from] NoName),
    /// A statement over clean streams is wrong.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Rows could not be computed.
    #[error("compute the rows of the table `{table}`")]
    Rows {
        /// The table.
        table: String,
        /// What DataFusion says.
        source: Box<DataFusionError>,
    },
    /// A table is made of a stream that the run does not have.
    #[error("load the table `{table}`: the run has no clean file of the stream `{stream}`")]
    NoStream {
        /// The table.
        table: String,
        /// The stream.
        stream: String,
    },
    /// PostgreSQL has no type for a column.
    #[error("load the table `{table}`: PostgreSQL has no type for the column `{column}` of type {found}")]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// A column of an existing table changed its type, and the contract or the types don't let the table follow.
    #[error("load the table `{table}`: its column `{column}` is {found}, the run carries {wanted}")]
    TypeChanged {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type in the table.
        found: String,
        /// Its type in the run.
        wanted: String,
    },
    /// The run brings a column that a frozen table does not have.
    #[error("load the table `{table}`: it has no column `{column}`, and the pipeline's contract is `freeze`")]
    NewColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A view that is not tidegate's stands in the way of a change.
    #[error("widen the column `{column}` of the table `{table}`: the view `{view}` uses it")]
    UsedByView {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The view.
        view: String,
    },
    /// The relation of a table's or mart's name is something else.
    #[error("load `{name}`: there is a {kind} of this name")]
    OtherKind {
        /// The name.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The key by which rows are to be merged is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database has another number of rows than it was sent.
    #[error("load the table `{table}`: {sent} rows were sent, the database has {found}; nothing was committed")]
    RowCount {
        /// The table.
        table: String,
        /// The rows that were sent.
        sent: u64,
        /// The rows that the database counts.
        found: u64,
    },
    /// Rows for the quarantine could not be written.
    #[error("write the rows that PostgreSQL can't represent to quarantine")]
    Quarantine(#[source] ArrowError),
    /// The server or a proxy before it refuses COPY, where INSERT may work.
    #[error("copy into the table `{table}`: the database refuses COPY ({code})")]
    CopyRefused {
        /// The table.
        table: String,
        /// The SQLSTATE.
        code: String,
    },
    /// Another host runs the pipeline.
    #[error("run `{pipeline}`: another host runs it, the database holds its lock")]
    Busy {
        /// The pipeline.
        pipeline: String,
    },
    /// Another host took the pipeline over.
    #[error("commit the run of `{pipeline}`: another host took it over while this one was cut off")]
    Fenced {
        /// The pipeline.
        pipeline: String,
    },
    /// tidegate's own tables were made by a newer one.
    #[error("use the schema `tidegate` of the database: its version is {found}, this tidegate knows {known}")]
    Newer {
        /// The version that it has.
        found: i32,
        /// The version that this program makes.
        known: i32,
    },
    /// The database keeps text in another encoding than Arrow.
    #[error("use the database: it keeps text in {found}, not in UTF8")]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// A SQL file can't be read.
    #[error("read `{}`", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What the server, or the line to it, says.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server refused.
    #[error("{message} ({code})")]
    Refused {
        /// Its words, without the detail that quotes rows.
        message: String,
        /// The SQLSTATE.
        code: String,
        /// The constraint at fault.
        constraint: Option<String>,
        /// The server's own hint.
        hint: Option<String>,
    },
    /// The connection broke.
    #[error("the connection to the database broke")]
    Broken(#[source] tokio_postgres::Error),
    /// The client library refused.
    #[error(transparent)]
    Client(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for ServerError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::Refused {
                message: said.message().to_owned(),
                code: said.code().code().to_owned(),
                constraint: said.constraint().map(str::to_owned),
                hint: said.hint().map(str::to_owned),
            },
            None if error.is_closed() || std::error::Error::source(&error).is_some_and(|cause| cause.is::<std::io::Error>()) => {
                Self::Broken(error)
            }
            None => Self::Client(error),
        }
    }
}

impl PostgresError {
    pub(super) fn server<'d>(doing: impl std::fmt::Display + 'd) -> impl FnOnce(tokio_postgres::Error) -> Self + 'd {
        move |error| Self::Server { doing: doing.to_string(), source: error.into() }
    }

    /// The SQLSTATE, where the server refused.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Server { source: ServerError::Refused { code, .. }, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the same load may succeed when it is tried again at once: a deadlock, a broken connection, a server that restarts.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Server { source: ServerError::Broken(_), .. } => true,
            _ => self.code().is_some_and(is_transient),
        }
    }

    /// Whether the same load may succeed when it is tried again later: the disk may have room then, and an operator's patience no end.
    pub(in crate::warehouse) fn may_pass(&self) -> bool {
        let later = [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY, SqlState::QUERY_CANCELED, SqlState::INSUFFICIENT_RESOURCES];
        self.is_transient()
            || matches!(self, Self::Busy { .. })
            || self.code().is_some_and(|code| later.iter().any(|state| state.code() == code))
    }

    /// Whether the memory for queries was too small for the way in which it was tried.
    pub(super) fn is_out_of_memory(&self) -> bool {
        is_out_of_memory(self)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connect(error) => return error.hint().map(str::to_owned),
            Self::Query(error) => return error.hint(),
            Self::NoUrl { variable } => format!("export {variable}=postgres://user@host/database"),
            Self::Server { source: ServerError::Refused { code, hint, .. }, .. } => return server_hint(code).or_else(|| hint.clone()),
            Self::Server { .. } => "nothing was committed: run again once the database can be reached".into(),
            Self::ColumnType { .. } => "cast it in the table's SQL".into(),
            Self::TypeChanged { .. } => {
                "cast it in the table's SQL, alter the column by hand, or set `contract = \"quarantine\"` to load what fits".into()
            }
            Self::NewColumn { .. } => "add the column by hand, leave it out in the table's SQL, or set `contract = \"evolve\"`".into(),
            Self::UsedByView { .. } => "drop the view, run, and make it again".into(),
            Self::OtherKind { .. } => "rename one of the two".into(),
            Self::Key(error) => error.hint(),
            Self::RowCount { .. } => "a trigger or a rule of the table takes rows away: drop it, or load another table".into(),
            Self::Busy { .. } => "wait for it to end, or stop it".into(),
            Self::Fenced { .. } => "nothing of this run was committed; the other host's run stands".into(),
            Self::Newer { .. } => "use the tidegate that made it, or a newer one".into(),
            Self::Encoding { .. } => "make one with `create database ... encoding 'UTF8' template template0`".into(),
            Self::CopyRefused { .. } => "write `load = \"insert\"` under `[warehouse]`".into(),
            Self::Name(_) | Self::Rows { .. } | Self::NoStream { .. } | Self::Quarantine(_) | Self::File { .. } => return None,
        };
        Some(hint)
    }
}

/// Deadlock, serialization, lock not available, shutdown, crash, starting up, lost connection, too many connections.
fn is_transient(code: &str) -> bool {
    let transient = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::CONNECTION_FAILURE,
        SqlState::CONNECTION_EXCEPTION,
        SqlState::CONNECTION_DOES_NOT_EXIST,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    transient.iter().any(|state| state.code() == code)
}

fn server_hint(code: &str) -> Option<String> {
    let code = SqlState::from_code(code);
    let hint = if code == SqlState::DISK_FULL {
        "the database's disk is full: nothing was committed; make room and run again"
    } else if code == SqlState::QUERY_CANCELED {
        "a timeout of the database or of its role ended it: nothing was committed; raise `statement_timeout` for this role and run again"
    } else if code == SqlState::INSUFFICIENT_PRIVILEGE {
        "grant the role what it needs: usage and create on the schema, and its tables"
    } else if [SqlState::UNIQUE_VIOLATION, SqlState::CHECK_VIOLATION, SqlState::FOREIGN_KEY_VIOLATION, SqlState::NOT_NULL_VIOLATION]
        .contains(&code)
    {
        "nothing was committed: mend the rows in the table's SQL, or the constraint"
    } else {
        return None;
    };
    Some(hint.to_owned())
}
