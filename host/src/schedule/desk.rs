//! The daemon's desk: where everyone who wants something of it asks, and sees how it stands.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use tokio::sync::Notify;

use super::{
    Clock, DeskError, Live, PipelineView,
    asks::Asks,
    decide::Sight,
    files::{Served, known},
    stop::Stop,
};
use crate::{
    config::near_miss,
    flow::launch::Host,
    notify::Notifier,
    observe::Observer,
    state::{
        RunId,
        tasks::{Backfill, BackfillEntry, BackfillId, Task, TaskId, TaskStatus, Tasks},
    },
};

/// A daemon that has not looked for so long is stuck.
const STUCK: Duration = Duration::seconds(60);

/// Where everyone who wants something of the daemon asks.
#[derive(Clone)]
pub struct Desk(pub(super) Arc<Inner>);

/// What the desk, the loop and the runs share.
pub(super) struct Inner {
    pub host: Arc<Host>,
    pub store: Tasks,
    pub clock: Clock,
    /// The daemon's name: there is no other one with it, now or later.
    pub daemon: String,
    pub board: Mutex<Board>,
    pub lives: Mutex<HashMap<RunId, Live>>,
    /// What ends the runs of this process.
    pub stops: Mutex<HashMap<TaskId, Arc<Stop>>>,
    /// Wakes the loop before its time.
    pub wake: Notify,
    /// Who tells people; none where nobody does.
    pub notifier: Option<Notifier>,
    /// Who watches runs.
    pub observer: Option<Observer>,
}

/// How things stood when the loop looked last.
#[derive(Default)]
pub(super) struct Board {
    pub served: BTreeMap<String, Served>,
    pub broken: Vec<(PathBuf, String)>,
    pub sight: Sight,
    pub looked: Option<DateTime<Utc>>,
}

impl Desk {
    /// A desk over a store. Pipelines are on it when a daemon has looked at its folder.
    pub fn new(host: Arc<Host>, store: Tasks, clock: Clock) -> Self {
        Self::reporting(host, store, clock, None, None)
    }

    /// The same, and people and watchers are told what becomes of runs.
    pub fn reporting(host: Arc<Host>, store: Tasks, clock: Clock, notifier: Option<Notifier>, observer: Option<Observer>) -> Self {
        let born = clock.moment();
        let daemon = format!("{}-{}", born.format("%Y%m%dT%H%M%S%.6f"), std::process::id());
        Self(Arc::new(Inner {
            host,
            store,
            clock,
            daemon,
            board: Mutex::default(),
            lives: Mutex::default(),
            stops: Mutex::default(),
            wake: Notify::new(),
            notifier,
            observer,
        }))
    }

    /// The pipelines, by name.
    pub fn pipelines(&self) -> Vec<PipelineView> {
        let (board, now) = (locked(&self.0.board), self.0.clock.now());
        board.served.iter().map(|(name, served)| view(&board, name, served, now)).collect()
    }

    /// One pipeline.
    pub fn pipeline(&self, name: &str) -> Option<PipelineView> {
        let (board, now) = (locked(&self.0.board), self.0.clock.now());
        board.served.get(name).map(|served| view(&board, name, served, now))
    }

    /// Files that never were good, with what is wrong with them.
    pub fn broken(&self) -> Vec<(PathBuf, String)> {
        locked(&self.0.board).broken.clone()
    }

    /// Whether the daemon looks after its pipelines: not while it starts, and not where its store is out of reach.
    pub fn is_healthy(&self) -> bool {
        let looked = locked(&self.0.board).looked;
        looked.is_some_and(|looked| self.0.clock.now() - looked < STUCK)
    }

    /// Asks for a run now. A pipeline that is at work gets it when that has ended.
    pub async fn run_now(&self, name: &str, by: &str) -> Result<TaskId, DeskError> {
        let names = self.names();
        self.then(self.asks(&names, by).run_now(name).await)
    }

    /// Stops a pipeline's schedule. What runs goes on.
    pub async fn pause(&self, name: &str, by: &str) -> Result<(), DeskError> {
        let names = self.names();
        self.then(self.asks(&names, by).pause(name).await)
    }

    /// Starts a pipeline's schedule again. What was due meanwhile is not made up for.
    pub async fn resume(&self, name: &str, by: &str) -> Result<(), DeskError> {
        let names = self.names();
        self.then(self.asks(&names, by).resume(name).await)
    }

