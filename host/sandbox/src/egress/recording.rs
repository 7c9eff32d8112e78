//! What a run took from one source, to be given again without the source: a replay's answers come from here and nowhere else.
//!
//! What always holds here:
//! - What the run did not ask for has no answer, and is remembered by name ([`Recording::missed`]).
//! - Answers come first: what a plugin of the run got only when it asked again, it gets at once. Where there is none, it gets what the run got.
//! - A page is held against its sum before its first byte is given.
//! - Of a page that is not in use, its place in the manifest is kept and no more.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use chrono::{DateTime, Utc};

use super::{
    archive::{Asked, Entry, Line, ManifestError, Page, PageFault, Unanswered, folder_of, manifest_name, read, read_at, unpacked, verify},
    http::{Outcome, Recorded},
};

/// Why a recording has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The run did not ask for it.
    #[error("run {run} did not ask source `{source_name}` for {asked}")]
    NotRecorded {
        /// The run.
        run: String,
        /// The source.
        source_name: String,
        /// What was asked for.
        asked: String,
    },
    /// The page is not what it was.
    #[error(transparent)]
    Page(#[from] Arc<PageFault>),
    /// The manifest can't be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// What a run took from one source.
pub struct Recording {
    root: PathBuf,
    run: String,
    source: String,
    manifest: PathBuf,
    /// Where the line of each page stands in the manifest.
    places: HashMap<u32, u64>,
    files: HashMap<(String, String), u32>,
    /// The pages of each request, by its fingerprint, in their order.
    answers: HashMap<String, Vec<u32>>,
    /// Where the lines stand that tell that a request got none.
    unanswered: HashMap<String, Vec<u64>>,
    listings: HashMap<(String, String), Vec<Entry>>,
    sound: Mutex<HashMap<u32, Verdict>>,
    looked_up: Mutex<Option<(u32, String)>>,
    missed: Mutex<Option<String>>,
}

/// Whether a page is still what came, once that is known.
type Verdict = Arc<OnceLock<Result<(), Arc<PageFault>>>>;

impl Recording {
    /// What the run that started at `started` took from `source`, from the archive below `root`. A run that took nothing has left nothing.
    pub fn open(root: &Path, source: &str, run: &str, started: DateTime<Utc>) -> Result<Self, ManifestError> {
        let manifest = folder_of(root, source, started).join(manifest_name(run));
        let mut found = Self {
            root: root.to_owned(),
            run: run.to_owned(),
            source: source.to_owned(),
            manifest,
            places: HashMap::new(),
            files: HashMap::new(),
            answers: HashMap::new(),
            unanswered: HashMap::new(),
            listings: HashMap::new(),
            sound: Mutex::default(),
            looked_up: Mutex::default(),
            missed: Mutex::default(),
        };
        if found.manifest.is_file() {
            let manifest = found.manifest.clone();
            read(&manifest, |place, line| found.learn(place, line))?;
        }
        // Answers came as they did; they were asked for in the order of their numbers.
        found.answers.values_mut().for_each(|pages| pages.sort_unstable());
        Ok(found)
    }

    fn learn(&mut self, place: u64, line: Line) {
        match line {
            Line::Unanswered(Unanswered { exchange, .. }) => self.unanswered.entry(exchange.fingerprint).or_default().push(place),
            Line::Listing(listing) => drop(self.listings.insert((listing.directory, listing.glob), listing.entries)),
            Line::Page(page) => {
                self.places.insert(page.page, place);
                match page.asked {
                    Asked::File(file) => drop(self.files.insert((file.directory, file.path), page.page)),
                    Asked::Http(exchange) if exchange.refused.is_some() => {}
                    Asked::Http(exchange) => self.answers.entry(exchange.fingerprint).or_default().push(page.page),
                }
            }
        }
    }

    /// The archive's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files that there were.
    pub fn listing(&self, directory: &str, glob: &str) -> Result<Vec<Entry>, RecordingError> {
        let known = self.listings.get(&(directory.to_owned(), glob.to_owned()));
        known.cloned().ok_or_else(|| self.miss(format!("the files `{glob}` of `{directory}`")))
    }

    /// The page of a file, of which it is sure that it is what came. Blocks as long as reading it takes.
    pub fn file(&self, directory: &str, path: &str) -> Result<Page, RecordingError> {
        let page = self.files.get(&(directory.to_owned(), path.to_owned()));
        let page = self.page(*page.ok_or_else(|| self.miss(format!("the file `{path}` of `{directory}`")))?)?;
        self.check(&page)?;
        Ok(page)
    }

    /// Makes sure, once, that a page is what came. Blocks as long as reading it takes.
    fn check(&self, page: &Page) -> Result<(), Arc<PageFault>> {
        let slot = self.sound.lock().unwrap_or_else(PoisonError::into_inner).entry(page.page).or_default().clone();
        slot.get_or_init(|| verify(&self.root, page).map_err(Arc::new)).clone()
    }

    fn page(&self, number: u32) -> Result<Page, RecordingError> {
        let place = self.places.get(&number).copied();
        match place.map(|place| read_at(&self.manifest, place)).transpose()? {
            Some(Line::Page(page)) => Ok(page),
            _ => Err(self.miss(format!("page {number}"))),
        }
    }

    /// That a request got nothing, for the so many-th time; the last time stands for all that follow.
    fn trouble(&self, fingerprint: &str, time: usize) -> Option<Outcome> {
        let places = self.unanswered.get(fingerprint)?;
        let place = places.get(time).or(places.last())?;
        let Ok(Line::Unanswered(Unanswered { trouble, exchange })) = read_at(&self.manifest, *place) else { return None };
        Some(Outcome::Trouble(exchange.refused.unwrap_or_default(), trouble))
    }

    fn miss(&self, asked: String) -> RecordingError {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| asked.clone());
        RecordingError::NotRecorded { run: self.run.clone(), source_name: self.source.clone(), asked }
    }

    /// The first thing that was asked for and not recorded: a plugin may have told of it in its own words.
    pub fn missed(&self) -> Option<String> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked for as page `page`.
    pub fn request_of(&self, page: u32) -> Option<String> {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, request)) = looked_up.as_ref().filter(|(known, _)| *known == page) {
            return Some(request.clone());
        }
        let Line::Page(found) = read_at(&self.manifest, *self.places.get(&page)?).ok()? else { return None };
        let request = found.request().to_owned();
        *looked_up = Some((page, request.clone()));
        Some(request)
    }
}

