//! The warehouses that the dashboard reads, opened once and kept; what was asked of them is answered once for all who ask.
//!
//! What always holds here (each with its test in `tests/suite/web/business`):
//! - All figures of a page come from one [`Snapshot`]: what was visible at one moment. A load that becomes visible meanwhile shows on the
//!   next page.
//! - Whoever asks what somebody else is asking already waits for that answer; a statement runs once per load.
//! - Nobody waits long for a load: after [`GRACE`] the figures before it are shown, which a page says by naming their run.
//! - What is kept has a bound in bytes ([`answers`]), and a statement one in time and rows. Few statements run at once, so that runs of
//!   pipelines in the same process keep most of the machine.

mod answer;
mod answers;
mod star;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use datafusion::execution::SendableRecordBatchStream;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    config::Loaded,
    error,
    warehouse::{Reader, Standing, TableInfo, WarehouseError},
};
use answers::Answers;

pub use crate::warehouse::Question;
pub use answer::{Answer, Cell, cells};
pub use star::RELATIONS;

/// How old the knowledge may be that nothing was loaded since.
const FRESH: Duration = Duration::from_millis(500);
/// How long a page waits for what was just loaded before it shows what was there before.
const GRACE: Duration = Duration::from_millis(250);
/// How long a warehouse may take to be opened.
const OPEN: Duration = Duration::from_secs(15);
/// Downloads that go on at once: each may hold a connection for long, and pages need some too.
const DOWNLOADS: usize = 2;
/// How long somebody waits for the end of others' downloads.
const SOON: Duration = Duration::from_secs(3);
/// How long a download may take, however slowly it is taken.
const DOWNLOAD: Duration = Duration::from_secs(30 * 60);
/// How many of the last answers are asked for again before a new snapshot is shown.
const WARMED: usize = 24;
/// Statements that run at once, of all pages and pipelines, on a machine with many cores; each uses several by itself.
const MOST_AT_ONCE: usize = 4;

/// Why there is no answer, for the page on which it should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What failed and why, as a sentence.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<WarehouseError> for Trouble {
    fn from(error: WarehouseError) -> Self {
        Self { what: format!("Failed to {}.", error::chain(&error)), hint: error.hint() }
    }
}

/// The warehouses of the daemon's pipelines.
#[derive(Clone)]
pub struct Warehouses(Arc<Inner>);

struct Inner {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    turns: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
}

type Opening = Shared<BoxFuture<'static, Result<Arc<Snapshot>, Trouble>>>;

/// The warehouse of one pipeline.
struct Slot {
    loaded: Arc<Loaded>,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    current: Option<(Arc<Snapshot>, Instant)>,
    opening: Option<Opening>,
}

impl Default for Warehouses {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Self(Arc::new(Inner {
            slots: Mutex::default(),
            turns: Arc::new(Semaphore::new(cores.clamp(2, MOST_AT_ONCE))),
            downloads: Arc::new(Semaphore::new(DOWNLOADS)),
        }))
    }
}

impl Warehouses {
    /// A pipeline's warehouse as it is, or, where a load became visible just now, as it was right before.
    pub async fn of(&self, loaded: &Arc<Loaded>) -> Result<Arc<Snapshot>, Trouble> {
        let slot = self.slot(loaded);
        let (current, opening) = {
            let mut state = locked(&slot.state);
            if let Some((snapshot, looked)) = &state.current
                && looked.elapsed() < FRESH
            {
                return Ok(snapshot.clone());
            }
            let current = state.current.as_ref().map(|(snapshot, _)| snapshot.clone());
            let opening = state.opening.get_or_insert_with(|| self.look(&slot, current.clone())).clone();
            (current, opening)
        };
        match current {
            None => opening.await,
            Some(current) => timeout(GRACE, opening).await.unwrap_or(Ok(current)),
        }
    }

