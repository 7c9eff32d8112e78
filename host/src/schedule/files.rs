//! The files of the folder that is served: read when they change, and the last good reading of each is in force.
//!
//! What always holds here:
//! - A file that is broken, half written or gone for a moment changes nothing but what is said of it (`a_broken_file_leaves_the_last_good_one`).
//! - That holds for a daemon that has never seen the file good, too: it is given the last good reading (`a_reading_outlives_the_process`).
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
    state::tasks::Reading,
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
    /// What was good before this process lived, by its file; none of a file that has been good or gone since.
    earlier: BTreeMap<PathBuf, Reading>,
    /// The files whose reading the store does not have yet, or has though they are gone.
    unkept: BTreeSet<PathBuf>,
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
        Self { folder: folder.to_owned(), entries: BTreeMap::new(), earlier: BTreeMap::new(), unkept: BTreeSet::new() }
    }

    /// Takes what was good before this process lived. It is in force where a file is broken when it is first looked at.
    pub fn recall(&mut self, readings: Vec<Reading>) {
        self.earlier = readings.into_iter().map(|reading| (self.folder.join(&reading.file), reading)).collect();
    }

    /// What the store is to be told: the files with new good readings, and without one those that are gone.
    pub fn unkept(&self) -> Vec<(PathBuf, Option<Reading>)> {
        let reading = |file: &PathBuf| {
            let good = self.entries.get(file)?.good.as_ref()?;
            Some(Reading { file: self.name(file)?, text: good.text.clone(), sql: good.sql.clone() })
        };
        self.unkept.iter().map(|file| (file.clone(), reading(file))).collect()
    }

    /// The store was told of a file.
    pub fn kept(&mut self, file: &Path) {
        self.unkept.remove(file);
    }

    /// A file as the store calls it.
    pub fn name(&self, file: &Path) -> Option<String> {
        Some(file.strip_prefix(&self.folder).ok()?.to_str()?.to_owned())
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
                self.unkept.insert(file.clone());
            }
            there
        });
        let gone = self.earlier.extract_if(.., |file, _| !found.contains(file)).map(|(file, _)| file);
        self.unkept.extend(gone);
        let mut changed = self.entries.len() != before;
        for file in found {
            let entry = self.entries.entry(file.clone()).or_default();
            if entry.look(&file, &mut self.earlier) {
                changed = true;
                if entry.problem.is_none() {
                    self.unkept.insert(file);
                }
            }
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
    fn look(&mut self, file: &Path, earlier: &mut BTreeMap<PathBuf, Reading>) -> bool {
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
                earlier.remove(file);
                self.good = Some(Arc::new(loaded));
                self.problem = None;
                self.digest = self.digest_of(file);
                !same
            }
            Err(error) => {
                if self.good.is_none() {
                    self.good = earlier.remove(file).and_then(|reading| stand_in(file, reading));
                }
                self.broke(file, &error)
            }
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

/// A file as it was when it was good. None where this program no longer understands it.
fn stand_in(file: &Path, reading: Reading) -> Option<Arc<Loaded>> {
    let root = std::path::absolute(file).ok()?.parent()?.to_owned();
    match config::restore(file.to_owned(), root, reading.text, reading.sql) {
        Ok(loaded) => Some(Arc::new(loaded)),
        Err(error) => {
            tracing::warn!("the last good reading of `{}` is understood no more: {}", file.display(), crate::error::chain(&error));
            None
        }
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

    /// What the store holds of these files after it was told.
    fn told(files: &mut Files, kept: &mut BTreeMap<String, Reading>) {
        for (file, reading) in files.unkept() {
            let name = files.name(&file).unwrap();
            match reading {
                Some(reading) => drop(kept.insert(name, reading)),
                None => drop(kept.remove(&name)),
            }
            files.kept(&file);
        }
        assert!(files.unkept().is_empty());
    }

    #[test]
    fn a_reading_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = BTreeMap::new();
        let life = |kept: &mut BTreeMap<String, Reading>| {
            let mut files = Files::of(folder.path());
            files.recall(kept.values().cloned().collect());
            files.look();
            told(&mut files, kept);
            files.served().remove("shop")
        };
        write(folder.path(), "facts.sql", "select 1");
        let good = format!("{}[tables.facts]\nsql = \"facts.sql\"\n", pipeline("shop", ""));
        write(folder.path(), "shop.toml", &good);
        assert!(life(&mut kept).unwrap().problem.is_none());

        write(folder.path(), "shop.toml", "version = 1\nname = ");
        fs::remove_file(folder.path().join("facts.sql")).unwrap();
        for _ in 0..2 {
            let served = life(&mut kept).unwrap();
            assert!(served.problem.unwrap().contains("shop.toml:2"));
            assert_eq!((served.loaded.statement("facts.sql"), &served.loaded.text), ("select 1", &good));
            assert!(served.loaded.root.is_absolute());
        }

        fs::remove_file(folder.path().join("shop.toml")).unwrap();
        assert!(life(&mut kept).is_none() && kept.is_empty(), "a file that is gone is gone");
        write(folder.path(), "shop.toml", "version = 1\nname = ");
        assert!(life(&mut kept).is_none());
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
