//! Rows that go into the run's transaction while they land, before the gate has seen them.
//!
//! What always holds here (each with its test in `tests/suite/postgres/early.rs`):
//! - Nobody sees a row before the gate has passed the run: the transaction is open, and a held run rolls it back.
//!   (`a_held_run_leaves_nothing_of_what_it_sent`)
//! - What goes wrong here stops no run: the rows are in the clean files too, and the load reads them from there, as if nothing had been
//!   sent. (`rows_that_could_not_be_sent_while_they_landed_are_loaded_all_the_same`, `tests/suite/postgres/faults.rs`)
//! - Nobody waits for it: a table that has to be altered, or emptied in its place, is left to the load after the gate.
//!   (`a_table_that_readers_need_is_not_locked_while_rows_land`)
//!
//! # Why
//! On two cores a run of 1 M orders takes as long as the CPU that host and server need together, if both work at the same time. Loading
//! after the gate meant that the server waited while the host worked, and that the clean files were read and decoded once more.
//!
//! A transaction that stays open for hours keeps vacuum from its work everywhere in the database. So it is opened only for a pipeline whose
//! sources read granted files and nothing else (the stage `load` sees to that): these come at the pace of the disk, the server is the slower
//! part, and the transaction is open about as long as the load alone would have kept it.

use std::path::Path;

use chrono::Utc;
use datafusion::execution::SendableRecordBatchStream;

use super::{
    Postgres, PostgresError,
    catalog::Table,
    ddl::{OldRows, takes_as_it_is},
    load::Job,
    rows::Rows,
    table::{Filled, Filling, fill_into},
};
use crate::{
    config::Mode,
    warehouse::{TableLoad, session::Join},
};

/// The tables that were filled in the open transaction.
#[derive(Default)]
pub(super) struct Early(Vec<(TableLoad, Filled)>);

impl Early {
    /// What there is of a table.
    pub fn take(&mut self, load: &TableLoad) -> Option<Filled> {
        let place = self.0.iter().position(|(filled, _)| filled == load)?;
        Some(self.0.swap_remove(place).1)
    }
}

impl Postgres {
    /// Sends the rows of a table into the run's transaction while they land, and gives how many there were; none where the load after the
    /// gate has to do it. `quarantine` is the run's folder relative to the storage.
    pub async fn fill_early(&mut self, load: &TableLoad, quarantine: &Path, rows: SendableRecordBatchStream) -> Option<u64> {
        if self.claim.is_none() || self.client.is_closed() {
            return None;
        }
        let mut early = match self.early.take() {
            Some(early) => early,
            None => {
                self.client.batch_execute("begin").await.ok()?;
                Early::default()
            }
        };
        match self.try_early(load, quarantine, rows).await {
            Ok(Some(filled)) => {
                let read = filled.sent.read;
                early.0.push((load.clone(), filled));
                self.early = Some(early);
                Some(read)
            }
            Ok(None) if early.0.is_empty() => {
                self.roll_back();
                None
            }
            Ok(None) => {
                self.early = Some(early);
                None
            }
            Err(error) => {
                tracing::info!("`{}` is loaded after the gate: {}", load.name, crate::error::chain(&error));
                self.give_up_early(&error, early).await;
                None
            }
        }
    }

    /// Takes back everything that was sent.
    pub fn forget_early(&mut self) {
        if self.early.take().is_some() {
            self.roll_back();
        }
    }

    /// None where the table would have to be locked.
    async fn try_early(
        &self,
        load: &TableLoad,
        quarantine: &Path,
        rows: SendableRecordBatchStream,
    ) -> Result<Option<Filled>, PostgresError> {
        let job = Job {
            client: &self.client,
            sessions: &self.sessions,
            join: Join::Hash,
            root: &self.root,
            schema: &self.schema,
            contract: self.contract,
            path: self.path,
            quarantine,
            // Only what comes after the gate asks for it.
            as_of: Utc::now(),
            streams: &[],
        };
        let doing = || format!("load the table `{}` while its rows land", load.name);
        job.execute("savepoint tidegate_early", doing()).await?;
        let filling = Filling::of(&job, load, Rows::Landing(rows))?;
        let existing = Table::find(job.client, &filling.name).await?;
        if !is_in_nobodys_way(&job, &filling, existing.as_ref()).await? {
            return Ok(None);
        }
        let filled = fill_into(&job, filling, existing).await?;
        job.execute("release savepoint tidegate_early", doing()).await?;
        Ok(Some(filled))
    }

    /// Keeps what other tables have, where that is possible.
    async fn give_up_early(&mut self, error: &PostgresError, early: Early) {
        // tokio-postgres 0.7 loses count of the server's answers when COPY is refused: the session is of no use. The load connects again
        // where this can't.
        if matches!(error, PostgresError::CopyRefused { .. }) {
            let _ = self.reconnect().await;
            return;
        }
        if !early.0.is_empty() && self.client.batch_execute("rollback to savepoint tidegate_early").await.is_ok() {
            self.early = Some(early);
        } else {
            self.roll_back();
        }
    }
}

/// Whether a table can be filled without a lock that others would wait for until the run has ended.
async fn is_in_nobodys_way(job: &Job<'_>, filling: &Filling<'_>, existing: Option<&Table>) -> Result<bool, PostgresError> {
    let Some(table) = existing else { return Ok(true) };
    let replaces = filling.load.mode == Mode::Replace;
    if replaces && !table.is_replaceable(job.client).await? {
        return Ok(false);
    }
    Ok(takes_as_it_is(job, filling, table, if replaces { OldRows::Go } else { OldRows::Stay }))
}
