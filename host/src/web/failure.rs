//! Errors as answers: a page for people, for programs one documented shape. Whoever refused a request, it looks the same.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::html;

use super::{
    api::ApiError,
    page::{PageContext, page},
    problem::Problem,
};

/// What an extractor says of a request is a line.
const LONGEST_REASON: usize = 4096;

/// An answer as it is, or the error that it is as a page or as JSON.
pub(super) async fn shown(response: Response, ctx: &PageContext, path: &str) -> Response {
    let status = response.status();
    let plain = matches!(path, "/healthz" | "/metrics") && response.extensions().get::<Problem>().is_none();
    if plain || !(status.is_client_error() || status.is_server_error()) || is_shaped(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let problem = match parts.extensions.remove::<Problem>() {
        Some(problem) => problem,
        None => Problem::new(status, reason(status, body).await),
    };
    if status.is_server_error() {
        tracing::error!(%path, "{}", problem.what);
    }
    let mut response = if path.starts_with("/api/") || matches!(path, "/healthz" | "/metrics") {
        (status, axum::Json(ApiError::of(&problem))).into_response()
    } else {
        (status, as_page(ctx, &problem)).into_response()
    };
    for name in [header::WWW_AUTHENTICATE, header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = parts.headers.remove(&name) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Whether a handler made a document of its own of the error.
fn is_shaped(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.starts_with(b"text/html") || kind.starts_with(b"application/json")
}

async fn reason(status: StatusCode, body: Body) -> String {
    match status {
        StatusCode::NOT_FOUND => return "There is nothing at this address.".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => return "This address does not take such a request.".to_owned(),
        _ => {}
    }
    let bytes = to_bytes(body, LONGEST_REASON).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&bytes).trim().to_owned();
    let known = status.canonical_reason().unwrap_or("The request failed");
    if said.is_empty() { format!("{known}.") } else { said }
}

fn as_page(ctx: &PageContext, problem: &Problem) -> maud::Markup {
    let title = match problem.status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::UNAUTHORIZED => "Log in first",
        status if status.is_server_error() => "Something went wrong",
        _ => "That did not work",
    };
    page(
        ctx,
        title,
        html! {
            div.head { div.title { h1 { (title) } span.badge.quiet { (problem.status.as_u16()) } } }
            div.card {
                p { (problem.what) }
                @if let Some(hint) = &problem.hint { p.hint { (hint) } }
                @if ctx.who.is_some() { p { a href="/pipelines" { "To the pipelines" } } }
            }
        },
    )
}
