//! PostgreSQL as the warehouse: COPY straight from Arrow batches, one transaction for all that a run makes visible.
//!
//! What always holds here (each with its test in `tests/suite/postgres`):
//! - Tables, cursors and the rows of `ingest_audit` of a run are committed by one transaction ([`load`]). A run that died before it left
//!   nothing; a run whose commit was lost on the wire is looked up by its number before anything is sent twice.
//! - Rows may be sent before the gate has judged them, but are not visible before it passed. ([`early`])
//! - One host at a time runs a pipeline: it holds an advisory lock, and it took a number when it got the lock ([`own`]). A host that lost its
//!   lock finds another number when it wants to commit, and can't.
//! - A value that PostgreSQL can't represent takes its row to quarantine; it never breaks the stream ([`encode`]).
//! - Names reach SQL as [`Ident`], which can only be shown quoted; the password is in no error and no log ([`connect`]).
//!
//! # Why
//! Two phases with staged files, as the lake has them, would write every row twice. A transaction gives the same promise for nothing, and
//! the rows are computed while they are sent, or sent while they land ([`early`]).

pub mod connect;
pub mod encode;
pub mod setup;
pub mod types;

mod audit;
mod buffers;
mod catalog;
mod copy;
mod ddl;
mod early;
mod error;
mod ident;
mod insert;
mod load;
mod marts;
mod merge;
mod own;
mod query;
mod reader;
mod refused;
mod replace;
mod rows;
mod scd2;
mod table;
mod timescale;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tokio_postgres::Client;

use self::{
    connect::{Address, PgEnv},
    early::Early,
    ident::Ident,
    own::Claim,
};
use super::session::{MEMORY_BYTES, Sessions};
use crate::config::{Contract, LoadPath, Warehouse as Config, secret};

pub use self::{error::PostgresError, reader::PostgresReader};

/// The schema of tidegate's own tables.
const OWN_SCHEMA: &str = "tidegate";
/// The schema for tables where a pipeline names none.
const DEFAULT_SCHEMA: &str = "public";

/// A PostgreSQL database, for one pipeline.
pub struct Postgres {
    address: Address,
    schema: Ident,
    contract: Contract,
    path: LoadPath,
    pipeline: String,
    /// The storage folder: clean files are named relative to it.
    root: PathBuf,
    sessions: Sessions,
    client: Client,
    claim: Option<Claim>,
    /// What was sent while it landed; while there is something, a transaction is open.
    early: Option<Early>,
    /// The number and the run of the pipeline's last load.
    sequence: u64,
    run: Option<String>,
    cursors: BTreeMap<String, String>,
}

impl Postgres {
    /// Connects, and reads how far `pipeline` came; nothing is written.
    pub async fn open(config: &Config, pipeline: &str, root: &Path) -> Result<Self, PostgresError> {
        let address = address(config)?;
        let client = connect::connect(&address).await?.0;
        let sessions = Sessions::new(MEMORY_BYTES, root.join("work")).map_err(super::QueryError::sql("the database"))?;
        let mut opened = Self {
            address,
            schema: Ident::new(config.schema.as_deref().unwrap_or(DEFAULT_SCHEMA))?,
            contract: config.contract.unwrap_or_default(),
            path: config.load.unwrap_or_default(),
            pipeline: pipeline.to_owned(),
            root: root.to_owned(),
            sessions,
            client,
            claim: None,
            early: None,
            sequence: 0,
            run: None,
            cursors: BTreeMap::new(),
        };
        opened.look().await?;
        Ok(opened)
    }

    /// The run of the pipeline's last load.
    pub fn last_run(&self) -> Option<&str> {
        self.run.as_deref()
    }

    /// The number of the pipeline's last load: 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Where its streams resume, by `<source>/<stream>`.
    pub fn cursors(&self) -> &BTreeMap<String, String> {
        &self.cursors
    }

    /// The database, for a person, without the password.
    pub fn place(&self) -> String {
        format!("{}, schema {}", self.address, self.schema.name())
    }

    /// Connects again after the line broke, and takes the lock again if nobody else had it meanwhile.
    async fn reconnect(&mut self) -> Result<(), PostgresError> {
        self.early = None;
        self.client = connect::connect(&self.address).await?.0;
        match &self.claim {
            Some(claim) => own::keep(&self.client, &self.pipeline, claim).await,
            None => Ok(()),
        }
    }
}

/// Where the database is, by the pipeline and the environment.
fn address(config: &Config) -> Result<Address, PostgresError> {
    let url = match &config.url {
        None => None,
        Some(from) => Some(secret::from_env(&from.env).ok_or_else(|| PostgresError::NoUrl { variable: from.env.clone() })?),
    };
    let environment = PgEnv { vars: secret::libpq_variables(), home: secret::home(), os_user: secret::user() };
    let address = Address::parse(url.as_ref().map_or("", |url| url.expose()), &environment)?;
    address.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(address)
}
