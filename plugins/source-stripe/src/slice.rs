//! What a run reads of a stream: everything, what changed, or what was added. One slice each: a list is walked page after page.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Failure, Result, Slice, instant, log};

use crate::{
    api::Api,
    config::Config,
    cursor::Cursor,
    streams::{Changes, Entity},
};

/// How far a window reaches back before the cursor, in seconds: events show up late and out of order.
pub const OVERLAP: i64 = 10 * 60;

const DAY: i64 = 86_400;

/// How old a window's start may be, in seconds. Events are kept 30 days; a day less, so that none falls out while they are read.
pub const FEED_REACH: i64 = 29 * DAY;

/// What is read: a slice's id, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The server's time before anything was read: where the next run goes on.
    pub until: i64,
    /// What is read.
    pub what: What,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Everything that there is; and what the events since then say was deleted, where the warehouse may hold it.
    Everything { deleted_since: Option<i64> },
    /// What the events since then say has changed.
    Changed { since: i64 },
    /// What was made since then.
    Added { since: i64 },
}

/// The slice of a stream that comes after a cursor.
pub fn plan(config: &Config, stream: &'static Entity, cursor: Option<&str>) -> Result<Vec<Slice>> {
    let cursor = cursor.map(|cursor| Cursor::parse(stream.name, cursor)).transpose()?;
    let until = Api::new(config).now()?;
    let what = what(stream, cursor, until);
    if let What::Everything { deleted_since: Some(since) } = what {
        let since = instant::rfc3339(since);
        log::warn(format!(
            "`{}` was last read more than 29 days ago, and Stripe keeps events for 30: everything is read again, and deletions before {since} are not seen",
            stream.name
        ));
    }
    let label = match what {
        What::Everything { .. } => format!("{}, everything", stream.name),
        What::Changed { since } => format!("{}, changes since {}", stream.name, instant::rfc3339(since)),
        What::Added { since } => format!("{}, new since {}", stream.name, instant::rfc3339(since)),
    };
    let id = serde_json::to_string(&Window { until, what }).map_err(|error| Failure::bug(error.to_string()))?;
    Ok(vec![Slice { id, label, bytes: None }])
}

/// What is read after a cursor by a run that starts at `until`.
pub fn what(stream: &Entity, cursor: Option<Cursor>, until: i64) -> What {
    let Some(cursor) = cursor else { return What::Everything { deleted_since: None } };
    // A server whose clock went back has told less than the cursor says.
    let since = cursor.until.min(until) - OVERLAP;
    match stream.changes {
        Changes::Nowhere => What::Added { since: cursor.pending_since.map_or(since, |pending| pending.min(since)) },
        Changes::Events { .. } if until - since > FEED_REACH => What::Everything { deleted_since: Some(until - FEED_REACH) },
        Changes::Events { .. } => What::Changed { since },
    }
}
