//! The SQLite file with the runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};

use super::lock::Lock;
use super::process::{Life, Process};
use super::record::{LogEntry, NewRun, Outcome, Run, StageEntry, Status};
use super::run_id::RunId;
use super::{migrate, rows};
use crate::quality::Measure;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
const DIED: &str = "its process ended without a word";

/// The store of runs. It may be shared between threads.
#[derive(Debug)]
pub struct State {
    connection: Mutex<Connection>,
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder of the file could not be made.
    #[error("make the folder of the state file `{}`", path.display())]
    Folder {
        /// The state file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer tidegate wrote it.
    #[error("open a state file of version {found}: this tidegate knows versions up to {known}")]
    Newer {
        /// The file's version.
        found: usize,
        /// The newest that is known here.
        known: usize,
    },
    /// There is no such run.
    #[error("find the run `{0}`")]
    NoRun(RunId),
    /// The run has ended, or an end was asked for that is none.
    #[error("end the run `{id}` as {status}: it is not running, or that is no end")]
    NotAnEnd {
        /// The run.
        id: RunId,
        /// The status asked for.
        status: Status,
    },
    /// The run did not die, fail or stop, so there is nothing to take over.
    #[error("take over the run `{0}`: it has not died, failed or been stopped")]
    NotResumable(RunId),
    /// SQLite refused.
    #[error("use the state file")]
    Sqlite(#[from] rusqlite::Error),
}

impl State {
    /// Opens the store at `path` and makes it where it is not there yet.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| StateError::Folder { path: path.to_owned(), source })?;
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        use_wal(&connection)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate::to_newest(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Records that a run of the locked pipeline begins, and gives its sequence. Whoever holds the lock is alone, so runs of this
    /// pipeline that still count as running have died.
    pub fn begin_run(&self, lock: &Lock, run: &NewRun) -> Result<u64, StateError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let died = "update runs set status = 'died', error = ? where pipeline = ? and status = 'running'";
        transaction.execute(died, params![DIED, lock.pipeline()])?;
        let highest = "select coalesce(max(sequence), 0) from runs where pipeline = ?";
        let highest: i64 = transaction.query_row(highest, [lock.pipeline()], |row| row.get(0))?;
        let sequence = highest.max(rows::count(run.seen)) + 1;
        let insert =
            "insert into runs (id, pipeline, sequence, status, started_at, pid, process_start) values (?, ?, ?, 'running', ?, ?, ?)";
        let started = run.started_at.timestamp_micros();
        let Process { pid, start } = &run.process;
        transaction.execute(insert, params![run.id.as_str(), lock.pipeline(), sequence, started, pid, start])?;
        transaction.commit()?;
        Ok(sequence.unsigned_abs())
    }

    /// Records that a stage began, or, told again with its end, that it ended.
    pub fn stage(&self, run: &RunId, entry: &StageEntry) -> Result<(), StateError> {
        let sql = "insert into stages (run, stage, stream, started_at, finished_at, rows) values (?, ?, ?, ?, ?, ?) \
                   on conflict do update set started_at = excluded.started_at, finished_at = excluded.finished_at, rows = excluded.rows";
        let StageEntry { stage, stream, started_at, finished_at, rows } = entry;
        let stream = stream.as_deref().unwrap_or_default();
        let finished = finished_at.map(|at| at.timestamp_micros());
        let values = params![run.as_str(), stage.name(), stream, started_at.timestamp_micros(), finished, rows::count(*rows)];
        self.lock().execute(sql, values)?;
        Ok(())
    }

    /// Records how a running run ended.
    pub fn finish_run(&self, run: &RunId, at: DateTime<Utc>, outcome: &Outcome) -> Result<(), StateError> {
        let sql = "update runs set status = ?, finished_at = ?, rows_read = ?, rows_accepted = ?, rows_quarantined = ?, rows_loaded = ?, \
                   verdict = ?, score = ?, error = ?, report = ?, failure = ? where id = ? and status = 'running'";
        let not_an_end = || StateError::NotAnEnd { id: run.clone(), status: outcome.status };
        if outcome.status == Status::Running {
            return Err(not_an_end());
        }
        let values = params![
            outcome.status.name(),
            at.timestamp_micros(),
            rows::count(outcome.rows.read),
            rows::count(outcome.rows.accepted),
            rows::count(outcome.rows.quarantined),
            rows::count(outcome.rows.loaded),
            outcome.verdict.map(|verdict| verdict.name()),
            outcome.score,
            outcome.error,
            outcome.report.as_ref().map(ToString::to_string),
            outcome.failure.as_ref().map(ToString::to_string),
            run.as_str(),
        ];
        match self.lock().execute(sql, values)? {
            0 => Err(not_an_end()),
            _ => Ok(()),
        }
    }

    /// Records that `by` took over the work of `run`, which died, failed or was stopped.
    pub fn resume(&self, run: &RunId, by: &RunId) -> Result<(), StateError> {
        let sql = "update runs set status = 'resumed', resumed_by = ? where id = ? and status in ('died', 'failed', 'stopped')";
        match self.lock().execute(sql, [by.as_str(), run.as_str()])? {
            0 => Err(StateError::NotResumable(run.clone())),
            _ => Ok(()),
        }
    }

    /// Records that a run whose process died had loaded before: the warehouse says so.
    pub fn found_loaded(&self, run: &RunId) -> Result<(), StateError> {
        let sql = "update runs set status = 'loaded', error = null, failure = null where id = ? and status in ('died', 'running')";
        self.lock().execute(sql, [run.as_str()])?;
        Ok(())
    }

    /// Records what was measured, all or nothing.
    pub fn record_measures(&self, run: &RunId, measures: &[Measure]) -> Result<(), StateError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let insert = "insert into measures (run, stream, plugin, dimension, rule, columns, passed, total, samples, rejects) \
                      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let mut statement = transaction.prepare(insert)?;
        for measure in measures {
            let Measure { stream, plugin, dimension, rule, columns, passed, total, samples, rejects } = measure;
            let (columns, samples) = (serde_json::json!(columns).to_string(), serde_json::json!(samples).to_string());
            let (passed, total) = (rows::count(*passed), rows::count(*total));
            statement.execute(params![run.as_str(), stream, plugin, dimension.name(), rule, columns, passed, total, samples, rejects])?;
        }
        drop(statement);
        transaction.commit()?;
        Ok(())
    }

    /// Records log messages, all or nothing. Every call waits for the disk, so hand over many.
    pub fn log(&self, run: &RunId, entries: &[LogEntry]) -> Result<(), StateError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut statement = transaction.prepare("insert into logs (run, at, level, plugin, stream, message) values (?, ?, ?, ?, ?, ?)")?;
        for entry in entries {
            let LogEntry { at, level, plugin, stream, message } = entry;
            statement.execute(params![run.as_str(), at.timestamp_micros(), level.name(), plugin, stream, message])?;
        }
        drop(statement);
        transaction.commit()?;
        Ok(())
    }

