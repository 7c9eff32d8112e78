//! The archive of raw pages: `raw/{source}/{date}/{name}_{timestamp}.{ext}.gz`, and a manifest per run that a replay reads.
//!
//! What always holds here: a page has its final name only when it is whole and on disk.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::pack::{BLOCK_BYTES, keep, pack};

/// A page of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its number in the run: the order in which pages were first asked for.
    pub page: u32,
    /// What was asked for: a file's path below its granted directory.
    pub request: String,
    /// The granted directory.
    pub directory: String,
    /// Where it lies, relative to the archive's root.
    pub archived: PathBuf,
    /// The bytes that came, before packing.
    pub bytes: u64,
    /// The bytes on disk.
    pub packed_bytes: u64,
    /// sha256 of the bytes that came, in hex.
    pub sha256: String,
    /// When the file was last modified, in microseconds since 1970.
    pub modified_micros: i64,
}

/// What a run took from one source, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageManifest {
    /// The version of this format: 1.
    pub version: u32,
    /// The run.
    pub run: String,
    /// The source.
    pub source: String,
    /// The pages, by number.
    pub pages: Vec<Page>,
}

/// A page could not be archived.
#[derive(Debug, thiserror::Error)]
#[error("can't archive `{request}` as `{}`", path.display())]
pub struct ArchiveError {
    request: String,
    path: PathBuf,
    #[source]
    source: Arc<io::Error>,
}

/// The archive of one source in one run.
pub struct Archive {
    root: PathBuf,
    run: String,
    source: String,
    started: DateTime<Utc>,
    level: u32,
    pages: Mutex<Pages>,
}

type Slot = Arc<OnceCell<Result<Page, Arc<io::Error>>>>;

#[derive(Default)]
struct Pages {
    by_request: HashMap<(String, String), (u32, Slot)>,
    names: HashMap<PathBuf, u32>,
    requests: Vec<String>,
}

impl Archive {
    /// An archive below `root` (the storage's `raw` folder) for a run of `source` that started at `started`; gzip at `level`.
    pub fn new(root: PathBuf, run: &str, source: &str, started: DateTime<Utc>, level: u32) -> Self {
        Self { root, run: run.to_owned(), source: source.to_owned(), started, level, pages: Mutex::default() }
    }

    /// Archives what `open` gives as the page for `request`, once per run however often it is asked for; later callers wait for the
    /// first. Bytes that are gzip already (`packed`) are kept as they came.
    pub async fn page<R: Read + Send + 'static>(
        &self,
        directory: &str,
        request: &str,
        modified_micros: i64,
        packed: bool,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> Result<Page, ArchiveError> {
        let (page, path, slot) = self.slot(directory, request, packed);
        let full = self.root.join(&path);
        let result = slot
            .get_or_init(|| async {
                let (level, target) = (if packed { None } else { Some(self.level) }, full.clone());
                let written = tokio::task::spawn_blocking(move || write_page(open()?, &target, level)).await;
                let written = written.map_err(io::Error::other).and_then(|result| result).map_err(Arc::new)?;
                let (request, directory) = (request.to_owned(), directory.to_owned());
                let Written { bytes, packed_bytes, sha256 } = written;
                Ok(Page { page, request, directory, archived: path, bytes, packed_bytes, sha256, modified_micros })
            })
            .await;
        result.clone().map_err(|source| ArchiveError { request: request.to_owned(), path: full, source })
    }

    /// The number, name and state of the page for a request.
    fn slot(&self, directory: &str, request: &str, packed: bool) -> (u32, PathBuf, Slot) {
        let mut pages = self.pages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let next = u32::try_from(pages.by_request.len()).expect("fewer than 2^32 pages");
        let (page, slot) =
            pages.by_request.entry((directory.to_owned(), request.to_owned())).or_insert_with(|| (next, Slot::default())).clone();
        if page == next {
            pages.requests.push(request.to_owned());
        }
        let mut path = self.name(request, packed);
        let taken = *pages.names.entry(path.clone()).or_insert(page);
        if taken != page {
            path = self.name(&format!("{page}-{request}"), packed);
        }
        (page, path, slot)
    }

