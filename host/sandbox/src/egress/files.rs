//! The host side of the import `files`: directories opened with cap-std, so that no path leads out of them.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use cap_std::{ambient_authority, fs::Dir};
use flate2::read::MultiGzDecoder;

use super::{
    archive::{Archive, ArchiveError, Asked, FileRequest, Page, unpacked},
    recording::{Recording, RecordingError},
};

pub use super::archive::Entry;

/// The most bytes of one read.
const MAX_READ: u32 = 16 << 20;

/// The deepest folder that a listing looks into.
const MAX_DEPTH: usize = 32;

/// Why a plugin does not get its file.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// No such directory is granted.
    #[error("no directory `{directory}` is granted{}", granted_names(.granted))]
    NotGranted {
        /// The name that the plugin used.
        directory: String,
        /// The names that are granted.
        granted: Vec<String>,
    },
    /// The pattern is none.
    #[error("`{glob}` is no file pattern: {reason}")]
    Pattern {
        /// The pattern.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The path leads out of the directory.
    #[error("`{path}` leads out of the granted directory `{directory}`")]
    Leaves {
        /// The directory's name.
        directory: String,
        /// The path.
        path: String,
    },
    /// A packed file can be read from its start only.
    #[error("`{path}` is packed and can be opened at its start only")]
    Offset {
        /// The path.
        path: String,
    },
    /// The file can't be opened.
    #[error("can't open `{path}` in the granted directory `{directory}`")]
    Open {
        /// The directory's name.
        directory: String,
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file can't be read.
    #[error("can't read `{path}`")]
    Read {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file's packing is broken.
    #[error("`{path}` is not whole gzip")]
    Unpack {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file changed under the run.
    #[error("`{path}` changed while it was read; run again when it is complete")]
    Changed {
        /// The path.
        path: String,
    },
    /// The file can't be archived.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A replay has no answer.
    #[error(transparent)]
    Recorded(#[from] RecordingError),
}

fn granted_names(granted: &[String]) -> String {
    if granted.is_empty() { "; none is".to_owned() } else { format!("; granted are: {}", granted.join(", ")) }
}

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Plain,
    /// gzip.
    Gzip,
}

/// The directories that one source may read.
pub struct Files {
    directories: BTreeMap<String, Side>,
    archive: Option<Arc<Archive>>,
    recording: Option<Arc<Recording>>,
}

/// What stands behind a granted directory.
#[derive(Clone)]
enum Side {
    /// The directory itself.
    Directory(Arc<Dir>),
    /// What an earlier run found there.
    Recording(Arc<Recording>),
}

impl Files {
    /// Opens the granted directories. Without an archive (checks and previews) pages pass unrecorded.
    pub fn open_directories<'a>(
        granted: impl IntoIterator<Item = (&'a String, PathBuf)>,
        archive: Option<Arc<Archive>>,
    ) -> Result<Self, (String, PathBuf, io::Error)> {
        let mut directories = BTreeMap::new();
        for (name, path) in granted {
            let dir = Dir::open_ambient_dir(&path, ambient_authority()).map_err(|error| (name.clone(), path, error))?;
            directories.insert(name.clone(), Side::Directory(Arc::new(dir)));
        }
        Ok(Self { directories, archive, recording: None })
    }

    /// The same directories as an earlier run found them; none is opened.
    pub fn recorded<'a>(granted: impl IntoIterator<Item = &'a String>, recording: &Arc<Recording>) -> Self {
        let directories = granted.into_iter().map(|name| (name.clone(), Side::Recording(recording.clone()))).collect();
        Self { directories, archive: None, recording: Some(recording.clone()) }
    }

    fn side(&self, name: &str) -> Result<Side, FilesError> {
        self.directories
            .get(name)
            .cloned()
            .ok_or_else(|| FilesError::NotGranted { directory: name.to_owned(), granted: self.directories.keys().cloned().collect() })
    }

    /// What was asked for as page `page` of this run.
    pub fn request_of(&self, page: u32) -> Option<String> {
        match (&self.archive, &self.recording) {
            (Some(archive), _) => archive.request_of(page),
            (None, Some(recording)) => recording.request_of(page),
            (None, None) => None,
        }
    }

    /// The files below a directory that match a pattern, sorted by path. A run asks once: all its streams see the same moment.
    pub async fn list(&self, directory: &str, glob: &str) -> Result<Vec<Entry>, FilesError> {
        match (self.side(directory)?, &self.archive) {
            (Side::Recording(recording), _) => Ok(recording.listing(directory, glob)?),
            (Side::Directory(dir), Some(archive)) => archive.listing(directory, glob, find(dir, directory, glob)).await,
            (Side::Directory(dir), None) => find(dir, directory, glob).await,
        }
    }

    /// Opens a file, archiving it first.
    pub async fn open(&self, directory: &str, path: &str, packing: Packing, offset: u64) -> Result<OpenFile, FilesError> {
        let side = self.side(directory)?;
        if packing == Packing::Gzip && offset > 0 {
            return Err(FilesError::Offset { path: path.to_owned() });
        }
        match side {
            Side::Directory(dir) => self.open_in(dir, directory, path, packing, offset).await,
            Side::Recording(recording) => {
                let (directory, name) = (directory.to_owned(), path.to_owned());
                let open = tokio::task::spawn_blocking(move || {
                    let page = recording.file(&directory, &name)?;
                    OpenFile::recorded(&recording, &page, packing, offset).map_err(|source| FilesError::Read { path: name, source })
                });
                open.await.map_err(|error| FilesError::Read { path: path.to_owned(), source: io::Error::other(error) })?
            }
        }
    }

    async fn open_in(&self, dir: Arc<Dir>, directory: &str, path: &str, packing: Packing, offset: u64) -> Result<OpenFile, FilesError> {
        let mut file = open_inside(&dir, directory, path)?;
        let read = |source| FilesError::Read { path: path.to_owned(), source };
        let state = FileState::of(&file).map_err(read)?;
        let page = match &self.archive {
            Some(archive) => {
                let name = path.to_owned();
                let open = move || Ok(dir.open(&name)?.into_std());
                let request = FileRequest {
                    directory: directory.to_owned(),
                    path: path.to_owned(),
                    modified_micros: state.modified_micros,
                    packed: packing == Packing::Gzip,
                };
                let page = archive.file(request, open).await?;
                let is_the_same = |asked: &FileRequest| asked.modified_micros == state.modified_micros && page.bytes == state.size;
                if !matches!(&page.asked, Asked::File(asked) if is_the_same(asked)) {
                    return Err(FilesError::Changed { path: path.to_owned() });
                }
                page.page
            }
            None => 0,
        };
        file.seek(SeekFrom::Start(offset)).map_err(read)?;
        let watch = file.try_clone().map_err(read)?;
        let reader: Box<dyn Read + Send> = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 18, file))),
        };
        Ok(OpenFile { page, path: path.to_owned(), packing, reader, watch: Some((watch, state)) })
    }
}

