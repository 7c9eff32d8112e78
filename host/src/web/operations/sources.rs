//! Sources: how their requests go or went the last time, how patient we are with them, what they are granted.

use std::collections::BTreeSet;

use axum::extract::State;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        App, PageContext, Problem,
        page::page,
        view::{Tone, badge, bytes, count, duration, empty, in_url, table, time_from},
    },
    place::{self, Place},
    spark::run_url,
};
use crate::{
    config::{Grants, Source},
    egress::http::{Circuit, Health},
    flow::{Failure, Report, report::EgressReport},
    schedule::Live,
    state::{self, RunId},
};

/// The newest runs among which the last one that asked a source, or has a report, is looked for.
const RECENT: u32 = 10;

/// A run, and how the requests of its sources went or go.
struct Asked {
    run: RunId,
    started: DateTime<Utc>,
    egress: Vec<EgressReport>,
    goes_on: bool,
}

/// A source with the last run that asked it.
struct Row<'p> {
    place: &'p Place,
    name: &'p str,
    source: &'p Source,
    last: Option<(&'p Asked, Option<&'p Health>)>,
}

pub(super) async fn show(State(app): State<App>, ctx: PageContext) -> Result<Markup, Problem> {
    let mut known = Vec::new();
    for view in app.desk().pipelines() {
        let live = view.running.as_ref().and_then(|run| app.desk().live(run));
        let place = place::of(&app, view).await?;
        let mut asked: Vec<_> = live.iter().map(Asked::by).collect();
        asked.extend(last_asked(&place).await?);
        known.push((place, asked));
    }
    let mut rows = Vec::new();
    for (place, asked) in &known {
        for (name, source) in &place.view.loaded.pipeline.sources {
            let last = asked.iter().find_map(|asked| Some((asked, Some(asked.health(name)?))));
            rows.push(Row { place, name, source, last: last.or_else(|| asked.first().map(|asked| (asked, None))) });
        }
    }
    let body = html! {
        div.head { div.title { h1 { "Sources" } } p.lead { "How the requests of each source go in the run that goes on here, or went in the last one that asked it, and what it may do." } }
        @if rows.is_empty() { (empty("No source yet", "Sources come with the pipelines that use them.")) } @else {
            #sources data-live { (table("Sources", &html! {
                table {
                    caption { "The breaker opens after failures in a row and leaves a source alone for a while." }
                    thead {
                        tr {
                            th scope="col" { "Source" } th scope="col" { "Pipeline" } th scope="col" { "Breaker" } th.n scope="col" { "Requests" } th.n scope="col" { "Failed tries" }
                            th.n scope="col" { "Throttled" } th.n scope="col" { "Refused" } th.n scope="col" { "Waited" } th.n scope="col" { "Bytes" }
                            th.n scope="col" { "Most per minute" } th scope="col" { "Last run" }
                        }
                    }
                    tbody { @for row in &rows { (health_row(row)) } }
                }
            })) }
            @for row in &rows { (detail(row)) }
        }
    };
    Ok(page(&ctx, "Sources", body))
}

impl Asked {
    /// A run that goes on in this process.
    fn by(live: &Live) -> Self {
        Self { run: live.run.clone(), started: live.started, egress: live.course.egress(), goes_on: true }
    }

    fn health(&self, source: &str) -> Option<&Health> {
        self.egress.iter().find(|egress| egress.source == source).map(|egress| &egress.health)
    }
}

/// The recent runs of a pipeline that ended, newest first, as far back as its sources that use the network need it.
async fn last_asked(place: &Place) -> Result<Vec<Asked>, Problem> {
    let sources = place.view.loaded.pipeline.sources.iter().filter(|(_, source)| uses_network(&source.grants));
    let mut missing: BTreeSet<String> = sources.map(|(name, _)| name.clone()).collect();
    let read = move |state: &state::State, name: &str| {
        let mut found = Vec::new();
        for run in state.history(name, 0, RECENT)? {
            let run = state.run(&run.id)?;
            let report = run.report.as_ref().and_then(|report| Report::deserialize(report).ok());
            let Some(egress) = report.map(|report| report.egress).or_else(|| Failure::kept(&run).map(|failure| failure.egress)) else {
                continue;
            };
            for egress in &egress {
                missing.remove(&egress.source);
            }
            found.push(Asked { run: run.id, started: run.started_at, egress, goes_on: false });
            if missing.is_empty() {
                break;
            }
        }
        Ok(found)
    };
    place.read(Vec::new(), read).await
}

