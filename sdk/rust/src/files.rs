//! Reading files below the directories that the pipeline grants.
//!
//! Natively, for unit tests, [`testing::grant`] names a real folder.

use crate::Result;

/// A regular file below a granted directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path relative to the directory, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified, in microseconds since 1970-01-01T00:00:00Z.
    pub modified_micros: i64,
}

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Plain,
    /// As one or more gzip members; the host unpacks them.
    Gzip,
}

/// An open file that is read from front to back.
pub struct File(imp::File);

impl File {
    /// The number of the archived page that this file is in this run, for [`crate::Origin`].
    pub fn page(&self) -> u32 {
        self.0.page()
    }

    /// Reads at most `max` bytes (1 MiB is a good measure, 16 MiB the limit). An empty vector is the end.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>> {
        self.0.read(max)
    }
}

/// The files below the granted directory whose relative path matches `glob` (`*`, `?`, `[..]`, `**`), sorted by path.
pub fn list(directory: &str, glob: &str) -> Result<Vec<Entry>> {
    imp::list(directory, glob)
}

/// Opens `path` below the granted directory at byte `offset` of its unpacked content; a gzip file at 0 only.
pub fn open(directory: &str, path: &str, packing: Packing, offset: u64) -> Result<File> {
    imp::open(directory, path, packing, offset).map(File)
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::{Entry, Packing};
    use crate::{Result, bindings::types_world::tidegate::plugin::files as host};

    pub struct File(host::File);

    impl File {
        pub fn page(&self) -> u32 {
            self.0.page()
        }

        pub fn read(&mut self, max: u32) -> Result<Vec<u8>> {
            Ok(self.0.read(max)?)
        }
    }

    pub fn list(directory: &str, glob: &str) -> Result<Vec<Entry>> {
        let entries = host::list(directory, glob)?;
        Ok(entries.into_iter().map(|e| Entry { path: e.path, size: e.size, modified_micros: e.modified }).collect())
    }

    pub fn open(directory: &str, path: &str, packing: Packing, offset: u64) -> Result<File> {
        let packing = match packing {
            Packing::Plain => host::Packing::Plain,
            Packing::Gzip => host::Packing::Gzip,
        };
        Ok(File(host::open(directory, path, packing, offset)?))
    }
}

#[cfg(not(target_family = "wasm"))]
use testing as imp;

/// The native stand-in for the host's import, for unit tests of sources.
#[cfg(not(target_family = "wasm"))]
pub mod testing {
    use std::{
        cell::RefCell,
        collections::HashMap,
        fs,
        io::{Read, Seek, SeekFrom},
        path::{Path, PathBuf},
        time::UNIX_EPOCH,
    };

    use super::{Entry, Packing};
    use crate::{Failure, Result};

    thread_local! {
        static GRANTED: RefCell<HashMap<String, PathBuf>> = RefCell::default();
        static PAGES: RefCell<Vec<String>> = RefCell::default();
    }

    /// Grants the folder `path` as `directory` to the code under test on this thread.
    pub fn grant(directory: &str, path: impl Into<PathBuf>) {
        GRANTED.with_borrow_mut(|granted| granted.insert(directory.to_owned(), path.into()));
    }

    fn granted(directory: &str) -> Result<PathBuf> {
        GRANTED
            .with_borrow(|granted| granted.get(directory).cloned())
            .ok_or_else(|| Failure::config(format!("no directory `{directory}` is granted")))
    }

    /// An open file.
    pub struct File {
        page: u32,
        reader: Box<dyn Read>,
    }

    impl File {
        /// The number of the page.
        pub fn page(&self) -> u32 {
            self.page
        }

        /// Reads at most `max` bytes.
        pub fn read(&mut self, max: u32) -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            self.reader.by_ref().take(max.into()).read_to_end(&mut bytes).map_err(|e| Failure::bad_data(e.to_string()))?;
            Ok(bytes)
        }
    }

    /// Lists files as the host does.
    pub fn list(directory: &str, glob: &str) -> Result<Vec<Entry>> {
        let root = granted(directory)?;
        let pattern = glob::Pattern::new(glob).map_err(|e| Failure::config(e.to_string()))?;
        let mut entries = Vec::new();
        walk(&root, &root, &pattern, &mut entries).map_err(|e| Failure::unavailable(e.to_string()))?;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn walk(root: &Path, folder: &Path, pattern: &glob::Pattern, entries: &mut Vec<Entry>) -> std::io::Result<()> {
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, meta) = (entry.path(), entry.metadata()?);
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            if meta.is_dir() {
                walk(root, &path, pattern, entries)?;
            } else if pattern.matches_with(&name, options) {
                let modified = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                let modified_micros = i64::try_from(modified.as_micros()).unwrap_or(i64::MAX);
                entries.push(Entry { path: name, size: meta.len(), modified_micros });
            }
        }
        Ok(())
    }

    /// Opens a file as the host does.
    pub fn open(directory: &str, path: &str, packing: Packing, offset: u64) -> Result<File> {
        let unavailable = |e: std::io::Error| Failure::unavailable(format!("`{path}`: {e}"));
        let mut file = fs::File::open(granted(directory)?.join(path)).map_err(unavailable)?;
        file.seek(SeekFrom::Start(offset)).map_err(unavailable)?;
        let reader: Box<dyn Read> = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        };
        let page = PAGES.with_borrow_mut(|pages| match pages.iter().position(|p| p == path) {
            Some(page) => page,
            None => {
                pages.push(path.to_owned());
                pages.len() - 1
            }
        });
        Ok(File { page: u32::try_from(page).expect("few files"), reader })
    }
}
