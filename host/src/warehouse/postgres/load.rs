//! One transaction for all that a run makes visible: its tables, its cursors, its audit rows.
//!
//! What always holds here (`tests/suite/postgres`):
//! - Nothing is committed by a host whose claim another one took over since ([`own`]).
//! - What a second try may cure (a deadlock, a server that restarts, a line that broke) is tried again, from the start of the transaction.
//! - A commit of which nobody heard whether it arrived is looked up before anything is sent again.

use std::{path::Path, time::Duration};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use tokio_postgres::Client;

use super::{Postgres, PostgresError, audit, early::Early, ident::Ident, own, rows, table};
use crate::{
    config::{Contract, LoadPath},
    warehouse::{
        CleanStream, Load, TableResult,
        session::{Join, Sessions},
    },
};

/// How often a load that failed for a passing reason is tried again.
const MORE_TRIES: u32 = 6;
/// The pause before the first further try; each one waits twice as long as the one before, 12 s in all: a server restarts meanwhile.
const PAUSE: Duration = Duration::from_millis(200);

/// What the parts of a load share.
pub(super) struct Job<'j> {
    /// In a transaction.
    pub client: &'j Client,
    pub sessions: &'j Sessions,
    pub join: Join,
    pub root: &'j Path,
    pub schema: &'j Ident,
    pub contract: Contract,
    pub path: LoadPath,
    /// The run's quarantine folder, relative to `root`.
    pub quarantine: &'j Path,
    pub as_of: DateTime<Utc>,
    /// None of them while rows land.
    pub streams: &'j [CleanStream],
}

/// How a load goes about it; the next try may go another way.
struct Way {
    join: Join,
    path: LoadPath,
    notes: Vec<String>,
}

impl Job<'_> {
    /// Runs a statement and gives how many rows it touched; `doing` says in an error what was to be done.
    pub async fn execute(&self, statement: &str, doing: String) -> Result<u64, PostgresError> {
        self.client.execute(statement, &[]).await.map_err(PostgresError::server(doing))
    }
}

impl Postgres {
    /// Loads a run. Calls `progress` with each table's name when its turn comes.
    ///
    /// # Errors
    /// Nothing was committed, whatever the error.
    pub async fn load(&mut self, load: &Load, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Vec<TableResult>, PostgresError> {
        let mut way = Way { join: Join::Hash, path: self.path, notes: Vec::new() };
        let mut tries = 0;
        let mut done = None;
        loop {
            let error = match self.attempt(load, &way, progress, &mut done).await {
                Ok(results) => {
                    self.sequence = load.sequence;
                    self.cursors.extend(load.cursors.clone());
                    return Ok(results);
                }
                Err(error) => error,
            };
            if error.is_out_of_memory() && way.join == Join::Hash {
                way.join = Join::SortMerge;
            } else if let PostgresError::CopyRefused { table, code } = &error {
                way.path = LoadPath::Insert;
                way.notes.push(format!("the database refused COPY into `{table}` ({code}): rows went by INSERT"));
                // tokio-postgres 0.7 loses count of the server's answers when COPY is refused: the session is of no use.
                self.reconnect().await?;
            } else if error.is_transient() && tries < MORE_TRIES {
                tracing::warn!("the load is tried again: {}", crate::error::chain(&error));
                tokio::time::sleep(PAUSE * 2_u32.pow(tries)).await;
                tries += 1;
            } else {
                return Err(error);
            }
        }
    }

    /// One try. `done` keeps what an earlier try did whose commit may have arrived.
    async fn attempt(
        &mut self,
        load: &Load,
        way: &Way,
        progress: &mut (dyn FnMut(&str) + Send),
        done: &mut Option<Vec<TableResult>>,
    ) -> Result<Vec<TableResult>, PostgresError> {
        // The transaction is open where tables were filled while their rows landed.
        let early = self.early.take().filter(|_| !self.client.is_closed());
        if self.client.is_closed() {
            self.reconnect().await?;
        }
        let attempted = self.transact(load, way, early, progress, done).await;
        if attempted.is_err() {
            self.roll_back();
        }
        attempted
    }

    async fn transact(
        &self,
        load: &Load,
        way: &Way,
        early: Option<Early>,
        progress: &mut (dyn FnMut(&str) + Send),
        done: &mut Option<Vec<TableResult>>,
    ) -> Result<Vec<TableResult>, PostgresError> {
        let client = &self.client;
        if early.is_none() {
            client.batch_execute("begin").await.map_err(PostgresError::server("begin the load"))?;
        }
        let standing = own::stand(client, &load.pipeline).await?;
        let sequence = i64::try_from(load.sequence).unwrap_or(i64::MAX);
        if standing.sequence == sequence && standing.run.as_deref() == Some(&load.run) {
            self.roll_back();
            return Ok(done.take().unwrap_or_default());
        }
        if self.claim.is_none_or(|claim| claim.fence != standing.fence) || standing.sequence + 1 != sequence {
            return Err(PostgresError::Fenced { pipeline: load.pipeline.clone() });
        }
        let job = Job {
            client,
            sessions: &self.sessions,
            join: way.join,
            root: &self.root,
            schema: &self.schema,
            contract: self.contract,
            path: way.path,
            quarantine: &load.quarantine,
            as_of: load.as_of,
            streams: &load.streams,
        };
        let mut results = tables(&job, load, early.unwrap_or_default(), progress).await?;
        results.iter_mut().for_each(|result| result.notes.extend(way.notes.clone()));
        audit::write(client, load, &results).await?;
        own::advance(client, &load.pipeline, &load.run, sequence, &load.cursors).await?;
        *done = Some(results.clone());
        client.batch_execute("commit").await.map_err(PostgresError::server("commit the load"))?;
        Ok(results)
    }

    /// Takes back what the open transaction did. Nobody waits for the answer: a server that does not answer must not hold a run.
    pub(super) fn roll_back(&self) {
        let _ = self.client.batch_execute("rollback").now_or_never();
    }
}

async fn tables(
    job: &Job<'_>,
    load: &Load,
    mut early: Early,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Vec<TableResult>, PostgresError> {
    let mut results = Vec::with_capacity(load.tables.len());
    for table in &load.tables {
        progress(&table.name);
        let filled = match early.take(table) {
            Some(filled) => filled,
            None => table::fill(job, table, rows::of(job, table).await?).await?,
        };
        results.push(table::settle(job, table, filled).await?);
    }
    Ok(results)
}
