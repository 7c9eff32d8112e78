//! The archive of one source in one run: numbers and names its pages, and tells the manifest of each.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{
    super::pack::{fill, keep, pack},
    Asked, Entry, FileRequest, Head, Line, Listing, MOST_PAGES, Page, PageWriter, Unanswered, manifest_name, read_at,
    settling::{Ahead, Settling},
    verify::unpacked,
    writer::{Written, hex, unfinished},
};

/// The most bytes of a page's name before its timestamp: file systems take 255 in all.
const MAX_STEM: usize = 150;

/// A page could not be archived.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ArchiveError {
    /// It can't be written.
    #[error("can't archive `{request}` as `{}`", path.display())]
    Write {
        /// What was asked for.
        request: String,
        /// Where it was to lie.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// The run has all the pages that an origin can number.
    #[error("source `{0}` asked for more than {MOST_PAGES} pages in one run")]
    TooMany(String),
}

/// What a run took from one source, in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Pages.
    pub pages: u64,
    /// Bytes as they came.
    pub bytes: u64,
    /// Bytes on disk.
    pub packed_bytes: u64,
}

impl Totals {
    /// Adds a page.
    pub fn add(&mut self, page: &Page) {
        self.pages += 1;
        self.bytes += page.bytes;
        self.packed_bytes += page.packed_bytes;
    }
}

/// The archive of one source in one run.
pub struct Archive {
    register: Arc<Register>,
    files: Mutex<HashMap<(String, String), Slot>>,
    listings: Mutex<HashMap<(String, String), Listed>>,
}

/// A file that is archived once, however often it is asked for.
type Slot = Arc<OnceCell<Result<Page, ArchiveError>>>;

/// A listing that is asked for once.
type Listed = Arc<OnceCell<Vec<Entry>>>;

impl Archive {
    /// An archive below `root` (the storage's `raw` folder), gzip at `level`.
    pub fn new(root: PathBuf, head: Head, level: u32) -> Self {
        Self { register: Arc::new(Register::new(root, head, level)), files: Mutex::default(), listings: Mutex::default() }
    }

    /// Archives what `open` gives as the page for a file, once per run however often it is asked for; later callers wait for the first.
    /// Bytes that are gzip already (`packed`) are kept as they came.
    pub async fn file<R: Read + Send + 'static>(
        &self,
        request: FileRequest,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> Result<Page, ArchiveError> {
        let key = (request.directory.clone(), request.path.clone());
        let slot = self.files.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let archived = slot.get_or_init(|| async move {
            let (page, archived) = self.register.next(&request.path, request.packed)?;
            let (register, path) = (self.register.clone(), request.path.clone());
            let (packed, target) = (request.packed, archived.clone());
            let written = tokio::task::spawn_blocking(move || write_page(open()?, &register, &target, packed)).await;
            let written = written.map_err(io::Error::other).and_then(|written| written);
            let written = written.map_err(|source| self.register.failed(Path::new(&path), &archived, source))?;
            self.register.add(written.page(page, archived, Asked::File(request)))
        });
        archived.await.clone()
    }

    /// Begins the page of an answer that belongs to `stream`; `extension` says what it is: `json`, `csv`.
    pub fn begin(&self, stream: &str, extension: &str) -> Result<PageWriter, ArchiveError> {
        // A stream's name is the plugin's word; a page's name has no room for surprises.
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-");
        let (page, archived) = self.register.next(&format!("{}.{}", plain(stream), plain(extension)), false)?;
        PageWriter::new(self.register.clone(), page, archived)
    }

    /// Tells the manifest of a request that got nothing a plugin could use.
    pub fn unanswered(&self, unanswered: Unanswered) -> Result<(), ArchiveError> {
        let url = unanswered.exchange.url.clone();
        self.register.tell(&url, &Line::Unanswered(unanswered)).map(drop)
    }

    /// What `find` says of a directory, found once per run and told to the manifest; an answer that is none is not kept.
    pub async fn listing<E: From<ArchiveError>>(
        &self,
        directory: &str,
        glob: &str,
        find: impl Future<Output = Result<Vec<Entry>, E>>,
    ) -> Result<Vec<Entry>, E> {
        let key = (directory.to_owned(), glob.to_owned());
        let slot = self.listings.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let found = slot.get_or_try_init(|| async move {
            let listing = Listing { directory: directory.to_owned(), glob: glob.to_owned(), entries: find.await? };
            let line = Line::Listing(listing);
            self.register.tell(&format!("{directory}/{glob}"), &line)?;
            let Line::Listing(listing) = line else { unreachable!("it was just made") };
            Ok::<_, E>(listing.entries)
        });
        found.await.cloned()
    }

