//! What a plugin gets: an answer's head at once, its body on demand.

use std::{
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;

use super::{HttpError, Recorded};
use crate::egress::archive::{Archive, Asked, Page};

/// The most bytes of one read.
const MAX_READ: u32 = 16 << 20;

/// An answer that is whole and stored.
#[derive(Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub page: u32,
    pub url: String,
    pub stored: Stored,
}

/// Where a body lies.
#[derive(Clone)]
pub(super) enum Stored {
    /// In this run's archive.
    Archived(Arc<Archive>, Arc<Page>),
    /// In the recording that is replayed.
    Recorded(Arc<dyn Recorded>, Arc<Page>),
    /// In a file that vanishes with the source.
    Scratch(PathBuf),
}

impl Stored {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Archived(archive, page) => archive.open(page),
            Self::Recorded(recording, page) => recording.open(page),
            Self::Scratch(path) => Ok(Box::new(io::BufReader::new(std::fs::File::open(path)?))),
        }
    }
}

impl Answer {
    /// The answer that a recording holds.
    pub fn recorded(recording: Arc<dyn Recorded>, page: Page) -> Option<Self> {
        let Asked::Http(exchange) = &page.asked else { return None };
        let (status, headers, url) = (exchange.status, exchange.response_headers.clone(), exchange.url.clone());
        Some(Self { status, headers, page: page.page, url, stored: Stored::Recorded(recording, Arc::new(page)) })
    }
}

/// An answer in a plugin's hands.
pub struct Response {
    answer: Arc<Answer>,
    body: Reading,
}

enum Reading {
    Memory(Bytes),
    Closed,
    Open(Box<dyn Read + Send>),
}

impl Response {
    pub(super) fn new(answer: Arc<Answer>, memory: Option<Bytes>) -> Self {
        Self { answer, body: memory.map_or(Reading::Closed, Reading::Memory) }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// Names, lower-case, and values.
    pub fn headers(&self) -> &[(String, String)] {
        &self.answer.headers
    }

    /// The number of the archived page.
    pub fn page(&self) -> u32 {
        self.answer.page
    }

    /// At most `max` bytes of the body; none at the end.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>, HttpError> {
        let max = max.min(MAX_READ) as usize;
        if let Reading::Memory(bytes) = &mut self.body {
            return Ok(bytes.split_to(max.min(bytes.len())).to_vec());
        }
        self.stored(max).map_err(|error| HttpError::Read { url: self.answer.url.clone(), reason: error.to_string() })
    }

    fn stored(&mut self, max: usize) -> io::Result<Vec<u8>> {
        if matches!(self.body, Reading::Closed) {
            self.body = Reading::Open(self.answer.stored.open()?);
        }
        let Reading::Open(reader) = &mut self.body else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        reader.by_ref().take(max as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
