//! The embedded warehouse: a folder with one Delta Lake table per sub-folder, which any Delta reader opens.
//!
//! What always holds here (each with its test in `tests/`):
//! - A run is visible as a whole or not at all: `_tidegate/head.json` names the version of each table that is the lake, and it is
//!   replaced in one step. tidegate reads nothing but those versions. (`resume.rs`)
//! - A load happens once, wherever it was killed: it is written down before the first table changes, each table's commit carries the
//!   load's number, and whoever opens the lake next finishes it. (`resume.rs`)
//! - Data or SQL that a table can't take stop the load before any table changed. (`refuse.rs`)
//! - Queries can't change anything. (`query.rs`)
//! - What a load holds in memory does not grow with its rows, except in a merge, which has a budget. (`tests/bench/run --rows 10000000`)
//!
//! Other Delta readers know nothing of the head: they see each table's last commit, so during a load they see its tables change one after
//! another, usually within a second. Old files stay until someone vacuums the tables: that frees disk, and tidegate never needs versions
//! older than the head's.
//!
//! # Why
//! Rows are computed and staged as Parquet first, then committed: no SQL runs, and no check fails, while the lake is half changed. Staged and
//! clean files become data files without being decoded, so that costs one copy of their bytes.

mod atomic;
mod audit;
mod bounds;
mod commit;
mod data_files;
mod error;
mod head;
mod intent;
mod key;
mod marts;
mod merge;
mod prepare;
mod read;
mod splice;
#[cfg(test)]
mod tests;
mod types;
mod undo;

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use deltalake_core::{DeltaTable, DeltaTableBuilder, ensure_table_uri, kernel::Version};

use self::intent::Intent;
use super::{
    AUDIT, Load, TableResult,
    session::{Join, MEMORY_BYTES, Sessions},
};

pub use self::{
    error::LakeError,
    head::{Head, PipelineHead},
    types::delta_schema,
};

/// What the lake keeps for itself. Delta readers pass over folders that begin with `_`.
const OWN: &str = "_tidegate";
/// The clock that stamps files may be coarser than the one that is asked.
const CLOCK_SLACK: Duration = Duration::from_secs(2);

/// The embedded warehouse of a storage folder.
#[derive(Debug)]
pub struct Lake {
    /// The storage folder: clean files are named relative to it.
    root: PathBuf,
    folder: PathBuf,
    sessions: Sessions,
    head: Head,
}

impl Lake {
    /// Opens the lake in `folder` (`<storage>/lake`), which need not exist yet. Nothing is written before the first load.
    pub async fn open(folder: &Path) -> Result<Self, LakeError> {
        let folder = std::path::absolute(folder).map_err(LakeError::file("find", folder))?;
        let root = folder.parent().unwrap_or(&folder).to_owned();
        let sessions = Sessions::new(MEMORY_BYTES, root.join("work")).map_err(LakeError::sql("the lake"))?;
        let mut lake = Self { root, folder, sessions, head: Head::default() };
        lake.reload()?;
        Ok(lake)
    }

    /// Its folder.
    pub fn place(&self) -> &Path {
        &self.folder
    }

    /// What is visible, as it was when the lake was opened, last written by this value, or reloaded.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Reads again what is visible: another process may have loaded something.
    pub fn reload(&mut self) -> Result<(), LakeError> {
        self.head = Head::read(&self.own("head.json"))?;
        Ok(())
    }

    /// Where a stream resumes.
    pub fn cursor(&self, pipeline: &str, source: &str, stream: &str) -> Option<String> {
        self.head.pipelines.get(pipeline)?.cursors.get(&format!("{source}/{stream}")).cloned()
    }

    /// The load of `pipeline` that was begun and has to be finished, by giving it to [`Self::load`].
    pub async fn pending(&self, pipeline: &str) -> Result<Option<Load>, LakeError> {
        let head = Head::read(&self.own("head.json"))?;
        Ok(self.intent(pipeline)?.filter(|intent| intent.load.sequence > head.sequence(pipeline)).map(|intent| intent.load))
    }

