//! A database for those who only look, many at once: a few connections that are kept, each statement in a transaction that can only read.
//!
//! What always holds here: a connection that broke, or whose statement was given up, is not used again. (`tests/suite/web/business`)

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use datafusion::{execution::SendableRecordBatchStream, physical_plan::stream::RecordBatchStreamAdapter};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Client;

use super::{
    DEFAULT_SCHEMA, OWN_SCHEMA, PostgresError, address,
    connect::{self, Address},
    ident::Ident,
    query::{self, search_path},
    timescale,
};
use crate::{
    config::Loaded,
    warehouse::{AUDIT, ColumnInfo, ColumnKind, Standing, TableInfo},
};

/// Connections at most. Statements run side by side on them; the server has others to serve.
const CONNECTIONS: usize = 4;
/// After this the server gives up what is asked about the database itself.
const LOOK: Duration = Duration::from_secs(10);

/// A database, for any number of statements at once.
#[derive(Clone)]
pub struct PostgresReader(Arc<Pool>);

struct Pool {
    address: Address,
    schema: Ident,
    pipeline: String,
    /// The tables and marts that the pipeline names: others in the schema are not ours to show.
    names: Vec<String>,
    free: Mutex<Vec<Client>>,
    permits: Arc<Semaphore>,
}

/// A connection that nobody else uses until it is given back.
struct Taken {
    client: Client,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Taken {
    /// Ends the transaction and lets others use the connection.
    async fn give_back(self) {
        if self.client.batch_execute("rollback").await.is_ok() {
            self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.client);
        }
    }
}

impl PostgresReader {
    /// Finds out where the database is; connections are made when they are needed.
    pub fn open(loaded: &Loaded) -> Result<Self, PostgresError> {
        let pipeline = &loaded.pipeline;
        let schema = Ident::new(pipeline.warehouse.schema.as_deref().unwrap_or(DEFAULT_SCHEMA))?;
        let names = pipeline.tables.keys().chain(pipeline.marts.keys()).cloned().collect();
        Ok(Self(Arc::new(Pool {
            address: address(&pipeline.warehouse)?,
            schema,
            pipeline: pipeline.name.clone(),
            names,
            free: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        })))
    }

    async fn take(&self) -> Result<Taken, PostgresError> {
        let permit = self.0.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let free = || self.0.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let client = loop {
            match free() {
                Some(client) if client.is_closed() => {}
                Some(client) => break client,
                None => break connect::connect(&self.0.address).await?.0,
            }
        };
        Ok(Taken { client, pool: self.0.clone(), _permit: permit })
    }

    /// Begins a transaction that can only read, in which text means the same as in the lake. The server gives up what takes longer than `most`.
    async fn begin(&self, most: Duration) -> Result<Taken, PostgresError> {
        let begin = format!(
            "begin read only; {}; set local statement_timeout = {}; set local standard_conforming_strings = on; \
             set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'",
            search_path(&self.0.schema),
            most.as_millis()
        );
        let taken = self.take().await?;
        if taken.client.batch_execute(&begin).await.is_ok() {
            return Ok(taken);
        }
        // The server may have ended its connections since they were used: once more, on a new one. What else is wrong shows again.
        drop(taken);
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let taken = self.take().await?;
        taken.client.batch_execute(&begin).await.map_err(PostgresError::server("begin to read"))?;
        Ok(taken)
    }

