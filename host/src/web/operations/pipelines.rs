//! All pipelines at a glance: how the last runs went, what is next, what is wrong with a file.

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};

use super::{
    super::{
        App, PageContext, Problem,
        page::{csrf_field, page},
        view::{Tone, badge, empty, icon, in_url, local, percent, status, table, time_from, tone_of},
    },
    place::{self, Place},
    spark::run_url,
};
use crate::state::{Run, Status};

/// The runs in a strip.
const STRIP: u32 = 20;

pub(super) async fn show(State(app): State<App>, ctx: PageContext) -> Result<Markup, Problem> {
    let mut rows = Vec::new();
    for view in app.desk().pipelines() {
        let place = place::of(&app, view).await?;
        let runs = place.read(Vec::new(), |state, name| state.history(name, 0, STRIP)).await?;
        rows.push((place, runs));
    }
    let broken = app.desk().broken();
    let body = html! {
        div.head { div.title { h1 { "Pipelines" } @if !rows.is_empty() { span.soft { (rows.len()) " served" } } } }
        @for (file, why) in &broken { (broken_file(&file.display().to_string(), why, false)) }
        #pipelines data-live {
            @if rows.is_empty() {
                (empty("No pipeline is served yet", "Put a pipeline file into the folder that `tidegate serve` was given; it is taken up at once."))
            } @else {
                (table("Pipelines", &html! {
                    table {
                        caption { "Each with its last " (STRIP) " runs, oldest to newest. A tall bar loaded, a middle one was held, a short one failed." }
                        thead {
                            tr {
                                th scope="col" { "Pipeline" } th scope="col" { "Last runs" } th scope="col" { "Last run" }
                                th.n scope="col" { "Score" } th scope="col" { "Schedule" } th scope="col" { "Next run" } th scope="col" { "Actions" }
                            }
                        }
                        tbody { @for (place, runs) in &rows { (row(&ctx, place, runs)) } }
                    }
                }))
            }
        }
    };
    Ok(page(&ctx, "Pipelines", body))
}

fn row(ctx: &PageContext, place: &Place, runs: &[Run]) -> Markup {
    let (view, name) = (&place.view, place.view.name.as_str());
    let now = Utc::now();
    html! {
        tr {
            th scope="row" {
                a href={ "/pipelines/" (in_url(name)) } { (name) }
                @if view.problem.is_some() { " " (badge(Tone::Bad, "file broken")) }
                @if view.sla_missed { " " (badge(Tone::Warn, "late")) }
            }
            td { (strip(name, runs)) }
            td {
                @if let Some(run) = &view.running {
                    a href=(run_url(name, run)) { (status(Status::Running)) }
                } @else if let Some(run) = runs.first() {
                    a href=(run_url(name, &run.id)) { (status(run.status)) } " " (time_from(run.started_at, now))
                } @else { span.none { "never" } }
            }
            td.n { (score(name, runs)) }
            td { (view.cadence) }
            td { (next(place)) }
            td { (buttons(ctx, place)) }
        }
    }
}

fn score(name: &str, runs: &[Run]) -> Markup {
    match runs.iter().find_map(|run| Some((run, run.score?))) {
        Some((run, score)) => html! { a href=(run_url(name, &run.id)) { (percent(score)) } },
        None => html! { span.none { "–" } },
    }
}

/// When it runs next, or why it does not.
pub(super) fn next(place: &Place) -> Markup {
    let view = &place.view;
    html! {
        @if let Some((since, by)) = &view.paused {
            (badge(Tone::Warn, "paused")) " " span.soft { "by " (by) ", " (time_from(*since, Utc::now())) }
        } @else if let Some(next) = view.next {
            (time_from(next, Utc::now()))
            " " (local(next, place.zone()))
        } @else { span.none { "–" } }
        @if view.queued > 0 { " " (badge(Tone::Busy, &format!("{} waiting", view.queued))) }
    }
}

/// The last runs as bars, oldest first. What a bar says is a text for those who don't see it.
pub(super) fn strip(pipeline: &str, runs: &[Run]) -> Markup {
    html! {
        @if runs.is_empty() { span.none { "no run yet" } } @else {
            ol.strip {
                @for run in runs.iter().rev() {
                    li {
                        a class=(tone_of(run.status).class()) href=(run_url(pipeline, &run.id)) title=(said(run)) {
                            span.visually-hidden { (said(run)) }
                        }
                    }
                }
            }
        }
    }
}

fn said(run: &Run) -> String {
    let score = run.score.map(|score| format!(", score {}", percent(score))).unwrap_or_default();
    format!("{}: {}{score}", run.started_at.format("%Y-%m-%d %H:%M"), run.status)
}

/// What an operator may do with a pipeline.
pub(super) fn buttons(ctx: &PageContext, place: &Place) -> Markup {
    let name = &place.view.name;
    let to = |what: &str| format!("/pipelines/{}/{what}", in_url(name));
    let (other, word, sign) = if place.view.paused.is_some() { ("resume", "Resume", "play") } else { ("pause", "Pause", "pause") };
    html! {
        @if ctx.may_operate() {
            div.actions {
                form.inline method="post" action=(to("run")) {
                    (csrf_field(ctx)) button #{ "run-" (name) } aria-label={ "Run now: " (name) } { (icon("play")) "Run now" }
                }
                form.inline method="post" action=(to(other)) {
                    (csrf_field(ctx)) button #{ "pause-" (name) } aria-label={ (word) ": " (name) } { (icon(sign)) (word) }
                }
            }
        } @else { span.none { "–" } }
    }
}

/// A file that can't be read as a pipeline, with what is wrong.
pub(super) fn broken_file(file: &str, why: &str, has_good: bool) -> Markup {
    html! {
        div.note.bad role="status" {
            (icon("cross"))
            div {
                strong { "The file " code { (file) } " is broken." } " "
                @if has_good { "The last good one stays in force." } @else { "Nothing runs by it until it is mended." }
                pre { (why) }
            }
        }
    }
}
