//! An answer: its head at once, its body on demand.

use serde::de::DeserializeOwned;

use super::{encode, imp, refusal};
use crate::{Failure, Result, instant};

/// How much of a body is asked for at once: nearly every page of an API fits.
const READ_BYTES: u32 = 4 << 20;

/// An answer. The host gives one with a status below 400, or with another status that it does not retry.
pub struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) page: u32,
    pub(super) url: String,
    pub(super) body: imp::Body,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name, which is written in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// All headers, names in lower case, in the order they came.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The number of the archived page that this answer is in this run, for [`crate::Origin`].
    pub fn page(&self) -> u32 {
        self.page
    }

    /// The URL that was asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of the URL that was asked, for messages: queries may hold values.
    pub fn path(&self) -> &str {
        encode::path(&self.url)
    }

    /// When the server answered, by its own clock, in seconds since 1970-01-01T00:00:00Z: the header `date`.
    pub fn date(&self) -> Option<i64> {
        self.header("date").and_then(instant::parse_http_date)
    }

    /// Reads at most `max` bytes of the decompressed body. An empty vector is the end.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>> {
        self.body.read(max)
    }

    /// The rest of the body.
    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        let mut all = self.read(READ_BYTES)?;
        while !all.is_empty() {
            let more = self.read(READ_BYTES)?;
            if more.is_empty() {
                break;
            }
            all.extend_from_slice(&more);
        }
        Ok(all)
    }

    /// The rest of the body as text.
    pub fn text(&mut self) -> Result<String> {
        let bytes = self.bytes()?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::bad_data(format!("{} is not UTF-8 at byte {at}", self.place()))
        })
    }

    /// The rest of the body as a value. Where it is not JSON the failure is `unavailable`: mostly the server broke down while it wrote, and
    /// the host asks again. Where it is JSON of another shape, it is `bad-data`.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let (place, at) = (self.place(), offset(&bytes, error.line(), error.column()));
            // Serde's own message may quote the data.
            match error.classify() {
                serde_json::error::Category::Data => Failure::bad_data(format!("{place} is not what was expected at byte {at}")),
                _ => not_json(&place, bytes.len(), at),
            }
        })
    }

    /// The answer itself where its status is below 400, otherwise a failure with the server's own words, shortened and without values.
    pub fn success(self) -> Result<Self> {
        if self.status < 400 { Ok(self) } else { Err(refusal::failure(self)) }
    }

    /// Path and page, for messages.
    pub(crate) fn place(&self) -> String {
        format!("`{}` (page {})", self.path(), self.page)
    }
}

/// The failure of a body of `length` bytes that is not JSON from byte `at` on.
pub(crate) fn not_json(place: &str, length: usize, at: usize) -> Failure {
    match length {
        0 => Failure::unavailable(format!("{place} is empty")),
        _ => Failure::unavailable(format!("{place} is not JSON at byte {at} of {length}")),
    }
}

/// The byte at serde's line and column, both from 1.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let start: usize = body.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    start + column.saturating_sub(1)
}