    /// The right to a download, until it is dropped; none where as many go on as may, and none of them ends soon.
    pub async fn download(&self) -> Option<OwnedSemaphorePermit> {
        timeout(SOON, self.0.downloads.clone().acquire_owned()).await.ok()?.ok()
    }

    fn slot(&self, loaded: &Arc<Loaded>) -> Arc<Slot> {
        let mut slots = locked(&self.0.slots);
        let slot = slots.entry(loaded.pipeline.name.clone()).or_insert_with(|| Slot::new(loaded));
        // The file was changed: the pipeline may have another warehouse now.
        if slot.loaded.digest != loaded.digest {
            *slot = Slot::new(loaded);
        }
        slot.clone()
    }

    /// Looks whether something else is visible, and opens it. Goes on whether or not somebody waits for it.
    fn look(&self, slot: &Arc<Slot>, current: Option<Arc<Snapshot>>) -> Opening {
        let (slot, turns) = (slot.clone(), self.0.turns.clone());
        let work = tokio::spawn(async move {
            let found = timeout(OPEN, visible(&slot.loaded, current, turns)).await.unwrap_or_else(|_| {
                let what = format!("The warehouse could not be opened within {} seconds.", OPEN.as_secs());
                Err(Trouble { what, hint: Some("Look whether its server answers.".into()) })
            });
            let mut state = locked(&slot.state);
            state.opening = None;
            if let Ok(snapshot) = &found {
                state.current = Some((snapshot.clone(), Instant::now()));
            }
            found
        });
        let broken = || Trouble { what: "Something broke while the warehouse was opened.".into(), hint: None };
        work.map(move |found| found.unwrap_or_else(|_| Err(broken()))).boxed().shared()
    }
}

impl Slot {
    fn new(loaded: &Arc<Loaded>) -> Arc<Self> {
        Arc::new(Self { loaded: loaded.clone(), state: Mutex::default() })
    }
}

/// What is visible now: the snapshot that there is, or a new one in which the last answers are known already.
async fn visible(loaded: &Loaded, current: Option<Arc<Snapshot>>, turns: Arc<Semaphore>) -> Result<Arc<Snapshot>, Trouble> {
    let pipeline = &loaded.pipeline.name;
    let Some(current) = current else {
        let reader = Reader::open(loaded, RELATIONS).await?;
        return Ok(Arc::new(Snapshot { reader: Arc::new(reader), answers: Answers::default(), turns }));
    };
    if !current.reader.moved(pipeline).await? {
        return Ok(current);
    }
    let reader = current.reader.again(pipeline).await?;
    let answers = current.answers.those(|question| reader.agrees(&current.reader, question));
    let next = Arc::new(Snapshot { reader: Arc::new(reader), answers, turns });
    for question in current.answers.last(WARMED) {
        // Whoever asks for it will see why it fails.
        let _ = next.ask(&question).await;
    }
    Ok(next)
}

/// A warehouse as it was visible at one moment.
pub struct Snapshot {
    reader: Arc<Reader>,
    answers: Answers,
    turns: Arc<Semaphore>,
}

impl Snapshot {
    /// How far the pipeline had come.
    pub fn standing(&self) -> &Standing {
        self.reader.standing()
    }

    /// The tables and marts that can be read.
    pub fn tables(&self) -> &[TableInfo] {
        self.reader.tables()
    }

    /// One of them.
    pub fn table(&self, name: &str) -> Option<&TableInfo> {
        self.reader.table(name)
    }

    /// The rows of a SELECT, asked once per snapshot however many want them.
    pub async fn ask(&self, question: &Question) -> Result<Arc<Answer>, Trouble> {
        let (reader, turns) = (self.reader.clone(), self.turns.clone());
        self.answers.get(question, move |question| async move { answer::read(&reader, &turns, &question).await }).await
    }

    /// The rows of a SELECT as they come, for downloads: nothing is kept.
    pub async fn stream(&self, question: &Question) -> Result<SendableRecordBatchStream, Trouble> {
        Ok(self.reader.query(question, DOWNLOAD).await?)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it left a value that is as good as the last one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
