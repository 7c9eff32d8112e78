//! The WebDriver protocol of the W3C (https://www.w3.org/TR/webdriver2/): a session's commands are requests with JSON bodies to ChromeDriver.
//!
//! It is spoken here because the client crates bring an HTTP client with features that would change what the whole workspace compiles.

use std::{fmt, net::SocketAddr};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::http;

/// The key under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What Chromium says, and ChromeDriver hands on as `unknown error`, where a page goes while it is asked about.
const BETWEEN_PAGES: [&str; 4] =
    ["Frame is detached", "Cannot find context with specified id", "uniqueContextId not found", "Inspected target navigated or closed"];

/// A session: one browser with one window. It ends with this value.
#[derive(Debug)]
pub(super) struct Session {
    driver: SocketAddr,
    id: String,
}

/// Why a command failed, as far as a caller can mend it.
#[derive(Debug)]
struct Refused {
    /// The protocol's name of the error: `no such element`, `stale element reference` ...
    error: String,
    message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.message)
    }
}

impl std::error::Error for Refused {}

impl Session {
    pub(super) fn new(driver: SocketAddr, capabilities: &Value) -> Result<Self> {
        let asked = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let value = command(driver, "POST", "/session", Some(&asked)).context("start a browser")?;
        let id = value["sessionId"].as_str().context("a session has an id")?.to_owned();
        Ok(Self { driver, id })
    }

    pub(super) fn get(&self, what: &str) -> Result<Value> {
        command(self.driver, "GET", &format!("/session/{}/{what}", self.id), None)
    }

    pub(super) fn post(&self, what: &str, body: &Value) -> Result<Value> {
        command(self.driver, "POST", &format!("/session/{}/{what}", self.id), Some(body))
    }

    /// A command of the DevTools protocol, for what WebDriver has no words for.
    pub(super) fn devtools(&self, method: &str, parameters: &Value) -> Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": method, "params": parameters }))
    }

    /// Runs a script in the page and gives what it returns. The page's own policy for scripts does not bind it.
    pub(super) fn script(&self, text: &str, arguments: &[Value]) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": text, "args": arguments }))
    }

    /// The same for a script that gives its result to the function which is its last argument.
    pub(super) fn script_later(&self, text: &str, arguments: &[Value]) -> Result<Value> {
        self.post("execute/async", &json!({ "script": text, "args": arguments }))
    }

    /// The elements that a CSS selector finds, in the order of the page.
    pub(super) fn elements(&self, css: &str) -> Result<Vec<String>> {
        let found = self.post("elements", &json!({ "using": "css selector", "value": css }))?;
        let ids = found.as_array().context("a list of elements")?.iter();
        ids.map(|element| element[ELEMENT].as_str().map(str::to_owned).context("an element has an id")).collect()
    }
}

/// Whether a command failed because its element or its page gave way to the next one while it was asked: it is to be asked again.
pub(super) fn gave_way(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|Refused { error, message }| {
        error == "stale element reference" || BETWEEN_PAGES.iter().any(|words| message.contains(words))
    })
}

/// An element as an argument of a script.
pub(super) fn as_argument(element: &str) -> Value {
    json!({ ELEMENT: element })
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = command(self.driver, "DELETE", &format!("/session/{}", self.id), None);
    }
}

fn command(driver: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let body = body.map(serde_json::to_vec).transpose()?;
    let headers: &[_] = if body.is_some() { &[("content-type", "application/json; charset=utf-8")] } else { &[] };
    let mut answer: Value = http::send(driver, method, path, headers, body.as_deref())?.json()?;
    let value = answer["value"].take();
    if let Some(error) = value["error"].as_str() {
        let message = value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
        bail!(Refused { error: error.to_owned(), message: message.to_owned() });
    }
    Ok(value)
}
