//! The run's first request: it shows that shop and credential are right, and its `date` is the shop's time.

use serde_json::{Value, json};
use tidegate_sdk::{
    Failure, Result,
    http::{self, Request},
    rest,
};

use crate::config::{Api, Config};

const QUERY: &str = "{ shop { name } }";

/// Asks the shop for its name.
fn greeting(config: &Config) -> Request {
    let request = match config.api {
        Api::Graphql => http::post(config.admin("graphql.json")).json(&json!({ "query": QUERY })).idempotent(),
        Api::Rest => http::get(config.admin("shop.json")),
    };
    request.credential(&config.credential).stream("shop")
}

/// The shop's time in seconds since 1970-01-01T00:00:00Z, the same for all streams of a run. A throttled answer has a time as good as any.
pub fn clock(config: &Config) -> Result<i64> {
    rest::clock(&greeting(config))
}

/// Tries what can be tried without reading data.
pub fn check(config: &Config) -> Result<()> {
    let answer: Value = greeting(config).send()?.success()?.json()?;
    match answer.pointer("/errors/0/extensions/code").and_then(Value::as_str) {
        Some("ACCESS_DENIED") => Err(Failure::auth("the shop denies access to its data: give the app its scopes")),
        _ => Ok(()),
    }
}
