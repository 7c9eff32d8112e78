//! What the data says: figures of the marts, charts, the tables themselves.

use axum::Router;

use super::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
}
