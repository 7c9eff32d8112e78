//! The manifest of what a run took from one source: JSON, a line each, the first one says whose it is.
//!
//! What always holds here: a line is there only once what it tells is on disk. A line that a dying host cut short is passed over, since
//! nothing read what it would have told.

use std::{
    fs,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::http::Trouble;

/// The version of this format. Version 1 was one JSON document, written when a run had succeeded; version 2 had whole answers only.
const VERSION: u32 = 3;

/// The most pages of a run from one source: an origin has 24 bits for the page.
pub const MOST_PAGES: u32 = 1 << 24;

/// Whose manifest it is: the first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub version: u32,
    /// The run.
    pub run: String,
    /// The source.
    pub source: String,
    /// The pipeline; empty in version 1, which did not tell.
    pub pipeline: String,
    /// When the run started; none in version 1.
    pub started: Option<DateTime<Utc>>,
}

impl Head {
    /// The head of a run's manifest.
    pub fn new(run: &str, source: &str, pipeline: &str, started: DateTime<Utc>) -> Self {
        let (run, source, pipeline) = (run.to_owned(), source.to_owned(), pipeline.to_owned());
        Self { version: VERSION, run, source, pipeline, started: Some(started) }
    }
}

/// A line after the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// A page of the archive.
    Page(Page),
    /// Which files there were.
    Listing(Listing),
    /// A request that got nothing a plugin could use, however often it was sent.
    Unanswered(Unanswered),
}

/// A request that got nothing a plugin could use. Answers that came all the same are pages of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// What kind of trouble it was for the plugin.
    pub trouble: Trouble,
    /// The request, and in `refused` why; there is no answer in it.
    pub exchange: Box<Exchange>,
}

/// A page of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its number in the run: the order in which pages were first asked for. Numbers of pages that never became whole are missing.
    pub page: u32,
    /// Where it lies, relative to the archive's root.
    pub archived: PathBuf,
    /// The bytes that came, before packing.
    pub bytes: u64,
    /// The bytes on disk.
    pub packed_bytes: u64,
    /// sha256 of the bytes that came, in hex.
    pub sha256: String,
    /// What was asked for.
    pub asked: Asked,
}

impl Page {
    /// What was asked for, as a person would say it: a file's path, or a URL.
    pub fn request(&self) -> &str {
        match &self.asked {
            Asked::File(file) => &file.path,
            Asked::Http(exchange) => &exchange.url,
        }
    }

    /// Why no plugin got the page, where that is so.
    pub fn refused(&self) -> Option<&str> {
        match &self.asked {
            Asked::File(_) => None,
            Asked::Http(exchange) => exchange.refused.as_deref(),
        }
    }

    /// Whether the page lies in the archive as it came, because it was gzip already.
    pub fn is_as_it_came(&self) -> bool {
        matches!(&self.asked, Asked::File(FileRequest { packed: true, .. }))
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Asked {
    /// A file of a granted directory.
    File(FileRequest),
    /// A request over HTTP.
    Http(Box<Exchange>),
}

/// A file of a granted directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// The directory's name in the grant.
    pub directory: String,
    /// The path below it.
    pub path: String,
    /// When the file was last modified, in microseconds since 1970.
    pub modified_micros: i64,
    /// Whether it was read as gzip, and so kept as it came.
    pub packed: bool,
}

/// A request over HTTP with the head of its answer, where one came. Whoever makes one has taken the secrets out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The stream that the answer belongs to.
    pub stream: String,
    /// The slice that asked first.
    pub slice: Option<String>,
    /// sha256 of method, URL, headers, body and the credential's name as the plugin gave them, in hex: by this a replay finds the answer. Of several
    /// answers to one request, a replay gives them in the order of their pages.
    pub fingerprint: String,
    /// The method, in capitals.
    pub method: String,
    /// The URL as the plugin gave it.
    pub url: String,
    /// The headers as the plugin gave them.
    pub headers: Vec<(String, String)>,
    /// The body, invalid UTF-8 replaced.
    pub body: Option<String>,
    /// The name of the credential that the host added.
    pub credential: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Its headers, as the plugin sees them.
    pub response_headers: Vec<(String, String)>,
    /// Every time it was sent, the last one with this answer.
    pub attempts: Vec<Attempt>,
    /// When the last byte of the answer had come, or there was none to wait for any more.
    pub received_at: DateTime<Utc>,
    /// Why no plugin got the answer, as far as it came; a replay does not give it either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// One time that a request was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Milliseconds until it had its answer, or had failed.
    pub millis: u64,
    /// Milliseconds that the host had waited before it.
    pub waited_millis: u64,
    /// The status, where there was one.
    pub status: Option<u16>,
    /// Why it failed, where it failed.
    pub error: Option<String>,
    /// The page of the answer that came although it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The pages of the answers that led to the last one: redirects, and the refusal of an access token that was renewed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<u32>,
}

