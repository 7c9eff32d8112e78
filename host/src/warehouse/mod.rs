//! Where tables go.
//!
//! - [`lake`]: the embedded default, Delta Lake tables in a folder; nothing to install.
//! - [`postgres`]: PostgreSQL, with TimescaleDB where the extension is there.
//!
//! What always holds here: tables, cursors and audit rows of a run become visible together or not at all, and a load happens once.
//! (`lake::tests`, `tests/suite/postgres`)
//!
//! # Why
//! An enum and not a trait object: the set is closed, and what differs (a lake can finish a load that died, a database holds a lock) would
//! make half of a trait's methods empty.

pub mod lake;
pub mod postgres;

mod difference;
mod error;
mod fold;
mod kept;
mod load;
mod reader;
mod session;

use std::{collections::BTreeMap, path::Path};

use datafusion::execution::SendableRecordBatchStream;

use self::{lake::Lake, postgres::Postgres};
use crate::config::{self, Loaded};

pub use self::{
    difference::{Difference, Rows, Samples, difference},
    error::{KeyError, QueryError, WarehouseError},
    fold::{FoldError, FoldRun, fold},
    kept::{Relation, in_place},
    load::{AuditRow, CleanStream, Load, TableLoad, TableResult},
    reader::{ColumnInfo, ColumnKind, Question, Reader, Standing, TableInfo},
    session::{check_sql, plan_sql},
};

/// The most that a column's dictionary in a Parquet file may grow to before values are written plainly. Ids, of which every one is new, give
/// up early: with the usual MiB they cost a tenth of a run's CPU.
pub const DICTIONARY_BYTES: usize = 64 << 10;

/// The table that says what was loaded when.
pub const AUDIT: &str = "ingest_audit";

/// Where a pipeline's tables go.
pub enum Warehouse {
    /// Delta Lake tables in the storage folder.
    Lake(Lake),
    /// A PostgreSQL database.
    Postgres(Box<Postgres>),
}

impl Warehouse {
    /// Opens a pipeline's warehouse to look at it; nothing is written.
    pub async fn open(loaded: &Loaded) -> Result<Self, WarehouseError> {
        let storage = loaded.storage();
        match loaded.pipeline.warehouse.kind {
            config::WarehouseKind::Lake => Ok(Self::Lake(Lake::open(&storage.lake()).await?)),
            config::WarehouseKind::Postgres => {
                Ok(Self::Postgres(Box::new(Postgres::open(&loaded.pipeline.warehouse, &loaded.pipeline.name, &storage.root).await?)))
            }
        }
    }

    /// Takes the pipeline's lock in the warehouse, where it has one, and brings tidegate's own tables up to date.
    pub async fn claim(&mut self) -> Result<(), WarehouseError> {
        match self {
            // The lake lies in the storage folder, whose lock the run holds already.
            Self::Lake(_) => Ok(()),
            Self::Postgres(postgres) => Ok(postgres.claim().await?),
        }
    }

    /// The number of the pipeline's last load: 0 before the first.
    pub fn sequence(&self, pipeline: &str) -> u64 {
        match self {
            Self::Lake(lake) => lake.head().sequence(pipeline),
            Self::Postgres(postgres) => postgres.sequence(),
        }
    }

    /// The run of the pipeline's last load.
    pub fn last_run(&self, pipeline: &str) -> Option<String> {
        match self {
            Self::Lake(lake) => lake.head().pipelines.get(pipeline).map(|pipeline| pipeline.run.clone()).filter(|run| !run.is_empty()),
            Self::Postgres(postgres) => postgres.last_run().map(str::to_owned),
        }
    }

    /// Where the pipeline's streams resume, by `<source>/<stream>`.
    pub fn cursors(&self, pipeline: &str) -> BTreeMap<String, String> {
        match self {
            Self::Lake(lake) => lake.head().pipelines.get(pipeline).map(|pipeline| pipeline.cursors.clone()).unwrap_or_default(),
            Self::Postgres(postgres) => postgres.cursors().clone(),
        }
    }

    /// The load of `pipeline` that was begun and has to be finished, by giving it to [`Self::load`].
    pub async fn pending(&self, pipeline: &str) -> Result<Option<Load>, WarehouseError> {
        match self {
            Self::Lake(lake) => Ok(lake.pending(pipeline).await?),
            // A transaction that did not commit left nothing.
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Takes the rows of a table while they land, and gives how many there were; none where [`Self::load`] has to read the clean files.
    /// Nothing of them is visible before that, and nothing is left of them where it does not come to that ([`Self::forget_early`]).
    pub async fn fill_early(&mut self, load: &TableLoad, quarantine: &Path, rows: SendableRecordBatchStream) -> Option<u64> {
        match self {
            // Clean files become the lake's without being decoded; there is nothing to gain.
            Self::Lake(_) => None,
            Self::Postgres(postgres) => postgres.fill_early(load, quarantine, rows).await,
        }
    }

    /// Takes back what [`Self::fill_early`] did.
    pub fn forget_early(&mut self) {
        match self {
            Self::Lake(_) => {}
            Self::Postgres(postgres) => postgres.forget_early(),
        }
    }

    /// Loads a run: tables, cursors and audit rows become visible together. Calls `progress` with each table's name when its turn comes.
    pub async fn load(&mut self, load: &Load, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Vec<TableResult>, WarehouseError> {
        match self {
            Self::Lake(lake) => Ok(lake.load(load, progress).await?),
            Self::Postgres(postgres) => Ok(postgres.load(load, progress).await?),
        }
    }

    /// Makes marts again: SELECTs over the warehouse's tables, in order, each seeing those before it.
    pub async fn refresh(&mut self, pipeline: &str, run: &str, marts: &[(String, String)]) -> Result<Vec<TableResult>, WarehouseError> {
        match self {
            Self::Lake(lake) => Ok(lake.refresh(pipeline, run, marts).await?),
            Self::Postgres(postgres) => Ok(postgres.refresh(marts).await?),
        }
    }

    /// Runs a SELECT over tables and marts. Whatever would change something is refused.
    pub async fn query(&mut self, sql: &str) -> Result<SendableRecordBatchStream, WarehouseError> {
        match self {
            Self::Lake(lake) => Ok(lake.query(sql).await?),
            Self::Postgres(postgres) => Ok(postgres.query(sql).await?),
        }
    }

    /// Where it is, for a person: a folder, or a database without its password.
    pub fn place(&self) -> String {
        match self {
            Self::Lake(lake) => lake.place().display().to_string(),
            Self::Postgres(postgres) => postgres.place(),
        }
    }
}
