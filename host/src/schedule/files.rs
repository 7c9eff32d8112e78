//! The files of the folder that is served: read when they change, and the last good reading of each is in force.
//!
//! What always holds here:
//! - A file that is broken, half written or gone for a moment changes nothing but what is said of it (`a_broken_file_leaves_the_last_good_one`).
//! - What counts is the content, of the pipeline file and of the SQL files that it names, not the time of a file
//!   (`a_change_in_a_sql_file_is_a_change`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::decide::Known;
use crate::{
    config::{self, ConfigError, HostPattern, Loaded, UrlPattern, near_miss},
    schedule::Cadence,
};

/// A pipeline file.
#[derive(Debug, Default)]
struct Entry {
    /// What it holds, with its SQL files, when it was last read.
    digest: Option<String>,
    good: Option<Arc<Loaded>>,
    problem: Option<String>,
}

/// The files of a folder.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    entries: BTreeMap<PathBuf, Entry>,
}

/// A pipeline that has been good.
#[derive(Debug, Clone)]
pub struct Served {
    /// Its file.
    pub file: PathBuf,
    /// The last good reading.
    pub loaded: Arc<Loaded>,
    /// What is wrong with it now.
    pub problem: Option<String>,
}

impl Files {
    /// The files of `folder`, none of which has been read.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), entries: BTreeMap::new() }
    }

    /// Reads what changed. True where something did.
    pub fn look(&mut self) -> bool {
        let found = match config::pipeline_files(&self.folder) {
            Ok(found) => found,
            // A folder that is away for a moment takes no pipeline with it.
            Err(error) => {
                tracing::warn!("can't list `{}`: {error}", self.folder.display());
                return false;
            }
        };
        let before = self.entries.len();
        self.entries.retain(|file, _| {
            let there = found.contains(file);
            if !there {
                tracing::info!("`{}` is gone", file.display());
            }
            there
        });
        let mut changed = self.entries.len() != before;
        for file in found {
            changed |= self.entries.entry(file.clone()).or_default().look(&file);
        }
        changed
    }

    /// The pipelines that have been good, by name. Of two files with one name the first one has it.
    pub fn served(&self) -> BTreeMap<String, Served> {
        let mut served = BTreeMap::new();
        for (file, entry) in &self.entries {
            let Some(loaded) = &entry.good else { continue };
            let new = Served { file: file.clone(), loaded: loaded.clone(), problem: entry.problem.clone() };
            served.entry(loaded.pipeline.name.clone()).or_insert(new);
        }
        let names: BTreeSet<_> = served.keys().cloned().collect();
        let follows: BTreeMap<_, _> = served.iter().map(|(name, served)| (name.clone(), follows(&served.loaded))).collect();
        for (name, served) in &mut served {
            if served.problem.is_none() {
                served.problem = unknown(&follows[name], &names).or_else(|| circle(name, &follows));
            }
        }
        served
    }

    /// Files that have never been good, or whose name another one has.
    pub fn broken(&self) -> Vec<(PathBuf, String)> {
        let mut broken = Vec::new();
        let mut names: BTreeMap<&str, &Path> = BTreeMap::new();
        for (file, entry) in &self.entries {
            match &entry.good {
                None => broken.push((file.clone(), entry.problem.clone().unwrap_or_default())),
                Some(loaded) => {
                    if let Some(first) = names.get(loaded.pipeline.name.as_str()) {
                        broken.push((file.clone(), format!("the name `{}` is that of `{}`", loaded.pipeline.name, first.display())));
                    } else {
                        names.insert(&loaded.pipeline.name, file);
                    }
                }
            }
        }
        broken
    }
}

impl Entry {
    fn look(&mut self, file: &Path) -> bool {
        let digest = self.digest_of(file);
        // A file that is broken may be mended elsewhere: a SQL file that was missing.
        if digest.is_some() && digest == self.digest && self.problem.is_none() {
            return false;
        }
        match config::load(file) {
            Ok(loaded) => {
                let same =
                    self.problem.is_none() && self.good.as_ref().is_some_and(|good| good.text == loaded.text && good.sql == loaded.sql);
                if !same {
                    tracing::info!("read `{}`: pipeline {}", file.display(), loaded.pipeline.name);
                }
                self.good = Some(Arc::new(loaded));
                self.problem = None;
                self.digest = self.digest_of(file);
                !same
            }
            Err(error) => self.broke(file, &error),
        }
    }

    fn broke(&mut self, file: &Path, error: &ConfigError) -> bool {
        let problem = error.rendered();
        if self.problem.as_ref() == Some(&problem) {
            return false;
        }
        let stands = if self.good.is_some() { "; the last good reading stays in force" } else { "" };
        tracing::error!("`{}` is broken{stands}:\n{problem}", file.display());
        self.problem = Some(problem);
        true
    }

    /// The sum of the file and of the SQL files that its last good reading names.
    fn digest_of(&self, file: &Path) -> Option<String> {
        let mut digest = Sha256::new();
        digest.update(fs::read(file).ok()?);
        for name in self.good.iter().flat_map(|good| good.sql.keys().map(|name| good.root.join(name))) {
            digest.update(fs::read(name).ok()?);
        }
        Some(format!("{:x}", digest.finalize()))
    }
}

fn follows(loaded: &Loaded) -> Vec<String> {
    loaded.pipeline.schedule.as_ref().map(|schedule| schedule.after.clone()).unwrap_or_default()
}