    fn name(&self, request: &str, packed: bool) -> PathBuf {
        let flat = request.replace(['/', '\\'], "-");
        let flat = if packed { flat.strip_suffix(".gz").unwrap_or(&flat) } else { &flat };
        let (stem, extension) = match flat.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
            _ => (flat, String::new()),
        };
        let stamp = self.started.format("%Y%m%dT%H%M%S%3fZ");
        let date = self.started.format("%Y-%m-%d").to_string();
        Path::new(&self.source).join(date).join(format!("{stem}_{stamp}{extension}.gz"))
    }

    /// What was asked for as page `page`.
    pub fn request_of(&self, page: u32) -> Option<String> {
        let pages = self.pages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        pages.requests.get(page as usize).cloned()
    }

    /// The pages so far, by number.
    pub fn pages(&self) -> Vec<Page> {
        let pages = self.pages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut pages: Vec<_> = pages.by_request.values().filter_map(|(_, slot)| slot.get()?.as_ref().ok().cloned()).collect();
        pages.sort_by_key(|page| page.page);
        pages
    }

    /// Writes the run's manifest beside the pages and gives its path. Nothing is written where there are no pages.
    pub fn write_manifest(&self) -> io::Result<Option<PathBuf>> {
        let pages = self.pages();
        if pages.is_empty() {
            return Ok(None);
        }
        let manifest = PageManifest { version: 1, run: self.run.clone(), source: self.source.clone(), pages };
        let folder = self.root.join(&self.source).join(self.started.format("%Y-%m-%d").to_string());
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("manifest_{}.json", self.run));
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        serde_json::to_writer_pretty(&mut file, &manifest)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(Some(path))
    }
}

struct Written {
    bytes: u64,
    packed_bytes: u64,
    sha256: String,
}

/// Copies `from` to `target`, packed at `level` or as it is, under a temporary name until it is whole.
fn write_page(mut from: impl Read, target: &Path, level: Option<u32>) -> io::Result<Written> {
    let folder = target.parent().expect("a page lies in a folder");
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".page-").tempfile_in(folder)?;
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut next = || -> io::Result<Vec<u8>> {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        from.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
        digest.update(&block);
        bytes += block.len() as u64;
        Ok(block)
    };
    match level {
        Some(level) => pack(&mut next, &mut file, level)?,
        None => keep(&mut next, &mut file)?,
    }
    let packed_bytes = file.as_file().metadata()?.len();
    file.as_file().sync_all()?;
    file.persist(target)?;
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Written { bytes, packed_bytes, sha256 })
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;

    use super::*;

    fn archive(root: &Path) -> Archive {
        let started = "2018-10-17T17:30:18.125Z".parse().expect("a time");
        Archive::new(root.to_owned(), "run", "olist", started, 1)
    }

    #[tokio::test]
    async fn a_page_is_packed_once_under_its_source_day_and_time() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let first = archive.page("data", "orders.csv", 7, false, || Ok(&b"a,b\n1,2\n"[..])).await.unwrap();
        let again = archive.page("data", "orders.csv", 7, false, || Ok(&b"never read"[..])).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(first.archived, Path::new("olist/2018-10-17/orders_20181017T173018125Z.csv.gz"));
        assert_eq!((first.page, first.bytes), (0, 8));
        let mut text = String::new();
        GzDecoder::new(fs::File::open(root.path().join(&first.archived)).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "a,b\n1,2\n");
    }

    #[tokio::test]
    async fn packed_bytes_are_kept_as_they_came() {
        let root = tempfile::tempdir().unwrap();
        let page = archive(root.path()).page("data", "x/orders.csv.gz", 0, true, || Ok(&b"\x1f\x8b..."[..])).await.unwrap();
        assert_eq!(page.archived, Path::new("olist/2018-10-17/x-orders_20181017T173018125Z.csv.gz"));
        assert_eq!(fs::read(root.path().join(&page.archived)).unwrap(), b"\x1f\x8b...");
    }

    #[tokio::test]
    async fn two_files_of_one_name_do_not_share_a_page() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let one = archive.page("data", "a/x.csv", 0, false, || Ok(&b"1"[..])).await.unwrap();
        let two = archive.page("data", "a-x.csv", 0, false, || Ok(&b"2"[..])).await.unwrap();
        assert_ne!(one.archived, two.archived);
        assert_eq!(archive.pages().len(), 2);
        assert_eq!(archive.request_of(1).as_deref(), Some("a-x.csv"));
    }

    #[tokio::test]
    async fn a_page_that_breaks_off_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("cut"))
            }
        }
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let error = archive.page("data", "x.csv", 0, false, || Ok(Broken)).await.unwrap_err();
        assert!(crate::error::chain(&error).ends_with("cut"), "{error}");
        assert_eq!(fs::read_dir(root.path().join("olist/2018-10-17")).unwrap().count(), 0);
        assert_eq!(archive.write_manifest().unwrap(), None);
    }
}