    /// Runs one SELECT, as [`super::Postgres::query`] does, for `most` at most.
    pub async fn query(&self, sql: &str, most: Duration) -> Result<SendableRecordBatchStream, PostgresError> {
        let taken = self.begin(most).await?;
        let (schema, batches) = match query::stream(&taken.client, sql).await {
            Ok(found) => found,
            Err(error) => {
                taken.give_back().await;
                return Err(error);
            }
        };
        // The connection goes back when the last row was read; whoever stops before that closes it, and the server stops too.
        let batches = futures::stream::unfold((Box::pin(batches), Some(taken)), |(mut batches, mut taken)| async move {
            match batches.next().await {
                Some(batch) => Some((batch, (batches, taken))),
                None => {
                    if let Some(taken) = taken.take() {
                        taken.give_back().await;
                    }
                    None
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    /// How far the pipeline came. The stamp has the loads of all pipelines, and where each mart's rows lie, which changes when it is refreshed.
    pub async fn standing(&self) -> Result<Standing, PostgresError> {
        let doing = || PostgresError::server("read how far the pipeline came");
        let taken = self.begin(LOOK).await?;
        let found = async {
            let own = taken.client.query_one("select to_regclass('tidegate.pipelines') is not null", &[]).await.map_err(doing())?;
            let loads = if own.get(0) {
                taken
                    .client
                    .query("select pipeline, sequence, run, coalesce(loaded_at::text, '') from tidegate.pipelines order by 1", &[])
                    .await
                    .map_err(doing())?
            } else {
                Vec::new()
            };
            let marts = taken
                .client
                .query_one(
                    "select coalesce(string_agg(c.oid || '.' || coalesce(pg_relation_filenode(c.oid), 0) || '.' || c.relnatts, ' ' \
                     order by c.oid), '') from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                     where n.nspname = $1 and c.relkind in ('r', 'p', 'm', 'v', 'f')",
                    &[&self.0.schema.name()],
                )
                .await
                .map_err(doing())?;
            Ok::<_, PostgresError>((loads, marts.get::<_, String>(0)))
        }
        .await;
        taken.give_back().await;
        let (loads, marts) = found?;
        let mut standing = Standing { stamp: marts, ..Standing::default() };
        for load in loads {
            let (pipeline, sequence) = (load.get::<_, &str>(0), load.get::<_, i64>(1));
            standing.stamp.push_str(&format!(" {pipeline}#{sequence}@{}", load.get::<_, &str>(3)));
            if pipeline == self.0.pipeline {
                standing.sequence = u64::try_from(sequence).unwrap_or(0);
                standing.run = load.get(2);
            }
        }
        Ok(standing)
    }

    /// The tables and marts that the pipeline names, the continuous aggregates beside them, and the audit, as far as the role may read them.
    pub async fn tables(&self) -> Result<Vec<TableInfo>, PostgresError> {
        let taken = self.begin(LOOK).await?;
        let found = self.read_tables(&taken.client).await;
        taken.give_back().await;
        found
    }

    async fn read_tables(&self, client: &Client) -> Result<Vec<TableInfo>, PostgresError> {
        let doing = || PostgresError::server("look at the tables");
        let mut names = self.0.names.clone();
        if timescale::is_there(client).await? {
            let views = "select view_name::text from timescaledb_information.continuous_aggregates where view_schema = $1";
            let views = client.query(views, &[&self.0.schema.name()]).await.map_err(doing())?;
            names.extend(views.iter().map(|row| row.get::<_, String>(0)));
        }
        let columns = client
            .query(
                "select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), t.typname::text, t.typcategory::text \
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
                 join pg_type t on t.oid = a.atttypid \
                 where ((n.nspname = $1 and c.relname = any($2)) or (n.nspname = $3 and c.relname = $4)) \
                 and c.relkind in ('r', 'p', 'm', 'v', 'f') and has_table_privilege(c.oid, 'select') \
                 and has_schema_privilege(n.oid, 'usage') order by 1, a.attnum",
                &[&self.0.schema.name(), &names, &OWN_SCHEMA, &AUDIT],
            )
            .await
            .map_err(doing())?;
        let mut tables: BTreeMap<String, Vec<ColumnInfo>> = BTreeMap::new();
        for row in &columns {
            let column = ColumnInfo { name: row.get(1), kind: kind(row.get(3), row.get(4)), of: row.get(2) };
            tables.entry(row.get(0)).or_default().push(column);
        }
        Ok(tables.into_iter().map(|(name, columns)| TableInfo { name, columns }).collect())
    }
}

/// By the type's name and category, as `pg_type` has them.
fn kind(name: &str, category: &str) -> ColumnKind {
    match (name, category) {
        ("date", _) => ColumnKind::Day,
        ("timestamp" | "timestamptz", _) => ColumnKind::Instant,
        ("money", _) => ColumnKind::Other,
        ("int2" | "int4" | "int8" | "float4" | "float8" | "numeric", _) => ColumnKind::Number,
        (_, "B") => ColumnKind::Flag,
        (_, "S") => ColumnKind::Text,
        _ => ColumnKind::Other,
    }
}
