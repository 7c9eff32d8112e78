//! Pages on their way to disk while the run goes on.
//!
//! What always holds here: an error of the disk is told, by the page after or at the end. (`what_the_disk_says_is_told_at_the_end`)
//!
//! # Why
//! A page's line stands in the manifest before both are on disk. A process that dies loses neither; a machine that dies leaves a run that committed
//! nothing, whose pages can be held against their sums. To wait for the disk before the first row is read cost a run of 175 MB a tenth of a second in
//! which nothing else went on.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tempfile::NamedTempFile;

/// The most pages that are on their way at a time: more would not be there sooner.
const MOST: usize = 4;

/// So many bytes of a page are brought to disk at a time: enough to keep a disk busy, few enough to be there soon.
const AHEAD_BYTES: usize = 16 << 20;

type Page = JoinHandle<io::Result<()>>;

/// Pages on their way to disk.
#[derive(Default)]
pub(super) struct Settling(Mutex<VecDeque<Page>>);

impl Settling {
    /// Sends a page on its way. Where there are many, the first of them is waited for.
    pub fn begin(&self, page: fs::File) -> io::Result<()> {
        self.start(move || page.sync_all())
    }

    /// Brings what a page has so far to disk, unless the disk is busy with another. Whether it has begun to.
    fn ahead(&self, page: &fs::File) -> io::Result<bool> {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|page| !page.is_finished()) {
            return Ok(false);
        }
        let page = page.try_clone()?;
        self.start(move || page.sync_data()).map(|()| true)
    }

    fn start(&self, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let page = thread::Builder::new().name("tidegate-disk".into()).spawn(work)?;
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.push_back(page);
        let first = if pages.len() > MOST { pages.pop_front() } else { None };
        drop(pages);
        first.map_or(Ok(()), settled)
    }

    /// Waits until all are there, whatever becomes of the first.
    pub fn end(&self) -> io::Result<()> {
        let pages = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        pages.into_iter().map(settled).fold(Ok(()), Result::and)
    }
}

/// A page that is brought to disk while it is written: what waits for the disk at its end, as the file system does before it makes another file,
/// waits for little.
pub(super) struct Ahead<'s> {
    page: NamedTempFile,
    settling: &'s Settling,
    /// How many bytes came since it was last brought to disk.
    bytes: usize,
}

impl<'s> Ahead<'s> {
    /// A page that nothing was written to.
    pub fn new(page: NamedTempFile, settling: &'s Settling) -> Self {
        Self { page, settling, bytes: 0 }
    }

    /// The page.
    pub fn into_inner(self) -> NamedTempFile {
        self.page
    }
}

impl Write for Ahead<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.page.write(bytes)?;
        self.bytes += written;
        if self.bytes >= AHEAD_BYTES && self.settling.ahead(self.page.as_file())? {
            self.bytes = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.page.flush()
    }
}

fn settled(page: Page) -> io::Result<()> {
    page.join().unwrap_or_else(|_| Err(io::Error::other("the thread that waits for the disk has failed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_says_is_told_at_the_end() {
        let settling = Settling::default();
        settling.start(|| Err(io::Error::other("full"))).unwrap();
        (0..MOST - 1).for_each(|_| settling.begin(tempfile::tempfile().unwrap()).unwrap());
        assert_eq!(settling.end().unwrap_err().to_string(), "full");
        settling.end().unwrap();
    }

    #[test]
    fn what_the_disk_says_meanwhile_is_told_at_the_end() {
        let settling = Settling::default();
        settling.start(|| Err(io::Error::other("full"))).unwrap();
        while settling.0.lock().unwrap().iter().any(|page| !page.is_finished()) {
            thread::yield_now();
        }
        let mut page = Ahead::new(NamedTempFile::new().unwrap(), &settling);
        (0..3).for_each(|_| page.write_all(&vec![7; AHEAD_BYTES / 2]).unwrap());
        assert_eq!(page.bytes, AHEAD_BYTES / 2, "the first half of it was brought to disk");
        assert_eq!(page.into_inner().as_file().metadata().unwrap().len(), 3 * AHEAD_BYTES as u64 / 2);
        assert_eq!(settling.end().unwrap_err().to_string(), "full");
    }

    #[test]
    fn the_first_of_many_is_waited_for() {
        let settling = Settling::default();
        settling.start(|| Err(io::Error::other("full"))).unwrap();
        let told: Vec<_> = (0..MOST).filter_map(|_| settling.start(|| Ok(())).err()).collect();
        assert_eq!(told.len(), 1);
        settling.end().unwrap();
    }
}