fn unknown(after: &[String], names: &BTreeSet<String>) -> Option<String> {
    let missing = after.iter().find(|name| !names.contains(*name))?;
    let near = near_miss(missing, names.iter().map(String::as_str)).map(|near| format!(" (did you mean `{near}`?)"));
    Some(format!("it comes after `{missing}`, which is not served here{}", near.unwrap_or_default()))
}

/// Pipelines that come after each other in a circle would never end.
fn circle(name: &str, follows: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let mut open = follows[name].clone();
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if next == name {
            return Some(format!("`{name}` comes, by way of others, after itself"));
        }
        if seen.insert(next.clone()) {
            open.extend(follows.get(&next).into_iter().flatten().cloned());
        }
    }
    None
}

/// A pipeline, as far as its schedule goes. One that waits for itself never comes.
pub fn known(served: &Served) -> Known {
    let pipeline = &served.loaded.pipeline;
    let schedule = pipeline.schedule.clone().unwrap_or_default();
    let in_circle = served.problem.as_ref().is_some_and(|problem| problem.ends_with("after itself"));
    let cadence = if in_circle { Cadence::Hand } else { Cadence::of(&schedule) };
    Known { name: pipeline.name.clone(), cadence, schedule, contacts: contacts(&served.loaded) }
}

/// What a pipeline reads from: its sources' plugins and the hosts that they may contact.
fn contacts(loaded: &Loaded) -> BTreeSet<String> {
    let mut contacts = BTreeSet::new();
    for source in loaded.pipeline.sources.values() {
        contacts.insert(source.plugin.clone());
        let urls = source.grants.http.values().filter_map(|grant| UrlPattern::parse(&grant.url).ok());
        contacts.extend(urls.map(|url| host(&url.host)));
    }
    contacts
}

fn host(pattern: &HostPattern) -> String {
    pattern.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(name: &str, more: &str) -> String {
        format!("version = 1\nname = \"{name}\"\n{more}\n[sources.files]\nplugin = \"source-files\"\n[streams.orders]\n")
    }

    fn write(folder: &Path, file: &str, text: &str) {
        fs::write(folder.join(file), text).unwrap();
    }

    #[test]
    fn a_broken_file_leaves_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "shop.toml", &pipeline("shop", ""));
        let mut files = Files::of(folder.path());
        assert!(files.look() && !files.look());

        write(folder.path(), "shop.toml", "version = 1\nname = ");
        assert!(files.look() && !files.look());
        let served = &files.served()["shop"];
        assert!(served.problem.as_ref().unwrap().contains("shop.toml:2"), "{:?}", served.problem);
        assert!(served.loaded.text.contains("source-files"));
        assert!(files.broken().is_empty());

        write(folder.path(), "shop.toml", &pipeline("shop", "[schedule]\nevery = \"1h\""));
        assert!(files.look());
        let served = &files.served()["shop"];
        assert!(served.problem.is_none() && served.loaded.pipeline.schedule.is_some());
    }

    #[test]
    fn new_and_removed_files_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::of(folder.path());
        assert!(!files.look());
        write(folder.path(), "b.toml", "version = 1\n");
        write(folder.path(), "a.toml", &pipeline("shop", ""));
        write(folder.path(), "c.toml", &pipeline("shop", ""));
        assert!(files.look());
        assert_eq!(files.served().keys().collect::<Vec<_>>(), ["shop"]);
        let broken: Vec<_> = files.broken().iter().map(|(file, _)| file.file_name().unwrap().to_owned()).collect();
        assert_eq!(broken, ["b.toml", "c.toml"]);
        fs::remove_file(folder.path().join("a.toml")).unwrap();
        assert!(files.look());
        assert_eq!(files.served()["shop"].file, folder.path().join("c.toml"));
    }

    #[test]
    fn a_change_in_a_sql_file_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "facts.sql", "select 1");
        write(folder.path(), "shop.toml", &format!("{}[tables.facts]\nsql = \"facts.sql\"\n", pipeline("shop", "")));
        let mut files = Files::of(folder.path());
        assert!(files.look() && !files.look());
        write(folder.path(), "facts.sql", "select 2");
        assert!(files.look());
        assert_eq!(files.served()["shop"].loaded.statement("facts.sql"), "select 2");
        fs::remove_file(folder.path().join("facts.sql")).unwrap();
        assert!(files.look());
        assert!(files.served()["shop"].problem.is_some());
        write(folder.path(), "facts.sql", "select 2");
        assert!(files.look());
        assert!(files.served()["shop"].problem.is_none());
    }

    #[test]
    fn a_pipeline_after_nothing_or_itself_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        for (name, after) in [("a", "b"), ("b", "a"), ("c", "shop"), ("d", "c")] {
            write(folder.path(), &format!("{name}.toml"), &pipeline(name, &format!("[schedule]\nafter = [\"{after}\"]")));
        }
        let mut files = Files::of(folder.path());
        files.look();
        let served = files.served();
        assert_eq!(served["a"].problem.as_deref(), Some("`a` comes, by way of others, after itself"));
        assert_eq!(served["c"].problem.as_deref(), Some("it comes after `shop`, which is not served here"));
        assert_eq!(served["d"].problem, None);
        assert!(matches!(known(&served["b"]).cadence, Cadence::Hand));
        assert!(matches!(known(&served["d"]).cadence, Cadence::After(_)));
    }
}
