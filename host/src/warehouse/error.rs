//! What can go wrong in any warehouse, in words fit to follow "failed to ...".

use std::{error::Error, io, path::PathBuf};

use datafusion::{arrow::error::ArrowError, common::DataFusionError};

use super::{lake::LakeError, postgres::PostgresError};

/// Why a warehouse could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// The embedded one.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(Box<PostgresError>),
}

impl From<PostgresError> for WarehouseError {
    fn from(error: PostgresError) -> Self {
        Self::Postgres(Box::new(error))
    }
}

impl WarehouseError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lake(error) => error.hint(),
            Self::Postgres(error) => error.hint(),
        }
    }

    /// Whether the same load may succeed when it is tried again later: a connection that broke, a server that restarts, a full disk.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Lake(error) => error.may_pass(),
            Self::Postgres(error) => error.may_pass(),
        }
    }

    /// Whether another run of the pipeline is going on.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Postgres(error) if matches!(error.as_ref(), PostgresError::Busy { .. }))
    }
}

/// Why rows could not be had by SQL over clean streams or tables.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A file of rows is out of reach.
    #[error("read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A statement can't be planned or fails while it runs.
    #[error("run the SQL of {what}")]
    Sql {
        /// Whose statement it is.
        what: String,
        /// What DataFusion says, without values.
        source: Box<DataFusionError>,
    },
    /// A statement names a table that is not there.
    #[error("find the table `{name}` that {what} names")]
    UnknownTable {
        /// Whose statement it is.
        what: String,
        /// The name.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// The names that there are.
        known: Vec<String>,
    },
}

impl QueryError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownTable { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::UnknownTable { known, .. } if known.is_empty() => "there are no tables yet: run the pipeline first".into(),
            Self::UnknownTable { known, .. } => format!("there are: {}", quoted(known)),
            Self::File { .. } | Self::Sql { .. } => return None,
        };
        Some(hint)
    }

    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(super) fn sql(what: &str) -> impl Fn(DataFusionError) -> Self + '_ {
        move |error| Self::Sql { what: what.to_owned(), source: Box::new(without_values(error)) }
    }
}

/// Why rows can't be merged by a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The rows don't have a column of the key, or the key has none.
    #[error("merge into the table `{table}`: its rows have no key column `{column}`")]
    Absent {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column that was probably meant.
        near: Option<String>,
    },
    /// A key occurs more than once among the rows to merge.
    #[error("merge into the table `{table}`: {keys} values of its key `{}` occur more than once, in {rows} rows", key.join(", "))]
    Double {
        /// The table.
        table: String,
        /// The key's columns.
        key: Vec<String>,
        /// How many values occur more than once.
        keys: u64,
        /// How many rows carry them.
        rows: u64,
    },
    /// Rows to merge lack a part of their key.
    #[error("merge into the table `{table}`: {rows} rows have nulls in the key `{}`", key.join(", "))]
    Null {
        /// The table.
        table: String,
        /// The key's columns.
        key: Vec<String>,
        /// How many rows.
        rows: u64,
    },
}

impl KeyError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Absent { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Absent { near: None, .. } => "`key` names columns of the table's rows".into(),
            Self::Double { .. } => "choose a key that identifies a row, or reduce the rows to one per key in the table's SQL".into(),
            Self::Null { .. } => "leave these rows out in the table's SQL, or choose another key".into(),
        }
    }
}

/// Whether the memory for queries was too small for the way in which it was tried.
pub(super) fn is_out_of_memory(error: &(dyn Error + 'static)) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // A deep clone of a shared error keeps its text only.
        if error.to_string().contains("Resources exhausted") {
            return true;
        }
        cause = error.source();
    }
    false
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Arrow quotes the value that it could not cast or parse; rows don't belong in errors.
fn without_values(error: DataFusionError) -> DataFusionError {
    let root = match error.find_root() {
        DataFusionError::ArrowError(root, _) => root,
        _ => return error,
    };
    match root.as_ref() {
        ArrowError::CastError(text) => DataFusionError::Execution(format!("cast: {}", blank_quotes(text))),
        ArrowError::ParseError(text) => DataFusionError::Execution(format!("parse: {}", blank_quotes(text))),
        _ => error,
    }
}

fn blank_quotes(text: &str) -> String {
    match (text.find('\''), text.rfind('\'')) {
        (Some(first), Some(last)) if first < last => format!("{}'...'{}", &text[..first], &text[last + 1..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rows_stay_out_of_errors() {
        let cast = ArrowError::CastError("Cannot cast string 'it's secret' to value of Int32 type".into());
        let text = without_values(DataFusionError::ArrowError(Box::new(cast), None)).to_string();
        assert_eq!(text, "Execution error: cast: Cannot cast string '...' to value of Int32 type");
    }
}