/// The files that a directory held when a plugin asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The directory's name in the grant.
    pub directory: String,
    /// The pattern.
    pub glob: String,
    /// The files that matched, sorted by path.
    pub entries: Vec<Entry>,
}

/// A regular file below a granted directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path relative to the directory, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified, in microseconds since 1970.
    pub modified_micros: i64,
}

/// A manifest that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file can't be read.
    #[error("can't read the manifest `{}`", path.display())]
    Read {
        /// The manifest.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("line {line} of the manifest `{}` is broken", path.display())]
    Broken {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A newer tidegate wrote it.
    #[error("the manifest `{}` has version {version}; this tidegate reads versions 1 to {VERSION}", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// The name of a run's manifest in the folder of its pages.
pub fn manifest_name(run: &str) -> String {
    format!("manifest_{run}.jsonl")
}

/// Reads a manifest of any version: gives its head, and hands each line to `each` with its place, which [`read_at`] wants. Version 1 has no
/// places.
pub fn read(path: &Path, mut each: impl FnMut(u64, Line)) -> Result<Head, ManifestError> {
    let failed = |source| ManifestError::Read { path: path.to_owned(), source };
    if path.extension().is_some_and(|extension| extension == "json") {
        return read_version_1(path, each);
    }
    let mut lines = BufReader::new(fs::File::open(path).map_err(failed)?);
    let (mut text, mut head) = (String::new(), None);
    let mut place = 0;
    for line in 1.. {
        text.clear();
        let bytes = lines.read_line(&mut text).map_err(failed)?;
        // What does not end in a newline was cut short.
        let Some(whole) = text.strip_suffix('\n') else { break };
        let broken = |source| ManifestError::Broken { path: path.to_owned(), line, source };
        if head.is_none() {
            head = Some(serde_json::from_str::<Head>(whole).map_err(broken)?);
        } else {
            each(place, serde_json::from_str(whole).map_err(broken)?);
        }
        place += bytes as u64;
    }
    let head = head.ok_or_else(|| failed(io::Error::new(io::ErrorKind::UnexpectedEof, "it has no first line")))?;
    if !(2..=VERSION).contains(&head.version) {
        return Err(ManifestError::Version { path: path.to_owned(), version: head.version });
    }
    Ok(head)
}

/// The line of a manifest that stands at `place`.
pub fn read_at(path: &Path, place: u64) -> Result<Line, ManifestError> {
    let failed = |source| ManifestError::Read { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(place)).map_err(failed)?;
    let mut text = String::new();
    BufReader::new(file).read_line(&mut text).map_err(failed)?;
    serde_json::from_str(&text).map_err(|source| ManifestError::Broken { path: path.to_owned(), line: 0, source })
}

/// A manifest of version 1.
#[derive(Deserialize)]
struct Version1 {
    version: u32,
    run: String,
    source: String,
    pages: Vec<Page1>,
}

#[derive(Deserialize)]
struct Page1 {
    page: u32,
    request: String,
    directory: String,
    archived: PathBuf,
    bytes: u64,
    packed_bytes: u64,
    sha256: String,
    modified_micros: i64,
}

fn read_version_1(path: &Path, mut each: impl FnMut(u64, Line)) -> Result<Head, ManifestError> {
    let text = fs::read(path).map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
    let found: Version1 =
        serde_json::from_slice(&text).map_err(|source| ManifestError::Broken { path: path.to_owned(), line: source.line(), source })?;
    if found.version != 1 {
        return Err(ManifestError::Version { path: path.to_owned(), version: found.version });
    }
    for Page1 { page, request, directory, archived, bytes, packed_bytes, sha256, modified_micros } in found.pages {
        // It did not tell which pages were kept as they came.
        let packed = bytes == packed_bytes && request.ends_with(".gz");
        let asked = Asked::File(FileRequest { directory, path: request, modified_micros, packed });
        each(0, Line::Page(Page { page, archived, bytes, packed_bytes, sha256, asked }));
    }
    Ok(Head { version: 1, run: found.run, source: found.source, pipeline: String::new(), started: None })
}
