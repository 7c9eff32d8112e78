//! The loop: looks at files, clock and store, decides, and acts.
//!
//! What always holds here:
//! - What a daemon left behind is looked after before anything new of its pipeline starts: the task counts as running until then
//!   (`tests/suite/schedule`).
//! - A store that is out of reach stops nothing that runs and loses nothing that is due; the loop goes on when it is back.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;

use super::{
    Desk, DeskError,
    decide::{Sight, Step, decide, ready},
    desk::{Inner, locked},
    files::{Files, known},
    news::Notice,
    stop::Why,
    work::{End, LEASE, Work},
};
use crate::{
    config::{self, Loaded, RunLimits},
    error::chain,
    flow::{RunError, launch::settle},
    notify::Kind,
    observe::Metrics,
    state::{
        Run, State, Status,
        tasks::{BackfillStatus, Claim, Later, Task, TaskStatus, TasksError},
    },
};

/// How often the loop looks, where nobody wakes it.
const LOOK: Duration = Duration::from_secs(1);

/// How often the files of the folder are read.
const FILES: chrono::Duration = chrono::Duration::seconds(2);

/// How often what is old is forgotten.
const TIDY: chrono::Duration = chrono::Duration::seconds(60);

/// A task that was left behind and can't be looked into now is looked at again after so long.
const AGAIN: chrono::Duration = chrono::Duration::seconds(5);

/// How often a daemon may die under a task before the task is at fault: one that needs more memory than the machine has kills each.
const MOST_DEATHS: u32 = 20;

/// The stack of a run's thread: in an unoptimised build the planner needs more than a thread's usual 2 MiB.
const STACK_BYTES: usize = 8 << 20;

/// How long a run that is told to stop may take for it.
const STOPPING: Duration = Duration::from_secs(30);

/// Looks after the pipelines of a folder.
pub struct Daemon {
    inner: Arc<Inner>,
    files: Files,
    folder: std::path::PathBuf,
    limits: RunLimits,
    /// Whether no other daemon shares the store: what runs at the start was left behind.
    alone: bool,
    looked: Option<DateTime<Utc>>,
    tidied: Option<DateTime<Utc>>,
    works: JoinSet<()>,
    settling: JoinSet<()>,
    telling: JoinSet<()>,
    complaint: String,
}

impl Daemon {
    /// A daemon for `folder`. `alone` says that no other one shares its store.
    pub fn new(desk: &Desk, folder: &Path, limits: RunLimits, alone: bool) -> Self {
        Self {
            inner: desk.0.clone(),
            files: Files::of(folder),
            folder: folder.to_owned(),
            limits,
            alone,
            looked: None,
            tidied: None,
            works: JoinSet::new(),
            settling: JoinSet::new(),
            telling: JoinSet::new(),
            complaint: String::new(),
        }
    }

