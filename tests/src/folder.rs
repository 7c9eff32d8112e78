//! Folders: where programs lie, which crates a folder holds, how an input folder is laid over another.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The folder of the programs that cargo built with this test: `<target>/debug`.
pub fn of_programs() -> Result<PathBuf> {
    let test = env::current_exe()?;
    let folder = test.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("the test program lies in no folder")?;
    Ok(folder.to_owned())
}

/// The crates directly below a folder, sorted by name.
pub fn crates(folder: &Path) -> Result<Vec<PathBuf>> {
    let crates: Vec<_> = sorted(folder)?.into_iter().filter(|path| path.join("Cargo.toml").is_file()).collect();
    anyhow::ensure!(!crates.is_empty(), "`{}` holds no crate", folder.display());
    Ok(crates)
}

/// What lies directly in a folder, sorted.
pub fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    let mut paths = entries.with_context(|| format!("read the folder `{}`", folder.display()))?;
    paths.sort();
    Ok(paths)
}

/// All files below a folder, sorted; folders for which `enter` says no are passed over.
pub fn walk(folder: &Path, enter: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in sorted(folder)? {
        if !path.is_dir() {
            files.push(path);
        } else if enter(&path) {
            files.extend(walk(&path, enter)?);
        }
    }
    Ok(files)
}

/// Copies the files below `from` to the same places below `to`, over what is there.
pub fn lay_over(from: &Path, to: &Path) -> Result<()> {
    for file in walk(from, &|_| true)? {
        let target = to.join(file.strip_prefix(from).expect("a walk stays in its folder"));
        fs::create_dir_all(target.parent().expect("a file lies in a folder"))?;
        fs::copy(&file, &target).with_context(|| format!("copy `{}`", file.display()))?;
    }
    Ok(())
}

/// What lies below a folder at a path whose parts may have a `*` each; nothing where there is no such folder. It may change meanwhile.
pub fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let (first, rest) = pattern.split_once('/').unwrap_or((pattern, ""));
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found = paths.filter(|path| fits(path, first));
    if rest.is_empty() { found.collect() } else { found.flat_map(|path| matching(&path, rest)).collect() }
}

fn fits(path: &Path, pattern: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match pattern.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => name == pattern,
    }
}
