//! The plugin's config: which shop, through which API, from when on.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Failure, Result, instant};

/// Which shop is read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shop's address: `https://demo.myshopify.com`.
    pub url: String,
    /// The version of the Admin API, which Shopify releases each quarter and supports for a year.
    #[serde(default = "default_version")]
    pub version: String,
    /// The pipeline's credential that the host adds to each request to the shop.
    #[serde(default = "default_credential")]
    pub credential: String,
    /// The API: "graphql", or "rest" for shops and apps that still use it.
    #[serde(default)]
    pub api: Api,
    /// How a stream is read that has no cursor yet: "bulk" (one bulk operation, GraphQL only and its default) or "pages".
    #[serde(default)]
    pub first_load: Option<FirstLoad>,
    /// The first load leaves out what was last changed before this RFC 3339 time.
    #[serde(default)]
    pub start: Option<String>,
    /// How far a window reaches back behind the end of the one before: Shopify's search index is some seconds late.
    #[serde(default = "default_overlap")]
    #[schemars(range(max = 2_592_000))]
    pub overlap_seconds: u32,
    /// How many objects a page has, 250 at most; by default as many as the cost of the stream's query allows.
    #[serde(default)]
    #[schemars(range(min = 1, max = 250))]
    pub page_size: Option<u32>,
}

/// The two APIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// The GraphQL Admin API.
    #[default]
    Graphql,
    /// The REST Admin API, legacy since October 2024.
    Rest,
}

/// How a stream is read that has no cursor yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FirstLoad {
    /// By one bulk operation for all that is nested in the same objects.
    Bulk,
    /// Page by page, as every later read.
    Pages,
}

fn default_version() -> String {
    "2026-01".to_owned()
}

fn default_credential() -> String {
    "token".to_owned()
}

fn default_overlap() -> u32 {
    300
}

impl Config {
    /// Says what is wrong with the config as far as that shows without the shop.
    pub fn validate(&self) -> Result<()> {
        let host = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        if !host.is_some_and(|host| !host.trim_end_matches('/').is_empty() && !host.trim_end_matches('/').contains('/')) {
            return Err(Failure::config("`url` is the shop's address without a path: write `https://<shop>.myshopify.com`"));
        }
        if !is_version(&self.version) {
            return Err(Failure::config("`version` is a quarterly release of the Admin API: write one like `2026-01`"));
        }
        if self.api == Api::Rest && self.first_load == Some(FirstLoad::Bulk) {
            return Err(Failure::config("`first_load = \"bulk\"` needs `api = \"graphql\"`: the REST API has no bulk operations"));
        }
        self.start_seconds().map(|_| ())
    }

    /// Whether a stream without a cursor is read by a bulk operation.
    pub fn bulk(&self) -> bool {
        self.api == Api::Graphql && self.first_load != Some(FirstLoad::Pages)
    }

    /// `start` in seconds since 1970-01-01T00:00:00Z.
    pub fn start_seconds(&self) -> Result<Option<i64>> {
        let Some(start) = &self.start else { return Ok(None) };
        let wrong = || Failure::config("`start` is an RFC 3339 time: write one like `2024-01-01T00:00:00Z`");
        instant::parse(start).map(|micros| Some(micros.div_euclid(1_000_000))).ok_or_else(wrong)
    }

    /// An address below the Admin API.
    pub fn admin(&self, path: &str) -> String {
        format!("{}/admin/api/{}/{path}", self.url.trim_end_matches('/'), self.version)
    }
}

fn is_version(text: &str) -> bool {
    let (year, month) = text.split_once('-').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    text == "unstable" || (year.len() == 4 && month.len() == 2 && digits(year) && digits(month))
}
