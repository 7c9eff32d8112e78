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
    Archived(Arc<Archive>, Box<Page>),
    /// In the recording that is replayed.
    Recorded(Arc<dyn Recorded>, Box<Page>),
    /// In a file that vanishes with the source.
    Scratch(PathBuf),
}

impl Stored {
    /// About how many bytes the body has, where that is known.
    fn bytes(&self) -> u64 {
        match self {
            Self::Archived(_, page) | Self::Recorded(_, page) => page.bytes,
            Self::Scratch(_) => 0,
        }
    }

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
        Self::of(page, |page| Stored::Recorded(recording, page))
    }

    fn of(mut page: Page, stored: impl FnOnce(Box<Page>) -> Stored) -> Option<Self> {
        let Asked::Http(exchange) = &mut page.asked else { return None };
        let headers = std::mem::take(&mut exchange.response_headers);
        let (status, url, number) = (exchange.status?, exchange.url.clone(), page.page);
        Some(Self { status, headers, page: number, url, stored: stored(Box::new(page)) })
    }
}

/// What a run remembers of an answer: as many are kept as requests are sent.
#[derive(Clone)]
pub(super) enum Kept {
    /// A page of this run's archive.
    Archived(Arc<Archive>, u32),
    /// A page of the recording that is replayed.
    Recorded(Arc<dyn Recorded>, u32),
    /// All of it: where nothing is archived, nothing else knows it.
    Whole(Arc<Answer>),
}

impl Kept {
    pub fn of(answer: &Arc<Answer>) -> Self {
        match &answer.stored {
            Stored::Archived(archive, _) => Self::Archived(archive.clone(), answer.page),
            Stored::Recorded(recording, _) => Self::Recorded(recording.clone(), answer.page),
            Stored::Scratch(_) => Self::Whole(answer.clone()),
        }
    }

    /// The answer once more; `shown` is its request's URL for people.
    pub fn answer(&self, shown: &str) -> Result<Arc<Answer>, HttpError> {
        let found = match self {
            Self::Whole(answer) => return Ok(answer.clone()),
            Self::Archived(archive, number) => {
                archive.page(*number).and_then(|page| Answer::of(page, |page| Stored::Archived(archive.clone(), page)))
            }
            Self::Recorded(recording, number) => recording.page(*number).and_then(|page| Answer::recorded(recording.clone(), page)),
        };
        let gone = || HttpError::Read { url: shown.to_owned(), reason: "its line in the manifest can't be read any more".to_owned() };
        found.map(Arc::new).ok_or_else(gone)
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
    /// With the number of bytes that are left, as far as it is known.
    Open(Box<dyn Read + Send>, usize),
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
            let left = usize::try_from(self.answer.stored.bytes()).unwrap_or(usize::MAX);
            self.body = Reading::Open(self.answer.stored.open()?, left);
        }
        let Reading::Open(reader, left) = &mut self.body else { return Ok(Vec::new()) };
        // Room for one more byte than there are, so that reading ends without growing.
        let mut bytes = Vec::with_capacity(left.saturating_add(1).min(max));
        reader.by_ref().take(max as u64).read_to_end(&mut bytes)?;
        *left = left.saturating_sub(bytes.len());
        Ok(bytes)
    }
}
