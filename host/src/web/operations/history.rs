//! The stores of runs of the served pipelines, each opened once.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use crate::state::{State, StateError};

/// The opened stores, by their files. A file that was removed and made anew is another store.
#[derive(Default)]
pub struct Histories(Mutex<HashMap<PathBuf, Opened>>);

struct Opened {
    /// When the file was made, where the system tells.
    made: Option<SystemTime>,
    state: Arc<State>,
}

impl Histories {
    /// The store in `file`; none where nothing has run yet, for looking makes no file.
    pub fn open(&self, file: &Path) -> Result<Option<Arc<State>>, StateError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(found) = fs::metadata(file) else {
            known.remove(file);
            return Ok(None);
        };
        let made = found.created().ok();
        if let Some(opened) = known.get(file).filter(|opened| opened.made == made) {
            return Ok(Some(opened.state.clone()));
        }
        let state = Arc::new(State::open(file)?);
        known.insert(file.to_owned(), Opened { made, state: state.clone() });
        Ok(Some(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_opened_once_and_anew_when_it_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, histories) = (folder.path().join("state.sqlite"), Histories::default());
        assert!(histories.open(&file).unwrap().is_none() && !file.exists());
        State::open(&file).unwrap();
        let first = histories.open(&file).unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &histories.open(&file).unwrap().unwrap()));
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("state.sqlite{end}")));
        }
        assert!(histories.open(&file).unwrap().is_none());
    }
}
