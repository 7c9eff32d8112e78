//! Why the desk could not do what it was asked.

use crate::state::tasks::TasksError;

/// Why the desk could not do what it was asked, in words fit to follow "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No served pipeline has this name.
    #[error("find the pipeline `{name}`")]
    UnknownPipeline {
        /// The name.
        name: String,
        /// The pipeline that was probably meant.
        near: Option<String>,
    },
    /// No run of this name goes on.
    #[error("find the run `{run}` among those that go on")]
    NotRunning {
        /// The run.
        run: String,
    },
    /// A backfill's span makes no sense.
    #[error("backfill `{pipeline}`: {what}")]
    Span {
        /// The pipeline.
        pipeline: String,
        /// What is wrong with the span.
        what: String,
    },
    /// The store of tasks failed.
    #[error(transparent)]
    Tasks(#[from] TasksError),
}

impl DeskError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownPipeline { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::UnknownPipeline { near: None, .. } => {
                Some("`tidegate serve` shows the pipelines of its folder when it starts".to_owned())
            }
            Self::NotRunning { .. } => Some("`tidegate tasks` shows what runs and what waits".to_owned()),
            Self::Span { .. } => Some("`--from` lies before `--to`, and `--window` is at least a second".to_owned()),
            Self::Tasks(error) => error.hint(),
        }
    }
}
