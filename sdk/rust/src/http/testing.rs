//! The native stand-in for the host's import, for unit tests of sources. It keeps the host's rules that a source can feel: the same request
//! is asked once per run, pages are numbered from 0, and 401, 403, 429 and 5xx are failures.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde::Serialize;

use super::{Method, Request, Response, encode};
use crate::{Failure, Result, instant};

/// The server's time where a test does not set another: 2026-11-27T00:00:00Z.
pub const NOW: i64 = 1_795_737_600;

type Answerer = Rc<dyn Fn(&Asked) -> Result<Reply>>;

#[derive(Default)]
struct Host {
    answerer: Option<Answerer>,
    now: Option<i64>,
    asked: Vec<Asked>,
    /// The answers of this run, by page number.
    pages: Vec<(Request, Reply)>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// What a source asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, empty where there is none.
    pub body: Vec<u8>,
    /// The name of the credential.
    pub credential: Option<String>,
    /// The stream that it was asked for.
    pub stream: String,
}

impl Asked {
    /// The path of the URL.
    pub fn path(&self) -> &str {
        encode::path(&self.url)
    }

    /// The first value of a query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        encode::query_value(&self.url, name)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the server says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The decompressed body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with a value as JSON.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("a test's value is JSON");
        Self { status, headers: Vec::new(), body }.header("content-type", "application/json")
    }

    /// An answer with a text.
    pub fn text(status: u16, text: &str) -> Self {
        Self { status, headers: Vec::new(), body: text.as_bytes().to_vec() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_string()));
        self
    }
}

/// Lets `answerer` answer what the code under test on this thread sends from now on, in a new run at [`NOW`].
pub fn answer(answerer: impl Fn(&Asked) -> Result<Reply> + 'static) {
    HOST.with_borrow_mut(|host| *host = Host { answerer: Some(Rc::new(answerer)), ..Host::default() });
}

/// Starts another run: its pages are numbered from 0, nothing was asked, the server's clock stands at `now`.
pub fn next_run(now: i64) {
    HOST.with_borrow_mut(|host| *host = Host { answerer: host.answerer.take(), now: Some(now), ..Host::default() });
}

/// What reached the server in this run, in order.
pub fn asked() -> Vec<Asked> {
    HOST.with_borrow(|host| host.asked.clone())
}

/// A body that is read.
pub struct Body {
    bytes: Vec<u8>,
    at: usize,
}

impl Body {
    pub(super) fn read(&mut self, max: u32) -> Result<Vec<u8>> {
        let end = self.bytes.len().min(self.at + max as usize);
        let part = self.bytes[self.at..end].to_vec();
        self.at = end;
        Ok(part)
    }
}

pub(super) fn send(request: &Request) -> Result<Response> {
    let repeatable = request.method != Method::Post || request.idempotent;
    if repeatable && !request.is_fresh() {
        let known = HOST.with_borrow(|host| host.pages.iter().rposition(|(known, _)| known.same_as(request)));
        if let Some(page) = known {
            return Ok(response(request, page));
        }
    }
    let asked = Asked {
        method: request.method,
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone().unwrap_or_default(),
        credential: request.credential.clone(),
        stream: request.stream.clone(),
    };
    let (answerer, now) = HOST.with_borrow_mut(|host| {
        host.asked.push(asked.clone());
        (host.answerer.clone(), host.now.unwrap_or(NOW))
    });
    let answerer = answerer.ok_or_else(|| Failure::config("no host is granted: the test calls `http::testing::answer` first"))?;
    let mut reply = answerer(&asked)?;
    if !reply.headers.iter().any(|(name, _)| name == "date") {
        reply = reply.header("date", instant::http_date(now));
    }
    let refused = format!("the server answered {} to `{}`", reply.status, asked.path());
    match reply.status {
        401 | 403 => return Err(Failure::auth(refused)),
        429 => {
            let wait = reply.headers.iter().find(|(name, _)| name == "retry-after").and_then(|(_, value)| value.parse().ok());
            return Err(Failure::rate_limited(wait.map(Duration::from_secs_f64), refused));
        }
        500.. => return Err(Failure::unavailable(refused)),
        _ => {}
    }
    let page = HOST.with_borrow_mut(|host| {
        host.pages.push((request.clone(), reply));
        host.pages.len() - 1
    });
    Ok(response(request, page))
}

fn response(request: &Request, page: usize) -> Response {
    let reply = HOST.with_borrow(|host| host.pages[page].1.clone());
    let body = if request.method == Method::Head { Vec::new() } else { reply.body };
    Response {
        status: reply.status,
        headers: reply.headers,
        page: u32::try_from(page).expect("few pages"),
        url: request.url.clone(),
        body: Body { bytes: body, at: 0 },
    }
}
