//! A request as it came.

use std::time::Duration;

use anyhow::{Context, Result};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

/// A request as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Its place among all requests, from 1.
    pub number: usize,
    /// When it came, counted from the server's start.
    pub at: Duration,
    /// Its method, upper-case.
    pub method: String,
    /// What stood in the request line: path and query, encoded as they came.
    pub target: String,
    /// Its path, decoded.
    pub path: String,
    /// Names and values of its query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// Names and values of its headers as they came.
    pub headers: Vec<(String, String)>,
    /// Its body without transfer encoding.
    pub body: Vec<u8>,
}

impl Asked {
    /// A request with this method and target, as a server sees it; headers and body can be added.
    pub fn new(method: &str, target: &str) -> Self {
        // A proxy's client sends the whole URL.
        let local = match target.split_once("://") {
            Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
            _ => target,
        };
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        Self {
            method: method.to_ascii_uppercase(),
            target: target.to_owned(),
            path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
            query: pairs(query.as_bytes()),
            ..Self::default()
        }
    }

    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter in the query.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Its body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the body of the request is no JSON")
    }

    /// Its body as a form, in the order of its fields.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// User and password of basic authorization.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(base64(encoded)?).ok()?;
        decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// Decodes the standard alphabet, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, held) = (bits << 6 | u32::from(value), held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}
