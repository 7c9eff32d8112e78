//! What a run that failed or was stopped leaves in its history, in place of a report.

use serde::{Deserialize, Serialize};

use super::{
    Course, RunError,
    report::{EgressReport, Step},
};
use crate::{
    config::ConfigError,
    error,
    state::{Run, RunId},
};

/// What is kept of a run that failed or was stopped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The error and its causes, each said once. Nothing where a person stopped the run.
    pub why: Vec<String>,
    /// What to do about it, where that can be said.
    #[serde(default)]
    pub hint: Option<String>,
    /// Where it is about a line of the pipeline file: the error as it points there.
    #[serde(default)]
    pub shown: Option<String>,
    /// The steps that were done.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The step in which it ended, where it had come to one.
    #[serde(default)]
    pub broke: Option<Step>,
    /// How the requests of each source went.
    #[serde(default)]
    pub egress: Vec<EgressReport>,
}

impl Failure {
    /// What `error` leaves, after this course.
    pub(super) fn of(error: &RunError, course: &Course) -> Self {
        let course = Self { steps: course.steps(), broke: course.going(), egress: course.egress(), ..Self::default() };
        if matches!(error, RunError::Stopped) {
            return course;
        }
        let shown = match error {
            RunError::Config(problem @ ConfigError::Wrong(_)) => Some(problem.rendered()),
            _ => None,
        };
        Self { why: error::causes(error), hint: error.hint(), shown, ..course }
    }

    /// What the history has of a run; none of one that ended with a report, that died, or that another version wrote.
    pub fn kept(run: &Run) -> Option<Self> {
        run.failure.as_ref().and_then(|failure| Self::deserialize(failure).ok())
    }

    /// The text for a person: the error with its causes and what to do, line by line. None where a person stopped the run.
    pub fn text(&self) -> Option<String> {
        if let Some(shown) = &self.shown {
            return Some(shown.clone());
        }
        let (error, causes) = self.why.split_first()?;
        let causes = causes.iter().map(|cause| format!("caused by: {cause}"));
        let hint = self.hint.iter().map(|hint| format!("hint: {hint}"));
        Some(std::iter::once(format!("error: {error}")).chain(causes).chain(hint).collect::<Vec<_>>().join("\n"))
    }
}

/// A run that gave nothing, for those who watch.
#[derive(Clone, Copy)]
pub struct FailedRun<'r> {
    /// The run.
    pub run: &'r RunId,
    /// When it started.
    pub started: chrono::DateTime<chrono::Utc>,
    /// Why it failed, or that it was stopped.
    pub error: &'r RunError,
    /// What it had done until then.
    pub course: &'r Course,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> RunError {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        RunError::Grant { source_name: "files".into(), name: "data".into(), path: "in".into(), source }
    }

    #[test]
    fn the_text_is_that_of_the_command_that_failed() {
        let failure = Failure::of(&grant(), &Course::default());
        let again: Failure = serde_json::from_value(serde_json::to_value(&failure).unwrap()).unwrap();
        assert_eq!(again, failure);
        let lines = again.text().unwrap();
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines[0], "error: can't open the directory `in` that source `files` is granted as `data`");
        assert_eq!(lines[1], "caused by: no such file");
        assert!(lines[2].starts_with("hint: make the directory"), "{lines:?}");
    }

    #[test]
    fn a_run_that_a_person_stopped_has_nothing_to_explain() {
        let course = Course::default();
        course.enter("load");
        let failure = Failure::of(&RunError::Stopped, &course);
        assert_eq!((failure.text(), failure.broke.map(|step| step.step)), (None, Some("load".to_owned())));
    }
}