    /// The last `limit` runs, of one pipeline or of all, newest first.
    pub fn runs(&self, limit: u32, pipeline: Option<&str>) -> Result<Vec<Run>, StateError> {
        let sql = format!(
            "select {} from runs where ?1 is null or pipeline = ?1 order by started_at desc, sequence desc, id desc limit ?2",
            rows::RUN
        );
        self.list(&sql, params![pipeline, limit], rows::run)
    }

    /// One run.
    pub fn run(&self, id: &RunId) -> Result<Run, StateError> {
        let sql = format!("select {} from runs where id = ?", rows::RUN);
        let run = self.lock().query_row(&sql, [id.as_str()], rows::run).optional()?;
        run.ok_or_else(|| StateError::NoRun(id.clone()))
    }

    /// The stages of a run in the order in which they began.
    pub fn stages(&self, run: &RunId) -> Result<Vec<StageEntry>, StateError> {
        let sql = "select * from stages where run = ? order by started_at, stage, stream";
        self.list(sql, [run.as_str()], rows::stage)
    }

    /// What a run measured, in the order in which it was recorded.
    pub fn measures(&self, run: &RunId) -> Result<Vec<Measure>, StateError> {
        self.list("select * from measures where run = ? order by rowid", [run.as_str()], rows::measure)
    }

    /// What a run said, in the order in which it was recorded.
    pub fn logs(&self, run: &RunId) -> Result<Vec<LogEntry>, StateError> {
        self.list("select * from logs where run = ? order by rowid", [run.as_str()], rows::log)
    }

    /// Marks the running runs whose process is gone as died, and names them. When they died nobody saw, so they have no end.
    pub fn reap_dead(&self) -> Result<Vec<RunId>, StateError> {
        let running = "select id, pid, process_start from runs where status = 'running' order by id";
        let running = self.list(running, [], |row| {
            Ok((rows::word::<RunId>(row, "id")?, Process { pid: row.get("pid")?, start: row.get("process_start")? }))
        })?;
        let mut reaped = Vec::new();
        for (id, process) in running {
            let sql = "update runs set status = 'died', error = ? where id = ? and status = 'running'";
            // A run that ended since the list was read has recorded its end, which stays.
            if process.life() == Life::Dead && self.lock().execute(sql, [DIED, id.as_str()])? > 0 {
                reaped.push(id);
            }
        }
        Ok(reaped)
    }

    pub(super) fn list<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StateError> {
        let connection = self.lock();
        let mut statement = connection.prepare(sql)?;
        let found = statement.query_map(values, read)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A thread that panicked rolled its transaction back, so the connection is as good as ever.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Readers and the writer do not wait for each other. It is a property of the file: only the first to open it sets it.
pub(super) fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let mode = || connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    let mut tries = 100;
    while mode()? != "wal" {
        match connection.pragma_update(None, "journal_mode", "wal") {
            // SQLite does not wait for others here, whatever the busy timeout says.
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::DatabaseBusy && tries > 0 => {
                tries -= 1;
                std::thread::sleep(BUSY / 1000);
            }
            // Some file systems cannot have it; the file then works without.
            done => return done,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
