//! What people are to be told: kept in the store until it is told, so that it outlives the daemon.
//!
//! What always holds here: of a task, news of one kind are owed once (`tests/suite/schedule`).

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::desk::{Inner, locked};
use crate::{
    config::Loaded,
    flow::{self, Report, RunError},
    notify::{Delivery, Kind, News},
    state::{
        RunId,
        tasks::{Owed, Task, TasksError},
    },
};

/// After how long an alert that no channel took is given up.
const GIVEN_UP: Duration = Duration::hours(24);

/// News about a pipeline, as the store keeps it. Of a run that ended well it is kept each time: whether that is a recovery the channels know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub kind: Kind,
    pub run: Option<String>,
    pub at: DateTime<Utc>,
    pub what: String,
    pub why: Vec<String>,
}

impl Notice {
    /// News of this kind about a run: as the flow words it, where it has a word for how the run ended.
    pub fn of(task: &Task, run: &RunId, result: Option<&Result<Report, RunError>>, kind: Kind, at: DateTime<Utc>) -> Self {
        let worded = result.and_then(|result| flow::notify::news(&task.pipeline, run, result, at)).filter(|news| news.kind == kind);
        let (what, why) = match (worded, kind) {
            (Some(news), _) => (news.what, news.why),
            (None, Kind::Recovery) => ("is well again".to_owned(), Vec::new()),
            (None, Kind::Hold) => ("is held by its gate, nothing was loaded".to_owned(), Vec::new()),
            (None, Kind::Failure | Kind::Sla) => ("failed".to_owned(), Vec::new()),
        };
        Self { kind, run: Some(run.to_string()), at, what, why }
    }
}

impl Inner {
    /// Remembers that people are to be told.
    pub async fn owe(&self, task: &Task, notice: &Notice) -> Result<(), TasksError> {
        let news = serde_json::to_string(notice).unwrap_or_default();
        self.store.owe(&format!("{}/{}", task.id, notice.kind.name()), &task.pipeline, &news, notice.at).await
    }

    /// Tells what is owed. What no channel takes is tried again, a day long.
    pub async fn tell(&self) -> Result<(), TasksError> {
        let now = self.clock.now();
        for owed in self.store.owed().await? {
            let loaded = locked(&self.board).served.get(&owed.pipeline).map(|served| served.loaded.clone());
            if !due(&owed, now) || !self.store.try_telling(&owed).await? {
                continue;
            }
            let told = match (loaded, serde_json::from_str::<Notice>(&owed.news)) {
                (Some(loaded), Ok(notice)) => self.deliver(&loaded, notice).await,
                // The pipeline's file may come back.
                (None, Ok(_)) => false,
                (_, Err(_)) => true,
            };
            if told || now - owed.at > GIVEN_UP {
                self.store.told(&owed.id, now).await?;
            }
        }
        Ok(())
    }

    /// Tells the pipeline's channels; true where there is nothing more to try. A channel that has it already is not told twice.
    async fn deliver(&self, loaded: &Loaded, notice: Notice) -> bool {
        let Notice { kind, run, at, what, why } = notice;
        let pipeline = loaded.pipeline.name.clone();
        if kind != Kind::Recovery {
            tracing::warn!(%pipeline, "{what}: {}", why.join("; "));
        }
        let Some(notifier) = &self.notifier else { return true };
        let named = run.as_deref().and_then(|run| run.parse().ok());
        let began = self.clock.now();
        let deliveries = notifier.tell(loaded, &News { kind, pipeline: pipeline.clone(), run, at, what, why, link: None }).await;
        for delivery in deliveries.iter().filter(|delivery| delivery.is_failed()) {
            tracing::warn!(%pipeline, "{}", delivery.sentence());
        }
        if let Some(observer) = &self.observer {
            observer.metrics().told(&pipeline, &deliveries);
        }
        if let Some(run) = named.filter(|_| !deliveries.is_empty()) {
            flow::notify::keep(loaded, &run, began, &deliveries);
        }
        !deliveries.iter().any(Delivery::is_failed)
    }
}

/// A try each time twice as long after the one before: 1 s, 2 s, 4 s, up to an hour.
fn due(owed: &Owed, now: DateTime<Utc>) -> bool {
    let pause = if owed.tries == 0 { 0 } else { (1_i64 << owed.tries.min(12)).min(3600) };
    now >= owed.at + Duration::seconds(pause)
}