async fn find(dir: Arc<Dir>, directory: &str, glob: &str) -> Result<Vec<Entry>, FilesError> {
    let pattern = glob::Pattern::new(glob).map_err(|error| FilesError::Pattern { glob: glob.to_owned(), reason: error.msg.to_owned() })?;
    let name = directory.to_owned();
    let listed = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        walk(&name, &dir, Path::new(""), &pattern, MAX_DEPTH, &mut found)?;
        found.sort_by(|a: &Entry, b| a.path.cmp(&b.path));
        Ok(found)
    });
    listed.await.map_err(|error| FilesError::Read { path: directory.to_owned(), source: io::Error::other(error) })?
}

fn open_inside(dir: &Dir, directory: &str, path: &str) -> Result<std::fs::File, FilesError> {
    match dir.open(path) {
        Ok(file) => Ok(file.into_std()),
        // cap-std answers a path that leaves the directory, by `..` or by a link, with this kind.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && leaves(dir, path) => {
            Err(FilesError::Leaves { directory: directory.to_owned(), path: path.to_owned() })
        }
        Err(source) => Err(FilesError::Open { directory: directory.to_owned(), path: path.to_owned(), source }),
    }
}

/// Whether a refusal is about where the path leads, not about the file's own permissions.
fn leaves(dir: &Dir, path: &str) -> bool {
    dir.metadata(path).is_err()
}

