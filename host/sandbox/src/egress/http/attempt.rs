//! One attempt at a request: it is sent, its redirects are followed as far as they are granted, and the body of its answer is stored.

use std::{error::Error, io, time::Duration};

use bytes::Bytes;
use chrono::Utc;
use reqwest::{
    Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use url::Url;

use super::{
    Http, HttpError, Method,
    address::{Barred, Reach, is_loopback, permit_literal},
    body::{Arrived, Body, Fault, Store},
    client::MOST_HEADER_BYTES,
    credential::{Credential, Sent},
    grant::Grant,
    health::Counters,
    patience::{retry_after, server_time},
    redact::Redactor,
    redirect,
    request::Asked,
    target::Target,
};

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Trying again would not help.
    Final(HttpError),
    /// It may help.
    Transient(Passing),
}

/// A failure that may pass.
#[derive(Debug)]
pub(super) struct Passing {
    /// Why it failed.
    pub reason: String,
    /// The status, where there was one.
    pub status: Option<u16>,
    /// The wait that the server asks for.
    pub wait: Option<Duration>,
}

impl Failed {
    pub fn transient(status: Option<u16>, reason: impl Into<String>) -> Self {
        Self::Transient(Passing { reason: reason.into(), status, wait: None })
    }
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self::Final(error)
    }
}

impl Passing {
    pub fn is_throttled(&self) -> bool {
        self.status == Some(StatusCode::TOO_MANY_REQUESTS.as_u16())
    }
}

/// The most that is kept of the body of an answer that is of no use, and the longest time that it is waited for.
const LEAST_USE_BYTES: u64 = 1 << 20;
const LEAST_USE_TIME: Duration = Duration::from_secs(5);

/// An answer as far as it came.
pub(super) struct Came {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub store: Store,
    /// Whether its body was not read to its end, though it went on.
    pub is_cut: bool,
}

/// An answer whose body arrived.
pub(super) struct Got {
    pub came: Came,
    pub arrived: Arrived,
}

/// An attempt that failed, with the answer as far as it came.
pub(super) struct Spoilt {
    pub why: Failed,
    pub came: Option<Came>,
}

impl From<Failed> for Spoilt {
    fn from(why: Failed) -> Self {
        Self { why, came: None }
    }
}

impl From<HttpError> for Spoilt {
    fn from(error: HttpError) -> Self {
        Failed::from(error).into()
    }
}

/// A request on its way, under the grant that lets it go there.
struct Hop<'h> {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Option<Bytes>,
    credential: Option<&'h str>,
    grant: &'h Grant,
}

impl Http {
    /// Sends a request once and stores the body of its answer. The pages of the answers that led to it go to `passed`.
    pub(super) async fn attempt(&self, asked: &Asked, passed: &mut Vec<u32>) -> Result<Got, Spoilt> {
        let credential = asked.credential.as_deref();
        let mut hop = Hop {
            method: asked.method,
            target: asked.target.clone(),
            headers: asked.headers.clone(),
            body: asked.body.clone(),
            credential,
            grant: self.grants.admit(asked.method, &asked.target, credential).map_err(HttpError::from)?,
        };
        for _ in 0..=redirect::MOST {
            let response = self.exchange(asked, &hop, passed).await?;
            match self.onward(&hop, &response) {
                Ok(None) => return self.take(asked, response).await,
                Ok(Some(next)) => {
                    let [from, to] = [&hop, &next].map(|hop| self.shown(hop.target.url()));
                    self.pass(asked, response, &format!("`{from}` redirects to `{to}`"), passed).await?;
                    hop = next;
                }
                Err(why) => return Err(Spoilt { why, came: self.beginning(asked, response).await? }),
            }
        }
        Err(HttpError::Redirects { url: asked.shown.clone(), limit: redirect::MOST }.into())
    }

    /// Sends what stands at a hop, once more where an access token was refused.
    async fn exchange(&self, asked: &Asked, hop: &Hop<'_>, passed: &mut Vec<u32>) -> Result<Response, Failed> {
        let mut is_renewed = false;
        loop {
            self.count()?;
            self.counters.waits(self.rate.ready().await);
            let (response, sent) = self.transmit(hop).await?;
            self.rate.note(response.headers(), server_time(response.headers()).unwrap_or_else(Utc::now));
            match sent {
                Sent::Token(token) if response.status() == StatusCode::UNAUTHORIZED && !is_renewed => {
                    is_renewed = true;
                    if let Some(Credential::OAuth { tokens, .. }) = hop.credential.and_then(|name| self.credentials.get(name)) {
                        tokens.forget(&token).await;
                    }
                    self.pass(asked, response, "it refused the access token, which is renewed", passed).await?;
                }
                _ => return Ok(response),
            }
        }
    }

