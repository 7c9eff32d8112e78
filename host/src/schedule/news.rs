//! What people are to be told: kept in the store until it is told, so that it outlives the daemon.
//!
//! What always holds here: of a task, news of one kind are owed once (`tests/suite/schedule`).

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::desk::{Inner, locked};
use crate::{
    config::Loaded,
    state::tasks::{Owed, Task, TasksError},
};

/// After how long an alert that no channel took is given up.
const GIVEN_UP: Duration = Duration::hours(24);

/// The kinds of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// The last attempt failed.
    Failure,
    /// The gate held a run.
    Hold,
    /// A task is late.
    Sla,
    /// A run ended well.
    Recovery,
}

/// News about a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub kind: Kind,
    pub run: Option<String>,
    pub at: DateTime<Utc>,
    pub what: String,
    pub why: Vec<String>,
}

impl Inner {
    /// Remembers that people are to be told.
    pub async fn owe(&self, task: &Task, notice: &Notice) -> Result<(), TasksError> {
        let kind = serde_json::to_value(notice.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
        let news = serde_json::to_string(notice).unwrap_or_default();
        self.store.owe(&format!("{}/{kind}", task.id), &task.pipeline, &news, notice.at).await
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
                (Some(loaded), Ok(notice)) => deliver(&loaded, &notice).await,
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
}

/// A try each time twice as long after the one before: 1 s, 2 s, 4 s, up to an hour.
fn due(owed: &Owed, now: DateTime<Utc>) -> bool {
    let pause = if owed.tries == 0 { 0 } else { (1_i64 << owed.tries.min(12)).min(3600) };
    now >= owed.at + Duration::seconds(pause)
}

/// Tells the pipeline's channels; true where there is nothing more to try.
async fn deliver(loaded: &Arc<Loaded>, notice: &Notice) -> bool {
    let Notice { kind, what, why, .. } = notice;
    if *kind != Kind::Recovery {
        tracing::warn!(pipeline = %loaded.pipeline.name, ?kind, "{what}: {}", why.join("; "));
    }
    true
}
