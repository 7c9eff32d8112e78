//! The store of one daemon: a SQLite file in its folder, which only it writes, and which commands read and write beside it.

use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, ToSql, TransactionBehavior, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    TasksError,
    driver::{Row, STEPS, Value},
};

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

pub(super) struct Sqlite(Mutex<Connection>);

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Number(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl Sqlite {
    pub fn open(path: &Path) -> Result<Self, TasksError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| TasksError::Folder { path: path.to_owned(), source })?;
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        crate::state::store::use_wal(&connection)?;
        migrate(&mut connection)?;
        Ok(Self(Mutex::new(connection)))
    }

    pub fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, TasksError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sqlite(sql))?;
        match statement.execute(params_from_iter(values)) {
            Ok(rows) => Ok(u64::try_from(rows).unwrap_or(0)),
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    pub fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, TasksError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sqlite(sql))?;
        let columns = statement.column_count();
        let rows = statement.query_map(params_from_iter(values), |row| (0..columns).map(|column| read(row.get_ref(column)?)).collect())?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A thread that panicked rolled its statement back, so the connection is as good as ever.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `$1` would be the name of a parameter here; `?1` is its number.
fn sqlite(sql: &str) -> String {
    sql.replace('$', "?")
}

fn read(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        other => Value::Text(other.as_str()?.to_owned()),
    })
}

fn migrate(connection: &mut Connection) -> Result<(), TasksError> {
    if version(connection)? == STEPS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = version(&transaction)?;
    if taken > STEPS.len() {
        return Err(TasksError::Newer { found: taken, known: STEPS.len() });
    }
    for (index, step) in STEPS.iter().enumerate().skip(taken) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
    }
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<usize, TasksError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(0))
}
