//! The store of several daemons: a schema of its own in a PostgreSQL database.

use bytes::BytesMut;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_postgres::{
    Client,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    TasksError,
    driver::{Row, STEPS, Value},
};
use crate::{
    config::secret::{self, Secret},
    warehouse::postgres::connect::{Address, PgEnv, connect},
};

/// Any number that nobody else takes for the lock under which migrations run: "daemon" in ASCII.
const MIGRATION_LOCK: i64 = 0x6461_656d_6f6e;

/// The schema in which the daemon's tables are.
const SCHEMA: &str = "tidegate_daemon";

pub(super) struct Postgres {
    address: Address,
    /// None after the line broke: the next statement connects again.
    client: Mutex<Option<Arc<Client>>>,
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

impl Postgres {
    pub async fn connect(url: &Secret) -> Result<Self, TasksError> {
        let environment = PgEnv { vars: secret::libpq_variables(), home: secret::home(), os_user: secret::user() };
        let address = Address::parse(url.expose(), &environment)?;
        address.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
        let client = session(&address).await?;
        migrate(&client).await?;
        Ok(Self { address, client: Mutex::new(Some(Arc::new(client))) })
    }

    pub async fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, TasksError> {
        let client = self.client().await?;
        match client.execute(sql, &parameters(values)).await {
            Ok(rows) => Ok(rows),
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(0),
            Err(error) => Err(told(&error)),
        }
    }

    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, TasksError> {
        let client = self.client().await?;
        let rows = client.query(sql, &parameters(values)).await.map_err(|error| told(&error))?;
        rows.iter().map(read).collect()
    }

    async fn client(&self) -> Result<Arc<Client>, TasksError> {
        let mut held = self.client.lock().await;
        match held.as_ref().filter(|client| !client.is_closed()) {
            Some(client) => Ok(client.clone()),
            None => {
                let client = Arc::new(session(&self.address).await?);
                *held = Some(client.clone());
                Ok(client)
            }
        }
    }
}

async fn session(address: &Address) -> Result<Client, TasksError> {
    let (client, _) = connect(address).await?;
    client.batch_execute(&format!("set search_path = {SCHEMA}; set statement_timeout = '15s'")).await.map_err(|error| told(&error))?;
    Ok(client)
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn read(row: &tokio_postgres::Row) -> Result<Row, TasksError> {
    let wrong = |_| TasksError::Value { column: "of a row" };
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(at, column)| match *column.type_() {
            Type::INT8 => Ok(Value::from(row.try_get::<_, Option<i64>>(at).map_err(wrong)?)),
            _ => Ok(Value::from(row.try_get::<_, Option<String>>(at).map_err(wrong)?)),
        })
        .collect()
}

/// Without the detail, which quotes values.
fn told(error: &tokio_postgres::Error) -> TasksError {
    let message = match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => crate::error::chain(error),
    };
    TasksError::Postgres { message }
}

/// Applies the migrations that are missing; daemons that start together wait for each other.
async fn migrate(client: &Client) -> Result<(), TasksError> {
    let failed = |error: tokio_postgres::Error| told(&error);
    client
        .batch_execute(&format!(
            "begin; select pg_advisory_xact_lock({MIGRATION_LOCK}); create schema if not exists {SCHEMA}; \
             create table if not exists versions (version bigint primary key)"
        ))
        .await
        .map_err(failed)?;
    let row = client.query_one("select coalesce(max(version), 0) from versions", &[]).await.map_err(failed)?;
    let taken = usize::try_from(row.get::<_, i64>(0)).unwrap_or(0);
    if taken > STEPS.len() {
        client.batch_execute("rollback").await.map_err(failed)?;
        return Err(TasksError::Newer { found: taken, known: STEPS.len() });
    }
    for (version, step) in (1_i64..).zip(STEPS).skip(taken) {
        client.batch_execute(step).await.map_err(failed)?;
        client.execute("insert into versions (version) values ($1)", &[&version]).await.map_err(failed)?;
    }
    client.batch_execute("commit").await.map_err(failed)
}
