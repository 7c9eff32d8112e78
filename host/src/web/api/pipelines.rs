//! Pipelines and their tasks: look, run, pause, resume, backfill.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};

use super::{
    super::{
        App, PageContext, Problem,
        operations::{Span, span},
    },
    ApiError, Part, Sent,
    shapes::{Asked, Pipeline, Task},
};
use crate::schedule::{DeskError, TaskId};

/// The pipelines, by name.
#[utoipa::path(get, path = "/api/v1/pipelines", tag = "pipelines", responses(
    (status = 200, description = "All of them.", body = [Pipeline]),
    (status = "4XX", description = "The request is wrong.", body = ApiError),
))]
pub(super) async fn list(State(app): State<App>) -> Json<Vec<Pipeline>> {
    Json(app.desk().pipelines().into_iter().map(Pipeline::from).collect())
}

/// One pipeline.
#[utoipa::path(get, path = "/api/v1/pipelines/{pipeline}", tag = "pipelines", params(("pipeline" = String, Path, description = "Its name.")), responses(
    (status = 200, description = "How it stands.", body = Pipeline),
    (status = "4XX", description = "There is none, or the request is wrong.", body = ApiError),
))]
pub(super) async fn one(State(app): State<App>, Path(pipeline): Path<String>) -> Result<Json<Pipeline>, Problem> {
    found(&app, &pipeline).map(Json)
}

fn found(app: &App, name: &str) -> Result<Pipeline, Problem> {
    let near = || DeskError::UnknownPipeline { name: name.chars().take(64).collect(), near: None };
    app.desk().pipeline(name).map(Pipeline::from).ok_or_else(|| near().into())
}

/// Asks for a run now. A pipeline that is at work gets it when that has ended.
#[utoipa::path(post, path = "/api/v1/pipelines/{pipeline}/run", tag = "pipelines", params(("pipeline" = String, Path, description = "Its name.")), responses(
    (status = 202, description = "The task that will run it.", body = Asked),
    (status = "4XX", description = "There is none, or the request is refused.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn run_now(
    State(app): State<App>,
    ctx: PageContext,
    Path(pipeline): Path<String>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let task = app.desk().run_now(&pipeline, ctx.name()).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { id: task.to_string() })))
}

/// Stops its schedule. What runs goes on.
#[utoipa::path(post, path = "/api/v1/pipelines/{pipeline}/pause", tag = "pipelines", params(("pipeline" = String, Path, description = "Its name.")), responses(
    (status = 200, description = "How it stands now.", body = Pipeline),
    (status = "4XX", description = "There is none, or the request is refused.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn pause(State(app): State<App>, ctx: PageContext, Path(pipeline): Path<String>) -> Result<Json<Pipeline>, Problem> {
    app.desk().pause(&pipeline, ctx.name()).await?;
    found(&app, &pipeline).map(Json)
}

/// Starts its schedule again.
#[utoipa::path(post, path = "/api/v1/pipelines/{pipeline}/resume", tag = "pipelines", params(("pipeline" = String, Path, description = "Its name.")), responses(
    (status = 200, description = "How it stands now.", body = Pipeline),
    (status = "4XX", description = "There is none, or the request is refused.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn resume(State(app): State<App>, ctx: PageContext, Path(pipeline): Path<String>) -> Result<Json<Pipeline>, Problem> {
    app.desk().resume(&pipeline, ctx.name()).await?;
    found(&app, &pipeline).map(Json)
}

/// Asks for a run of each window of a span, oldest first.
#[utoipa::path(post, path = "/api/v1/pipelines/{pipeline}/backfill", tag = "pipelines", params(("pipeline" = String, Path, description = "Its name.")), request_body = Span, responses(
    (status = 202, description = "The backfill.", body = Asked),
    (status = "4XX", description = "There is none, or the span makes no sense.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn backfill(
    State(app): State<App>,
    ctx: PageContext,
    Path(pipeline): Path<String>,
    Sent(asked): Sent<Span>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let backfill = app.desk().backfill(&pipeline, span(&asked)?, ctx.name()).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { id: backfill.to_string() })))
}

/// Its tasks, newest first.
#[utoipa::path(get, path = "/api/v1/pipelines/{pipeline}/tasks", tag = "tasks", params(("pipeline" = String, Path, description = "Its name."), Part), responses(
    (status = 200, description = "The newest ones.", body = [Task]),
    (status = "4XX", description = "There is no such pipeline, or the request is wrong.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn tasks(
    State(app): State<App>,
    Path(pipeline): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Vec<Task>>, Problem> {
    let (limit, offset) = part.checked()?;
    let tasks = app.desk().tasks(&pipeline, limit.saturating_add(offset)).await?;
    Ok(Json(tasks.into_iter().skip(offset as usize).map(Task::from).collect()))
}

/// One task.
#[utoipa::path(get, path = "/api/v1/tasks/{task}", tag = "tasks", params(("task" = String, Path, description = "Its name.")), responses(
    (status = 200, description = "How it stands.", body = Task),
    (status = "4XX", description = "There is none, or the request is wrong.", body = ApiError),
    (status = 503, description = "The daemon's store can't be reached.", body = ApiError),
))]
pub(super) async fn task(State(app): State<App>, Path(task): Path<String>) -> Result<Json<Task>, Problem> {
    // Names of tasks are short, and no database takes a text with a zero in it.
    let fits = task.len() <= 64 && task.bytes().all(|byte| byte.is_ascii_graphic());
    let found = if fits { app.desk().task(&TaskId::kept(task)).await? } else { None };
    found.map(|task| Json(Task::from(task))).ok_or_else(|| Problem::not_found("There is no such task."))
}