impl Recorded for Recording {
    fn outcome(&self, asked: &str, fingerprint: &str, occurrence: u32) -> Option<Outcome> {
        let pages = self.answers.get(fingerprint).map(Vec::as_slice).unwrap_or_default();
        let page = pages.get(occurrence as usize).and_then(|page| self.page(*page).ok());
        let found = match page {
            Some(page) => Some(Outcome::Page(Box::new(page))),
            None => self.trouble(fingerprint, (occurrence as usize).saturating_sub(pages.len())),
        };
        if found.is_none() {
            let again = if pages.is_empty() { "" } else { " once more" };
            self.miss(format!("{asked}{again}"));
        }
        found
    }

    fn page(&self, number: u32) -> Option<Page> {
        Self::page(self, number).ok()
    }

    fn open(&self, page: &Page) -> io::Result<Box<dyn io::Read + Send>> {
        self.check(page).map_err(io::Error::other)?;
        unpacked(&self.root, page)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use super::{
        super::{
            archive::{Archive, Exchange, FileRequest, Head},
            http::Trouble,
        },
        *,
    };

    const STARTED: &str = "2018-10-17T17:30:18.125Z";

    async fn recorded(root: &Path) -> Page {
        let archive = Archive::new(root.to_owned(), Head::new("run", "olist", "shop", STARTED.parse().unwrap()), 1);
        let entry = Entry { path: "x.csv".into(), size: 4, modified_micros: 7 };
        archive.listing("data", "*.csv", async { Ok::<_, super::super::archive::ArchiveError>(vec![entry]) }).await.unwrap();
        let request = FileRequest { directory: "data".into(), path: "x.csv".into(), modified_micros: 7, packed: false };
        archive.file(request, || Ok(&b"a\n1\n"[..])).await.unwrap()
    }

    fn open(root: &Path) -> Recording {
        Recording::open(root, "olist", "run", STARTED.parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn what_a_run_asked_for_is_answered_again() {
        let root = tempfile::tempdir().unwrap();
        let page = recorded(root.path()).await;
        let recording = open(root.path());
        assert_eq!(recording.listing("data", "*.csv").unwrap()[0].path, "x.csv");
        assert_eq!(recording.file("data", "x.csv").unwrap(), page);
        assert_eq!(recording.request_of(0).as_deref(), Some("x.csv"));
        assert_eq!(recording.missed(), None);
    }

    #[tokio::test]
    async fn what_it_did_not_ask_for_is_named() {
        let root = tempfile::tempdir().unwrap();
        recorded(root.path()).await;
        let recording = open(root.path());
        let error = recording.file("data", "y.csv").unwrap_err();
        assert_eq!(error.to_string(), "run run did not ask source `olist` for the file `y.csv` of `data`");
        assert!(recording.listing("data", "*.json").is_err());
        assert_eq!(recording.missed().as_deref(), Some("the file `y.csv` of `data`"));
    }

    #[test]
    fn the_same_request_gets_its_answers_in_their_order() {
        let root = tempfile::tempdir().unwrap();
        let archive = Archive::new(root.path().to_owned(), Head::new("run", "olist", "shop", STARTED.parse().unwrap()), 1);
        let mut pages: Vec<_> = (0..3).map(|_| archive.begin("orders", "json").unwrap()).collect();
        // The second one came first; the third is another request's.
        for (at, fingerprint) in [(1, "f"), (0, "f"), (2, "g")] {
            pages[at].write(format!("answer {at}").as_bytes()).unwrap();
            let page = std::mem::replace(&mut pages[at], archive.begin("spare", "json").unwrap());
            page.finish(exchange(fingerprint)).unwrap();
        }
        let recording = open(root.path());
        let answer = |occurrence| {
            let Outcome::Page(page) = recording.outcome("GET https://shop.test/orders", "f", occurrence)? else { return None };
            let mut text = String::new();
            recording.open(&page).unwrap().read_to_string(&mut text).unwrap();
            Some(text)
        };
        assert_eq!(answer(0).as_deref(), Some("answer 0"));
        assert_eq!(answer(1).as_deref(), Some("answer 1"));
        assert_eq!((answer(2), recording.missed().as_deref()), (None, Some("GET https://shop.test/orders once more")));
    }

    fn exchange(fingerprint: &str) -> Exchange {
        Exchange {
            stream: "orders".into(),
            slice: None,
            fingerprint: fingerprint.into(),
            method: "GET".into(),
            url: "https://shop.test/orders".into(),
            headers: Vec::new(),
            body: None,
            credential: None,
            status: Some(200),
            response_headers: Vec::new(),
            attempts: Vec::new(),
            received_at: Utc::now(),
            refused: None,
        }
    }

    #[test]
    fn answers_that_no_plugin_got_are_none_and_a_failure_stands_where_no_answer_is() {
        let root = tempfile::tempdir().unwrap();
        let archive = Archive::new(root.path().to_owned(), Head::new("run", "olist", "shop", STARTED.parse().unwrap()), 1);
        let refused = |fingerprint| Exchange { status: Some(503), refused: Some("it answered 503".into()), ..exchange(fingerprint) };
        let busy = |fingerprint| Unanswered { trouble: Trouble::Unavailable, exchange: Box::new(refused(fingerprint)) };
        archive.begin("orders", "json").unwrap().finish(refused("f")).unwrap();
        archive.unanswered(busy("f")).unwrap();
        archive.begin("orders", "json").unwrap().finish(exchange("f")).unwrap();
        archive.unanswered(busy("g")).unwrap();
        let recording = open(root.path());
        let outcome = |fingerprint, occurrence| match recording.outcome("GET https://shop.test", fingerprint, occurrence)? {
            Outcome::Page(page) => Some(page.page.to_string()),
            Outcome::Trouble(text, trouble) => Some(format!("{text}, {trouble:?}")),
        };
        assert_eq!(outcome("f", 0).as_deref(), Some("1"), "the run's plugin asked until it had its answer");
        assert_eq!(outcome("g", 0).as_deref(), Some("it answered 503, Unavailable"));
        assert_eq!(outcome("g", 7), outcome("g", 0));
        assert_eq!((recording.missed(), outcome("h", 0)), (None, None));
    }

    #[tokio::test]
    async fn a_page_that_is_not_what_it_was_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let page = recorded(root.path()).await;
        let path = root.path().join(&page.archived);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(open(root.path()).file("data", "x.csv"), Err(RecordingError::Page(_))));
        fs::remove_file(&path).unwrap();
        let error = open(root.path()).file("data", "x.csv").unwrap_err();
        assert!(error.to_string().ends_with("is missing"), "{error}");
    }
}
