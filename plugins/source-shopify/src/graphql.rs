//! Asking the GraphQL Admin API, and telling what its answers mean.
//!
//! - The body is looked at whatever the status: a throttled query comes back under status 200.
//! - A query that costs more than Shopify accepts at once is no failure: the caller asks for less.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_sdk::{
    Failure, Result,
    http::{self, Request},
};

use crate::{config::Config, pages::InOrder};

/// What is asked.
pub struct Question<'a> {
    /// The stream that asks first; it names the page in the archive.
    pub stream: &'a str,
    /// The query.
    pub query: &'a str,
    /// Its variables.
    pub variables: Value,
}

/// What came back.
pub enum Answer {
    /// The data.
    Data(Data),
    /// The query costs more than the server accepts at once.
    TooCostly,
}

/// The data of an answer.
pub struct Data {
    /// What stands under `data`.
    pub value: Value,
    /// The page in the archive.
    pub page: u32,
    /// How many bytes the answer had.
    pub bytes: u64,
}

impl Question<'_> {
    /// It only reads (a bulk operation reads as well), so the host may repeat it.
    fn request(&self, config: &Config) -> Request {
        let body = json!({ "query": self.query, "variables": self.variables });
        http::post(config.admin("graphql.json")).json(&body).credential(&config.credential).stream(self.stream).idempotent()
    }
}

/// Asks a query.
pub fn ask(config: &Config, order: &mut InOrder, question: &Question<'_>) -> Result<Answer> {
    let mut response = order.send(question.request(config))?;
    let (status, page) = (response.status(), response.page());
    let bytes = response.bytes()?;
    let Ok(mut answer) = serde_json::from_slice::<Value>(&bytes) else {
        let message = format!("the answer to the query of `{}` (page {page}, status {status}) is not JSON", question.stream);
        return Err(if status < 400 { Failure::unavailable(message) } else { Failure::config(message) });
    };
    if let Some(answer) = refused(&answer, question.stream)? {
        order.understood(page);
        return Ok(answer);
    }
    match answer.get_mut("data").map(Value::take) {
        Some(value) if !value.is_null() && status < 400 => {
            order.understood(page);
            Ok(Answer::Data(Data { value, page, bytes: bytes.len() as u64 }))
        }
        _ => Err(Failure::bad_data(format!("the answer to the query of `{}` (page {page}, status {status}) has no data", question.stream))),
    }
}

/// As [`ask`], where less can't be asked for.
pub fn ask_for_all(config: &Config, order: &mut InOrder, question: &Question<'_>) -> Result<Data> {
    match ask(config, order, question)? {
        Answer::Data(data) => Ok(data),
        Answer::TooCostly => Err(Failure::config(format!("a query of `{}` costs more than the shop accepts at once", question.stream))),
    }
}

/// What the errors of an answer say; `None` where there are none.
fn refused(answer: &Value, stream: &str) -> Result<Option<Answer>> {
    let errors = match answer.get("errors") {
        None | Some(Value::Null) => return Ok(None),
        // A wrong token or path: {"errors": "..."}.
        Some(Value::String(text)) => return Err(Failure::config(format!("the shop refused the query of `{stream}`: {text}"))),
        Some(errors) => errors.as_array().map(Vec::as_slice).unwrap_or_default(),
    };
    let code = |error: &Value| error.pointer("/extensions/code").and_then(Value::as_str).map(str::to_owned);
    let said = errors.iter().find_map(|error| error.get("message").and_then(Value::as_str)).unwrap_or("it did not say why");
    let message = format!("the shop refused the query of `{stream}`: {said}");
    match errors.iter().find_map(code).as_deref() {
        Some("THROTTLED") => Err(Failure::rate_limited(wait(answer), format!("the query of `{stream}` is throttled"))),
        Some("MAX_COST_EXCEEDED") => Ok(Some(Answer::TooCostly)),
        Some("ACCESS_DENIED" | "SHOP_INACTIVE") => Err(Failure::auth(message)),
        Some("INTERNAL_SERVER_ERROR" | "TIMEOUT") => Err(Failure::unavailable(message)),
        // Examples of throttled answers exist that have the word and no code.
        None if said.eq_ignore_ascii_case("throttled") => Err(Failure::rate_limited(wait(answer), message)),
        _ => Err(Failure::config(message)),
    }
}

/// How long it takes until the bucket holds what the query costs: the server says how full it is and how fast it fills.
fn wait(answer: &Value) -> Option<Duration> {
    let cost = answer.pointer("/extensions/cost")?;
    let number = |path: &str| cost.pointer(path).and_then(Value::as_f64);
    let (wanted, there) = (number("/requestedQueryCost")?, number("/throttleStatus/currentlyAvailable")?);
    let rate = number("/throttleStatus/restoreRate").filter(|rate| *rate > 0.0)?;
    Duration::try_from_secs_f64(((wanted - there) / rate).max(0.0)).ok()
}
