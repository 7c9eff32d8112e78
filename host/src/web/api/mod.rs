//! The JSON API for programs, with its OpenAPI document.

use axum::Router;
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, Problem};

/// Why a request failed: every error of the API has this shape.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiError {
    /// The HTTP status again.
    pub status: u16,
    /// What is wrong, as a sentence.
    pub error: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    pub(super) fn of(problem: &Problem) -> Self {
        Self { status: problem.status.as_u16(), error: problem.what.clone(), hint: problem.hint.clone() }
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new()
}
