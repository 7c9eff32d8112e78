//! Why a run can't be replayed.

use std::path::PathBuf;

use super::super::{RecordError, RunError};
use crate::{
    egress::archive::ManifestError,
    error,
    warehouse::{FoldError, QueryError},
};

/// Why a run can't be replayed, or tables not be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Its record can't be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The manifest of a source can't be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The command line names a plugin that the run did not use.
    #[error("the run used no plugin `{name}`")]
    UnknownPlugin {
        /// The name.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// The plugins that it used.
        known: Vec<String>,
    },
    /// A component is gone.
    #[error("there is no component `{}` for the plugin `{name}`", path.display())]
    NoComponent {
        /// The plugin.
        name: String,
        /// Where it should lie.
        path: PathBuf,
    },
    /// The replay asked for something that the run did not.
    #[error("run {run} did not ask source `{source_name}` for {asked}, so its archive has no answer")]
    NotRecorded {
        /// The run.
        run: String,
        /// The source.
        source_name: String,
        /// What was asked for.
        asked: String,
        /// What the plugin made of it.
        #[source]
        source: Box<RunError>,
    },
    /// Rows can't be compared.
    #[error(transparent)]
    Rows(#[from] QueryError),
    /// The rows of a table can't be computed.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The run is itself a replay.
    #[error("run {0} was a replay that rebuilt the tables; it took nothing from a source")]
    IsReplay(String),
    /// The tables can't be made again from the runs that were named.
    #[error("the tables can't be rebuilt: {reason}")]
    NoRebuild {
        /// Why.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The gate holds one of the runs as they would be now.
    #[error("the gate holds run {run} as it would be now, so nothing was loaded: {reasons}")]
    Held {
        /// The run.
        run: String,
        /// Its reasons.
        reasons: String,
    },
    /// One of the runs fails as it would be now.
    #[error("run {run} can't be replayed, so nothing was loaded")]
    Failed {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: Box<RunError>,
    },
}

impl ReplayError {
    /// The exit code for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownPlugin { .. } | Self::NoRebuild { .. } | Self::IsReplay(_) => error::USAGE,
            Self::NoComponent { .. } => error::PLUGIN,
            Self::Held { .. } => error::HELD,
            Self::Failed { source, .. } => source.exit_code(),
            Self::NotRecorded { .. } => error::SOURCE,
            Self::Fold(_) => error::WAREHOUSE,
            Self::Record(_) | Self::Manifest(_) | Self::Rows(_) => error::FAILED,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Record(RecordError::Absent { .. }) => {
                Some("`tidegate runs` lists runs; those of a tidegate that kept no records, and pruned ones, can't be replayed".to_owned())
            }
            Self::UnknownPlugin { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::UnknownPlugin { known, .. } => Some(format!("it used {}", known.join(", "))),
            Self::NotRecorded { .. } => Some(
                "a run that ended early recorded only what it came to, and a source plugin that asks otherwise than the recorded one needs \
                 a new run: `tidegate run`"
                    .to_owned(),
            ),
            Self::NoRebuild { hint, .. } => hint.clone(),
            Self::Failed { source, .. } => source.hint(),
            Self::Rows(error) | Self::Fold(FoldError::Query(error)) => error.hint(),
            Self::Fold(FoldError::Key(error)) => Some(error.hint()),
            _ => None,
        }
    }
}
