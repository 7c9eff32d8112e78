//! The tables themselves: any table or mart of a warehouse in pages, filtered, sorted and counted by the warehouse.
//!
//! What always holds here: of a table of any size one page of rows is read, and a download passes through batch by batch. What a page shows is
//! in its URL. (`tests/suite/web/business`)

mod asked;
mod sql;
mod table;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use datafusion::execution::SendableRecordBatchStream;
use futures::{StreamExt, future::join_all};
use maud::{Markup, html};
use tokio::sync::OwnedSemaphorePermit;

use self::asked::{Asked, Table};
use super::{
    csv, figure, names,
    overview::{has_star, run_url, trouble},
    pipeline, unavailable,
};
use crate::{
    config::Loaded,
    web::{
        App, PageContext, Problem, page,
        view::{crumbs, empty, in_url, table as scrolling},
        warehouses::{Cell, Question, Snapshot, Trouble, cells},
    },
};

/// The rows of a download at most.
const MOST_ROWS: u64 = 1_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/data", get(all)).route("/data/{pipeline}", get(list)).route("/data/{pipeline}/{table}", get(show))
}

/// The pipelines whose tables there are to see; of a single one right away.
async fn all(State(app): State<App>, ctx: PageContext) -> Response {
    let names = names(&app);
    if let [only] = names.as_slice() {
        return Redirect::to(&format!("/data/{}", in_url(only))).into_response();
    }
    let body = html! {
        div.head { div.title { h1 { "Data" } p.lead { "Choose a pipeline to see the tables and marts that it loads." } } }
        @if names.is_empty() { (empty("There are no pipelines.", "Put one into the folder that this daemon serves.")) }
        @else { ul.card { @for name in &names { li { a href={ "/data/" (in_url(name)) } { (name) } } } } }
    };
    page(&ctx, "Data", body).into_response()
}

async fn list(State(app): State<App>, ctx: PageContext, Path(name): Path<String>) -> Result<Markup, Problem> {
    let loaded = pipeline(&app, &name)?;
    let title = format!("Data of {name}");
    let head = |more: Markup| {
        html! {
            (crumbs(&[("/data", "Data")]))
            div.head { div.title { h1 { (title) } } div.actions { (more) } }
        }
    };
    let snapshot = match app.warehouses().of(&loaded).await {
        Ok(snapshot) => snapshot,
        Err(failed) => return Ok(page(&ctx, &title, html! { (head(html! {})) (trouble(&failed)) })),
    };
    let to_overview = html! { @if has_star(&snapshot) { a.button href={ "/overview/" (in_url(&name)) } { "Overview" } } };
    Ok(page(&ctx, &title, html! { (head(to_overview)) (last_load(&loaded, &snapshot)) (tables(&loaded, &snapshot).await) }))
}

/// What stands in place of the overview where there is no star schema.
pub(super) async fn instead(loaded: &Loaded, snapshot: &Snapshot) -> Markup {
    let name = &loaded.pipeline.name;
    html! {
        div.head {
            div.title { h1 { "Overview of " (name) } }
            div.actions { a.button href={ "/pipelines/" (in_url(name)) } { "The pipeline" } }
        }
        div.note {
            div {
                p { "Figures and charts need the star schema with " code { "fact_orders" } ", which this pipeline does not load." }
                p { "The statements in sql/star and sql/marts make it, and examples/olist shows how. Here is what the pipeline loads:" }
            }
        }
        (last_load(loaded, snapshot))
        (tables(loaded, snapshot).await)
    }
}

fn last_load(loaded: &Loaded, snapshot: &Snapshot) -> Markup {
    html! {
        p.hint {
            @match (&snapshot.standing().run, run_url(&loaded.pipeline.name, snapshot)) {
                (Some(run), Some(url)) => { "Last load: number " (snapshot.standing().sequence) ", by run " a href=(url) { (run) } "." },
                _ => "This pipeline has loaded nothing here yet.",
            }
        }
    }
}

/// What a table is to the pipeline.
fn role(loaded: &Loaded, table: &str) -> &'static str {
    match table {
        _ if loaded.pipeline.tables.contains_key(table) => "table",
        _ if loaded.pipeline.marts.contains_key(table) => "mart",
        crate::warehouse::AUDIT => "what was loaded when",
        _ => "other",
    }
}