/// The state of a breaker.
pub(super) fn state_of(circuit: Circuit) -> Markup {
    let tone = match circuit {
        Circuit::Closed => Tone::Good,
        Circuit::HalfOpen => Tone::Warn,
        Circuit::Open => Tone::Bad,
    };
    badge(tone, circuit.name())
}

fn breaker(health: &Health) -> Markup {
    html! { (state_of(health.circuit)) @if health.opened > 0 { " " span.soft { "opened " (health.opened) " times" } } }
}

fn health_row(row: &Row<'_>) -> Markup {
    let health = row.last.and_then(|(_, health)| health);
    let number = |of: fn(&Health) -> u64| html! { @if let Some(health) = health { (count(of(health))) } @else { span.none { "–" } } };
    let pipeline = &row.place.view.name;
    html! {
        tr {
            th scope="row" { a href={ "#" (anchor(row)) } { (row.name) } }
            td { a href={ "/pipelines/" (in_url(pipeline)) } { (pipeline) } }
            td { @if let Some(health) = health { (breaker(health)) } @else if uses_network(&row.source.grants) { span.none { "no request yet" } } @else { span.none { "no network" } } }
            td.n { (number(|health| health.requests)) } td.n { (number(|health| health.failures)) } td.n { (number(|health| health.throttled)) }
            td.n { (number(|health| health.refused)) }
            td.n { @if let Some(health) = health { (duration(chrono::TimeDelta::milliseconds(i64::try_from(health.waited_millis).unwrap_or(i64::MAX / 2)))) } @else { span.none { "–" } } }
            td.n { @if let Some(health) = health { (bytes(health.bytes)) } @else { span.none { "–" } } }
            td.n { @if uses_network(&row.source.grants) { (count(row.source.patience.requests_per_minute.into())) } @else { span.none { "–" } } }
            td { @if let Some((asked, _)) = row.last { a href=(run_url(pipeline, &asked.run)) { @if asked.goes_on { "goes on" } @else { (time_from(asked.started, Utc::now())) } } } @else { span.none { "never" } } }
        }
    }
}

/// Whether a source may send requests.
pub(super) fn uses_network(grants: &Grants) -> bool {
    !grants.http.is_empty()
}

fn anchor(row: &Row<'_>) -> String {
    format!("{}-{}", row.place.view.name, row.name)
}

fn detail(row: &Row<'_>) -> Markup {
    let patience = &row.source.patience;
    html! {
        section.section.card id=(anchor(row)) aria-labelledby={ "h-" (anchor(row)) } {
            h2 id={ "h-" (anchor(row)) } { (row.name) " " span.soft { "in " (row.place.view.name) } }
            dl.facts {
                dt { "Plugin" } dd { (row.source.plugin) }
                dt { "Granted" } dd { (granted(&row.source.grants)) }
                // Names only: where a secret is, and what it is, is nobody's business here.
                dt { "Credentials" } dd { @if row.source.credentials.is_empty() { span.none { "none" } } @else { div.tags { @for (name, credential) in &row.source.credentials { span.tag { (name) " (" (credential.kind.name()) ")" } } } } }
                @if uses_network(&row.source.grants) {
                    dt { "Patience" }
                    dd {
                        "at most " (count(patience.requests_per_minute.into())) " requests a minute and " (count(patience.max_requests.into())) " a run, "
                        (patience.attempts) " tries each; the breaker opens after " (patience.breaker_failures) " failures in a row for " (patience.breaker_seconds) " s"
                    }
                }
                @if let Some(failure) = row.last.and_then(|(_, health)| health?.last_failure.as_deref()) { dt { "Last failure" } dd { code { (failure) } } }
            }
        }
    }
}

/// What a pipeline grants a source, in words.
pub(super) fn granted(grants: &Grants) -> Markup {
    html! {
        @if grants.files.is_empty() && grants.http.is_empty() { span.none { "nothing" } } @else {
            ul {
                @for (name, path) in &grants.files { li { "files " span.tag { (name) } " " code { (path.display()) } } }
                @for (name, grant) in &grants.http {
                    li {
                        "http " span.tag { (name) } " " code { (grant.url) } " "
                        (grant.methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(", "))
                        @if !grant.credentials.is_empty() { " with " (grant.credentials.join(", ")) }
                        @if grant.private { " " (badge(Tone::Warn, "private addresses")) }
                    }
                }
            }
        }
    }
}