    /// The bytes of a page as they came.
    pub fn open(&self, page: &Page) -> io::Result<Box<dyn Read + Send>> {
        unpacked(self.register.root(), page)
    }

    /// A page, as its line in the manifest tells.
    pub fn page(&self, number: u32) -> Option<Page> {
        self.register.page(number)
    }

    /// What was asked for as page `page`.
    pub fn request_of(&self, page: u32) -> Option<String> {
        self.register.request_of(page)
    }

    /// What was archived so far.
    pub fn totals(&self) -> Totals {
        self.register.state().totals
    }

    /// Waits until all pages are on disk, brings the manifest there and gives its path; none where nothing was told.
    pub fn close(&self) -> io::Result<Option<PathBuf>> {
        self.register.settling.end()?;
        let state = self.register.state();
        let Some(manifest) = &state.manifest else { return Ok(None) };
        manifest.sync_all()?;
        Ok(Some(self.register.manifest_path()))
    }
}

/// The folder of a run's pages from `source`.
pub fn folder_of(root: &Path, source: &str, started: DateTime<Utc>) -> PathBuf {
    root.join(source).join(started.format("%Y-%m-%d").to_string())
}

/// Numbers, names and the manifest: what all pages of a run share.
pub(super) struct Register {
    root: PathBuf,
    folder: PathBuf,
    head: Head,
    level: u32,
    state: Mutex<State>,
    settling: Settling,
}

#[derive(Default)]
struct State {
    next: u32,
    /// The first page with a name; the others have their number in theirs.
    names: HashMap<PathBuf, u32>,
    manifest: Option<fs::File>,
    length: u64,
    /// Where the line of each page stands in the manifest; 0 where it has none.
    places: Vec<u64>,
    /// The page that was last looked up.
    looked_up: Option<(u32, String)>,
    totals: Totals,
}

