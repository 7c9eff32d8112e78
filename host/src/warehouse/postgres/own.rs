//! tidegate's own tables in the schema `tidegate`: migrations, how far a pipeline came, its lock and its fence.
//!
//! # Why
//! A lock alone does not stop a host that was cut off, believed dead, and came back: its transaction may still be on its way. So whoever takes
//! the lock counts [`Claim::fence`] up, and a load compares it under a row lock before it commits.

use std::collections::BTreeMap;

use tokio_postgres::{Client, GenericClient};

use super::{Postgres, PostgresError};

/// The migrations, in order; the number of one is its place from 1. What was released is never changed.
const MIGRATIONS: &[(&str, &str)] =
    &[("own_tables", include_str!("migrations/0001_own_tables.sql")), ("replayed", include_str!("migrations/0002_replayed.sql"))];

/// Any number that nobody else takes for the lock under which migrations run: "tidegate" in ASCII.
const MIGRATION_LOCK: i64 = 0x7469_6465_6761_7465;

/// What a host got with the pipeline's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// How often the lock was taken; the highest number may commit.
    pub fence: i64,
}

impl Postgres {
    /// Brings tidegate's own tables up to date and takes the pipeline's lock, which lasts as long as the connection.
    ///
    /// # Errors
    /// [`PostgresError::Busy`] where another host has it.
    pub async fn claim(&mut self) -> Result<(), PostgresError> {
        migrate(&mut self.client).await?;
        lock(&self.client, &self.pipeline).await?;
        let doing = "take the pipeline's lock";
        let statement = "insert into tidegate.pipelines as p (pipeline, fence) values ($1, 1) \
                         on conflict (pipeline) do update set fence = p.fence + 1 returning fence";
        let row = self.client.query_one(statement, &[&self.pipeline]).await.map_err(PostgresError::server(doing))?;
        self.claim = Some(Claim { fence: row.get(0) });
        self.look().await
    }

    /// Reads how far the pipeline came.
    pub(super) async fn look(&mut self) -> Result<(), PostgresError> {
        let doing = "read how far the pipeline came";
        let encoding =
            self.client.query_one("select current_setting('server_encoding')", &[]).await.map_err(PostgresError::server(doing))?;
        let found: String = encoding.get(0);
        if found != "UTF8" {
            return Err(PostgresError::Encoding { found });
        }
        if version(&self.client).await? == 0 {
            return Ok(());
        }
        let row = self
            .client
            .query_opt("select sequence, run from tidegate.pipelines where pipeline = $1", &[&self.pipeline])
            .await
            .map_err(PostgresError::server(doing))?;
        self.sequence = row.as_ref().map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0));
        self.run = row.and_then(|row| row.get(1));
        let rows = self
            .client
            .query("select stream, cursor from tidegate.cursors where pipeline = $1", &[&self.pipeline])
            .await
            .map_err(PostgresError::server(doing))?;
        self.cursors = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(())
    }
}

/// Takes the lock again on a new connection.
///
/// # Errors
/// [`PostgresError::Fenced`] where another host had it since.
pub(super) async fn keep(client: &Client, pipeline: &str, claim: &Claim) -> Result<(), PostgresError> {
    lock(client, pipeline).await.map_err(|error| match error {
        PostgresError::Busy { pipeline } => PostgresError::Fenced { pipeline },
        error => error,
    })?;
    let row = client
        .query_one("select fence from tidegate.pipelines where pipeline = $1", &[&pipeline])
        .await
        .map_err(PostgresError::server("take the pipeline's lock again"))?;
    if row.get::<_, i64>(0) == claim.fence { Ok(()) } else { Err(PostgresError::Fenced { pipeline: pipeline.to_owned() }) }
}

/// How often a lock is asked for whose holder may just be dying: the server notices a connection that ended, but not at once.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

async fn lock(client: &Client, pipeline: &str) -> Result<(), PostgresError> {
    for _ in 0..LOCK_TRIES {
        let row = client
            .query_one("select pg_try_advisory_lock(hashtext('tidegate'), hashtext($1))", &[&pipeline])
            .await
            .map_err(PostgresError::server("take the pipeline's lock"))?;
        if row.get(0) {
            return Ok(());
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Err(PostgresError::Busy { pipeline: pipeline.to_owned() })
}

/// What a load finds of its pipeline under a row lock, which keeps others from taking over until it ends.
pub(super) struct Standing {
    pub fence: i64,
    pub sequence: i64,
    pub run: Option<String>,
}

/// Locks the pipeline's row for the rest of the transaction.
pub(super) async fn stand(client: &impl GenericClient, pipeline: &str) -> Result<Standing, PostgresError> {
    let row = client
        .query_one("select fence, sequence, run from tidegate.pipelines where pipeline = $1 for update", &[&pipeline])
        .await
        .map_err(PostgresError::server("begin the load"))?;
    Ok(Standing { fence: row.get(0), sequence: row.get(1), run: row.get(2) })
}

/// Writes down how far the pipeline came with this load.
pub(super) async fn advance(
    client: &impl GenericClient,
    pipeline: &str,
    run: &str,
    sequence: i64,
    cursors: &BTreeMap<String, String>,
) -> Result<(), PostgresError> {
    let doing = || PostgresError::server("write down how far the pipeline came");
    for (stream, cursor) in cursors {
        client
            .execute(
                "insert into tidegate.cursors (pipeline, stream, cursor, run) values ($1, $2, $3, $4) \
                 on conflict (pipeline, stream) do update set cursor = excluded.cursor, run = excluded.run",
                &[&pipeline, stream, cursor, &run],
            )
            .await
            .map_err(doing())?;
    }
    client
        .execute(
            "update tidegate.pipelines set sequence = $2, run = $3, loaded_at = now() where pipeline = $1",
            &[&pipeline, &sequence, &run],
        )
        .await
        .map_err(doing())?;
    Ok(())
}

/// The version of tidegate's own tables: 0 where there are none.
pub(super) async fn version(client: &impl GenericClient) -> Result<i32, PostgresError> {
    let doing = || PostgresError::server("read the version of tidegate's own tables");
    let there = client.query_one("select to_regclass('tidegate.migrations') is not null", &[]).await.map_err(doing())?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = client.query_one("select coalesce(max(version), 0) from tidegate.migrations", &[]).await.map_err(doing())?;
    Ok(row.get(0))
}

/// The version that [`migrate`] makes.
pub(super) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Applies the migrations that are missing, all in one transaction. Gives the versions before and after.
pub(super) async fn migrate(client: &mut Client) -> Result<(i32, i32), PostgresError> {
    let known = newest();
    let found = version(client).await?;
    if found > known {
        return Err(PostgresError::Newer { found, known });
    }
    if found == known {
        return Ok((found, known));
    }
    let doing = || PostgresError::server("make tidegate's own tables");
    let transaction = client.transaction().await.map_err(doing())?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await.map_err(doing())?;
    transaction
        .batch_execute(
            "create schema if not exists tidegate; \
             create table if not exists tidegate.migrations (version int primary key, name text not null, applied_at timestamptz not null default now())",
        )
        .await
        .map_err(doing())?;
    // Another host may have been faster.
    let found = version(&transaction).await?;
    for (version, (name, sql)) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        transaction.batch_execute(sql).await.map_err(doing())?;
        transaction.execute("insert into tidegate.migrations (version, name) values ($1, $2)", &[&version, name]).await.map_err(doing())?;
    }
    transaction.commit().await.map_err(doing())?;
    Ok((found, known))
}
