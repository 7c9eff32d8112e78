//! What can go wrong in the lake, in words fit to follow "failed to ...".

use std::{io, path::PathBuf};

use datafusion::common::DataFusionError;
use deltalake_core::DeltaTableError;

use crate::warehouse::error::{KeyError, QueryError, is_out_of_memory};

/// Why the lake could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A file or folder is out of reach.
    #[error("{action} `{}`", path.display())]
    File {
        /// What was to be done with it.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// One of the lake's own files can't be understood.
    #[error("understand `{}`", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// One of the lake's own files was written by a newer tidegate.
    #[error("understand `{}`: its version is {found}, this tidegate knows {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: u32,
        /// The version that this program writes.
        known: u32,
    },
    /// A statement or a file of rows is wrong.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A table is made of a stream that the run does not have, or has no file of.
    #[error("load the table `{table}`: the run has no clean file of the stream `{stream}`")]
    NoStream {
        /// The table.
        table: String,
        /// The stream.
        stream: String,
    },
    /// A table has a name that the lake keeps for itself, or that is no name of a folder.
    #[error("load the table `{table}`: the lake can't have a table of this name")]
    TableName {
        /// The table.
        table: String,
    },
    /// A column has a name that Delta does not take.
    #[error("load the table `{table}`: `{column}` can't be the name of a column")]
    ColumnName {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Delta has no type for a column, or no comparison for it where a merge needs one.
    #[error("load the table `{table}`: the lake has no place for the column `{column}` of type {found}")]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// A column of an existing table changed its type.
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
    /// The key by which rows are to be merged is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Delta Lake refused.
    #[error("{action} the table `{table}`")]
    Delta {
        /// What was to be done with it.
        action: &'static str,
        /// The table.
        table: String,
        /// What Delta Lake says.
        source: Box<DeltaTableError>,
    },
    /// Another load of the pipeline waits to be finished.
    #[error("load the run: the load of run `{run}` of `{pipeline}` is not finished")]
    Pending {
        /// The pipeline.
        pipeline: String,
        /// The run whose load is not finished.
        run: String,
    },
    /// The load does not follow the last one.
    #[error("load the run: it is number {found} of `{pipeline}`, the lake waits for number {wanted}")]
    OutOfOrder {
        /// The pipeline.
        pipeline: String,
        /// The sequence of the load.
        found: u64,
        /// The sequence that the lake waits for.
        wanted: u64,
    },
}

impl LakeError {
    /// Whether the same load may succeed when it is tried again later: a full disk, a folder on a server that is away.
    pub(in crate::warehouse) fn may_pass(&self) -> bool {
        match self {
            Self::File { .. } | Self::Pending { .. } | Self::Query(QueryError::File { .. }) => true,
            Self::Delta { source, .. } => matches!(source.as_ref(), DeltaTableError::ObjectStore { .. } | DeltaTableError::Io { .. }),
            _ => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Query(error) => return error.hint(),
            Self::Key(error) => error.hint(),
            Self::ColumnName { .. } => {
                "name it with `as` in the table's SQL: letters, digits and `_`, and no name twice in upper and lower case".into()
            }
            Self::ColumnType { .. } => "cast it in the table's SQL".into(),
            Self::TypeChanged { .. } => "cast it in the table's SQL, or load the table with mode = \"replace\"".into(),
            Self::Newer { .. } => "use the tidegate that wrote it, or a newer one".into(),
            Self::Pending { .. } => "it is finished before the next run".into(),
            _ => return None,
        };
        Some(hint)
    }

    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(super) fn sql(what: &str) -> impl Fn(DataFusionError) -> Self + '_ {
        move |error| QueryError::sql(what)(error).into()
    }

    pub(super) fn delta<'t>(action: &'static str, table: &'t str) -> impl Fn(DeltaTableError) -> Self + 't {
        move |error| Self::Delta { action, table: table.to_owned(), source: Box::new(error) }
    }

    /// Whether the memory for queries was too small for the way in which it was tried.
    pub(super) fn is_out_of_memory(&self) -> bool {
        is_out_of_memory(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_memory_is_seen_through_every_wrapper() {
        let error = DataFusionError::Context("join".into(), Box::new(DataFusionError::ResourcesExhausted("12 MiB".into())));
        assert!(LakeError::delta("merge into", "orders")(error.into()).is_out_of_memory());
        assert!(!LakeError::sql("`orders`")(DataFusionError::Plan("no".into())).is_out_of_memory());
    }
}