impl Register {
    fn new(root: PathBuf, head: Head, level: u32) -> Self {
        let folder = folder_of(&root, &head.source, head.started.unwrap_or_default());
        Self { root, folder, head, level, state: Mutex::default(), settling: Settling::default() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn level(&self) -> u32 {
        self.level
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manifest_path(&self) -> PathBuf {
        self.folder.join(manifest_name(&self.head.run))
    }

    pub fn failed(&self, request: &Path, archived: &Path, source: io::Error) -> ArchiveError {
        ArchiveError::Write { request: request.display().to_string(), path: self.root.join(archived), source: Arc::new(source) }
    }

    /// The number of the next page, and where it will lie relative to the root.
    fn next(&self, request: &str, packed: bool) -> Result<(u32, PathBuf), ArchiveError> {
        let mut state = self.state();
        let page = state.next;
        if page >= MOST_PAGES {
            return Err(ArchiveError::TooMany(self.head.source.clone()));
        }
        state.next += 1;
        let plain = self.name(request, packed, None);
        let first = *state.names.entry(plain.clone()).or_insert(page);
        let name = if first == page { plain } else { self.name(request, packed, Some(page)) };
        let folder = self.folder.strip_prefix(&self.root).unwrap_or(&self.folder);
        Ok((page, folder.join(name)))
    }

    fn name(&self, request: &str, packed: bool, page: Option<u32>) -> PathBuf {
        let flat = request.replace(['/', '\\'], "-");
        let flat = if packed { flat.strip_suffix(".gz").unwrap_or(&flat) } else { &flat };
        let (stem, extension) = match flat.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= 16 => (stem, format!(".{extension}")),
            _ => (flat, String::new()),
        };
        let stem = &stem[..stem.floor_char_boundary(MAX_STEM)];
        let stamp = self.head.started.unwrap_or_default().format("%Y%m%dT%H%M%S%3fZ");
        let number = page.map(|page| format!("_{page:06}")).unwrap_or_default();
        PathBuf::from(format!("{stem}_{stamp}{number}{extension}.gz"))
    }

    /// Tells the manifest of a page that is whole.
    pub fn add(&self, page: Page) -> Result<Page, ArchiveError> {
        let line = Line::Page(page);
        let Line::Page(told) = &line else { unreachable!("it was just made") };
        let (number, request) = (told.page as usize, told.request().to_owned());
        let mut totals = Totals::default();
        totals.add(told);
        let place = self.tell(&request, &line)?;
        let mut state = self.state();
        if state.places.len() <= number {
            state.places.resize(number + 1, 0);
        }
        state.places[number] = place;
        state.totals.pages += 1;
        state.totals.bytes += totals.bytes;
        state.totals.packed_bytes += totals.packed_bytes;
        let Line::Page(page) = line else { unreachable!("it was just made") };
        Ok(page)
    }

    /// Appends a line, and gives the place where it stands. The system has it when this returns, so that it outlives the process.
    fn tell(&self, request: &str, line: &Line) -> Result<u64, ArchiveError> {
        let path = self.manifest_path();
        let failed = |source| ArchiveError::Write { request: request.to_owned(), path: path.clone(), source: Arc::new(source) };
        let mut state = self.state();
        if state.manifest.is_none() {
            fs::create_dir_all(&self.folder).map_err(failed)?;
            let file = fs::OpenOptions::new().create_new(true).append(true).open(&path).map_err(failed)?;
            state.manifest = Some(file);
            state.append(&self.head).map_err(failed)?;
        }
        let place = state.length;
        state.append(line).map_err(failed)?;
        Ok(place)
    }

    fn request_of(&self, page: u32) -> Option<String> {
        if let Some((_, request)) = self.state().looked_up.as_ref().filter(|(known, _)| *known == page) {
            return Some(request.clone());
        }
        let request = self.page(page)?.request().to_owned();
        self.state().looked_up = Some((page, request.clone()));
        Some(request)
    }

    fn page(&self, number: u32) -> Option<Page> {
        let place = *self.state().places.get(number as usize).filter(|place| **place > 0)?;
        let Ok(Line::Page(found)) = read_at(&self.manifest_path(), place) else { return None };
        Some(found)
    }
}

impl State {
    fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.manifest.as_mut().expect("it was opened").write_all(&text)?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// Copies `from` to `target`, packed or as it is, under a temporary name until it is whole.
fn write_page(mut from: impl Read, register: &Register, target: &Path, packed: bool) -> io::Result<Written> {
    let mut file = Ahead::new(unfinished(register.folder())?, &register.settling);
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut next = |block: &mut Vec<u8>| -> io::Result<()> {
        fill(block, &mut from)?;
        digest.update(&block[..]);
        bytes += block.len() as u64;
        Ok(())
    };
    if packed {
        keep(&mut next, &mut file)?
    } else {
        pack(&mut next, &mut file, register.level())?
    }
    let file = file.into_inner();
    let packed_bytes = file.as_file().metadata()?.len();
    register.settling.begin(file.persist(register.root().join(target))?)?;
    Ok(Written { bytes, packed_bytes, sha256: hex(digest) })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Exchange, read},
        *,
    };

    fn archive(root: &Path) -> Archive {
        let started = "2018-10-17T17:30:18.125Z".parse().expect("a time");
        Archive::new(root.to_owned(), Head::new("run", "olist", "shop", started), 1)
    }

    fn csv(path: &str) -> FileRequest {
        FileRequest { directory: "data".into(), path: path.into(), modified_micros: 7, packed: false }
    }

    fn exchange(url: &str) -> Exchange {
        Exchange {
            stream: "orders".into(),
            slice: None,
            fingerprint: "f".into(),
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            credential: Some("token".into()),
            status: Some(200),
            response_headers: vec![("etag".into(), "1".into())],
            attempts: Vec::new(),
            received_at: Utc::now(),
            refused: None,
        }
    }

    fn lines(root: &Path) -> Vec<Line> {
        let mut lines = Vec::new();
        let head = read(&root.join("olist/2018-10-17/manifest_run.jsonl"), |_, line| lines.push(line)).unwrap();
        assert_eq!((head.version, head.pipeline.as_str()), (3, "shop"));
        lines
    }

    #[tokio::test]
    async fn a_page_is_packed_once_under_its_source_day_and_time() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let first = archive.file(csv("orders.csv"), || Ok(&b"a,b\n1,2\n"[..])).await.unwrap();
        let again = archive.file(csv("orders.csv"), || Ok(&b"never read"[..])).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(first.archived, Path::new("olist/2018-10-17/orders_20181017T173018125Z.csv.gz"));
        assert_eq!((first.page, first.bytes), (0, 8));
        let mut text = String::new();
        archive.open(&first).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a,b\n1,2\n");
        assert_eq!(lines(root.path()), [Line::Page(first)]);
    }

