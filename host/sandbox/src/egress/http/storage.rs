//! Where the bodies of answers are kept: as pages of the run's archive, or, where nothing is archived, in a folder that vanishes.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use tempfile::TempDir;

use super::{HttpError, answer::Stored, body::Store, request::Asked};
use crate::egress::archive::{Archive, Exchange};

/// Where the bodies of answers are kept.
pub(super) struct Storage {
    archive: Option<Arc<Archive>>,
    scratch: OnceLock<TempDir>,
    pages: AtomicU32,
}

impl Storage {
    pub fn new(archive: Option<Arc<Archive>>) -> Self {
        Self { archive, scratch: OnceLock::new(), pages: AtomicU32::new(0) }
    }

    /// The archive, where answers outlive the run.
    pub fn archive(&self) -> Option<&Arc<Archive>> {
        self.archive.as_ref()
    }

    /// Room for a body.
    pub fn begin(&self, asked: &Asked, extension: &str) -> Result<Store, HttpError> {
        if let Some(archive) = &self.archive {
            let page = archive.begin(&asked.stream, extension).map_err(|error| HttpError::archive(&asked.shown, &error))?;
            return Ok(Store::Page(Box::new(page)));
        }
        let keep = |error: std::io::Error| HttpError::Keep { url: asked.shown.clone(), reason: error.to_string() };
        let page = self.pages.fetch_add(1, Relaxed);
        let file = File::create(self.path(page).map_err(keep)?).map_err(keep)?;
        Ok(Store::Scratch { page, file: BufWriter::new(file) })
    }

    /// Keeps a body that is whole. Its page, and where it lies.
    pub async fn keep(&self, store: Store, exchange: Exchange) -> Result<(u32, Stored), HttpError> {
        let url = exchange.url.clone();
        match (store, &self.archive) {
            (Store::Page(page), Some(archive)) => {
                let finished = tokio::task::spawn_blocking(move || page.finish(exchange)).await;
                let finished = finished.map_err(|error| HttpError::Keep { url: url.clone(), reason: error.to_string() })?;
                let page = finished.map_err(|error| HttpError::archive(&url, &error))?;
                Ok((page.page, Stored::Archived(archive.clone(), Box::new(page))))
            }
            (Store::Scratch { page, mut file }, _) => {
                let keep = |error: std::io::Error| HttpError::Keep { url: url.clone(), reason: error.to_string() };
                file.flush().map_err(keep)?;
                Ok((page, Stored::Scratch(self.path(page).map_err(keep)?)))
            }
            (Store::Page(_), None) => Err(HttpError::Keep { url, reason: "there is no archive".to_owned() }),
        }
    }

    fn path(&self, page: u32) -> std::io::Result<PathBuf> {
        let folder = match self.scratch.get() {
            Some(folder) => folder,
            None => {
                let made = tempfile::Builder::new().prefix("tidegate-").tempdir()?;
                self.scratch.get_or_init(|| made)
            }
        };
        Ok(folder.path().join(format!("{page}.page")))
    }
}
