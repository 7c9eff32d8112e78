//! The daemon's store: every change is one statement that says under which condition it holds, so that daemons which share it can't step on each
//! other, and one that dies between two statements leaves nothing that the next one can't go on from.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::{DateTime, Duration, Utc};

use super::{
    Backfill, BackfillEntry, BackfillId, BackfillStatus, Owed, PipelineMark, Task, TaskId, TaskStatus, TasksError,
    driver::{Driver, Value, values},
    rows::{BACKFILL, TASK, backfill, micros, reader, task, task_values},
};
use crate::{config::secret::Secret, state::RunId};

/// How long ended tasks and told news are kept.
const KEPT: Duration = Duration::days(400);

/// A slot that was taken by a daemon that died before it claimed the task is free again after so long.
const SLOT_GRACE: Duration = Duration::seconds(60);

/// The store of tasks.
pub struct Tasks(pub(super) Driver);

/// A daemon's hold on a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The task.
    pub task: TaskId,
    /// The daemon.
    pub daemon: String,
}

/// When and as what a task is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Later<'e> {
    /// The number of the attempt.
    pub attempt: u32,
    /// The time before which it is not tried.
    pub not_before: DateTime<Utc>,
    /// Why it was not done now.
    pub error: &'e str,
    /// Whether the daemon that ran it died.
    pub died: bool,
    /// Whether its run began: one that found another at work did not.
    pub began: bool,
}

/// What a renewed lease brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// It goes on.
    Held,
    /// It goes on, and somebody wants the run to stop.
    Cancel(String),
    /// It is lost: another daemon has taken the task over.
    Lost,
}

impl Tasks {
    /// Opens the store of one daemon and makes it where it is not there yet.
    pub fn open(path: &Path) -> Result<Self, TasksError> {
        Ok(Self(Driver::open(path)?))
    }

    /// Opens the store of several daemons, in a PostgreSQL database.
    pub async fn connect(url: &Secret) -> Result<Self, TasksError> {
        Ok(Self(Driver::connect(url).await?))
    }

    /// What is kept of each pipeline.
    pub async fn marks(&self) -> Result<BTreeMap<String, PipelineMark>, TasksError> {
        let rows = self.0.query("select pipeline, cadence, mark, paused_at, paused_by from pipelines", &[]).await?;
        let mut marks = BTreeMap::new();
        for row in rows {
            let mut read = reader(row);
            let pipeline = read.text("pipeline")?;
            let (cadence, mark) = (read.text("cadence")?, read.time("mark")?);
            let (at, by) = (read.optional_time("paused_at")?, read.optional_text("paused_by")?);
            let paused = at.map(|at| (at, by.unwrap_or_default()));
            marks.insert(pipeline.clone(), PipelineMark { pipeline, cadence, mark, paused });
        }
        Ok(marks)
    }

    /// Remembers that due times of a schedule are accounted for up to `mark`. It never goes back while the schedule stays the same.
    pub async fn mark(&self, pipeline: &str, cadence: &str, mark: DateTime<Utc>) -> Result<(), TasksError> {
        let sql = "insert into pipelines (pipeline, cadence, mark) values ($1, $2, $3) on conflict (pipeline) do update \
                   set cadence = excluded.cadence, mark = excluded.mark \
                   where pipelines.cadence <> excluded.cadence or pipelines.mark < excluded.mark";
        self.0.execute(sql, values![pipeline, cadence, micros(mark)]).await.map(drop)
    }

    /// Stops a pipeline's schedule. A pause that is there already stays whose it is.
    pub async fn pause(&self, pipeline: &str, by: &str, now: DateTime<Utc>) -> Result<(), TasksError> {
        let sql = "insert into pipelines (pipeline, cadence, mark, paused_at, paused_by) values ($1, '', $2, $2, $3) \
                   on conflict (pipeline) do update set paused_at = excluded.paused_at, paused_by = excluded.paused_by \
                   where pipelines.paused_at is null";
        self.0.execute(sql, values![pipeline, micros(now), by]).await.map(drop)
    }

    /// Starts a pipeline's schedule again. What was due meanwhile is not made up for.
    pub async fn resume(&self, pipeline: &str, now: DateTime<Utc>) -> Result<(), TasksError> {
        let sql = "update pipelines set paused_at = null, paused_by = null, mark = $2 where pipeline = $1 and paused_at is not null";
        self.0.execute(sql, values![pipeline, micros(now)]).await.map(drop)
    }

