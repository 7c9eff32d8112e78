//! Keeps the target folder that all plugins share from mixing up clones of one workspace.
//!
//! - What another clone of a workspace built last is built again (`what_another_clone_built_is_forgotten`); what crates of registries made
//!   stays, which is what takes minutes.
//! - One build at a time uses the folder: cargo would wait as well, and no clone takes the folder from another in the middle.
//!
//! # Why
//! Cargo knows a crate of a workspace by its place in there, not by the workspace's, and what another clone built of it is fresh to cargo where
//! it is newer than the sources: a plugin was linked with another clone's SDK.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{BuildError, toolchain::TARGET};

/// Which workspace built a crate last, in the target folder.
const BUILT_BY: &str = "built-by.json";

/// A workspace: its folder and the crates in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Workspace {
    pub root: PathBuf,
    pub members: Vec<String>,
}

/// The target folder, for one build.
pub(super) struct Claim {
    _lock: fs::File,
}

impl Claim {
    /// Waits for the folder and makes it the workspace's.
    pub fn take(folder: &Path, workspace: &Workspace, talk: &mut dyn FnMut(&str)) -> Result<Self, BuildError> {
        let path = folder.join("lock");
        let failed = |source| BuildError::File { what: "write", path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = fs::File::create(&path).map_err(failed)?;
        if lock.try_lock().is_err() {
            talk("waiting for another build of plugins");
            lock.lock().map_err(failed)?;
        }
        forget_others(folder, workspace).map_err(failed)?;
        Ok(Self { _lock: lock })
    }
}

/// Forgets what other workspaces built of crates that have the names of this one's.
fn forget_others(folder: &Path, workspace: &Workspace) -> io::Result<()> {
    let path = folder.join(BUILT_BY);
    // A file that can't be read names nobody: then all is built again.
    let mut built_by: BTreeMap<String, PathBuf> =
        fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let others: Vec<_> = workspace.members.iter().filter(|name| built_by.get(*name) != Some(&workspace.root)).collect();
    if others.is_empty() {
        return Ok(());
    }
    for profile in entries(&folder.join(TARGET))? {
        for known in entries(&profile.join(".fingerprint"))? {
            let name = known.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('-'));
            if name.is_some_and(|(name, _)| others.iter().any(|other| *other == name)) {
                fs::remove_dir_all(&known)?;
            }
        }
    }
    built_by.extend(others.into_iter().map(|name| (name.clone(), workspace.root.clone())));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, &built_by)?;
    file.persist(path)?;
    Ok(())
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_clone_built_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let known = folder.path().join(TARGET).join("guest/.fingerprint");
        let build = |names: &[&str]| {
            for name in names {
                fs::create_dir_all(known.join(name)).unwrap();
            }
        };
        let left = || {
            let mut names: Vec<_> =
                entries(&known).unwrap().into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        let clone = |root: &str| Workspace { root: root.into(), members: vec!["our-sdk".to_owned(), "plugin".to_owned()] };
        let take = |root| drop(Claim::take(folder.path(), &clone(root), &mut |_| ()).unwrap());

        build(&["our-sdk-0123", "our-sdk-json-0123", "arrow-json-0123", "plugin-0123"]);
        take("/one");
        assert_eq!(left(), ["arrow-json-0123", "our-sdk-json-0123"], "whoever built them is not known");
        build(&["our-sdk-0123", "plugin-0123"]);
        take("/one");
        assert_eq!(left().len(), 4, "they are its own");
        take("/two");
        assert_eq!(left(), ["arrow-json-0123", "our-sdk-json-0123"]);
        build(&["our-sdk-0123"]);
        take("/two");
        assert_eq!(left().len(), 3);
    }

    #[test]
    fn a_second_build_waits() {
        let folder = tempfile::tempdir().unwrap();
        let first = Claim::take(folder.path(), &Workspace::default(), &mut |_| ()).unwrap();
        std::thread::scope(|scope| {
            let (sender, said) = std::sync::mpsc::channel();
            let path = folder.path();
            let second =
                scope.spawn(move || Claim::take(path, &Workspace::default(), &mut |line| sender.send(line.to_owned()).unwrap()).map(drop));
            assert_eq!(said.recv().unwrap(), "waiting for another build of plugins");
            drop(first);
            second.join().unwrap().unwrap();
        });
    }
}
