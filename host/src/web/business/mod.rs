//! What the data says: figures of the marts, charts, the tables themselves.
//!
//! - [`overview`] is the page of a pipeline with a star schema, made of [`kpis`] and [`charts`], narrowed by [`filters`].
//! - [`tables`] shows any table of a warehouse in pages, filtered and sorted by the warehouse.
//!
//! What always holds here: a page changes nothing and asks the warehouse by SELECTs only; what people type reaches it quoted, or not at all.

mod charts;
mod csv;
mod drawing;
mod figure;
mod filters;
mod kpis;
mod overview;
mod tables;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use maud::{Markup, html};

use self::{
    filters::{Choices, Filters},
    overview::{Overview, has_star, trouble},
};
use super::{App, PageContext, Problem, page, page_with_charts, view::in_url, warehouses::Trouble};
use crate::config::Loaded;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/overview/{pipeline}", get(show))
        .route("/overview/{pipeline}/{file}", get(download))
        .merge(tables::routes())
}

/// Opens the warehouses and asks for what the overviews show without filters, so that not even the first who looks has to wait.
pub(super) async fn warm(app: App) {
    for view in app.desk().pipelines() {
        let Ok(snapshot) = app.warehouses().of(&view.loaded).await else { continue };
        if !has_star(&snapshot) {
            continue;
        }
        if let Ok(choices) = overview::choices(&snapshot).await {
            let filters = Filters::default();
            let shown =
                Overview { loaded: &view.loaded, snapshot: &snapshot, choices: &choices, filters: &filters, messages: &[], pipelines: &[] };
            shown.body().await;
        }
    }
}

/// A pipeline that the daemon knows.
fn pipeline(app: &App, name: &str) -> Result<Arc<Loaded>, Problem> {
    let found = app.desk().pipeline(name).map(|view| view.loaded);
    found.ok_or_else(|| Problem::not_found(format!("There is no pipeline `{name}`.")).hint("The page Pipelines lists them."))
}

fn names(app: &App) -> Vec<String> {
    app.desk().pipelines().into_iter().map(|view| view.loaded.pipeline.name.clone()).collect()
}

/// A warehouse that does not answer is no fault of the page.
fn unavailable(failed: Trouble) -> Problem {
    let problem = Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, failed.what);
    match failed.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// The overview of the first pipeline that has one; without any, the pipelines.
async fn home(State(app): State<App>) -> Redirect {
    for view in app.desk().pipelines() {
        if let Ok(snapshot) = app.warehouses().of(&view.loaded).await
            && has_star(&snapshot)
        {
            return Redirect::to(&format!("/overview/{}", in_url(&view.loaded.pipeline.name)));
        }
    }
    Redirect::to("/pipelines")
}

async fn show(State(app): State<App>, ctx: PageContext, Path(name): Path<String>, RawQuery(query): RawQuery) -> Result<Markup, Problem> {
    let loaded = pipeline(&app, &name)?;
    let title = format!("Overview of {name}");
    let snapshot = match app.warehouses().of(&loaded).await {
        Ok(snapshot) => snapshot,
        Err(failed) => return Ok(page(&ctx, &title, without(&name, &trouble(&failed)))),
    };
    if !has_star(&snapshot) {
        return Ok(page(&ctx, &title, tables::instead(&loaded, &snapshot).await));
    }
    let (choices, unread) = match overview::choices(&snapshot).await {
        Ok(choices) => (choices, None),
        Err(failed) => (Choices::default(), Some(failed)),
    };
    if let Some(failed) = unread {
        return Ok(page(&ctx, &title, without(&name, &trouble(&failed))));
    }
    let (filters, messages) = Filters::parse(&query.unwrap_or_default(), &choices);
    let (snapshot, pipelines) = (&*snapshot, &*names(&app));
    let shown = Overview { loaded: &loaded, snapshot, choices: &choices, filters: &filters, messages: &messages, pipelines };
    Ok(page_with_charts(&ctx, &title, shown.body().await))
}

/// A page whose figures can't be had.
fn without(name: &str, why: &Markup) -> Markup {
    html! {
        div.head { div.title { h1 { "Overview of " (name) } } div.actions { a.button href={ "/pipelines/" (in_url(name)) } { "The pipeline" } } }
        (why)
    }
}

/// The rows behind a chart, or behind the cards, with the filters of the page.
async fn download(
    State(app): State<App>,
    Path((name, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let loaded = pipeline(&app, &name)?;
    let absent = || Problem::not_found(format!("The overview has nothing named `{file}`."));
    let id = file.strip_suffix(".csv").ok_or_else(absent)?;
    let snapshot = app.warehouses().of(&loaded).await.map_err(unavailable)?;
    if !has_star(&snapshot) {
        return Err(Problem::not_found(format!("`{name}` has no star schema, so there is no overview to download.")));
    }
    let choices = overview::choices(&snapshot).await.map_err(unavailable)?;
    let (filters, messages) = Filters::parse(&query.unwrap_or_default(), &choices);
    // A file can't carry the message that a page would show.
    if let Some(message) = messages.into_iter().next() {
        return Err(Problem::bad_request(message));
    }
    let question = match (id, charts::chart(id)) {
        ("kpis", _) => filters.period(&choices).filter(|period| period.from <= period.to).map(|period| kpis::question(&filters, &period)),
        (_, Some(chart)) => Some(chart.question(&filters, &choices, &snapshot, &loaded)),
        _ => return Err(absent()),
    };
    let needs = charts::chart(id).map_or(kpis::NEEDS, |chart| chart.needs);
    if let Some(missing) = needs.iter().find(|table| snapshot.table(table).is_none()) {
        return Err(Problem::not_found(format!("The warehouse has no table `{missing}`, which this is made of.")));
    }
    let mut text = String::new();
    if let Some(question) = question {
        let answer = snapshot.ask(&question).await.map_err(unavailable)?;
        csv::header(&mut text, answer.columns.iter().map(String::as_str));
        answer.rows.iter().for_each(|row| csv::line(&mut text, row));
    }
    Ok(csv::download(&format!("{name}-{id}"), text.into()).into_response())
}