    /// Asks for a run of each window of a span, in order. One that halted on the same span goes on.
    pub async fn backfill(&self, name: &str, span: Backfill, by: &str) -> Result<BackfillId, DeskError> {
        let names = self.names();
        self.then(self.asks(&names, by).backfill(name, &span).await)
    }

    /// The backfills of a pipeline, newest first.
    pub async fn backfills(&self, name: &str) -> Result<Vec<BackfillEntry>, DeskError> {
        let names = self.names();
        self.asks(&names, "").backfills(name).await
    }

    /// Ends a backfill, with its window that waits or runs; false where it has ended.
    pub async fn cancel_backfill(&self, id: &BackfillId, by: &str) -> Result<bool, DeskError> {
        self.then(self.asks(&[], by).cancel_backfill(id).await)
    }

    /// Stops a run that goes on, here or in another daemon.
    pub async fn cancel(&self, run: &RunId, by: &str) -> Result<(), DeskError> {
        self.then(self.asks(&[], by).cancel(run).await)
    }

    /// Ends a task that waits or runs.
    pub async fn cancel_task(&self, id: &TaskId, by: &str) -> Result<(), DeskError> {
        self.then(self.asks(&[], by).cancel_task(id).await)
    }

    /// The last tasks of a pipeline, newest first.
    pub async fn tasks(&self, name: &str, limit: u32) -> Result<Vec<Task>, DeskError> {
        let names = self.names();
        self.asks(&names, "").tasks(name, limit).await
    }

    /// One task.
    pub async fn task(&self, id: &TaskId) -> Result<Option<Task>, DeskError> {
        Ok(self.0.store.task(id).await?)
    }

    /// A run of this process that goes on.
    pub fn live(&self, run: &RunId) -> Option<Live> {
        locked(&self.0.lives).get(run).cloned()
    }

    /// What runs share in this process.
    pub fn host(&self) -> Arc<Host> {
        self.0.host.clone()
    }

    /// The pipeline that was probably meant by a name that is none.
    pub fn near(&self, name: &str) -> Option<String> {
        let board = locked(&self.0.board);
        near_miss(name, board.served.keys().map(String::as_str)).map(str::to_owned)
    }

    fn names(&self) -> Vec<String> {
        locked(&self.0.board).served.keys().cloned().collect()
    }

    fn asks<'a>(&'a self, names: &'a [String], by: &'a str) -> Asks<'a> {
        Asks { store: &self.0.store, names, now: self.0.clock.moment(), by }
    }

    /// Lets the loop look at what was asked for at once.
    fn then<T>(&self, asked: Result<T, DeskError>) -> Result<T, DeskError> {
        self.0.wake.notify_one();
        asked
    }

    /// A desk with these pipelines and no daemon behind it, for the tests of pages.
    #[cfg(test)]
    pub(crate) fn of(host: Arc<Host>, store: Tasks, served: BTreeMap<String, Served>) -> Self {
        let desk = Self::new(host, store, Clock::default());
        let pipelines = served.iter().map(|(name, served)| (name.clone(), known(served))).collect();
        let sight = Sight { pipelines, ..Sight::default() };
        *locked(&desk.0.board) = Board { served, broken: Vec::new(), sight, looked: Some(Utc::now()) };
        desk
    }
}

fn view(board: &Board, name: &str, served: &Served, now: DateTime<Utc>) -> PipelineView {
    let sight = &board.sight;
    let known = sight.pipelines.get(name).cloned().unwrap_or_else(|| known(served));
    let paused = sight.marks.get(name).and_then(|mark| mark.paused.clone());
    let open = || sight.open.iter().filter(|task| task.pipeline == name);
    let running = open().find(|task| task.status == TaskStatus::Running);
    PipelineView {
        name: name.to_owned(),
        file: served.file.clone(),
        loaded: served.loaded.clone(),
        problem: served.problem.clone(),
        cadence: known.cadence.words(),
        next: if paused.is_some() { None } else { known.cadence.next(now) },
        paused,
        running: running.and_then(|task| task.run.clone()),
        queued: open().filter(|task| task.status == TaskStatus::Queued).count(),
        sla_missed: open().any(|task| task.late),
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it left a value that is as good as the last one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
