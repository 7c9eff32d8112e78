//! Slices: a stream is one slice, since the shop's limits are for all requests together. Its id holds the window.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Failure, Result, Slice, instant, rest::Window};

use crate::{config::Config, streams, window};

/// What a slice reads: its id, as JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Id {
    /// The changes.
    pub window: Window,
    /// Whether by a bulk operation.
    pub bulk: bool,
}

impl Id {
    /// Reads a slice's id.
    pub fn read(slice: &Slice) -> Result<Self> {
        serde_json::from_str(&slice.id).map_err(|error| Failure::bug(format!("a slice's id is none of this plugin's: {error}")))
    }
}

/// The slice of `stream` after `cursor`.
pub fn plan(config: &Config, stream: &str, cursor: Option<&str>) -> Result<Vec<Slice>> {
    config.validate()?;
    let stream = streams::find(stream)?;
    let window = window::of_run(config, cursor)?;
    let id = Id { window, bulk: cursor.is_none() && config.bulk() };
    let from = window.from.map(|from| format!(" from {}", instant::rfc3339(from))).unwrap_or_default();
    let label = format!("{} changed{from} until {}", stream.name, instant::rfc3339(window.until));
    let id = serde_json::to_string(&id).map_err(|error| Failure::bug(error.to_string()))?;
    Ok(vec![Slice { id, label, bytes: None }])
}
