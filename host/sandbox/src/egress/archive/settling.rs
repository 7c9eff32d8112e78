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
    fs, io,
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// The most pages that are on their way at a time: more would not be there sooner.
const MOST: usize = 4;

type Page = JoinHandle<io::Result<()>>;

/// Pages on their way to disk.
#[derive(Default)]
pub(super) struct Settling(Mutex<VecDeque<Page>>);

impl Settling {
    /// Sends a page on its way. Where there are many, the first of them is waited for.
    pub fn begin(&self, page: fs::File) -> io::Result<()> {
        self.start(move || page.sync_all())
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
    fn the_first_of_many_is_waited_for() {
        let settling = Settling::default();
        settling.start(|| Err(io::Error::other("full"))).unwrap();
        let told: Vec<_> = (0..MOST).filter_map(|_| settling.start(|| Ok(())).err()).collect();
        assert_eq!(told.len(), 1);
        settling.end().unwrap();
    }
}
