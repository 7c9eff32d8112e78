//! The rows that a run rejected, with the reason of each.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        App, PageContext, Problem, blocking,
        page::page,
        view::{crumbs, empty, in_url, pager, table},
    },
    place::run_of,
    spark::run_url,
};
use crate::{
    flow::Report,
    quarantine::{Kept, Wanted, read},
};

const ON_A_PAGE: usize = 50;
/// More of a row than this does not fit a page; `tidegate quarantine --export` has it all.
const LONGEST_ROW: usize = 4000;

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    stream: String,
    #[serde(default)]
    rule: String,
    page: Option<u32>,
}

pub(super) async fn show(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, id)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Markup, Problem> {
    let (place, run, report) = run_of(&app, &pipeline, &id).await?;
    let number = which.page.unwrap_or(1).clamp(1, 100_000) as usize;
    let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let wanted = Wanted { stream: named(&which.stream), rule: named(&which.rule), skip: (number - 1) * ON_A_PAGE, take: ON_A_PAGE };
    let folder = place.storage.quarantine().join(run.id.as_str());
    let read = move || read(&folder, &wanted).map_err(|error| Problem::internal(format!("The rejected rows can't be read: {error}.")));
    let (rows, more) = blocking(read).await?;
    let url = run_url(&place.view.name, &run.id);
    let to = |page: u64| format!("{url}/rejected?stream={}&rule={}&page={page}", in_url(&which.stream), in_url(&which.rule));
    let above = format!("/pipelines/{}", in_url(&place.view.name));
    let body = html! {
        (crumbs(&[("/pipelines", "Pipelines"), (&above, &place.view.name), (&url, run.id.as_str())]))
        div.head { div.title { h1 { "Quarantined rows" } } }
        @if let Some(report) = &report { (filters(report, &which, &format!("{url}/rejected"))) }
        @if rows.is_empty() { (empty("No such row", "This run rejected no row that fits.")) } @else {
            (table("Quarantined rows", &cells(&rows)))
            (pager(number as u64, more, to))
        }
    };
    Ok(page(&ctx, "Quarantined rows", body))
}

fn filters(report: &Report, which: &Which, action: &str) -> Markup {
    let streams: Vec<_> = report.streams.iter().filter(|stream| stream.quarantined > 0).map(|stream| stream.stream.as_str()).collect();
    let mut rules: Vec<_> = report.streams.iter().flat_map(|stream| &stream.reasons).map(|reason| reason.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    html! {
        form.filters method="get" action=(action) data-at-once {
            (choice("stream", "Stream", &streams, &which.stream))
            (choice("rule", "Rule", &rules, &which.rule))
            button { "Apply" }
        }
    }
}

fn choice(name: &str, label: &str, options: &[&str], chosen: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select #(name) name=(name) {
                option value="" { "All" }
                @for option in options { option value=(option) selected[*option == chosen] { (option) } }
            }
        }
    }
}

fn cells(rows: &[Kept]) -> Markup {
    html! {
        table {
            caption { "As they came, with the rule that rejected each." }
            thead {
                tr {
                    th scope="col" { "Stream" } th scope="col" { "Rule" } th scope="col" { "Reason" } th scope="col" { "Columns" }
                    th scope="col" { "Page" } th.n scope="col" { "Record" } th scope="col" { "Row" }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        td { (row.stream) }
                        th scope="row" { (row.rule) br; span.soft { (row.dimension) ", " (row.plugin) } }
                        td { (row.reason) }
                        td { div.tags { @for column in row.columns.split(", ").filter(|column| !column.is_empty()) { span.tag { (column) } } } }
                        td { @if let Some(file) = &row.file { code { (file) } } @else { span.none { "–" } } }
                        td.n { (row.record) }
                        td.wide { code { (row.row.chars().take(LONGEST_ROW).collect::<String>()) } }
                    }
                }
            }
        }
    }
}
