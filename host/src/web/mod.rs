//! The dashboard and the JSON API, in the daemon: pages made on the server, readable without a script, no file of another host.
//!
//! ```text
//! listener -> guard (host, login, role, origin, time) -> business | operations | api -> failure (errors as pages) -> headers
//! ```
//!
//! What always holds here:
//! - A handler never has to think of safety: [`guard`] stands before each, and a route can't be added around it ([`router`]).
//! - Nothing here blocks a thread that runs pipelines: files and SQLite are read on threads for that ([`blocking`]).
//! - No secret is on a page: what a pipeline says of credentials is their names (`tests/suite/web`).

pub mod api;
pub mod assets;
pub mod business;
pub mod operations;
pub mod page;
pub mod problem;
pub mod view;
pub mod warehouses;

mod door;
mod failure;
mod guard;
mod listener;
mod session;

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    middleware,
    response::IntoResponse,
    routing::get,
};
use tokio::{net::TcpListener, sync::watch};

pub use page::{PageContext, page, page_with_charts};
pub use problem::Problem;

use crate::{
    config::{Access, Web},
    schedule::Desk,
};
use guard::Guard;
use listener::{Entrance, Peer};
use operations::{Histories, Replays};
use warehouses::Warehouses;

/// What `/metrics` gives, in the text format of Prometheus.
pub type Scrape = Arc<dyn Fn() -> String + Send + Sync>;

/// What handlers share.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    desk: Desk,
    guard: Guard,
    scrape: Scrape,
    histories: Histories,
    replays: Replays,
    warehouses: Warehouses,
    /// Becomes true when the daemon stops: streams end then.
    stops: watch::Receiver<bool>,
}

impl App {
    /// Where pipelines and their runs are.
    pub fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// The pipelines' warehouses, opened once for all who look.
    pub fn warehouses(&self) -> &Warehouses {
        &self.0.warehouses
    }

    fn guard(&self) -> &Guard {
        &self.0.guard
    }

    fn histories(&self) -> &Histories {
        &self.0.histories
    }

    fn replays(&self) -> &Replays {
        &self.0.replays
    }

    /// Completes when the daemon stops.
    pub async fn stopped(&self) {
        // An error means that whoever would say it is gone, which is the same.
        let _ = self.0.stops.clone().wait_for(|stops| *stops).await;
    }
}

/// Serves the dashboard until `stop` completes; answers that have begun are finished.
///
/// `access` is what [`Web::access`] gave: whoever calls this has refused to start where the dashboard would be open to others.
pub async fn serve(
    desk: Desk,
    settings: &Web,
    access: Access,
    scrape: Scrape,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (tell, stops) = watch::channel(false);
    let app = App(Arc::new(Parts {
        desk,
        guard: Guard::new(settings, access),
        scrape,
        histories: Histories::default(),
        replays: Replays::default(),
        warehouses: Warehouses::default(),
        stops,
    }));
    tokio::spawn(business::warm(app.clone()));
    let service = router(app).into_make_service_with_connect_info::<Peer>();
    axum::serve(Entrance::new(listener), service)
        .with_graceful_shutdown(async move {
            stop.await;
            // Nobody follows a run any more where this fails.
            let _ = tell.send(true);
        })
        .await
}

/// All routes, with the guard around every one of them and around what is no route.
fn router(app: App) -> Router {
    Router::new()
        .merge(assets::routes())
        .merge(door::routes())
        .merge(business::routes())
        .merge(operations::routes())
        .merge(api::routes())
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(DefaultBodyLimit::max(guard::LARGEST_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

/// For supervisors: whether the daemon looks after its pipelines. Nothing of the pipelines is in it.
async fn health(State(app): State<App>) -> (StatusCode, &'static str) {
    if app.desk().is_healthy() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "it starts, or its store is out of reach\n")
    }
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, crate::observe::metrics::CONTENT_TYPE)], (app.0.scrape)())
}

/// Does what waits for a disk on a thread that may wait.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Problem::internal("Something broke while files were read.")))
}

#[cfg(test)]
mod tests;