    async fn transmit(&self, hop: &Hop<'_>) -> Result<(Response, Sent), Failed> {
        let url = hop.target.url();
        let barred = |barred: Barred| self.barred(barred, hop.grant);
        permit_literal(url, hop.grant.private).map_err(barred)?;
        let mut request = reqwest::Request::new(reqwest_method(hop.method), url.clone());
        *request.headers_mut() = hop.headers.clone();
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        *request.body_mut() = hop.body.clone().map(Into::into);
        let sent = match hop.credential {
            Some(name) => self.authorize(name, &mut request).await?,
            None => Sent::Fixed,
        };
        match self.client(hop.grant.private)?.execute(request).await {
            Ok(response) => Ok((response, sent)),
            Err(error) => Err(match refused_or_transient(error, url) {
                Failed::Final(HttpError::Address { barred, .. }) => self.barred(barred, hop.grant),
                failed => failed,
            }),
        }
    }

    /// Adds a credential to a request that may carry it.
    async fn authorize(&self, name: &str, request: &mut reqwest::Request) -> Result<Sent, Failed> {
        let url = request.url();
        if url.scheme() != "https" && !is_loopback(url) {
            return Err(HttpError::Clear { name: name.to_owned(), url: self.shown(url) }.into());
        }
        let none = || HttpError::NoCredential { name: name.to_owned(), known: self.credentials.names() };
        let credential = self.credentials.get(name).ok_or_else(none)?;
        // The pipeline itself names the token's server; its address is held to the grants under which the token is used.
        let private = self.grants.private_for(name);
        if let Credential::OAuth { tokens, .. } = credential {
            permit_literal(tokens.url(), private).map_err(|barred| HttpError::Address { barred, toml: None })?;
        }
        let news = |token: &crate::config::Secret| {
            Counters::add(&self.counters.tokens, 1);
            self.hidden.learn(&self.credentials, token);
        };
        credential.add(request, self.client(private)?, &news).await
    }

    fn barred(&self, barred: Barred, grant: &Grant) -> Failed {
        let toml = matches!(barred.reach, Reach::Private(_)).then(|| self.grants.private_line(grant));
        HttpError::Address { barred, toml }.into()
    }

    /// The next hop, where the answer is a redirect.
    fn onward<'h>(&'h self, hop: &Hop<'h>, response: &Response) -> Result<Option<Hop<'h>>, Failed> {
        let Some(step) = redirect::step(hop.method, hop.target.url(), response.status(), response.headers()) else { return Ok(None) };
        let from = self.shown(hop.target.url());
        let target = Target::of(step.url).map_err(|reason| HttpError::Url { url: from.clone(), reason })?;
        let same = redirect::same_origin(hop.target.url(), target.url());
        let admit = |credential| self.grants.admit(step.method, &target, credential);
        let credential = hop.credential.filter(|name| same && admit(Some(*name)).is_ok());
        let grant = admit(credential).map_err(|missing| HttpError::Redirect { from: from.clone(), missing })?;
        if credential.is_none() && self.hidden.redactor().finds(target.url().as_str()) {
            return Err(HttpError::RedirectLeaks { from }.into());
        }
        let mut headers = hop.headers.clone();
        if !step.keeps_body {
            for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH] {
                headers.remove(name);
            }
        }
        let body = hop.body.clone().filter(|_| step.keeps_body);
        Ok(Some(Hop { method: step.method, target, headers, body, credential, grant }))
    }

    /// Judges an answer by its head and stores its body, also of one that is of no use.
    async fn take(&self, asked: &Asked, mut response: Response) -> Result<Got, Spoilt> {
        if let Some(why) = refused(asked, &response) {
            return Err(Spoilt { why, came: self.beginning(asked, response).await? });
        }
        let gzip = packing(&asked.shown, response.headers())?;
        let mut came = self.head(asked, &response, gzip)?;
        let cap = u64::from(self.patience.max_response_mib) << 20;
        match self.read(&asked.shown, &mut response, &mut came.store, gzip, cap).await {
            Ok(arrived) => Ok(Got { came, arrived }),
            Err(why) => {
                came.is_cut = matches!(why, Failed::Final(HttpError::TooLarge { .. }));
                let came = (came.is_cut || matches!(why, Failed::Transient(_))).then_some(came);
                Err(Spoilt { why, came })
            }
        }
    }

    /// Archives an answer that leads on to another one: a redirect, the refusal of an access token.
    async fn pass(&self, asked: &Asked, response: Response, reason: &str, passed: &mut Vec<u32>) -> Result<(), HttpError> {
        let Some(came) = self.beginning(asked, response).await? else { return Ok(()) };
        passed.push(came.store.page());
        self.keep_refused(asked, came, &[], reason).await
    }

    /// What an answer that is of no use begins with. None where nothing is archived, and of a packing that can't be undone: secrets in it would
    /// not be found.
    async fn beginning(&self, asked: &Asked, mut response: Response) -> Result<Option<Came>, HttpError> {
        let Ok(gzip) = packing(&asked.shown, response.headers()) else { return Ok(None) };
        if self.storage.archive().is_none() {
            return Ok(None);
        }
        let mut came = self.head(asked, &response, gzip)?;
        let read = self.read(&asked.shown, &mut response, &mut came.store, gzip, LEAST_USE_BYTES);
        came.is_cut = !matches!(tokio::time::timeout(LEAST_USE_TIME, read).await, Ok(Ok(_)));
        Ok(Some(came))
    }

    /// An answer of which the head has come.
    fn head(&self, asked: &Asked, response: &Response, gzip: bool) -> Result<Came, HttpError> {
        let headers = visible(response.headers(), &self.hidden.redactor(), gzip);
        let store = self.storage.begin(asked, extension(response.headers()))?;
        Ok(Came { status: response.status().as_u16(), headers, store, is_cut: false })
    }

    /// Stores a body of at most `cap` bytes.
    async fn read(&self, url: &str, response: &mut Response, store: &mut Store, gzip: bool, cap: u64) -> Result<Arrived, Failed> {
        let status = response.status();
        let mut body = Body::new(store, &self.hidden.redactor(), gzip, cap);
        let broke = |fault| self.broke(url, status, fault);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.write(&chunk).map_err(broke)?,
                Ok(None) => return body.finish().map_err(broke),
                Err(error) => return Err(Failed::transient(Some(status.as_u16()), format!("its answer broke off: {}", words(&error)))),
            }
        }
    }

    fn broke(&self, url: &str, status: StatusCode, fault: Fault) -> Failed {
        match fault {
            Fault::TooLarge => HttpError::TooLarge { url: url.to_owned(), limit: self.patience.max_response_mib }.into(),
            Fault::Packing => Failed::transient(Some(status.as_u16()), "its answer is not whole gzip"),
            Fault::Disk(error) => HttpError::Keep { url: url.to_owned(), reason: error.to_string() }.into(),
        }
    }

    fn shown(&self, url: &Url) -> String {
        self.hidden.redactor().text(url.as_str()).into_owned()
    }
}