async fn tables(loaded: &Loaded, snapshot: &Snapshot) -> Markup {
    let counted = snapshot.tables().iter().map(|info| async move {
        let sql = format!("select count(*) as rows from {}", sql::Name(&info.name));
        (info, snapshot.ask(&Question::Tables(sql)).await)
    });
    let counted = join_all(counted).await;
    if counted.is_empty() {
        return empty("There are no tables yet.", "A run of the pipeline makes them.");
    }
    let url = |table: &str| format!("/data/{}/{}", in_url(&loaded.pipeline.name), in_url(table));
    let rows = html! {
        table {
            thead { tr { th scope="col" { "Table" } th scope="col" { "What it is" } th.n scope="col" { "Rows" } th.n scope="col" { "Columns" } } }
            tbody {
                @for (info, rows) in &counted {
                    tr {
                        th scope="row" { a href=(url(&info.name)) { (info.name) } }
                        td { (role(loaded, &info.name)) }
                        td.n {
                            @match rows {
                                Ok(answer) => (figure::count(answer.cell(0, "rows").whole())),
                                Err(failed) => span title=(failed.what) { "not known" },
                            }
                        }
                        td.n { (info.columns.len()) }
                    }
                }
            }
        }
    };
    scrolling("Tables and marts", &rows)
}

async fn show(
    State(app): State<App>,
    ctx: PageContext,
    Path((name, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let loaded = pipeline(&app, &name)?;
    let snapshot = app.warehouses().of(&loaded).await.map_err(unavailable)?;
    let query = query.unwrap_or_default();
    let (wanted, as_csv) = match (snapshot.table(&file), file.strip_suffix(".csv")) {
        (None, Some(table)) => (table, true),
        _ => (file.as_str(), false),
    };
    let info = snapshot.table(wanted).ok_or_else(|| {
        let near = crate::config::near_miss(wanted, snapshot.tables().iter().map(|table| table.name.as_str()));
        let hint = near.map_or_else(|| "The page Data lists the tables.".to_owned(), |near| format!("Did you mean `{near}`?"));
        Problem::not_found(format!("The warehouse of `{name}` has no table `{wanted}`.")).hint(hint)
    })?;
    let table = Table { info, key: loaded.pipeline.tables.get(wanted).map_or(&[], |table| table.key.as_slice()) };
    let (asked, messages) = Asked::parse(&query, &table);
    if as_csv {
        if let Some(message) = messages.into_iter().next() {
            return Err(Problem::bad_request(message));
        }
        let Some(turn) = app.warehouses().download().await else {
            let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Other downloads are going on.");
            return Err(busy.hint("Try again when one has ended."));
        };
        let rows = snapshot.stream(&Question::Tables(asked.all(&table, MOST_ROWS))).await.map_err(unavailable)?;
        return Ok(csv::download(&format!("{name}-{wanted}"), rows_as_csv(rows, turn)));
    }
    let body = match found(&snapshot, &table, &asked).await {
        Ok((total, rows)) => {
            let shown = table::Shown { pipeline: &name, table, asked: &asked, messages: &messages, total, rows: &rows, most: MOST_ROWS };
            shown.body(run_url(&name, &snapshot).as_deref())
        }
        Err(failed) => html! {
            (crumbs(&[("/data", "Data"), (&format!("/data/{}", in_url(&name)), &name)]))
            div.head { div.title { h1 { (wanted) } } div.actions { a.button href={ "/data/" (in_url(&name)) "/" (in_url(wanted)) } { "Show all" } } }
            (trouble(&failed))
        },
    };
    Ok(page(&ctx, &format!("{wanted} of {name}"), body).into_response())
}

/// How many rows there are with these filters, and those of the page.
async fn found(snapshot: &Snapshot, table: &Table<'_>, asked: &Asked) -> Result<(u64, Vec<Vec<Cell>>), Trouble> {
    let total = snapshot.ask(&Question::Tables(asked.count(table))).await?;
    let total = u64::try_from(total.cell(0, "rows").whole()).unwrap_or(0);
    if total == 0 {
        return Ok((0, Vec::new()));
    }
    let answer = snapshot.ask(&Question::Tables(asked.page(table, total))).await?;
    let mut rows = answer.rows.clone();
    if asked.is_backward() {
        rows.reverse();
    }
    Ok((total, rows))
}

/// Rows as the body of a download, batch by batch. Where the warehouse fails in the middle, the transfer ends without its end, which clients
/// report.
fn rows_as_csv(rows: SendableRecordBatchStream, turn: OwnedSemaphorePermit) -> Body {
    let mut header = String::new();
    csv::header(&mut header, rows.schema().fields().iter().map(|field| field.name().as_str()));
    let batches = rows.map(move |batch| {
        // Held until the last batch was taken, or nobody takes any more.
        let _turn = &turn;
        let rows = batch.and_then(|batch| cells(&batch).map_err(Into::into))?;
        let mut text = String::new();
        rows.iter().for_each(|row| csv::line(&mut text, row));
        Ok::<_, datafusion::common::DataFusionError>(Bytes::from(text))
    });
    Body::from_stream(futures::stream::once(async move { Ok(Bytes::from(header)) }).chain(batches))
}
