//! A URL that a plugin asks for, in one form, with its path in every way that a server may read it.

use url::Url;

/// The longest URL.
const MOST_URL_BYTES: usize = 16 << 10;

/// How often a path is decoded to see what a server may make of it.
const MOST_READINGS: usize = 3;

/// A query parameter by which some servers (WordPress among them) let a request pass as one of another method.
const METHOD_OVERRIDE: &str = "_method";

/// Why a URL can't be asked for by anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It can't be parsed.
    #[error("it is no absolute URL: {0}")]
    Parse(url::ParseError),
    /// It is too long.
    #[error("it has more than {MOST_URL_BYTES} bytes")]
    Long,
    /// Another scheme.
    #[error("its scheme is neither https nor http")]
    Scheme,
    /// It has a user or a password.
    #[error("it has a user or password in it; name a credential instead")]
    Userinfo,
    /// Its path has bytes that belong to no path, plainly or encoded again and again.
    #[error("its path is encoded in a way that servers read differently")]
    Path,
    /// Its query would change the method.
    #[error("its query has a parameter `{METHOD_OVERRIDE}`, by which some servers change the method")]
    Method,
}

/// A URL that a plugin asks for, normalised.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    /// The segments of the path in every way that a server may read it.
    readings: Vec<Vec<String>>,
}

impl Target {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MOST_URL_BYTES {
            return Err(UrlError::Long);
        }
        Self::of(Url::parse(text).map_err(UrlError::Parse)?)
    }

    /// Takes a URL that was parsed.
    pub fn of(mut url: Url) -> Result<Self, UrlError> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(UrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Userinfo);
        }
        if url.query_pairs().any(|(key, _)| key.eq_ignore_ascii_case(METHOD_OVERRIDE)) {
            return Err(UrlError::Method);
        }
        url.set_fragment(None);
        let readings = readings(url.path()).ok_or(UrlError::Path)?;
        Ok(Self { url, readings })
    }

    /// Its path in every way that a server may read it.
    pub(super) fn readings(&self) -> &[Vec<String>] {
        &self.readings
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host, port and path: what a grant can name.
    pub(super) fn place(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.into()
    }
}

/// A path's segments as they stand, and as a server sees them that decodes first, takes `\` for `/`, drops `;` parameters and empty
/// segments. None where no server can be trusted to read it as meant.
fn readings(path: &str) -> Option<Vec<Vec<String>>> {
    let path = path.strip_prefix('/')?;
    let mut readings = vec![path.split('/').map(|segment| lossy(&decoded(segment.as_bytes()))).collect::<Vec<_>>()];
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..MOST_READINGS {
        let next = decoded(&bytes);
        if next.iter().any(|byte| byte.is_ascii_control()) {
            return None;
        }
        let reading = resolved(&lossy(&next));
        if !readings.contains(&reading) {
            readings.push(reading);
        }
        if next == bytes {
            return Some(readings);
        }
        bytes = next;
    }
    (decoded(&bytes) == bytes).then_some(readings)
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Percent-decodes once.
pub(super) fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn resolved(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    let mut ends_open = false;
    for segment in path.split(['/', '\\']) {
        let segment = segment.split(';').next().unwrap_or_default();
        ends_open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment.to_owned()),
        }
    }
    if ends_open {
        segments.push(String::new());
    }
    segments
}