    /// Loads a run: tables, cursors and audit rows become visible together. Calls `progress` with each table's name when its turn comes.
    /// Finishes the run's own load where an earlier try began it. Marts are left to [`Self::refresh`].
    ///
    /// # Errors
    /// Before the first table changed: nothing has happened. Afterwards (a full disk, say): the load is pending.
    pub async fn load(&mut self, load: &Load, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Vec<TableResult>, LakeError> {
        let _lock = self.lock().await?;
        self.reload()?;
        self.finish_others(&load.pipeline).await?;
        let intent = match self.intent(&load.pipeline)? {
            Some(intent) if intent.load.sequence <= self.head.sequence(&load.pipeline) => {
                self.forget(&load.pipeline)?;
                self.begin(load).await?
            }
            Some(intent) if intent.load.run != load.run => {
                return Err(LakeError::Pending { pipeline: load.pipeline.clone(), run: intent.load.run });
            }
            Some(intent) => intent,
            None => self.begin(load).await?,
        };
        self.finish(&intent, progress).await
    }

    /// Computes and checks the rows of all tables, and writes down that they are to be loaded.
    async fn begin(&self, load: &Load) -> Result<Intent, LakeError> {
        let wanted = self.head.sequence(&load.pipeline) + 1;
        if load.sequence != wanted {
            return Err(LakeError::OutOfOrder { pipeline: load.pipeline.clone(), found: load.sequence, wanted });
        }
        // What a process left that died before it wrote its intent.
        atomic::remove_folder(&self.staged(&load.pipeline))?;
        let intent = match prepare::prepare(self, load).await {
            Ok(intent) => intent,
            Err(error) => {
                atomic::remove_folder(&self.staged(&load.pipeline))?;
                return Err(error);
            }
        };
        let staged = self.staged(&load.pipeline);
        if staged.exists() {
            atomic::sync_below(&staged, SystemTime::UNIX_EPOCH).map_err(LakeError::file("write", &staged))?;
        }
        atomic::write_json(&self.intent_path(&load.pipeline), &intent)?;
        Ok(intent)
    }

    /// Does what was written down, from wherever an earlier try got to.
    async fn finish(&mut self, intent: &Intent, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Vec<TableResult>, LakeError> {
        let path = self.intent_path(&intent.load.pipeline);
        let written = fs::metadata(&path).and_then(|file| file.modified()).map_err(LakeError::file("read", &path))?;
        let results = commit::commit(self, intent, written - CLOCK_SLACK, progress).await?;
        let mut head = self.head.clone();
        head.tables.extend(results.iter().filter_map(|result| Some((result.table.clone(), result.version?))));
        let pipeline = head.pipelines.entry(intent.load.pipeline.clone()).or_default();
        pipeline.sequence = intent.load.sequence;
        pipeline.run.clone_from(&intent.load.run);
        pipeline.cursors.extend(intent.load.cursors.clone());
        head.write(&self.own("head.json"))?;
        self.head = head;
        self.forget(&intent.load.pipeline)?;
        Ok(results)
    }

    /// Finishes what other pipelines began: whoever holds the lock is sure that they died, and the head must not show a part of theirs
    /// (all pipelines share the table `ingest_audit`).
    async fn finish_others(&mut self, pipeline: &str) -> Result<(), LakeError> {
        for other in self.intents()?.into_iter().filter(|other| other != pipeline) {
            match self.intent(&other)? {
                Some(intent) if intent.load.sequence > self.head.sequence(&other) => drop(self.finish(&intent, &mut |_| ()).await?),
                _ => self.forget(&other)?,
            }
        }
        Ok(())
    }

    /// One at a time writes to the lake; the lock ends with its holder, however it ends.
    async fn lock(&self) -> Result<File, LakeError> {
        let path = self.own("lock");
        let locked = tokio::task::spawn_blocking({
            let path = path.clone();
            move || {
                fs::create_dir_all(path.parent().expect("the lock lies in a folder"))?;
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
                file.lock()?;
                Ok(file)
            }
        });
        locked.await.expect("locking does not panic").map_err(LakeError::file("lock", &path))
    }

    /// A table at a version, or as it is now; without a state where there is none yet. A folder that a dying process left counts as none.
    async fn table(&self, name: &str, version: Option<Version>) -> Result<DeltaTable, LakeError> {
        let failed = LakeError::delta("open", name);
        self.folder(name)?;
        let path = self.folder.to_str().ok_or_else(|| LakeError::TableName { table: name.to_owned() })?;
        let lake = ensure_table_uri(path).map_err(&failed)?;
        let url = lake.join(&host_safe(&format!("{lake}{name}/"))).expect("a URL stays one when some of its letters are encoded");
        let mut table = DeltaTableBuilder::from_url(url).and_then(DeltaTableBuilder::build).map_err(&failed)?;
        match version {
            Some(version) => table.load_version(version).await.map_err(&failed)?,
            None if table.verify_deltatable_existence().await.map_err(&failed)? => table.load().await.map_err(&failed)?,
            None => {}
        }
        Ok(table)
    }

    async fn count(&self, name: &str, table: &DeltaTable) -> Result<u64, LakeError> {
        let ctx = self.sessions.context(Join::Hash);
        table.update_datafusion_session(&ctx.state()).map_err(LakeError::delta("read", name))?;
        let provider = table.table_provider().await.map_err(LakeError::sql(name))?;
        let rows = ctx.read_table(provider).map_err(LakeError::sql(name))?;
        Ok(rows.count().await.map_err(LakeError::sql(name))? as u64)
    }

    fn intents(&self) -> Result<Vec<String>, LakeError> {
        let folder = self.own("intents");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(LakeError::file("read", &folder))?,
        };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect())
    }

    fn intent(&self, pipeline: &str) -> Result<Option<Intent>, LakeError> {
        let path = self.intent_path(pipeline);
        let intent = atomic::read_json::<Intent>(&path)?;
        match intent {
            Some(intent) if intent.version > Intent::FORMAT => Err(LakeError::Newer { path, found: intent.version, known: Intent::FORMAT }),
            intent => Ok(intent),
        }
    }

    fn forget(&self, pipeline: &str) -> Result<(), LakeError> {
        atomic::remove(&self.intent_path(pipeline))?;
        atomic::remove_folder(&self.staged(pipeline))
    }

    fn own(&self, name: &str) -> PathBuf {
        self.folder.join(OWN).join(name)
    }

    fn intent_path(&self, pipeline: &str) -> PathBuf {
        self.own("intents").join(format!("{pipeline}.json"))
    }

    fn staged(&self, pipeline: &str) -> PathBuf {
        self.own("staged").join(pipeline)
    }

    /// The folder of a table.
    fn folder(&self, table: &str) -> Result<PathBuf, LakeError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let valid = !table.is_empty() && !table.starts_with('_') && table.bytes().all(fits);
        valid.then(|| self.folder.join(table)).ok_or_else(|| LakeError::TableName { table: table.to_owned() })
    }
}

/// deltalake 1.1 makes the name of a host out of a table's URL, and panics where that is none. What a URL's path may hold and a host may
/// not is encoded here; goes when deltalake does it (`tests::Store` has such a path).
fn host_safe(url: &str) -> String {
    let mut safe = String::with_capacity(url.len());
    for letter in url.chars() {
        match letter {
            '[' | ']' | '@' | '^' | '|' => safe.push_str(&format!("%{:02X}", u32::from(letter))),
            letter => safe.push(letter),
        }
    }
    safe
}
