//! The OpenAPI document, made from the handlers' own descriptions.

use axum::{Json, extract::State};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{super::App, ApiError, pipelines, runs};

#[derive(OpenApi)]
#[openapi(
    info(title = "tidegate", description = "What the daemon knows and does, for programs. Every error has the shape `ApiError`.", license(name = "MIT", identifier = "MIT")),
    paths(
        pipelines::list,
        pipelines::one,
        pipelines::run_now,
        pipelines::pause,
        pipelines::resume,
        pipelines::backfill,
        pipelines::tasks,
        pipelines::task,
        runs::list,
        runs::one,
        runs::logs,
        runs::measures,
        runs::cancel,
    ),
    components(schemas(ApiError)),
    tags(
        (name = "pipelines", description = "Look, run, pause, resume, backfill."),
        (name = "runs", description = "The history, and what a run has to say."),
        (name = "tasks", description = "What the daemon has to do."),
    ),
)]
struct Document;

/// Says how a program shows who it is, where it has to.
struct WithToken;

impl Modify for WithToken {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

/// The document; with a token only where one is needed.
fn document(open: bool) -> openapi::OpenApi {
    let mut document = Document::openapi();
    if !open {
        WithToken.modify(&mut document);
    }
    document
}

pub(super) async fn show(State(app): State<App>) -> Json<openapi::OpenApi> {
    Json(document(app.guard().sessions.is_open()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_every_route_and_says_when_a_token_is_needed() {
        let open = serde_json::to_value(document(true)).unwrap();
        let paths = open["paths"].as_object().unwrap();
        assert_eq!(paths.len(), 13);
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key("4XX"), "{method} {path} does not document its errors");
                assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{method} {path}");
            }
        }
        assert!(open.get("security").is_none());
        assert_eq!(serde_json::to_value(document(false)).unwrap()["security"][0]["token"], serde_json::json!([]));
    }
}
