//! When a pipeline runs by itself, and what happens when it can't.

use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::every::Every;

/// When a pipeline runs by itself. It needs one of `cron`, `every` and `after`; with none of them the pipeline runs by hand, and the other
/// keys count for these runs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week, as in crontab: `0 6 * * *`.
    pub cron: Option<String>,
    /// The zone that `cron` is about, by its IANA name: UTC by default.
    pub timezone: Option<String>,
    /// A length of time between two runs, counted from midnight UTC of 1970-01-01: `15m`.
    pub every: Option<Every>,
    /// The pipelines after whose loads it runs.
    pub after: Vec<String>,
    /// How often a run that failed is tried again, where that may help: 2 by default.
    pub retries: u32,
    /// How long to wait before that: `5m` by default.
    pub retry_delay: Every,
    /// How often a stage that failed is tried again within its run, where that may help, without repeating those before it: 0 by default.
    pub stage_retries: u32,
    /// How long a run may take; it is stopped then, and counts as failed.
    pub timeout: Option<Every>,
    /// How long after its due time a run should have ended; people are told when it has not: `2h` by default.
    pub sla: Every,
    /// What happens with the due times that passed while no daemon lived: `once` by default.
    pub missed: Missed,
    /// What happens when a run is due while another one of this pipeline goes on or waits: `skip` by default, with `after` it is `queue`.
    pub overlap: Option<Overlap>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            cron: None,
            timezone: None,
            every: None,
            after: Vec::new(),
            retries: 2,
            retry_delay: Every::seconds(5 * 60),
            stage_retries: 0,
            timeout: None,
            sla: Every::seconds(2 * 3600),
            missed: Missed::default(),
            overlap: None,
        }
    }
}

impl Schedule {
    /// What happens when a run is due while another one goes on or waits.
    pub fn overlap(&self) -> Overlap {
        // What came with the load that is left out would wait for the next one, which may be a day away.
        let default = if self.after.is_empty() { Overlap::Skip } else { Overlap::Queue };
        self.overlap.unwrap_or(default)
    }
}

/// Reads a cron pattern of five fields.
///
/// # Errors
/// What is wrong with it, as a sentence fragment.
pub fn cron(text: &str) -> Result<Cron, String> {
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err(format!("it has {fields} fields, not five: minute, hour, day of the month, month, day of the week"));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| {
        let said = error.to_string();
        let said = said.rsplit_once(": ").map_or(said.as_str(), |(_, said)| said).trim_end_matches('.');
        let mut letters = said.chars();
        letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
    })
}

/// Finds a time zone by its IANA name.
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// What happens with the due times that passed while no daemon lived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Nothing; the next due time is the next run.
    Skip,
    /// One run for all of them.
    #[default]
    Once,
    /// A run for each, with its due time as its logical time.
    All,
}

/// What happens when a run is due while another one goes on or waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It is left out.
    Skip,
    /// It waits for its turn.
    Queue,
    /// The other one is stopped, and this one runs.
    Cancel,
}