    /// Keeps a new task; false where it is there already.
    pub async fn create(&self, task: &Task, leads_on: bool) -> Result<bool, TasksError> {
        let sql = format!(
            "insert into tasks ({TASK}, leads_on) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
             $20, $21, $22, $23, $24) on conflict do nothing"
        );
        let mut values = task_values(task);
        values.push(Value::Number(i64::from(leads_on)));
        Ok(self.0.execute(&sql, &values).await? > 0)
    }

    /// The tasks that wait or run, oldest first.
    pub async fn open_tasks(&self) -> Result<Vec<Task>, TasksError> {
        let sql = format!("select {TASK} from tasks where status in ('queued', 'running') order by due, created_at, id");
        self.0.query(&sql, &[]).await?.into_iter().map(task).collect()
    }

    /// The last tasks of a pipeline, newest first.
    pub async fn tasks(&self, pipeline: &str, limit: u32) -> Result<Vec<Task>, TasksError> {
        let sql = format!("select {TASK} from tasks where pipeline = $1 order by created_at desc, due desc, id desc limit $2");
        self.0.query(&sql, values![pipeline, i64::from(limit)]).await?.into_iter().map(task).collect()
    }

    /// One task.
    pub async fn task(&self, id: &TaskId) -> Result<Option<Task>, TasksError> {
        let sql = format!("select {TASK} from tasks where id = $1");
        self.0.query(&sql, values![id.as_str()]).await?.into_iter().map(task).next().transpose()
    }

    /// When each pipeline has last loaded what others wait for.
    pub async fn loads(&self) -> Result<BTreeMap<String, DateTime<Utc>>, TasksError> {
        let sql = "select pipeline, max(finished_at) from tasks where status = 'loaded' and leads_on = 1 group by pipeline";
        let rows = self.0.query(sql, &[]).await?;
        rows.into_iter().map(reader).map(|mut read| Ok((read.text("pipeline")?, read.time("finished_at")?))).collect()
    }

    /// Takes a task that waits: from now on the daemon answers for it, with this run, until the lease ends. False where another one was faster,
    /// or the pipeline is at work.
    pub async fn claim(&self, claim: &Claim, run: &RunId, lease_until: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool, TasksError> {
        let sql = "update tasks set status = 'running', claimed_by = $2, run = $3, runs = runs || $3 || ' ', lease_until = $4, started_at = coalesce(started_at, $5) \
                   where id = $1 and status = 'queued' and cancel_by is null";
        let values = values![claim.task.as_str(), claim.daemon.as_str(), run.as_str(), micros(lease_until), micros(now)];
        Ok(self.0.execute(sql, values).await? > 0)
    }

    /// Takes over a task whose daemon let its lease end; false where another one was faster, or that daemon has come back.
    pub async fn take_over(&self, left: &Task, claim: &Claim, lease_until: DateTime<Utc>) -> Result<bool, TasksError> {
        let sql = "update tasks set claimed_by = $2, lease_until = $3 \
                   where id = $1 and status = 'running' and claimed_by = $4 and lease_until = $5";
        let before = (left.claimed_by.as_deref(), left.lease_until.map(micros));
        let values = values![claim.task.as_str(), claim.daemon.as_str(), micros(lease_until), before.0, before.1];
        Ok(self.0.execute(sql, values).await? > 0)
    }

    /// Renews a lease.
    pub async fn renew(&self, claim: &Claim, lease_until: DateTime<Utc>) -> Result<Renewed, TasksError> {
        let sql = "update tasks set lease_until = $3 where id = $1 and claimed_by = $2 and status = 'running' returning cancel_by";
        renewed(self.0.query(sql, values![claim.task.as_str(), claim.daemon.as_str(), micros(lease_until)]).await?)
    }

    /// Looks whether the lease is held and whether somebody wants the run to stop; nothing is written.
    pub async fn wish(&self, claim: &Claim) -> Result<Renewed, TasksError> {
        let sql = "select cancel_by from tasks where id = $1 and claimed_by = $2 and status = 'running'";
        renewed(self.0.query(sql, values![claim.task.as_str(), claim.daemon.as_str()]).await?)
    }

    /// Puts a task back for a later try; false where it is no longer this daemon's. One that somebody wants to end, ends.
    pub async fn put_back(&self, claim: &Claim, later: &Later<'_>) -> Result<bool, TasksError> {
        let sql = "update tasks set status = case when cancel_by is null then 'queued' else 'cancelled' end, \
                   finished_at = case when cancel_by is null then cast(null as bigint) else $4 end, \
                   lease_until = null, attempt = $3, not_before = $4, error = $5, deaths = deaths + $6, \
                   runs = case when $7 = cast(1 as bigint) then replace(runs, run || ' ', '') else runs end \
                   where id = $1 and claimed_by = $2 and status = 'running'";
        let (id, daemon) = (claim.task.as_str(), claim.daemon.as_str());
        let Later { attempt, not_before, error, died, began } = later;
        let done = self
            .0
            .execute(sql, values![id, daemon, i64::from(*attempt), micros(*not_before), *error, i64::from(*died), i64::from(!*began)])
            .await?;
        self.free(&claim.task).await?;
        Ok(done > 0)
    }

    /// Ends a task; false where it is no longer this daemon's.
    pub async fn finish(&self, claim: &Claim, status: TaskStatus, error: Option<&str>, now: DateTime<Utc>) -> Result<bool, TasksError> {
        let sql = "update tasks set status = $3, error = $4, finished_at = $5, lease_until = null \
                   where id = $1 and claimed_by = $2 and status = 'running'";
        let done = self.0.execute(sql, values![claim.task.as_str(), claim.daemon.as_str(), status.name(), error, micros(now)]).await?;
        self.free(&claim.task).await?;
        Ok(done > 0)
    }

    /// Ends a task that waits, or asks the daemon that runs it to stop its run. False where it has ended.
    pub async fn cancel(&self, id: &TaskId, by: &str, now: DateTime<Utc>) -> Result<bool, TasksError> {
        let waiting = "update tasks set status = 'cancelled', cancel_by = $2, finished_at = $3 where id = $1 and status = 'queued'";
        let running = "update tasks set cancel_by = $2 where id = $1 and status = 'running'";
        let ended = self.0.execute(waiting, values![id.as_str(), by, micros(now)]).await?;
        Ok(ended > 0 || self.0.execute(running, values![id.as_str(), by]).await? > 0)
    }

    /// Remembers that a task is late; false where that is known.
    pub async fn late(&self, id: &TaskId) -> Result<bool, TasksError> {
        Ok(self.0.execute("update tasks set late = 1 where id = $1 and late = 0", values![id.as_str()]).await? > 0)
    }

    /// Takes one of a source's `limit` places for a task.
    pub async fn take_slot(&self, source: &str, limit: u32, id: &TaskId, now: DateTime<Utc>) -> Result<bool, TasksError> {
        let sql = "insert into slots (source, slot, task, taken_at) values ($1, $2, $3, $4) on conflict do nothing";
        for slot in 0..limit {
            if self.0.execute(sql, values![source, i64::from(slot), id.as_str(), micros(now)]).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives back the places that a task took.
    pub async fn free(&self, id: &TaskId) -> Result<(), TasksError> {
        self.0.execute("delete from slots where task = $1", values![id.as_str()]).await.map(drop)
    }

    /// Gives back the places of tasks that no daemon runs any more, and forgets what is old.
    pub async fn tidy(&self, now: DateTime<Utc>) -> Result<(), TasksError> {
        let slots = "delete from slots where taken_at < $1 and task not in (select id from tasks where status = 'running')";
        self.0.execute(slots, values![micros(now - SLOT_GRACE)]).await?;
        let old = micros(now - KEPT);
        self.0.execute("delete from owed where told_at < $1", values![old]).await?;
        self.0.execute("delete from tasks where finished_at < $1", values![old]).await.map(drop)
    }

    /// The backfills of a pipeline, or of all, newest first.
    pub async fn backfills(&self, pipeline: Option<&str>) -> Result<Vec<BackfillEntry>, TasksError> {
        let of = if pipeline.is_some() { "where pipeline = $1" } else { "" };
        let sql = format!("select {BACKFILL} from backfills {of} order by created_at desc, id");
        let rows = match pipeline {
            Some(pipeline) => self.0.query(&sql, values![pipeline]).await?,
            None => self.0.query(&sql, &[]).await?,
        };
        rows.into_iter().map(backfill).collect()
    }

    /// Keeps a new backfill. The same span that halted or was cancelled before goes on where it was; one that goes on stays as it is.
    pub async fn start_backfill(&self, pipeline: &str, span: &Backfill, by: &str, now: DateTime<Utc>) -> Result<BackfillId, TasksError> {
        let same = |entry: &BackfillEntry| entry.span == *span && entry.status != BackfillStatus::Done;
        if let Some(known) = self.backfills(Some(pipeline)).await?.into_iter().find(same) {
            let sql = "update backfills set status = 'going', round = round + 1 where id = $1 and status in ('halted', 'cancelled')";
            self.0.execute(sql, values![known.id.as_str()]).await?;
            return Ok(known.id);
        }
        let id = BackfillId::new(pipeline, now);
        let sql = "insert into backfills (id, pipeline, from_at, to_at, window_secs, next_at, round, status, by, created_at) \
                   values ($1, $2, $3, $4, $5, $3, 0, 'going', $6, $7)";
        let window = i64::try_from(span.window.as_secs()).unwrap_or(i64::MAX);
        self.0.execute(sql, values![id.as_str(), pipeline, micros(span.from), micros(span.to), window, by, micros(now)]).await?;
        Ok(id)
    }

    /// Moves a backfill on from one window's start to the next one's. It is done where that is its end.
    pub async fn advance(&self, id: &BackfillId, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), TasksError> {
        let sql =
            "update backfills set next_at = $3, status = case when $3 >= to_at then 'done' else status end where id = $1 and next_at = $2";
        self.0.execute(sql, values![id.as_str(), micros(from), micros(to)]).await.map(drop)
    }

    /// Ends a backfill, for now or for good.
    pub async fn stop_backfill(&self, id: &BackfillId, status: BackfillStatus) -> Result<bool, TasksError> {
        let sql = "update backfills set status = $2 where id = $1 and status in ('going', 'halted')";
        Ok(self.0.execute(sql, values![id.as_str(), status.name()]).await? > 0)
    }

    /// Remembers news that somebody has to be told; said once for each `id`.
    pub async fn owe(&self, id: &str, pipeline: &str, news: &str, at: DateTime<Utc>) -> Result<(), TasksError> {
        let sql = "insert into owed (id, pipeline, news, tries, at) values ($1, $2, $3, 0, $4) on conflict do nothing";
        self.0.execute(sql, values![id, pipeline, news, micros(at)]).await.map(drop)
    }

    /// The news that is owed, oldest first.
    pub async fn owed(&self) -> Result<Vec<Owed>, TasksError> {
        let rows = self.0.query("select id, pipeline, news, tries, at from owed where told_at is null order by at, id", &[]).await?;
        let owed = |mut read: super::rows::Reader| {
            let (id, pipeline, news) = (read.text("id")?, read.text("pipeline")?, read.text("news")?);
            Ok(Owed { id, pipeline, news, tries: read.count("tries")?, at: read.time("at")? })
        };
        rows.into_iter().map(reader).map(owed).collect()
    }

    /// Takes the news to tell them: of several daemons the first one gets true.
    pub async fn try_telling(&self, owed: &Owed) -> Result<bool, TasksError> {
        let sql = "update owed set tries = tries + 1 where id = $1 and tries = $2 and told_at is null";
        Ok(self.0.execute(sql, values![owed.id.as_str(), i64::from(owed.tries)]).await? > 0)
    }

    /// Remembers that news were told, or given up.
    pub async fn told(&self, id: &str, now: DateTime<Utc>) -> Result<(), TasksError> {
        self.0.execute("update owed set told_at = $2 where id = $1", values![id, micros(now)]).await.map(drop)
    }

    /// The pipelines that the store knows: those that have marks or tasks.
    pub async fn known(&self) -> Result<BTreeSet<String>, TasksError> {
        let rows = self.0.query("select pipeline from pipelines union select pipeline from tasks", &[]).await?;
        rows.into_iter().map(reader).map(|mut read| read.text("pipeline")).collect()
    }
}

fn renewed(rows: Vec<super::driver::Row>) -> Result<Renewed, TasksError> {
    match rows.into_iter().next().map(reader) {
        None => Ok(Renewed::Lost),
        Some(mut read) => Ok(read.optional_text("cancel_by")?.map_or(Renewed::Held, Renewed::Cancel)),
    }
}

#[cfg(test)]
mod tests;
