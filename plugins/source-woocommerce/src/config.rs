//! The plugin's config: which shop, and how far back.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Failure, Result, instant};

/// Which shop is read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The site's address, where WordPress lies: `https://shop.example`, or `https://example.com/shop`.
    pub url: String,
    /// The name of the pipeline's credential that holds the shop's key: kind `basic`, with the consumer key as its user.
    #[serde(default = "default_credential")]
    pub credential: String,
    /// Leaves out orders and products that were last changed before this time, such as `2024-01-01T00:00:00Z`. By default all are read.
    #[serde(default)]
    pub since: Option<String>,
    /// How far a run reaches back before the end of the last one, in seconds. It covers changes that were under way then, and a web server
    /// whose clock is ahead of the shop's.
    #[serde(default = "default_overlap_seconds")]
    #[schemars(range(min = 1, max = 604_800))]
    pub overlap_seconds: u32,
    /// After how many days the ids of orders and products are swept for those that were deleted for good. 0: in each run.
    #[serde(default = "default_sweep_days")]
    #[schemars(range(max = 3650))]
    pub sweep_days: u32,
}

fn default_credential() -> String {
    "key".to_owned()
}

/// Times have a resolution of one second and the filter is strict: one second is the least that loses nothing. Five minutes cover the
/// longest request that PHP is usually given.
fn default_overlap_seconds() -> u32 {
    300
}

/// A sweep asks for one page per 100 records.
fn default_sweep_days() -> u32 {
    7
}

impl Config {
    /// Says what is wrong as far as that shows without the shop.
    pub fn validate(&self) -> Result<()> {
        let rest = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://")).unwrap_or_default();
        if rest.is_empty() || rest.contains(['?', '#', '@', ' ']) {
            return Err(Failure::config("`url` is the site's address, such as `https://shop.example`"));
        }
        if self.url.contains("/wp-json") {
            return Err(Failure::config("`url` is the site's address, without `/wp-json` and what follows"));
        }
        if self.overlap_seconds == 0 {
            return Err(Failure::config("`overlap_seconds` is 0: with the shop's times of whole seconds, at least 1 loses nothing"));
        }
        self.since_seconds().map(|_| ())
    }

    /// `since` in seconds since 1970-01-01T00:00:00Z.
    pub fn since_seconds(&self) -> Result<Option<i64>> {
        let Some(since) = &self.since else { return Ok(None) };
        let micros = instant::parse(since).ok_or_else(|| Failure::config("`since` is no time; write it as `2024-01-01T00:00:00Z`"))?;
        Ok(Some(micros.div_euclid(1_000_000)))
    }
}
