//! One pipeline: what it does, what is next, how volume and quality go, every run.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        App, PageContext, Problem,
        page::{csrf_field, page},
        view::{
            Tone, badge, count, crumbs, duration, empty, icon, in_url, pager, percent, status, table, time, time_from, unusual, verdict,
        },
    },
    pipelines::{broken_file, buttons, next},
    place::{self, Place},
    spark::{Line, Point, figure, run_url},
    trend::{Judged, Scale, judge},
};
use crate::{
    schedule::{BackfillEntry, BackfillStatus, Task, TaskStatus},
    state::{Run, Status},
};

/// Runs on a page of the history.
const ON_A_PAGE: u32 = 25;
/// Runs in a trend: three months of a daily pipeline.
const IN_A_TREND: u32 = 90;
/// The newest tasks that are looked at for what waits.
const TASKS: u32 = 50;

#[derive(Deserialize)]
pub(super) struct Which {
    page: Option<u32>,
}

pub(super) async fn show(
    State(app): State<App>,
    ctx: PageContext,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<Markup, Problem> {
    let place = place::place(&app, &name).await?;
    let number = which.page.unwrap_or(1).clamp(1, 1_000_000);
    let skip = u64::from(number - 1) * u64::from(ON_A_PAGE);
    let mut runs = place.read(Vec::new(), move |state, name| state.history(name, skip, ON_A_PAGE + 1)).await?;
    let more = runs.len() > ON_A_PAGE as usize;
    runs.truncate(ON_A_PAGE as usize);
    let recent = place.read(Vec::new(), |state, name| state.history(name, 0, IN_A_TREND)).await?;
    let tasks = app.desk().tasks(&name, TASKS).await.unwrap_or_default();
    let backfills = app.desk().backfills(&name).await.unwrap_or_default();
    let url = |page: u64| format!("/pipelines/{}?page={page}#history", in_url(&name));
    let body = html! {
        (crumbs(&[("/pipelines", "Pipelines")]))
        div.head {
            div.title { h1 { (place.view.name) } (state_of(&place)) }
            (buttons(&ctx, &place))
        }
        @if let Some(problem) = &place.view.problem { (broken_file(&place.view.file.display().to_string(), problem, true)) }
        div.grid {
            section.card.third aria-labelledby="about" { h2 #about { "About" } (facts(&place)) }
            div.two-thirds { div.grid { (trends(&place, &recent)) } }
        }
        (waiting(&ctx, &place, &tasks, &backfills))
        section.section #history aria-labelledby="runs" {
            h2 #runs { "Runs" }
            @if runs.is_empty() { (empty("No run yet", "Run it now, or wait for its schedule.")) } @else {
                (table("Runs", &history(&place, &runs, &judged(&recent))))
                (pager(u64::from(number), more, url))
            }
        }
    };
    Ok(page(&ctx, &place.view.name, body))
}

fn state_of(place: &Place) -> Markup {
    html! {
        @if let Some(run) = &place.view.running { a href=(run_url(&place.view.name, run)) { (status(Status::Running)) } }
        @if place.view.paused.is_some() { (badge(Tone::Warn, "paused")) }
        @if place.view.sla_missed { (badge(Tone::Warn, "late")) }
    }
}

fn facts(place: &Place) -> Markup {
    let pipeline = &place.view.loaded.pipeline;
    html! {
        dl.facts {
            dt { "Next run" } dd { (next(place)) }
            dt { "Schedule" } dd { (place.view.cadence) }
            dt { "File" } dd { code { (place.view.file.display()) } }
            dt { "Storage" } dd { code { (place.storage.root.display()) } }
            dt { "Warehouse" } dd { (warehouse(place)) }
            dt { "Sources" } dd { div.tags { @for name in pipeline.sources.keys() { span.tag { (name) } } } }
            dt { "Streams" } dd { div.tags { @for name in pipeline.streams.keys() { span.tag { (name) } } } }
            dt { "Tables" } dd { (names(pipeline.tables.keys().map(String::as_str))) }
            dt { "Marts" } dd { (names(pipeline.marts.keys().map(String::as_str))) }
        }
    }
}

fn warehouse(place: &Place) -> Markup {
    match place.view.loaded.pipeline.warehouse.kind {
        crate::config::WarehouseKind::Lake => html! { "lake in " code { (place.storage.lake().display()) } },
        // The URL may hold a password, so it is never shown.
        crate::config::WarehouseKind::Postgres => html! { "PostgreSQL" },
    }
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> Markup {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        html! { span.none { "none" } }
    } else {
        html! { div.tags { @for name in names { span.tag { (name) } } } }
    }
}

/// The runs that have numbers, oldest first, with rows read judged.
fn judged(recent: &[Run]) -> Vec<Point> {
    line_of(recent, Scale::Volume, |run| (run.rows.read > 0).then(|| rounded(run.rows.read)))
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows is judged by its leading digits")]
fn rounded(rows: u64) -> f64 {
    rows as f64
}

fn line_of(recent: &[Run], scale: Scale, number: impl Fn(&Run) -> Option<f64>) -> Vec<Point> {
    let ended = recent.iter().rev().filter(|run| matches!(run.status, Status::Loaded | Status::Held));
    let (runs, values): (Vec<_>, Vec<_>) = ended.filter_map(|run| Some((run, number(run)?))).unzip();
    let points = runs.into_iter().zip(judge(&values, scale));
    points.map(|(run, judged): (&Run, Judged)| Point { run: run.id.clone(), at: run.started_at, judged }).collect()
}

fn trends(place: &Place, recent: &[Run]) -> Markup {
    let pipeline = place.view.name.as_str();
    let floor = place.view.loaded.pipeline.gate.overall.unwrap_or(80.0);
    let volume = Line { pipeline, name: "Rows read", show: whole, floor: None };
    let quality = Line { pipeline, name: "Overall score", show: percent, floor: Some(floor) };
    html! {
        (figure(&volume, &judged(recent)))
        (figure(&quality, &line_of(recent, Scale::Score, |run| run.score)))
    }
}

/// A count of rows that was judged.
pub(super) fn whole(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is shown; the cast saturates")]
    let rows = value.max(0.0).round() as u64;
    count(rows)
}

/// Why a run is unlike those before it: of its rows and of its score.
pub(super) fn oddities(recent: &[Run], run: &Run) -> Vec<String> {
    let of = |points: Vec<Point>, name: &str, show: fn(f64) -> String| {
        points.into_iter().find(|point| point.run == run.id).and_then(|point| point.judged.sentence(name, show))
    };
    let volume = of(judged(recent), "Rows read", whole);
    let quality = of(line_of(recent, Scale::Score, |run| run.score), "The overall score", percent);
    volume.into_iter().chain(quality).collect()
}

fn history(place: &Place, runs: &[Run], judged: &[Point]) -> Markup {
    html! {
        table {
            caption { "Newest first. Marked rows are unlike the runs before them; their page says by which number." }
            thead {
                tr {
                    th scope="col" { "Run" } th scope="col" { "Status" } th scope="col" { "Gate" } th.n scope="col" { "Score" }
                    th scope="col" { "Started" } th.n scope="col" { "Took" } th.n scope="col" { "Read" } th.n scope="col" { "Accepted" }
                    th.n scope="col" { "Quarantined" } th.n scope="col" { "Loaded" }
                }
            }
            tbody {
                @for run in runs {
                    @let odd = judged.iter().any(|point| point.run == run.id && point.judged.is_odd());
                    tr class=[odd.then_some("flagged")] {
                        th.nowrap scope="row" {
                            a href=(run_url(&place.view.name, &run.id)) { (run.id) }
                            @if odd { " " (unusual()) }
                        }
                        td { (status(run.status)) }
                        td { (verdict(run.verdict)) }
                        td.n { @if let Some(score) = run.score { (percent(score)) } @else { span.none { "–" } } }
                        td { (time(run.started_at)) }
                        td.n { @if let Some(end) = run.finished_at { (duration(end - run.started_at)) } @else { span.none { "–" } } }
                        td.n { (count(run.rows.read)) } td.n { (count(run.rows.accepted)) }
                        td.n {
                            @if run.rows.quarantined > 0 {
                                a href={ (run_url(&place.view.name, &run.id)) "/rejected" } { (count(run.rows.quarantined)) }
                            } @else { "0" }
                        }
                        td.n { (count(run.rows.loaded)) }
                    }
                }
            }
        }
    }
}

/// Tasks that wait, backfills, and the form for one.
fn waiting(ctx: &PageContext, place: &Place, tasks: &[Task], backfills: &[BackfillEntry]) -> Markup {
    let open: Vec<_> = tasks.iter().filter(|task| !task.status.is_end()).collect();
    html! {
        section.section aria-labelledby="queue" {
            h2 #queue { "Tasks" }
            #tasks data-live {
                @if open.is_empty() { p.soft { "Nothing runs and nothing waits." } } @else { (table("Tasks", &open_tasks(place, &open))) }
                @if !backfills.is_empty() { div.section { (table("Backfills", &backfill_rows(backfills))) } }
            }
            @if ctx.may_operate() { (backfill_form(ctx, place)) }
        }
    }
}

fn open_tasks(place: &Place, tasks: &[&Task]) -> Markup {
    html! {
        table {
            caption { "What runs and what waits, newest first." }
            thead { tr { th scope="col" { "Task" } th scope="col" { "Status" } th scope="col" { "Cause" } th scope="col" { "Due" } th.n scope="col" { "Try" } th scope="col" { "Run" } } }
            tbody {
                @for task in tasks {
                    tr {
                        th scope="row" { code { (task.id) } }
                        td { (badge(if task.status == TaskStatus::Running { Tone::Busy } else { Tone::Quiet }, task.status.name())) @if task.late { " " (badge(Tone::Warn, "late")) } }
                        td { (task.cause) " by " (task.by) }
                        td { (time_from(task.due, chrono::Utc::now())) }
                        td.n { (task.attempt) }
                        td { @if let Some(run) = &task.run { a href=(run_url(&place.view.name, run)) { (run) } } @else { span.none { "–" } } }
                    }
                }
            }
        }
    }
}

fn backfill_rows(backfills: &[BackfillEntry]) -> Markup {
    html! {
        table {
            caption { "Backfills, newest first." }
            thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.n scope="col" { "Windows done" } th scope="col" { "Status" } th scope="col" { "Asked for" } } }
            tbody {
                @for backfill in backfills {
                    @let (done, all) = backfill.span.progress(backfill.at);
                    @let tone = match backfill.status { BackfillStatus::Going => Tone::Busy, BackfillStatus::Done => Tone::Good, BackfillStatus::Halted => Tone::Bad, BackfillStatus::Cancelled => Tone::Quiet };
                    tr {
                        td { (time(backfill.span.from)) } td { (time(backfill.span.to)) } td.n { (count(done)) " of " (count(all)) }
                        td { (badge(tone, backfill.status.name())) } td { (time(backfill.created_at)) " by " (backfill.by) }
                    }
                }
            }
        }
    }
}

fn backfill_form(ctx: &PageContext, place: &Place) -> Markup {
    html! {
        details.box.section {
            summary { "Backfill a span of time" }
            form.form method="post" action={ "/pipelines/" (in_url(&place.view.name)) "/backfill" } {
                (csrf_field(ctx))
                div.field { label for="backfill-from" { "From (UTC)" } input #backfill-from type="datetime-local" name="from" required; }
                div.field { label for="backfill-to" { "To (UTC)" } input #backfill-to type="datetime-local" name="to" required; }
                div.field { label for="backfill-window" { "Window of one run" } input #backfill-window name="window" value="1d" pattern="[0-9dhms ]+" required; }
                button.primary { (icon("clock")) "Backfill" }
            }
            p.hint { "One run for each window, oldest first, with the window's end as its logical time." }
        }
    }
}