    /// Works until `stop` completes; then what runs may end within the grace, or is parked for the next daemon.
    ///
    /// # Errors
    /// Where the store is out of reach at the start. Later, that passes.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), DeskError> {
        let mut stop = std::pin::pin!(stop);
        self.files.recall(self.inner.store.readings().await?);
        if self.alone {
            self.settle_left(|_, _| true).await?;
        }
        self.turn().await?;
        loop {
            let next = async { tokio::time::timeout(LOOK, self.inner.wake.notified()).await };
            tokio::select! {
                () = &mut stop => break,
                _ = next => {}
            }
            let turned = self.turn().await;
            self.complain(turned);
        }
        self.end().await;
        Ok(())
    }

    /// Says once that something is wrong, and once that it is right again.
    fn complain(&mut self, turned: Result<(), TasksError>) {
        let complaint = turned.err().map(|error| chain(&error)).unwrap_or_default();
        if complaint != self.complaint {
            match complaint.as_str() {
                "" => tracing::info!("the daemon's store can be reached again"),
                complaint => tracing::error!("the daemon's store can't be reached, nothing new starts: {complaint}"),
            }
            self.complaint = complaint;
        }
    }

    async fn turn(&mut self) -> Result<(), TasksError> {
        let now = self.inner.clock.now();
        while self.works.try_join_next().is_some() || self.settling.try_join_next().is_some() || self.telling.try_join_next().is_some() {}
        self.look_at_files(now);
        self.keep_readings(now).await;
        self.settle_left(|task, now| task.lease_until.is_none_or(|lease| lease < now)).await?;
        let mut sight = self.sight().await?;
        // Not earlier: nothing that is decided on what was seen may look as if it had been there before it.
        let now = self.inner.clock.now();
        let steps = decide(&sight, now);
        if !steps.is_empty() {
            for step in &steps {
                self.take(step, &sight, now).await?;
            }
            sight = self.sight().await?;
        }
        if self.start(&sight, now).await? {
            sight.open = self.inner.store.open_tasks().await?;
        }
        self.count(&sight, now);
        {
            let mut board = locked(&self.inner.board);
            board.sight = sight;
            board.looked = Some(now);
        }
        self.tell();
        if self.tidied.is_none_or(|tidied| now - tidied >= TIDY) {
            self.inner.store.tidy(now).await?;
            self.tidied = Some(now);
        }
        Ok(())
    }

    /// What Prometheus is told of the schedules.
    fn count(&self, sight: &Sight, now: DateTime<Utc>) {
        let Some(observer) = &self.inner.observer else { return };
        for (name, known) in &sight.pipelines {
            let paused = sight.marks.get(name).is_some_and(|mark| mark.paused.is_some());
            let queued = sight.open.iter().filter(|task| task.pipeline == *name && task.status == TaskStatus::Queued).count();
            observer.metrics().queued(name, queued);
            observer.metrics().scheduled(name, paused, known.cadence.next(now).filter(|_| !paused));
        }
    }

    fn look_at_files(&mut self, now: DateTime<Utc>) {
        if self.looked.is_some_and(|looked| now - looked < FILES && now >= looked) {
            return;
        }
        self.looked = Some(now);
        let changed = self.files.look();
        let mut broken = self.files.broken();
        match config::serve(&self.folder) {
            Ok(serve) if serve.limits != self.limits => {
                tracing::info!("read the daemon's own file: new limits");
                self.limits = serve.limits;
            }
            Ok(_) => {}
            Err(error) => broken.push((self.folder.join(config::SERVE_FILE), error.rendered())),
        }
        let mut board = locked(&self.inner.board);
        board.broken = broken;
        if changed {
            let served = self.files.served();
            if let Some(observer) = &self.inner.observer {
                let gone = board.served.keys().filter(|name| !served.contains_key(*name));
                gone.for_each(|name| observer.metrics().forget(name));
                let new = served.iter().filter(|(name, _)| !board.served.contains_key(*name));
                new.for_each(|(_, served)| restore(observer.metrics(), &served.loaded));
            }
            board.served = served;
        }
    }

    /// Keeps good readings for the next daemon. What the store does not take now, it is given again.
    async fn keep_readings(&mut self, now: DateTime<Utc>) {
        for (file, reading) in self.files.unkept() {
            let told = match (&reading, self.files.name(&file)) {
                (Some(reading), _) => self.inner.store.keep_reading(reading, now).await,
                (None, Some(name)) => self.inner.store.forget_reading(&name).await,
                // A name that is no text is not kept.
                (None, None) => Ok(()),
            };
            match told {
                Ok(()) => self.files.kept(&file),
                Err(error) => tracing::debug!("what `{}` says can't be kept yet: {}", file.display(), chain(&error)),
            }
        }
    }

    async fn sight(&self) -> Result<Sight, TasksError> {
        let store = &self.inner.store;
        let mut backfills = store.backfills(None).await?;
        backfills.retain(|entry| entry.status == BackfillStatus::Going);
        let served = locked(&self.inner.board).served.clone();
        Ok(Sight {
            pipelines: served.iter().map(|(name, served)| (name.clone(), known(served))).collect(),
            marks: store.marks().await?,
            // Before the tasks: one that still waits then will read these loads, whoever claims it.
            loads: store.loads().await?,
            open: store.open_tasks().await?,
            backfills,
        })
    }

    async fn take(&self, step: &Step, sight: &Sight, now: DateTime<Utc>) -> Result<(), TasksError> {
        let store = &self.inner.store;
        match step {
            Step::Create(task, leads_on) => {
                if store.create(task, *leads_on).await? {
                    tracing::info!(pipeline = %task.pipeline, task = %task.id, "{} by {}", task.status, task.cause);
                }
                Ok(())
            }
            Step::Mark { pipeline, cadence, mark } => store.mark(pipeline, cadence, *mark).await,
            Step::Cancel(id) => store.cancel(id, "a newer run of the pipeline", now).await.map(drop),
            Step::Late(id) => {
                let Some(task) = sight.open.iter().find(|task| task.id == *id) else { return Ok(()) };
                let sla = sight.pipelines.get(&task.pipeline).map(|known| known.schedule.sla.to_string()).unwrap_or_default();
                let why =
                    vec![format!("it was due at {} and has not ended {sla} later; it goes on", task.due.format("%Y-%m-%d %H:%M:%S UTC"))];
                let run = task.run.as_ref().map(ToString::to_string);
                self.inner.owe(task, &Notice { kind: Kind::Sla, run, at: now, what: "is late".to_owned(), why }).await?;
                if store.late(id).await?
                    && let Some(observer) = &self.inner.observer
                {
                    observer.metrics().sla_missed(&task.pipeline);
                }
                Ok(())
            }
        }
    }

    /// Starts what may start. True where something did.
    async fn start(&mut self, sight: &Sight, now: DateTime<Utc>) -> Result<bool, TasksError> {
        let mut started = false;
        for task in ready(sight, now) {
            if self.works.len() >= self.limits.runs as usize {
                break;
            }
            let Some(served) = locked(&self.inner.board).served.get(&task.pipeline).cloned() else { continue };
            let Some(known) = sight.pipelines.get(&task.pipeline) else { continue };
            if !self.take_slots(task, known.contacts.iter(), now).await? {
                continue;
            }
            let work = Work {
                task: task.clone(),
                claim: Claim { task: task.id.clone(), daemon: self.inner.daemon.clone() },
                loaded: served.loaded,
                schedule: known.schedule.clone(),
                started: self.inner.clock.moment(),
            };
            if self.inner.store.claim(&work.claim, &work.launch().run(), now + LEASE, now).await? {
                started = true;
                self.works.spawn(on_a_thread(work, self.inner.clone()));
            } else {
                self.inner.store.free(&task.id).await?;
            }
        }
        Ok(started)
    }

    /// Takes a place at each source that has a limit, or none at all.
    async fn take_slots(&self, task: &Task, contacts: impl Iterator<Item = &String>, now: DateTime<Utc>) -> Result<bool, TasksError> {
        for contact in contacts {
            let Some(limit) = self.limits.sources.get(contact).copied().or(self.limits.runs_per_source) else { continue };
            if !self.inner.store.take_slot(contact, limit, &task.id, now).await? {
                self.inner.store.free(&task.id).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes over what daemons left behind.
    async fn settle_left(&mut self, left: impl Fn(&Task, DateTime<Utc>) -> bool) -> Result<(), TasksError> {
        let now = self.inner.clock.now();
        for task in self.inner.store.open_tasks().await? {
            let mine = locked(&self.inner.stops).contains_key(&task.id);
            if task.status != TaskStatus::Running || mine || !left(&task, now) {
                continue;
            }
            // A pipeline whose file is gone or was never good waits until it is back.
            self.look_at_files(now);
            let Some(served) = locked(&self.inner.board).served.get(&task.pipeline).cloned() else { continue };
            let claim = Claim { task: task.id.clone(), daemon: self.inner.daemon.clone() };
            if self.inner.store.take_over(&task, &claim, now + LEASE).await? {
                tracing::warn!(pipeline = %task.pipeline, task = %task.id, "its daemon ended while it ran; looking what became of it");
                let schedule = known(&served).schedule;
                let work = Work { task, claim, loaded: served.loaded, schedule, started: now };
                self.settling.spawn(settled(self.inner.clone(), work));
            }
        }
        Ok(())
    }

    fn tell(&mut self) {
        if !self.telling.is_empty() {
            return;
        }
        let inner = self.inner.clone();
        self.telling.spawn(async move {
            if let Err(error) = inner.tell().await {
                tracing::debug!("alerts wait: {}", chain(&error));
            }
        });
    }

    /// Lets what runs end within the grace, then parks it.
    async fn end(&mut self) {
        let grace = self.limits.grace;
        if !self.works.is_empty() {
            tracing::info!("{} runs go on; they have {grace} to end", self.works.len());
        }
        if tokio::time::timeout(grace.get(), all(&mut self.works)).await.is_err() {
            locked(&self.inner.stops).values().for_each(|stop| stop.call(Why::Parked));
            if tokio::time::timeout(STOPPING, all(&mut self.works)).await.is_err() {
                tracing::error!("{} runs did not stop; the next daemon looks after them", self.works.len());
            }
        }
        let _ = tokio::time::timeout(STOPPING, all(&mut self.settling)).await;
        // What ended now is news too.
        self.tell();
        let _ = tokio::time::timeout(STOPPING, all(&mut self.telling)).await;
    }
}

/// Lets the counters that speak of a pipeline's last run begin with what the history says of it.
fn restore(metrics: &Metrics, loaded: &Loaded) {
    let database = loaded.storage().state_db();
    if !database.is_file() {
        return;
    }
    // A history that can't be read is said when the pipeline runs.
    let Ok(runs) = State::open(&database).and_then(|state| state.runs(20, Some(&loaded.pipeline.name))) else { return };
    let ended = |run: &&Run| run.finished_at.is_some();
    if let Some(run) = runs.iter().find(ended)
        && let (Some(at), Some(report)) = (run.finished_at, &run.report)
        && let Ok(report) = serde_json::from_value(report.clone())
    {
        metrics.restore(&report, at);
    }
    if let Some(at) = runs.iter().find(|run| run.status == Status::Loaded).and_then(|run| run.finished_at) {
        metrics.restore_success(&loaded.pipeline.name, at);
    }
}

/// Runs a task's run on a thread of its own: what a warehouse holds while it loads does not move between threads.
async fn on_a_thread(work: Work, inner: Arc<Inner>) {
    let (over, ended) = tokio::sync::oneshot::channel::<()>();
    let (runtime, id) = (tokio::runtime::Handle::current(), work.task.id.clone());
    let thread = std::thread::Builder::new().name("run".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        runtime.block_on(work.go(inner));
        drop(over);
    });
    if let Err(error) = thread {
        // The claim ends by itself, and the task is found again.
        tracing::error!(task = %id, "no thread for the run: {error}");
    }
    let _ = ended.await;
}

async fn all(works: &mut JoinSet<()>) {
    while works.join_next().await.is_some() {}
}

/// Looks what became of a run whose daemon ended, and goes on from there.
async fn settled(inner: Arc<Inner>, work: Work) {
    let outcome = Box::pin(settle(&work.loaded, &work.task.runs)).await;
    let (store, now, task) = (&inner.store, inner.clock.now(), &work.task);
    let last = task.run.clone().unwrap_or_else(|| work.launch().run());
    let written = match outcome {
        Ok(Some(run)) => work.try_to_write_down(&inner, &run, &End::Loaded, None).await,
        Ok(None) if task.deaths >= MOST_DEATHS => {
            let error = format!("{} daemons ended while it ran", task.deaths + 1);
            work.try_to_write_down(&inner, &last, &End::Failed(error), None).await
        }
        Ok(None) => {
            let later = Later { attempt: task.attempt, not_before: now, error: "its daemon ended while it ran", died: true, began: true };
            store.put_back(&work.claim, &later).await.map(drop)
        }
        Err(error @ RunError::Refresh(_)) => work.try_to_write_down(&inner, &last, &End::Failed(chain(&error)), None).await,
        // Somebody else is at the pipeline, or its warehouse is away: as long as nobody knows, the task counts as running.
        Err(error) => {
            tracing::warn!(task = %task.id, "what became of it can't be said yet: {}", chain(&error));
            store.renew(&work.claim, now + AGAIN).await.map(drop)
        }
    };
    if let Err(error) = written {
        tracing::warn!(task = %task.id, "what became of it can't be written down yet: {}", chain(&error));
    }
    inner.wake.notify_one();
}
