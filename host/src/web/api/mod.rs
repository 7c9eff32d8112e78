//! The JSON API for programs, with its OpenAPI document at `/api/openapi.json`.
//!
//! What always holds here (`tests/suite/web/api.rs`):
//! - The document describes what is served: schemathesis sends thousands of requests made from it, and finds no answer that it does not
//!   describe, and no 500.
//! - Every error is an [`ApiError`], whoever refused the request.
//! - A path names a version; within it nothing goes away and nothing changes its meaning.

mod document;
mod pipelines;
mod runs;
mod shapes;

use axum::{
    Json, Router,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::{App, Problem};

/// Why a request failed: every error of the API has this shape.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiError {
    /// The HTTP status again.
    #[schema(example = 404)]
    pub status: u16,
    /// What is wrong, as a sentence.
    #[schema(example = "No pipeline `shap` is served here.")]
    pub error: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Did you mean `shop`?")]
    pub hint: Option<String>,
}

impl ApiError {
    pub(super) fn of(problem: &Problem) -> Self {
        Self { status: problem.status.as_u16(), error: problem.what.clone(), hint: problem.hint.clone() }
    }
}

/// The routes; [`document`] names each.
pub(super) fn routes() -> Router<App> {
    let of_pipeline = Router::new()
        .route("/", get(pipelines::one))
        .route("/run", post(pipelines::run_now))
        .route("/pause", post(pipelines::pause))
        .route("/resume", post(pipelines::resume))
        .route("/backfill", post(pipelines::backfill))
        .route("/tasks", get(pipelines::tasks))
        .route("/runs", get(runs::list))
        .route("/runs/{run}", get(runs::one))
        .route("/runs/{run}/logs", get(runs::logs))
        .route("/runs/{run}/measures", get(runs::measures))
        .route("/runs/{run}/cancel", post(runs::cancel));
    Router::new()
        .route("/api/openapi.json", get(document::show))
        .route("/api/v1/pipelines", get(pipelines::list))
        .nest("/api/v1/pipelines/{pipeline}", of_pipeline)
        .route("/api/v1/tasks/{task}", get(pipelines::task))
}

/// A body that has to be JSON of this type; a body that is not says where it goes wrong.
struct Sent<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        // A form of another page can't be sent as JSON without asking first.
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has to be JSON.");
            return Err(problem.hint("Send `content-type: application/json`.").into_response());
        }
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text()).into_response()),
        }
    }
}

/// How much of a list is wanted.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// How many at most: 1 to 500, 50 by default.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// How many are passed over.
    #[param(minimum = 0, maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl Part {
    /// Both numbers, if they are in their ranges.
    fn checked(&self) -> Result<(u32, u32), Problem> {
        let (limit, offset) = (self.limit.unwrap_or(50), self.offset.unwrap_or(0));
        match (limit, offset) {
            (1..=500, 0..=1_000_000) => Ok((limit, offset)),
            (1..=500, _) => Err(Problem::bad_request("`offset` has to be 0 to 1,000,000.")),
            _ => Err(Problem::bad_request("`limit` has to be 1 to 500.")),
        }
    }
}
