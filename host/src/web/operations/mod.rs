//! How the pipelines are doing: schedules, runs, sources, plugins.
//!
//! What always holds here: every number leads to the run that it is of; what a viewer may not do is not offered; a page of a pipeline whose
//! file is broken shows what is wrong and goes on with the last good one (`tests/suite/web`).

pub mod trend;

mod actions;
mod archive;
mod events;
mod history;
mod pipeline;
mod pipelines;
mod place;
mod plugins;
mod quality;
mod rejected;
mod replay;
mod run;
mod sources;
mod spark;
mod stages;

use axum::{
    Router,
    routing::{get, post},
};

use super::App;

pub(super) use actions::{Span, span};
pub(super) use history::Histories;
pub(super) use place::{Place, place, run_of};
pub(super) use replay::Replays;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/pipelines", get(pipelines::show))
        .route("/pipelines/{pipeline}", get(pipeline::show))
        .route("/pipelines/{pipeline}/run", post(actions::run_now))
        .route("/pipelines/{pipeline}/pause", post(actions::pause))
        .route("/pipelines/{pipeline}/resume", post(actions::resume))
        .route("/pipelines/{pipeline}/backfill", post(actions::backfill))
        .route("/runs/{pipeline}/{run}", get(run::show))
        .route("/runs/{pipeline}/{run}/events", get(events::follow))
        .route("/runs/{pipeline}/{run}/cancel", post(actions::cancel))
        .route("/runs/{pipeline}/{run}/rejected", get(rejected::show))
        .route("/runs/{pipeline}/{run}/pages", get(archive::list))
        .route("/runs/{pipeline}/{run}/pages/{source}/{page}", get(archive::show))
        .route("/runs/{pipeline}/{run}/replay", get(replay::show).post(replay::start))
        .route("/plugins", get(plugins::show))
        .route("/sources", get(sources::show))
}
