//! A request, built step by step.

use serde::Serialize;

use super::{Response, encode, imp};
use crate::Result;

/// What a page is named in the archive where no stream was said.
const NO_STREAM: &str = "request";

/// The methods that can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads; repeated by the host where it failed.
    Get,
    /// Reads the headers; repeated by the host where it failed.
    Head,
    /// Sends; repeated only where the request is idempotent.
    Post,
}

/// A request that can be sent, also several times.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) credential: Option<String>,
    pub(super) stream: String,
    pub(super) idempotent: bool,
}

impl Request {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: None, credential: None, stream: NO_STREAM.to_owned(), idempotent: false }
    }

    /// The URL as it stands, query included.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same request for another URL.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Adds a query parameter; name and value are percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.url = encode::add_query(&self.url, name, &value.to_string());
        self
    }

    /// Sets a query parameter: the URL has it once afterwards.
    #[must_use]
    pub fn set_query(mut self, name: &str, value: impl ToString) -> Self {
        self.url = encode::add_query(&encode::without_query(&self.url, name), name, &value.to_string());
        self
    }

    /// Adds a header. Those that carry credentials or steer the connection are refused by the host.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_string()));
        self
    }

    /// Names the credential that the host adds at the edge, as the pipeline's grant calls it.
    #[must_use]
    pub fn credential(mut self, name: &str) -> Self {
        self.credential = Some(name.to_owned());
        self
    }

    /// Sends a value as JSON.
    ///
    /// # Panics
    /// Where the value can't be JSON: a map whose keys are no texts.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("what a plugin sends is made of maps with texts as keys");
        self.header("content-type", "application/json").body(body)
    }

    /// Changes the JSON that is sent.
    pub(crate) fn edit_json(mut self, edit: impl FnOnce(&mut serde_json::Value)) -> Self {
        let mut body = self.body.take().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        edit(&mut body);
        self.headers.retain(|(name, _)| name != "content-type");
        self.json(&body)
    }

    /// Sends fields as a form.
    #[must_use]
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("{}={}", encode::form(name), encode::form(value))).collect();
        self.header("content-type", "application/x-www-form-urlencoded").body(fields.join("&"))
    }

    /// Sends these bytes.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A `post` that only reads or carries its own idempotency key: the host may repeat it, and answers it once per run.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Asks the server even where this run has an answer already: for polling, and for what is asked again after a failure.
    #[must_use]
    pub fn fresh(self) -> Self {
        if self.is_fresh() { self } else { self.header("cache-control", "no-cache") }
    }

    /// Whether both ask the same, freshly or not.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let stale = |request: &Self| {
            let mut request = request.clone();
            request.headers.retain(|(name, _)| name != "cache-control");
            request
        };
        stale(self) == stale(other)
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.headers.iter().any(|(name, value)| name == "cache-control" && value == "no-cache")
    }

    /// Names the stream that the answer belongs to; it names the page in the archive.
    #[must_use]
    pub fn stream(mut self, stream: &str) -> Self {
        self.stream = stream.to_owned();
        self
    }

    /// Sends it. After the host's own retries: `auth` for 401 and 403, `rate-limited` for 429, `unavailable` for 5xx and time-outs,
    /// `config` where it is not granted. Other statuses are answers; [`Response::success`] makes failures of them.
    pub fn send(&self) -> Result<Response> {
        imp::send(self)
    }
}
