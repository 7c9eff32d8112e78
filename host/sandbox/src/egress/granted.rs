//! What a pipeline grants one source: its directories and its requests.

use std::sync::Arc;

use super::{files::Files, http::Http};

/// What a source may touch, shared by all its instances.
#[derive(Clone)]
pub struct Granted {
    /// Its directories.
    pub files: Arc<Files>,
    /// Its requests.
    pub http: Arc<Http>,
}

impl Granted {
    /// Directories, and no requests.
    pub fn files(files: Files) -> Self {
        Self { files: Arc::new(files), http: Arc::new(Http::none()) }
    }
}
