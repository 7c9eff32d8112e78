//! Which manifests an archive has.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Head, Line, ManifestError, Page, Totals, read};

/// What a run took from one source, in sum.
#[derive(Debug, Clone)]
pub struct Holding {
    /// Its manifest.
    pub manifest: PathBuf,
    /// Whose it is.
    pub head: Head,
    /// What there is.
    pub totals: Totals,
}

/// Every manifest below `root`, in the order of runs and sources. Nothing is opened but the folders.
pub fn manifests(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for source in folders(root)? {
        for date in folders(&source)? {
            for entry in fs::read_dir(&date)? {
                let path = entry?.path();
                if run_of(&path).is_some() {
                    found.push(path);
                }
            }
        }
    }
    found.sort_by_key(|path| (run_of(path).map(str::to_owned), path.clone()));
    Ok(found)
}

/// The run that a manifest is of, by its name.
pub fn run_of(manifest: &Path) -> Option<&str> {
    let name = manifest.file_name()?.to_str()?.strip_prefix("manifest_")?;
    name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".json"))
}

/// What a manifest tells in sum.
pub fn holding(manifest: &Path) -> Result<Holding, ManifestError> {
    let mut totals = Totals::default();
    let head = read(manifest, |_, line| {
        if let Line::Page(page) = line {
            totals.add(&page);
        }
    })?;
    Ok(Holding { manifest: manifest.to_owned(), head, totals })
}

/// Hands each page of a manifest to `each`.
pub fn each_page(manifest: &Path, mut each: impl FnMut(Page)) -> Result<Head, ManifestError> {
    read(manifest, |_, line| {
        if let Line::Page(page) = line {
            each(page);
        }
    })
}

/// The folders in a folder; none where there is no folder.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1: &str = r#"{ "version": 1, "run": "20181017T173018125Z-5f3a91", "source": "olist", "pages": [
        { "page": 0, "request": "orders.csv", "directory": "data", "archived": "olist/2018-10-17/orders_20181017T173018125Z.csv.gz",
          "bytes": 8, "packed_bytes": 28, "sha256": "ab", "modified_micros": 7 },
        { "page": 1, "request": "x.csv.gz", "directory": "data", "archived": "olist/2018-10-17/x_20181017T173018125Z.csv.gz",
          "bytes": 9, "packed_bytes": 9, "sha256": "cd", "modified_micros": 7 } ] }"#;

    #[test]
    fn manifests_of_the_first_version_are_still_read() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("olist/2018-10-17");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("manifest_20181017T173018125Z-5f3a91.json"), VERSION_1).unwrap();
        fs::write(folder.join("orders_20181017T173018125Z.csv.gz"), "").unwrap();
        let found = manifests(root.path()).unwrap();
        assert_eq!(found.iter().map(|path| run_of(path)).collect::<Vec<_>>(), [Some("20181017T173018125Z-5f3a91")]);
        let Holding { head, totals, .. } = holding(&found[0]).unwrap();
        assert_eq!((head.version, head.source.as_str(), head.started), (1, "olist", None));
        assert_eq!(totals, Totals { pages: 2, bytes: 17, packed_bytes: 37 });
        let mut as_they_came = Vec::new();
        each_page(&found[0], |page| as_they_came.push(page.is_as_it_came())).unwrap();
        assert_eq!(as_they_came, [false, true]);
    }

    #[test]
    fn an_archive_that_is_not_there_has_no_manifest() {
        assert!(manifests(Path::new("nowhere")).unwrap().is_empty());
    }

    #[test]
    fn a_manifest_of_a_newer_version_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("manifest_run.jsonl");
        fs::write(&path, "{\"version\":99,\"run\":\"r\",\"source\":\"s\",\"pipeline\":\"p\",\"started\":null}\n").unwrap();
        assert!(matches!(holding(&path), Err(ManifestError::Version { version: 99, .. })));
    }
}
