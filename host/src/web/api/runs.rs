//! Runs: the history, one run with its report, its log, its measures; and stopping one.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};

use super::{
    super::{
        App, PageContext, Problem,
        operations::{place, run_of},
    },
    ApiError, Part,
    shapes::{Asked, LogLine, Measure, Run, WholeRun},
};

/// Its runs, newest first.
#[utoipa::path(get, path = "/api/v1/pipelines/{pipeline}/runs", tag = "runs", params(("pipeline" = String, Path, description = "The pipeline's name."), Part), responses(
    (status = 200, description = "That part of the history.", body = [Run]),
    (status = "4XX", description = "There is no such pipeline, or the request is wrong.", body = ApiError),
))]
pub(super) async fn list(
    State(app): State<App>,
    Path(pipeline): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Vec<Run>>, Problem> {
    let (limit, offset) = part.checked()?;
    let place = place(&app, &pipeline).await?;
    let runs = place.read(Vec::new(), move |state, name| state.history(name, offset.into(), limit)).await?;
    Ok(Json(runs.into_iter().map(Run::from).collect()))
}

/// One run with its report.
#[utoipa::path(get, path = "/api/v1/pipelines/{pipeline}/runs/{run}", tag = "runs", params(
    ("pipeline" = String, Path, description = "The pipeline's name."), ("run" = String, Path, description = "The run.", example = "20181017T173018000Z-5f3a91"),
), responses(
    (status = 200, description = "The run.", body = WholeRun),
    (status = "4XX", description = "There is none, or the request is wrong.", body = ApiError),
))]
pub(super) async fn one(State(app): State<App>, Path((pipeline, run)): Path<(String, String)>) -> Result<Json<WholeRun>, Problem> {
    let (_, run, report) = run_of(&app, &pipeline, &run).await?;
    let report = report.and_then(|report| serde_json::to_value(report).ok());
    let failure = run.failure.clone();
    Ok(Json(WholeRun { run: run.into(), report, failure }))
}

/// What a run said, oldest first.
#[utoipa::path(get, path = "/api/v1/pipelines/{pipeline}/runs/{run}/logs", tag = "runs", params(
    ("pipeline" = String, Path, description = "The pipeline's name."), ("run" = String, Path, description = "The run."), Part,
), responses(
    (status = 200, description = "That part of its log.", body = [LogLine]),
    (status = "4XX", description = "There is none, or the request is wrong.", body = ApiError),
))]
pub(super) async fn logs(
    State(app): State<App>,
    Path((pipeline, run)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Result<Json<Vec<LogLine>>, Problem> {
    let (limit, offset) = part.checked()?;
    let (place, run, _) = run_of(&app, &pipeline, &run).await?;
    let lines = place.read(Vec::new(), move |state, _| state.logs(&run.id)).await?;
    Ok(Json(lines.into_iter().skip(offset as usize).take(limit as usize).map(LogLine::from).collect()))
}

/// What the rules of a run counted.
#[utoipa::path(get, path = "/api/v1/pipelines/{pipeline}/runs/{run}/measures", tag = "runs", params(
    ("pipeline" = String, Path, description = "The pipeline's name."), ("run" = String, Path, description = "The run."),
), responses(
    (status = 200, description = "All of them.", body = [Measure]),
    (status = "4XX", description = "There is none, or the request is wrong.", body = ApiError),
))]
pub(super) async fn measures(State(app): State<App>, Path((pipeline, run)): Path<(String, String)>) -> Result<Json<Vec<Measure>>, Problem> {
    let (place, run, _) = run_of(&app, &pipeline, &run).await?;
    let measures = place.read(Vec::new(), move |state, _| state.measures(&run.id)).await?;
    Ok(Json(measures.into_iter().map(Measure::from).collect()))
}

/// Stops a run that goes on. Nothing half-done is visible.
#[utoipa::path(post, path = "/api/v1/pipelines/{pipeline}/runs/{run}/cancel", tag = "runs", params(
    ("pipeline" = String, Path, description = "The pipeline's name."), ("run" = String, Path, description = "The run."),
), responses(
    (status = 202, description = "It is being stopped.", body = Asked),
    (status = "4XX", description = "There is none, it has ended, or the request is refused.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn cancel(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, run)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let (_, run, _) = run_of(&app, &pipeline, &run).await?;
    app.desk().cancel(&run.id, ctx.name()).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { id: run.id.to_string() })))
}
