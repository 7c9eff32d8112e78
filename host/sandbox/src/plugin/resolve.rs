//! From the name in a pipeline to the component's file.

use std::path::{Path, PathBuf};

/// No component has that name.
#[derive(Debug, thiserror::Error)]
#[error("no plugin `{name}` in {}", folders(.searched))]
pub struct ResolveError {
    /// The name.
    pub name: String,
    /// Where it was looked for.
    pub searched: Vec<PathBuf>,
    /// A name that is there and looks alike.
    pub near: Option<String>,
}

fn folders(searched: &[PathBuf]) -> String {
    searched.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", ")
}

/// The folders in which a name is looked for, in order: `plugins` beside the pipeline file, then those of the installation.
pub fn search_path(root: &Path, installed: &[PathBuf]) -> Vec<PathBuf> {
    std::iter::once(root.join("plugins")).chain(installed.iter().cloned()).collect()
}

/// The component that `name` means: a path where it ends in `.wasm`, else `<folder>/<name>.wasm` of the first folder that has it.
pub fn resolve(name: &str, root: &Path, installed: &[PathBuf]) -> Result<PathBuf, ResolveError> {
    if name.ends_with(".wasm") {
        let path = root.join(name);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(ResolveError { name: name.to_owned(), searched: vec![root.to_owned()], near: None })
        };
    }
    let searched = search_path(root, installed);
    if let Some(path) = searched.iter().map(|folder| folder.join(format!("{name}.wasm"))).find(|path| path.is_file()) {
        return Ok(path);
    }
    let there = searched.iter().flat_map(|folder| names(folder)).collect::<Vec<_>>();
    let near = there
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, candidate)| candidate.clone());
    Err(ResolveError { name: name.to_owned(), searched, near })
}

/// The names of the components in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            (path.extension()? == "wasm").then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))?
        })
        .collect();
    names.sort();
    names
}