    #[tokio::test]
    async fn packed_bytes_are_kept_as_they_came() {
        let root = tempfile::tempdir().unwrap();
        let request = FileRequest { packed: true, ..csv("x/orders.csv.gz") };
        let page = archive(root.path()).file(request, || Ok(&b"\x1f\x8b..."[..])).await.unwrap();
        assert_eq!(page.archived, Path::new("olist/2018-10-17/x-orders_20181017T173018125Z.csv.gz"));
        assert_eq!(fs::read(root.path().join(&page.archived)).unwrap(), b"\x1f\x8b...");
    }

    #[tokio::test]
    async fn two_files_of_one_name_do_not_share_a_page() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let one = archive.file(csv("a/x.csv"), || Ok(&b"1"[..])).await.unwrap();
        let two = archive.file(csv("a-x.csv"), || Ok(&b"2"[..])).await.unwrap();
        assert_ne!(one.archived, two.archived);
        assert_eq!((archive.totals().pages, archive.totals().bytes), (2, 2));
        assert_eq!(archive.request_of(1).as_deref(), Some("a-x.csv"));
        assert_eq!(archive.request_of(0).as_deref(), Some("a/x.csv"));
        assert_eq!(archive.request_of(2), None);
        assert_eq!((archive.page(1), archive.page(2)), (Some(two), None));
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
        let error = archive.file(csv("x.csv"), || Ok(Broken)).await.unwrap_err();
        assert!(crate::error::chain(&error).ends_with("cut"), "{error}");
        assert_eq!(fs::read_dir(root.path().join("olist/2018-10-17")).unwrap().count(), 0);
        assert_eq!(archive.close().unwrap(), None);
    }

    #[tokio::test]
    async fn answers_and_files_share_their_numbers() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let mut first = archive.begin("orders", "json").unwrap();
        let file = archive.file(csv("x.csv"), || Ok(&b"1"[..])).await.unwrap();
        let second = archive.begin("orders", "json").unwrap();
        first.write(b"[1,").unwrap();
        first.write(b"2]").unwrap();
        assert_eq!((first.page(), file.page, second.page()), (0, 1, 2));
        let second = second.finish(exchange("https://shop.test/orders?page=2")).unwrap();
        let first = first.finish(exchange("https://shop.test/orders")).unwrap();
        assert_eq!(first.archived, Path::new("olist/2018-10-17/orders_20181017T173018125Z.json.gz"));
        assert_eq!(second.archived, Path::new("olist/2018-10-17/orders_20181017T173018125Z_000002.json.gz"));
        let mut text = String::new();
        archive.open(&first).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "[1,2]");
        assert_eq!(first.sha256, hex(Sha256::new_with_prefix(b"[1,2]")));
        assert_eq!(archive.request_of(2).as_deref(), Some("https://shop.test/orders?page=2"));
        assert_eq!(lines(root.path()), [Line::Page(file), Line::Page(second), Line::Page(first)]);
    }

    #[test]
    fn an_answer_that_is_dropped_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let mut page = archive.begin("../up/and away", "json").unwrap();
        page.write(b"half").unwrap();
        drop(page);
        assert_eq!(fs::read_dir(root.path().join("olist/2018-10-17")).unwrap().count(), 0);
    }

    #[test]
    fn the_name_that_a_plugin_gives_a_stream_stays_a_name() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let page = archive.begin("../up/and away", "json").unwrap().finish(exchange("https://shop.test")).unwrap();
        assert_eq!(page.archived, Path::new("olist/2018-10-17/---up-and-away_20181017T173018125Z.json.gz"));
        let long = archive.begin(&"x".repeat(4000), "json").unwrap().finish(exchange("https://shop.test")).unwrap();
        assert!(long.archived.file_name().unwrap().len() < 255);
    }

    #[tokio::test]
    async fn a_line_that_was_cut_short_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let archive = archive(root.path());
        let page = archive.file(csv("x.csv"), || Ok(&b"1"[..])).await.unwrap();
        let path = archive.close().unwrap().unwrap();
        let mut text = fs::read(&path).unwrap();
        text.extend(br#"{"kind":"page","pa"#);
        fs::write(&path, text).unwrap();
        assert_eq!(lines(root.path()), [Line::Page(page)]);
    }
}
