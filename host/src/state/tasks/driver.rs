//! Two databases under one set of statements.
//!
//! What always holds here: a statement is the same text for both, with parameters `$1`, `$2`, ... of two types, 64-bit numbers and texts; so
//! what the store does is written once, and its tests say the same of both (`store/tests.rs`, `tests/suite/schedule`).
//!
//! # Why
//! An enum and not a trait: the set is closed.

use std::path::Path;

use super::{TasksError, postgres::Postgres, sqlite::Sqlite};
use crate::config::secret::Secret;

/// The migrations, in order; the number of one is its place from 1. What was released is never changed.
pub(super) const STEPS: &[&str] = &[include_str!("migrations/0001_tasks.sql"), include_str!("migrations/0002_readings.sql")];

/// A value in a statement or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Number(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::state::tasks::driver::Value::from($value)),*] };
}
pub(super) use values;

/// A row, its columns in the order of the statement.
pub(super) type Row = Vec<Value>;

/// One of the two databases.
pub(super) enum Driver {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Driver {
    pub fn open(path: &Path) -> Result<Self, TasksError> {
        Ok(Self::Sqlite(Sqlite::open(path)?))
    }

    pub async fn connect(url: &Secret) -> Result<Self, TasksError> {
        Ok(Self::Postgres(Box::new(Postgres::connect(url).await?)))
    }

    /// Executes a statement and gives how many rows it touched: none where a row would be there twice.
    pub async fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, TasksError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute(sql, values),
            Self::Postgres(postgres) => postgres.execute(sql, values).await,
        }
    }

    /// The rows of a statement.
    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, TasksError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(sql, values),
            Self::Postgres(postgres) => postgres.query(sql, values).await,
        }
    }
}
