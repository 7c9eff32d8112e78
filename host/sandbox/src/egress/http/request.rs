//! What a plugin asks for, checked and put into one form.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::{HttpError, Method, credential::Credentials, redact::Redactor, target::Target};

/// What a plugin asks for, in its own words.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body of a POST.
    pub body: Option<Vec<u8>>,
    /// The name of the credential that the host adds.
    pub credential: Option<String>,
    /// The stream that the answer belongs to.
    pub stream: String,
    /// The slice that asks, as people call it.
    pub slice: Option<String>,
    /// Whether a POST may be repeated.
    pub idempotent: bool,
}

/// A request that can be sent.
pub(super) struct Asked {
    pub method: Method,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    pub credential: Option<String>,
    pub stream: String,
    pub slice: Option<String>,
    /// Whether it may be sent again where it failed.
    pub repeatable: bool,
    /// Whether the server is to be asked even where the answer is known.
    pub fresh: bool,
    /// The URL without secrets, for people.
    pub shown: String,
    /// By what a later ask, or a replay, finds the answer.
    pub fingerprint: Fingerprint,
}

/// sha256 of what a plugin asks for.
pub(super) type Fingerprint = [u8; 32];

/// A fingerprint as manifests have it.
pub(super) fn hex(fingerprint: &Fingerprint) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The most bytes of a request's body: a query for an API, not an upload.
const MOST_BODY_BYTES: usize = 16 << 20;

/// The most bytes of a stream's name, which becomes part of a file's name.
const MOST_STREAM_BYTES: usize = 100;

/// The most bytes of a request's headers.
const MOST_HEADER_BYTES: usize = 32 << 10;

/// The most bytes of a URL in a message.
const SHOWN_BYTES: usize = 300;

/// Headers that carry credentials or steer the connection: they are the host's.
const OURS: &[&str] = &[
    "authorization",
    "cookie",
    "cookie2",
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
    "upgrade",
    "http2-settings",
    "expect",
    "accept-encoding",
    "forwarded",
    "via",
    "x-real-ip",
];

/// Headers by which servers let a request pass as one of another method or of another path.
const OVERRIDES: &[&str] = &["x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"];

/// Beginnings of headers that are the host's.
const OUR_PREFIXES: &[&str] = &["proxy-", "sec-", "x-forwarded-"];

impl Request {
    /// Checks the request and puts it into one form.
    pub(super) fn check(self, credentials: &Credentials, redactor: &Redactor) -> Result<Asked, HttpError> {
        let shown = shown(&self.url, redactor);
        let target = Target::parse(&self.url).map_err(|reason| HttpError::Url { url: shown.clone(), reason })?;
        if self.body.is_some() && self.method != Method::Post {
            return Err(HttpError::Request { url: shown, reason: "has a body, which only a POST may have" });
        }
        if self.body.as_ref().is_some_and(|body| body.len() > MOST_BODY_BYTES) {
            return Err(HttpError::Request { url: shown, reason: "has a body of more than 16 MiB" });
        }
        if self.stream.len() > MOST_STREAM_BYTES {
            return Err(HttpError::Request { url: shown, reason: "belongs to a stream with a name that is too long" });
        }
        if let Some(name) = self.credential.as_ref().filter(|name| credentials.get(name).is_none()) {
            return Err(HttpError::NoCredential { name: name.clone(), known: credentials.names() });
        }
        let headers = headers(&self.headers, credentials)?;
        let fresh = headers.get_all("cache-control").iter().any(|value| value.to_str().is_ok_and(|value| value.contains("no-cache")));
        let fingerprint = self.fingerprint(target.url().as_str(), redactor);
        let repeatable = self.idempotent || self.method != Method::Post;
        let stream = if self.stream.is_empty() { "source".to_owned() } else { self.stream };
        Ok(Asked {
            method: self.method,
            target,
            headers,
            body: self.body.map(Bytes::from),
            credential: self.credential,
            stream,
            slice: self.slice,
            repeatable,
            fresh,
            shown,
            fingerprint,
        })
    }

    /// sha256 of what the plugin gave: what a replay, which knows no secrets, makes of it as well. A request that is asked again has the
    /// fingerprint of the first one.
    fn fingerprint(&self, url: &str, redactor: &Redactor) -> Fingerprint {
        let mut digest = Sha256::new();
        let mut add = |part: &[u8]| {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        };
        add(self.method.name().as_bytes());
        add(redactor.text(url).as_bytes());
        let is_freshness = |name: &str, value: &str| name.eq_ignore_ascii_case("cache-control") && value.contains("no-cache");
        let headers: Vec<_> = self.headers.iter().filter(|(name, value)| !is_freshness(name, value)).collect();
        add(&(headers.len() as u64).to_le_bytes());
        for (name, value) in headers {
            add(name.to_ascii_lowercase().as_bytes());
            add(redactor.text(value).as_bytes());
        }
        add(self.body.as_deref().unwrap_or_default());
        add(self.credential.as_deref().unwrap_or_default().as_bytes());
        digest.finalize().into()
    }
}

/// A URL as messages show it: without secrets, and cut.
fn shown(url: &str, redactor: &Redactor) -> String {
    let mut shown = redactor.text(url).into_owned();
    if shown.len() > SHOWN_BYTES {
        shown.truncate(shown.floor_char_boundary(SHOWN_BYTES));
        shown.push('…');
    }
    shown
}

fn headers(given: &[(String, String)], credentials: &Credentials) -> Result<HeaderMap, HttpError> {
    let refused = |name: &str, reason| HttpError::Header { name: name.chars().take(64).collect(), reason };
    let mut headers = HeaderMap::new();
    let mut bytes = 0;
    for (name, value) in given {
        let parsed: HeaderName = name.parse().map_err(|_| refused(name, "it is no header's name"))?;
        let lower = parsed.as_str();
        if OURS.contains(&lower) || OUR_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
            return Err(refused(name, "it carries credentials or steers the connection, which the host does"));
        }
        if OVERRIDES.contains(&lower) {
            return Err(refused(name, "by it a request passes as another one than was granted"));
        }
        if credentials.owns_header(&parsed) {
            return Err(refused(name, "the host sends a credential in it; name the credential instead"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| refused(name, "its value has characters that a header can't carry"))?;
        bytes += lower.len() + value.len();
        headers.append(parsed, value);
    }
    if bytes > MOST_HEADER_BYTES {
        return Err(refused("...", "the headers have more than 32 KiB"));
    }
    Ok(headers)
}
