//! How the pipelines are doing: schedules, runs, sources, plugins.

use axum::Router;

use super::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
}
