//! From the names in an address to a pipeline with its history, and to a run.

use std::sync::Arc;

use chrono_tz::Tz;

use super::super::{App, Problem, blocking};
use crate::{
    config::{StorageLayout, near_miss},
    flow::Report,
    schedule::PipelineView,
    state::{Run, RunId, State, StateError},
};

/// A pipeline with what it keeps.
#[derive(Clone)]
pub struct Place {
    /// The pipeline as the daemon has it.
    pub view: PipelineView,
    /// Where its files are.
    pub storage: StorageLayout,
    /// Its runs; none where nothing has run yet.
    pub state: Option<Arc<State>>,
}

impl Place {
    /// The zone of the pipeline's calendar.
    pub fn zone(&self) -> Tz {
        zone(&self.view)
    }

    /// Reads the history on a thread that may wait; `none` where nothing has run yet.
    pub async fn read<T: Send + 'static>(
        &self,
        none: T,
        work: impl FnOnce(&State, &str) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, Problem> {
        let Some(state) = self.state.clone() else {
            return Ok(none);
        };
        let name = self.view.name.clone();
        blocking(move || Ok(work(&state, &name)?)).await
    }
}

/// The zone of a pipeline's calendar; UTC where it says none.
pub fn zone(view: &PipelineView) -> Tz {
    let schedule = view.loaded.pipeline.schedule.as_ref();
    schedule.and_then(|schedule| schedule.timezone.as_deref()).and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC)
}

/// The pipeline of this name.
pub async fn place(app: &App, name: &str) -> Result<Place, Problem> {
    let Some(view) = app.desk().pipeline(name) else {
        let views = app.desk().pipelines();
        let problem = Problem::not_found(format!("No pipeline `{}` is served here.", short(name)));
        return Err(match near_miss(name, views.iter().map(|view| view.name.as_str())) {
            Some(near) => problem.hint(format!("Did you mean `{near}`?")),
            None => problem.hint("The page of pipelines lists those that are."),
        });
    };
    of(app, view).await
}

/// A pipeline with its history.
pub async fn of(app: &App, view: PipelineView) -> Result<Place, Problem> {
    let storage = view.loaded.storage();
    let (app, file) = (app.clone(), storage.state_db());
    let state = blocking(move || Ok(app.histories().open(&file)?)).await?;
    Ok(Place { view, storage, state })
}

/// A run of a pipeline, with its report where it came to one.
pub async fn run_of(app: &App, pipeline: &str, run: &str) -> Result<(Place, Run, Option<Report>), Problem> {
    let place = place(app, pipeline).await?;
    let id = id(run)?;
    let missing = StateError::NoRun(id.clone());
    let Some(mut run) = place.read(None, move |state, _| state.run(&id).map(Some)).await? else {
        return Err(missing.into());
    };
    if run.pipeline != place.view.name {
        return Err(missing.into());
    }
    let report = run.report.take().and_then(|report| serde_json::from_value(report).ok());
    Ok((place, run, report))
}

/// A run's name in an address.
pub fn id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("`{}` is no run: one looks like `20181017T173018000Z-5f3a91`.", short(text))))
}

/// A text of the one who asks, as much of it as fits a sentence.
pub fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
