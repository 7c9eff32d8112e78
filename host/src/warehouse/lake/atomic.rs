//! Files that are there whole or not at all, and that stay there when the power goes.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    time::SystemTime,
};

use serde::{Serialize, de::DeserializeOwned};

use super::LakeError;

/// Replaces `path` by the JSON of `value`.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), LakeError> {
    let text = serde_json::to_vec_pretty(value).map_err(|source| LakeError::State { path: path.to_owned(), source })?;
    write(path, &text).map_err(LakeError::file("write", path))
}

/// Reads the JSON of `path`; none where there is no such file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LakeError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LakeError::File { action: "read", path: path.to_owned(), source }),
    };
    serde_json::from_slice(&text).map(Some).map_err(|source| LakeError::State { path: path.to_owned(), source })
}

/// Removes `path` where it is there.
pub(super) fn remove(path: &Path) -> Result<(), LakeError> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(folder_of(path)).map_err(LakeError::file("write", folder_of(path))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(LakeError::File { action: "remove", path: path.to_owned(), source }),
    }
}

/// Removes the folder `path` with all that is in it, where it is there.
pub(super) fn remove_folder(path: &Path) -> Result<(), LakeError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LakeError::File { action: "remove", path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// Makes what was written below `folder` since `since` outlive a power failure: Delta Lake leaves that to the operating system.
pub(super) fn sync_below(folder: &Path, since: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_below(&entry.path(), since)?;
        } else if kind.is_file() && entry.metadata()?.modified()? >= since {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".tidegate-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().expect("the lake's own files lie in a folder")
}

/// A renamed file is only sure to have its new name when its folder is on disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
