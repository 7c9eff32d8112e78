//! The pipeline file: its types, how it is read, and what is said when it is wrong.
//!
//! - A [`Loaded`] pipeline holds together: every name it mentions exists, every number is in range (`tests/`).
//! - An error points at the line and the word, and suggests the near miss (`tests/`).
//! - Environment variables are read in [`paths`], [`secret`] and [`observe`] and nowhere else.
//! - A secret is never in a file, and has no `Display` ([`Secret`])

mod alerts;
mod diagnose;
mod every;
mod load;
pub mod observe;
pub mod paths;
mod pipeline;
mod schedule;
mod schema;
pub mod secret;
mod serve;
mod span;
mod sql;
mod storage;
pub mod template;
#[cfg(test)]
mod tests;
mod validate;
mod web;

pub use alerts::{Alert, AlertKind, NewsKind};
pub use diagnose::{ConfigError, Part, Problem, near_miss};
pub use every::{Every, NotEvery};
pub use load::{Loaded, load, restore};
pub use observe::{LogFormat, Observe};
pub use pipeline::{
    Check, Clock, Contract, Engine, FromEnv, Gate, Grants, LoadPath, Mart, Mode, Pipeline, Source, Step, Storage, Stream, Table, Warehouse,
    WarehouseKind,
};
pub use schedule::{Missed, Overlap, Schedule, cron, zone};
pub use schema::pipeline_schema;
pub use secret::{Secret, SecretError};
pub use serve::{RunLimits, SERVE_FILE, Serve, StateStore, access, pipeline_files, serve};
pub use span::{Place, pointer_path, span_of};
pub use sql::bind;
pub use storage::StorageLayout;
pub use tidegate_sandbox::config::{
    Credential, CredentialKind, HostPattern, HttpGrant, HttpMethod, Limits, Patience, SecretFrom, UrlPattern, UrlPatternError,
};
pub use web::{Access, Person, Program, Role, Token, User, Web, WebError};