fn walk(
    directory: &str,
    dir: &Dir,
    folder: &Path,
    pattern: &glob::Pattern,
    depth: usize,
    found: &mut Vec<Entry>,
) -> Result<(), FilesError> {
    const OPTIONS: glob::MatchOptions =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let read = |source| FilesError::Read { path: folder.display().to_string(), source };
    let listing = if folder.as_os_str().is_empty() { dir.entries() } else { dir.read_dir(folder) }.map_err(read)?;
    for entry in listing {
        let entry = entry.map_err(read)?;
        let path = folder.join(entry.file_name());
        let kind = entry.file_type().map_err(read)?;
        let name = path.to_string_lossy().replace('\\', "/");
        if kind.is_dir() {
            if depth > 0 {
                walk(directory, dir, &path, pattern, depth - 1, found)?;
            }
        } else if pattern.matches_with(&name, OPTIONS) {
            // Follows links as far as the directory reaches; one that leaves it is refused, not passed over.
            let meta = dir.metadata(&path).map_err(|_| FilesError::Leaves { directory: directory.to_owned(), path: name.clone() })?;
            if meta.is_file() {
                let modified_micros = meta.modified().map(|time| micros(time.into_std())).unwrap_or_default();
                found.push(Entry { path: name, size: meta.len(), modified_micros });
            }
        }
    }
    Ok(())
}

fn micros(time: std::time::SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or_default()
}

/// What tells that a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    size: u64,
    modified_micros: i64,
}

impl FileState {
    fn of(file: &std::fs::File) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self { size: meta.len(), modified_micros: meta.modified().map(micros).unwrap_or_default() })
    }
}

/// A file that a plugin reads from front to back.
pub struct OpenFile {
    page: u32,
    path: String,
    packing: Packing,
    reader: Box<dyn Read + Send>,
    /// The file and how it was when it was opened; what is archived does not change.
    watch: Option<(std::fs::File, FileState)>,
}

