//! Whether a replayed stream is the one that the run had.

use std::fs;

use serde::Serialize;

use super::super::{CleanManifest, stream::AssessedStream};
use crate::{config::StorageLayout, engine::LandedFile};

/// Whether a replayed stream is the one that the run had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Same {
    /// The same files, byte for byte.
    Identical,
    /// These files differ, or are on one side only.
    Differs(Vec<String>),
    /// The run did not come to the end of this stream.
    NotInTheRun,
    /// Of the run's files nothing is known any more.
    Unknown,
}

/// Compares by the sums in the manifest that the run left beside its clean files; the files themselves may be gone.
pub(super) fn compare(storage: &StorageLayout, run: &str, stream: &AssessedStream) -> Same {
    let path = storage.clean().join(&stream.name).join(run).join("_manifest.json");
    let Ok(text) = fs::read(&path) else { return Same::NotInTheRun };
    match serde_json::from_slice::<CleanManifest>(&text) {
        Ok(manifest) if manifest.files.iter().all(|file| !file.sha256.is_empty()) => differing(&manifest.files, &stream.files),
        _ => Same::Unknown,
    }
}

fn differing(wanted: &[LandedFile], found: &[LandedFile]) -> Same {
    let lacks =
        |file: &&LandedFile, others: &[LandedFile]| !others.iter().any(|other| other.file == file.file && other.sha256 == file.sha256);
    let gone = wanted.iter().filter(|file| lacks(file, found));
    let new = found.iter().filter(|file| lacks(file, wanted));
    let mut files: Vec<_> = gone.chain(new).map(|file| file.file.clone()).collect();
    files.sort();
    files.dedup();
    if files.is_empty() { Same::Identical } else { Same::Differs(files) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, sha256: &str) -> LandedFile {
        LandedFile { file: name.into(), rows: 1, bytes: 1, sha256: sha256.into() }
    }

    #[test]
    fn files_are_the_same_where_names_and_sums_are() {
        let run = [file("part-0", "a"), file("part-1", "b")];
        assert_eq!(differing(&run, &run.clone()), Same::Identical);
        let other = [file("part-0", "a"), file("part-1", "c"), file("part-2", "d")];
        assert_eq!(differing(&run, &other), Same::Differs(vec!["part-1".into(), "part-2".into()]));
        assert_eq!(differing(&run, &run[..1]), Same::Differs(vec!["part-1".into()]));
    }
}
