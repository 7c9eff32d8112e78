//! One host per pipeline: a lock that the operating system drops when its holder ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::process::Process;
use crate::config::StorageLayout;

/// The right to run a pipeline. It ends when this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    pipeline: String,
    file: File,
}

/// Why a pipeline could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("lock the pipeline `{pipeline}`: {} is running it", holder(.pid))]
    Held {
        /// The pipeline.
        pipeline: String,
        /// The process that holds it, if it could be read.
        pid: Option<u32>,
    },
    /// The lock file is out of reach.
    #[error("lock the pipeline `{pipeline}` with the file `{}`", path.display())]
    File {
        /// The pipeline.
        pipeline: String,
        /// Its lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn holder(pid: &Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl Lock {
    /// Takes `<storage>/lock/<pipeline>.lock` at once or not at all.
    pub fn take(storage: &StorageLayout, pipeline: &str) -> Result<Self, LockError> {
        let path = storage.locks().join(format!("{pipeline}.lock"));
        let failed = |source| LockError::File { pipeline: pipeline.to_owned(), path: path.clone(), source };
        let mut file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { pipeline: pipeline.to_owned(), pid: pid_in(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // For the message above only; the lock itself is what counts.
        write_pid(&mut file).map_err(failed)?;
        Ok(Self { pipeline: pipeline.to_owned(), file })
    }

    /// The pipeline that is locked.
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A pid that stays behind would name the wrong process for the moment between lock and write. The file itself must stay:
        // whoever has it open would lock a file that has no name any more.
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // Windows does not let others read a locked file.
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{}\n", Process::current().pid).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_pipeline_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageLayout::new(folder.path());
        let held = Lock::take(&storage, "shop").unwrap();
        assert_eq!(held.pipeline(), "shop");
        let error = Lock::take(&storage, "shop").unwrap_err();
        assert_eq!(error.to_string(), format!("lock the pipeline `shop`: process {} is running it", std::process::id()));
    }

    #[test]
    fn pipelines_do_not_lock_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageLayout::new(folder.path());
        let _shop = Lock::take(&storage, "shop").unwrap();
        assert!(Lock::take(&storage, "other").is_ok());
    }

    #[test]
    fn a_lock_ends_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageLayout::new(folder.path());
        drop(Lock::take(&storage, "shop").unwrap());
        assert!(storage.locks().join("shop.lock").is_file());
        assert!(Lock::take(&storage, "shop").is_ok());
    }

    #[test]
    fn a_holder_that_is_not_known_is_another_process() {
        let error = LockError::Held { pipeline: "shop".into(), pid: None };
        assert_eq!(error.to_string(), "lock the pipeline `shop`: another process is running it");
    }
}