/// Why an answer is of no use, by its status.
fn refused(asked: &Asked, response: &Response) -> Option<Failed> {
    let status = response.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let (url, credential) = (asked.shown.clone(), asked.credential.clone());
        return Some(HttpError::Auth { url, status: status.as_u16(), credential }.into());
    }
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        let wait = retry_after(response.headers(), Utc::now());
        let reason = format!("it answered {}", status.as_u16());
        return Some(Failed::Transient(Passing { reason, status: Some(status.as_u16()), wait }));
    }
    None
}

fn reqwest_method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
    }
}

/// Whether a body is gzip; fails where it is packed in another way, or the head is too large.
fn packing(url: &str, headers: &HeaderMap) -> Result<bool, HttpError> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MOST_HEADER_BYTES {
        return Err(HttpError::Headers { url: url.to_owned(), limit: MOST_HEADER_BYTES });
    }
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(false) };
    match value.to_str().map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        Ok("gzip" | "x-gzip") => Ok(true),
        Ok("identity" | "") => Ok(false),
        other => {
            let encoding = other.map_or_else(|_| "?".to_owned(), |other| other.chars().take(40).collect());
            Err(HttpError::Encoding { url: url.to_owned(), encoding })
        }
    }
}

/// The headers that a plugin sees. Cookies are credentials of a kind; length and packing speak of bytes that it does not get, and the length
/// would tell how long a secret is that the body echoes.
fn visible(headers: &HeaderMap, redactor: &Redactor, gzip: bool) -> Vec<(String, String)> {
    let hidden = |name: &str| matches!(name, "set-cookie" | "set-cookie2" | "content-length") || (gzip && name == "content-encoding");
    headers
        .iter()
        .filter(|(name, _)| !hidden(name.as_str()))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (redactor.text(name.as_str()).into_owned(), redactor.text(&value).into_owned())
        })
        .collect()
}

/// The extension of a page, by what the server says that it is.
fn extension(headers: &HeaderMap) -> &'static str {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" | "application/jsonlines" => "jsonl",
        kind if kind.ends_with("json") => "json",
        "text/csv" => "csv",
        kind if kind.ends_with("xml") => "xml",
        "text/html" => "html",
        kind if kind.starts_with("text/") => "txt",
        _ => "bin",
    }
}

/// A client's error: final where the address was barred or the certificate is no good; waiting would not help.
pub(super) fn refused_or_transient(error: reqwest::Error, url: &Url) -> Failed {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(barred) = error.downcast_ref::<Barred>() {
            return HttpError::Address { barred: barred.clone(), toml: None }.into();
        }
        if let Some(reason) = bad_certificate(error) {
            return HttpError::Certificate { host: url.host_str().unwrap_or_default().to_owned(), reason }.into();
        }
        cause = error.source();
    }
    let host = url.host_str().unwrap_or_default();
    let what = if error.is_connect() { format!("no connection to `{host}`: ") } else { String::new() };
    Failed::transient(None, format!("{what}{}", words(&error)))
}

/// What is wrong with the server's certificate, where that is the error. What an I/O error carries is not its source, and the client wraps
/// one in another.
fn bad_certificate(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(carried) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return bad_certificate(carried);
    }
    match error.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(reason) => Some(reason.to_string()),
        _ => None,
    }
}

/// What went wrong, without the URL, which may hold a secret.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut root: &(dyn Error + 'static) = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    if std::ptr::addr_eq(root, error) { "the request failed".to_owned() } else { root.to_string() }
}