impl OpenFile {
    fn recorded(recording: &Recording, page: &Page, packing: Packing, offset: u64) -> io::Result<Self> {
        let mut reader = unpacked(recording.root(), page)?;
        io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
        if packing == Packing::Gzip {
            reader = Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 18, reader)));
        }
        Ok(Self { page: page.page, path: page.request().to_owned(), packing, reader, watch: None })
    }

    /// The number of the archived page.
    pub fn page(&self) -> u32 {
        self.page
    }

    /// At most `max` bytes; none at the end. Fails where the file changed since it was archived.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>, FilesError> {
        let max = max.min(MAX_READ);
        // Not filled with zeros before it is read into.
        let mut bytes = Vec::with_capacity(max as usize);
        let read = self.reader.by_ref().take(max.into()).read_to_end(&mut bytes);
        read.map_err(|source| self.fault(source))?;
        if let Some((file, state)) = &self.watch
            && FileState::of(file).map_err(|source| FilesError::Read { path: self.path.clone(), source })? != *state
        {
            return Err(FilesError::Changed { path: self.path.clone() });
        }
        Ok(bytes)
    }

    fn fault(&self, source: io::Error) -> FilesError {
        let path = self.path.clone();
        match self.packing {
            Packing::Gzip => FilesError::Unpack { path, source },
            Packing::Plain => FilesError::Read { path, source },
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn granted() -> (tempfile::TempDir, Files) {
        let root = tempfile::tempdir().unwrap();
        let inside = root.path().join("inside");
        fs::create_dir_all(inside.join("sub")).unwrap();
        fs::write(inside.join("a.csv"), "a\n1\n").unwrap();
        fs::write(inside.join("sub/b.csv"), "b\n").unwrap();
        fs::write(root.path().join("secret.csv"), "s\n").unwrap();
        let files = Files::open_directories([(&"data".to_owned(), inside)], None).map_err(|e| e.2).unwrap();
        (root, files)
    }

    #[tokio::test]
    async fn a_listing_is_sorted_and_keeps_to_the_pattern() {
        let (_root, files) = granted();
        let paths = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.path).collect::<Vec<_>>();
        assert_eq!(paths(files.list("data", "*.csv").await.unwrap()), ["a.csv"]);
        assert_eq!(paths(files.list("data", "**/*.csv").await.unwrap()), ["a.csv", "sub/b.csv"]);
    }

    #[tokio::test]
    async fn what_leads_out_is_refused() {
        let (root, files) = granted();
        symlink(root.path().join("secret.csv"), root.path().join("inside/link.csv")).unwrap();
        symlink(root.path(), root.path().join("inside/up")).unwrap();
        let absolute = root.path().join("secret.csv").display().to_string();
        for path in ["../secret.csv", "link.csv", "up/secret.csv", "sub/../../secret.csv", &absolute] {
            let Err(error) = files.open("data", path, Packing::Plain, 0).await else { panic!("`{path}` was opened") };
            assert!(matches!(error, FilesError::Leaves { .. }), "{path}: {error:?}");
        }
        assert!(matches!(files.list("data", "*.csv").await, Err(FilesError::Leaves { .. })));
    }

    #[tokio::test]
    async fn what_is_not_granted_is_named() {
        let (_root, files) = granted();
        let Err(error) = files.list("etc", "*").await else { panic!("it was listed") };
        assert_eq!(error.to_string(), "no directory `etc` is granted; granted are: data");
    }

    #[tokio::test]
    async fn a_file_that_changes_while_it_is_read_is_noticed() {
        let (root, files) = granted();
        let mut file = files.open("data", "a.csv", Packing::Plain, 0).await.map_err(|e| e.to_string()).unwrap();
        assert_eq!(file.read(2).unwrap(), b"a\n");
        fs::write(root.path().join("inside/a.csv"), "a\n1\n2\n").unwrap();
        assert!(matches!(file.read(100), Err(FilesError::Changed { .. })));
    }

    #[tokio::test]
    async fn a_recording_reads_as_the_directory_did() {
        use super::super::archive::Head;
        let (root, _) = granted();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut packed, b"packed").unwrap();
        fs::write(root.path().join("inside/p.gz"), packed.finish().unwrap()).unwrap();
        let started = "2018-10-17T17:30:18.125Z".parse().unwrap();
        let (name, inside, raw) = ("data".to_owned(), root.path().join("inside"), root.path().join("raw"));
        let archive = Arc::new(Archive::new(raw.clone(), Head::new("run", "olist", "shop", started), 1));
        let files = Files::open_directories([(&name, inside.clone())], Some(archive)).map_err(|e| e.2).unwrap();
        let asked = [("a.csv", Packing::Plain, 0), ("a.csv", Packing::Plain, 2), ("p.gz", Packing::Gzip, 0)];
        let mut wanted = Vec::new();
        for (path, packing, offset) in asked {
            let mut file = files.open("data", path, packing, offset).await.map_err(|e| e.to_string()).unwrap();
            wanted.push((file.page(), file.read(100).unwrap()));
        }
        assert_eq!(wanted, [(0, b"a\n1\n".to_vec()), (0, b"1\n".to_vec()), (1, b"packed".to_vec())]);
        let listed = files.list("data", "*").await.unwrap();
        fs::remove_dir_all(&inside).unwrap();

        let recording = Arc::new(Recording::open(&raw, "olist", "run", started).unwrap());
        let files = Files::recorded([&name], &recording);
        for ((path, packing, offset), wanted) in asked.into_iter().zip(&wanted) {
            let mut file = files.open("data", path, packing, offset).await.map_err(|e| e.to_string()).unwrap();
            assert_eq!((file.page(), file.read(100).unwrap()), *wanted);
        }
        assert_eq!(files.list("data", "*").await.unwrap(), listed);
        assert_eq!(files.request_of(1).as_deref(), Some("p.gz"));
        assert!(matches!(files.list("etc", "*").await, Err(FilesError::NotGranted { .. })));
    }

    #[tokio::test]
    async fn broken_gzip_is_bad_data() {
        let (root, files) = granted();
        fs::write(root.path().join("inside/x.gz"), b"\x1f\x8b\x08\x00broken").unwrap();
        let mut file = files.open("data", "x.gz", Packing::Gzip, 0).await.map_err(|e| e.to_string()).unwrap();
        assert!(matches!(file.read(100), Err(FilesError::Unpack { .. })));
    }
}
