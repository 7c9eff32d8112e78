//! Requests to the API and what its answers mean.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tidegate_sdk::{
    Failure, Result,
    http::{self, Response},
    rest,
};

use crate::config::Config;

/// The most objects that a list gives at once.
pub const MOST_OBJECTS: &str = "100";

/// What every request has, and how the last one went.
pub struct Api {
    config: Config,
    /// Whether the last answer was broken: it is in the archive, so the next request has to ask the server again.
    broken: bool,
    /// How many bytes were read since somebody asked.
    bytes: u64,
    /// How many requests were sent.
    requests: u64,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Its number in the archive.
    #[serde(skip)]
    pub number: u32,
    /// The objects.
    pub data: Vec<Value>,
    /// Whether there are more, however many these are.
    #[serde(default)]
    pub has_more: bool,
}

/// An answer to something that may be gone.
pub enum Answer<T> {
    /// It is there.
    Here(T),
    /// It is not, or not any more; on this page of the archive it says so.
    Gone(u32),
    /// The list is there, but not the object after which it was to go on.
    AnchorGone,
}

/// The body of a refusal.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Words,
}

/// Its words, but for the message, which quotes values.
#[derive(Default, Deserialize)]
struct Words {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    param: Option<String>,
}

impl Api {
    /// Nothing asked yet.
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone(), broken: false, bytes: 0, requests: 0 }
    }

    /// The server's time, in Unix seconds. The request is the same for all streams, so that all windows of a run end at one time; it needs the
    /// right to read events, which is asked for as early as can be.
    pub fn now(&self) -> Result<i64> {
        rest::clock(&self.request("/v1/events").query("limit", "1"))
    }

    /// A page of a list.
    pub fn page(&mut self, path: &str, query: &[(String, String)]) -> Result<Answer<Page>> {
        let answer: Answer<(u32, Page)> = self.get(path, query)?;
        Ok(match answer {
            Answer::Here((number, page)) => Answer::Here(Page { number, ..page }),
            Answer::Gone(page) => Answer::Gone(page),
            Answer::AnchorGone => Answer::AnchorGone,
        })
    }

    /// An object, and the page that it is. One that says itself that it is deleted is gone.
    pub fn object(&mut self, path: &str, id: &str) -> Result<Answer<(u32, Value)>> {
        let answer: Answer<(u32, Value)> = self.get(&format!("{path}/{}", http::percent(id)), &[])?;
        Ok(match answer {
            Answer::Here((page, object)) if object["deleted"] == true => Answer::Gone(page),
            answer => answer,
        })
    }

    /// How many bytes were read since the last call.
    pub fn read(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    /// How many requests were sent so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    fn get<T: DeserializeOwned>(&mut self, path: &str, query: &[(String, String)]) -> Result<Answer<(u32, T)>> {
        let request = query.iter().fold(self.request(path), |request, (name, value)| request.query(name, value));
        self.requests += 1;
        let mut response = if self.broken { request.fresh() } else { request }.send()?;
        let (status, page) = (response.status(), response.page());
        let body = response.bytes().inspect_err(|_| self.broken = true)?;
        self.bytes += body.len() as u64;
        if status >= 400 {
            self.broken = false;
            let anchor = missing(&response, &body)?;
            return Ok(if anchor { Answer::AnchorGone } else { Answer::Gone(page) });
        }
        let value = serde_json::from_slice(&body).map_err(|error| {
            self.broken = true;
            let at =
                format!("`{}` (page {page}) is not what it was to be at line {}, column {}", response.path(), error.line(), error.column());
            Failure::unavailable(at)
        })?;
        self.broken = false;
        Ok(Answer::Here((page, value)))
    }

    /// The next request asks the server again, even for what the archive has.
    pub fn distrust(&mut self) {
        self.broken = true;
    }

    /// A request for this path. Its page in the archive is named after what is asked for, not after the stream that asks first.
    fn request(&self, path: &str) -> http::Request {
        let name = path.split('/').nth(2).unwrap_or_default();
        let request = http::get(format!("{}{path}", self.config.base())).stream(name);
        let request = request.credential(&self.config.credential).header("stripe-version", &self.config.api_version);
        match &self.config.account {
            Some(account) => request.header("stripe-account", account),
            None => request,
        }
    }
}

/// Whether what an answer says is not there is the anchor of a list; a failure where it says anything else.
fn missing(response: &Response, body: &[u8]) -> Result<bool> {
    let error = serde_json::from_slice::<Refusal>(body).unwrap_or_default().error;
    if error.code.as_deref() == Some("resource_missing") {
        return Ok(error.param.as_deref() == Some("starting_after"));
    }
    let words = [Some(error.kind), error.code, error.param.map(|param| format!("parameter `{param}`"))];
    let words: Vec<_> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    let said = if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    Err(Failure::config(format!("the server answered {} to `{}`{said}", response.status(), response.path())))
}
