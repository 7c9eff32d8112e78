//! A run: how far it came, what it counted, what the gate said, where it took its time, what it said.

use axum::extract::{Path, State};
use chrono::Utc;
use maud::{Markup, html};

use super::{
    super::{
        App, PageContext, Problem,
        page::{csrf_field, page},
        view::{
            Tone, badge, bytes, coarse, count, crumbs, duration, icon, in_url, level, local, micros, percent, status, table, time_from,
        },
    },
    pipeline::oddities,
    place::{self, Place},
    quality,
    sources::{state_of, uses_network},
    spark::run_url,
    stages,
};
use crate::{
    egress::http::Circuit,
    flow::{
        Failure, Report,
        report::{EgressReport, StreamReport},
    },
    schedule::{Event, Live},
    state::{LogEntry, Run, StageEntry, Status},
};

/// Lines of the log that a page shows: the last ones.
const LINES: usize = 1000;
/// Scores of so many runs before are drawn.
const PAST: u32 = 30;

/// What is known of a run.
struct Known {
    place: Place,
    run: Run,
    report: Option<Report>,
    failure: Option<Failure>,
    entries: Vec<StageEntry>,
    logs: Vec<LogEntry>,
    events: Vec<Event>,
    live: Option<Live>,
    recent: Vec<Run>,
    past: Vec<crate::flow::gate::Scores>,
}

pub(super) async fn show(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, id)): Path<(String, String)>,
) -> Result<Markup, Problem> {
    let (place, run, report) = place::run_of(&app, &pipeline, &id).await?;
    let (key, started) = (run.id.clone(), run.started_at);
    let read = move |state: &crate::state::State, name: &str| {
        let recent = state.history(name, 0, 120)?;
        Ok((state.stages(&key)?, state.logs(&key)?, recent, state.judged(name, started, PAST)?))
    };
    let (entries, mut logs, recent, judged) = place.read(Default::default(), read).await?;
    let live = app.desk().live(&run.id);
    let events = live.as_ref().map(|live| live.follow().0).unwrap_or_default();
    if run.status == Status::Running {
        logs = events.iter().filter_map(|event| if let Event::Log(entry) = event { Some(entry.clone()) } else { None }).collect();
    }
    let failure = Failure::kept(&run);
    let known = Known { place, run, report, failure, entries, logs, events, live, recent, past: quality::past(judged) };
    Ok(page(&ctx, &format!("Run {}", known.run.id), body(&ctx, &known)))
}

fn body(ctx: &PageContext, known: &Known) -> Markup {
    let Known { place, run, report, .. } = known;
    let name = place.view.name.as_str();
    let url = run_url(name, &run.id);
    let follow = (run.status == Status::Running).then(|| format!("{url}/events"));
    let above = format!("/pipelines/{}", in_url(name));
    html! {
        (crumbs(&[("/pipelines", "Pipelines"), (&above, name)]))
        div.head {
            div.title { h1 { "Run " span.nowrap { (run.id) } } (status(run.status)) }
            (actions(ctx, known, &url))
            p.lead {
                "Started " (time_from(run.started_at, Utc::now())) " "
                (local(run.started_at, place.zone())) " "
                @if let Some(end) = run.finished_at { "· took " (duration(end - run.started_at)) }
            }
        }
        (notes(known))
        div data-follow=[follow.as_deref()] {
            @if follow.is_some() { noscript { p.hint { "Reload the page to see how far it is." } } }
            (stages::list(&stages::of(run, report.as_ref(), &known.entries, &known.events)))
            (counts(known, &url))
            @if let Some(report) = report { (told(report, known, &url)) } @else { (contacts(known)) }
            (log(known))
        }
    }
}

fn actions(ctx: &PageContext, known: &Known, url: &str) -> Markup {
    html! {
        div.actions {
            a.button href={ (url) "/pages" } { (icon("file")) "Archived pages" }
            @if ctx.may_operate() && known.run.status == Status::Running {
                form.inline method="post" action={ (url) "/cancel" } data-confirm="Stop this run? Nothing half-done will be visible." {
                    (csrf_field(ctx)) button.danger { (icon("stop")) "Cancel" }
                }
            }
            @if known.run.status != Status::Running { a.button href={ (url) "/replay" } { (icon("again")) "Replay" } }
        }
    }
}

/// Why the run is held, failed or unusual.
fn notes(known: &Known) -> Markup {
    let run = &known.run;
    let held = known.report.as_ref().and_then(|report| report.verdict.as_ref()).map(|verdict| verdict.sentences()).unwrap_or_default();
    let odd = oddities(&known.recent, run);
    html! {
        @if !held.is_empty() {
            div.note.warn { (icon("pause")) div {
                strong { "The gate held this run: nothing was loaded." }
                ul { @for sentence in &held { li { (sentence) } } }
            } }
        }
        @if let Some(error) = &run.error {
            div.note.bad { (icon("cross")) div { strong { "The run " (run.status) "." } pre { (known.failure.as_ref().and_then(Failure::text).unwrap_or_else(|| error.clone())) } p.hint { (hint(run.status)) } } }
        }
        @if !odd.is_empty() {
            div.note.warn { (icon("flag")) div { strong { "Unlike the runs before it." } ul { @for sentence in &odd { li { (sentence) } } } } }
        }
        @if let Some(by) = &run.resumed_by {
            div.note.good { (icon("again")) div { "Its work was taken over by run " a href=(run_url(&run.pipeline, by)) { (by) } "." } }
        }
        @for note in known.report.iter().flat_map(|report| &report.tables).flat_map(|table| &table.notes) { div.note { (icon("flag")) div { (note) } } }
    }
}

fn hint(status: Status) -> &'static str {
    match status {
        Status::Died => "It was killed, or the machine stopped. Nothing half-done is visible; the next run finishes or repeats its work.",
        Status::Stopped => "A person stopped it. Nothing half-done is visible.",
        _ => "Nothing half-done is visible. The log below has what came before; a retry repeats the run.",
    }
}

fn counts(known: &Known, url: &str) -> Markup {
    use std::sync::atomic::Ordering::Relaxed;

    let (rows, live) = (known.run.rows, known.live.as_ref().map(|live| &live.progress));
    let of = |kept: u64, counter: Option<u64>| count(counter.unwrap_or(kept));
    html! {
        dl.kpis.section {
            div.kpi { dt { "Rows read" } dd data-count="rows" { (of(rows.read, live.map(|it| it.rows.load(Relaxed)))) } }
            div.kpi { dt { "Accepted" } dd data-count="landed" { (of(rows.accepted, live.map(|it| it.landed.load(Relaxed)))) } }
            div.kpi {
                dt { "Quarantined" }
                dd data-count="rejected" {
                    @if rows.quarantined > 0 { a href={ (url) "/rejected" } { (count(rows.quarantined)) } }
                    @else { (of(0, live.map(|it| it.rejected.load(Relaxed)))) }
                }
            }
            div.kpi { dt { "Rows written" } dd { (count(rows.loaded)) } }
            div.kpi { dt { "Bytes read" } dd data-count="bytes" { (bytes(read_bytes(known, live.map(|it| it.bytes.load(Relaxed))))) } }
            div.kpi { dt { "Score" } dd { @if let Some(score) = known.run.score { (percent(score)) } @else { span.none { "–" } } } }
        }
    }
}

fn read_bytes(known: &Known, live: Option<u64>) -> u64 {
    live.unwrap_or_else(|| known.report.iter().flat_map(|report| &report.streams).map(|stream| stream.bytes).sum())
}

/// What a report has to say.
fn told(report: &Report, known: &Known, url: &str) -> Markup {
    html! {
        section.section aria-labelledby="streams" { h2 #streams { "Streams" } (table("Streams", &streams(&report.streams, url))) }
        @if !report.tables.is_empty() || !report.marts.is_empty() {
            section.section aria-labelledby="tables" { h2 #tables { "Tables" } (table("Tables", &tables(report, &known.place.view.name))) }
        }
        @if let Some(verdict) = &report.verdict {
            section.section aria-labelledby="quality" {
                h2 #quality { "Quality" }
                (quality::scores(verdict, &known.past))
                details.box.section { summary { "Scores by stream" } (quality::by_stream(verdict)) }
            }
            section.section aria-labelledby="rules" { h2 #rules { "Findings" } (quality::measures(url, &report.measures)) }
        }
        @if report.streams.iter().any(|stream| !stream.reasons.is_empty()) {
            section.section aria-labelledby="reasons" { h2 #reasons { "Quarantined rows" } (table("Quarantined rows", &reasons(&report.streams, url))) }
        }
        section.section aria-labelledby="sources" { h2 #sources { "Sources" } (table("Sources", &sources(report, url))) }
        section.section aria-labelledby="timings" {
            h2 #timings { "Timings" }
            (table("Steps", &steps(report)))
            @for stream in report.streams.iter().filter(|stream| !stream.operators.is_empty()) {
                details.box { summary { "Operators of " (stream.stream) } (table(&format!("Operators of {}", stream.stream), &operators(stream))) }
            }
        }
    }
}

/// The sources of a run that goes on, or that came to no report.
fn contacts(known: &Known) -> Markup {
    let egress = match (&known.live, &known.failure) {
        (Some(live), _) => live.course.egress(),
        (None, Some(failure)) => failure.egress.clone(),
        (None, None) => Vec::new(),
    };
    let sources = known.place.view.loaded.pipeline.sources.iter().filter(|(_, source)| uses_network(&source.grants));
    let names: Vec<_> = sources.map(|(name, _)| name.as_str()).collect();
    html! {
        @if !names.is_empty() && (known.live.is_some() || !egress.is_empty()) {
            section.section aria-labelledby="contacts" { h2 #contacts { "Sources" } (table("Sources", &asked(&names, &egress))) }
        }
    }
}

/// How the requests of sources go. A page that follows its run changes the words, and shows the state of the breaker that holds.
fn asked(names: &[&str], egress: &[EgressReport]) -> Markup {
    html! {
        table {
            caption { "How the requests of each source go." }
            thead { tr { th scope="col" { "Source" } th scope="col" { "Breaker" } th scope="col" { "Requests" } } }
            tbody {
                @for name in names {
                    @let health = egress.iter().find(|egress| egress.source == *name).map(|egress| &egress.health);
                    tr data-source=(name) {
                        th scope="row" { (name) }
                        td {
                            @for circuit in [Circuit::Closed, Circuit::HalfOpen, Circuit::Open] {
                                span data-circuit=(circuit.name()) hidden[circuit != health.map(|health| health.circuit).unwrap_or_default()] { (state_of(circuit)) }
                            }
                        }
                        td.wide data-said { @if let Some(health) = health { (health.sentence()) } @else { "none yet" } }
                    }
                }
            }
        }
    }
}

fn streams(streams: &[StreamReport], url: &str) -> Markup {
    html! {
        table {
            caption { "What became of each stream." }
            thead {
                tr {
                    th scope="col" { "Stream" } th scope="col" { "Source" } th.n scope="col" { "Read" } th.n scope="col" { "Accepted" }
                    th.n scope="col" { "Quarantined" } th.n scope="col" { "Bytes read" } th.n scope="col" { "Clean files" } th.n scope="col" { "Took" }
                }
            }
            tbody {
                @for stream in streams {
                    tr {
                        th scope="row" { (stream.stream) } td { (stream.source) }
                        td.n { (count(stream.read)) } td.n { (count(stream.accepted)) }
                        td.n { @if stream.quarantined > 0 { a href={ (url) "/rejected?stream=" (in_url(&stream.stream)) } { (count(stream.quarantined)) } } @else { "0" } }
                        td.n { (bytes(stream.bytes)) } td.n { (bytes(stream.clean_bytes)) } td.n { (micros(stream.micros)) }
                    }
                }
            }
        }
    }
}

fn tables(report: &Report, pipeline: &str) -> Markup {
    html! {
        table {
            caption { "What the warehouse took. Marts were made again." }
            thead {
                tr {
                    th scope="col" { "Table" } th scope="col" { "How" } th.n scope="col" { "Rows of the run" } th.n scope="col" { "Added" }
                    th.n scope="col" { "Changed" } th.n scope="col" { "Unchanged" } th.n scope="col" { "Refused" } th.n scope="col" { "Rows now" }
                }
            }
            tbody {
                @for (of_mart, result) in report.tables.iter().map(|it| (false, it)).chain(report.marts.iter().map(|it| (true, it))) {
                    tr {
                        th scope="row" { a href={ "/data/" (in_url(pipeline)) "/" (in_url(&result.table)) } { (result.table) } }
                        td { @if of_mart { "mart" } @else { (result.mode.name()) } @if result.skipped { " " (badge(Tone::Quiet, "done before")) } }
                        td.n { (count(result.rows_in)) } td.n { (count(result.inserted)) } td.n { (count(result.updated)) }
                        td.n { (count(result.unchanged)) } td.n { (count(result.refused)) }
                        td.n { @if let Some(rows) = result.rows_after { (count(rows)) } @else { span.none { "–" } } }
                    }
                }
            }
        }
    }
}

fn reasons(streams: &[StreamReport], url: &str) -> Markup {
    let mut all: Vec<_> = streams.iter().flat_map(|stream| stream.reasons.iter().map(move |reason| (stream, reason))).collect();
    all.sort_by_key(|(_, reason)| std::cmp::Reverse(reason.rows));
    html! {
        table {
            caption { "Why rows were rejected, most first. The rows are a click away." }
            thead { tr { th.n scope="col" { "Rows" } th scope="col" { "Stream" } th scope="col" { "Rule" } th scope="col" { "Dimension" } th scope="col" { "Reason" } th scope="col" { "Plugin" } } }
            tbody {
                @for (stream, reason) in all {
                    tr {
                        td.n { a href={ (url) "/rejected?stream=" (in_url(&stream.stream)) "&rule=" (in_url(&reason.rule)) } { (count(reason.rows)) } }
                        td { (stream.stream) } th scope="row" { (reason.rule) } td { (reason.dimension) } td.wide { (reason.reason) } td.nowrap { (reason.plugin) }
                    }
                }
            }
        }
    }
}

fn sources(report: &Report, url: &str) -> Markup {
    html! {
        table {
            caption { "What was taken from each source, and how its requests went." }
            thead { tr { th scope="col" { "Source" } th.n scope="col" { "Pages" } th.n scope="col" { "Bytes" } th.n scope="col" { "On disk" } th scope="col" { "Requests" } } }
            tbody {
                @for archive in &report.archives {
                    @let egress = report.egress.iter().find(|egress| egress.source == archive.source);
                    tr {
                        th scope="row" { (archive.source) }
                        td.n { a href={ (url) "/pages?source=" (in_url(&archive.source)) } { (count(archive.pages)) } }
                        td.n { (bytes(archive.bytes)) } td.n { (bytes(archive.packed_bytes)) }
                        td.wide { @if let Some(egress) = egress { (egress.health.sentence()) } @else { span.none { "none over the network" } } }
                    }
                }
            }
        }
    }
}

fn steps(report: &Report) -> Markup {
    let whole = report.timings.iter().map(|(_, micros)| *micros).sum::<u64>().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a share is drawn")]
    let share = |part: u64| part as f64 / whole as f64 * 100.0;
    html! {
        table {
            caption { "How long each step took; the bars are shares of the sum." }
            thead { tr { th scope="col" { "Step" } th.n scope="col" { "Took" } th scope="col" { "Share" } } }
            tbody {
                @for (step, took) in &report.timings {
                    tr { th scope="row" { (step) } td.n { (micros(*took)) } td { (super::super::view::bar(share(*took), None, Tone::Busy)) } }
                }
            }
        }
    }
}

fn operators(stream: &StreamReport) -> Markup {
    html! {
        table {
            caption { "The plan from its root to its leaves; times are sums over partitions." }
            thead {
                tr {
                    th scope="col" { "Operator" } th.n scope="col" { "Rows out" } th.n scope="col" { "Rejected" } th.n scope="col" { "Bytes" }
                    th.n scope="col" { "In the plugin" } th.n scope="col" { "Arrow IPC" } th.n scope="col" { "Compute" }
                }
            }
            tbody {
                @for operator in &stream.operators {
                    tr {
                        th.wide scope="row" { code { ("\u{a0}\u{a0}".repeat(operator.depth.min(20))) (operator.operator) } }
                        td.n { (count(operator.rows)) } td.n { (count(operator.rejected_rows)) } td.n { (bytes(operator.bytes)) }
                        td.n { (micros(operator.guest_micros)) } td.n { (micros(operator.ipc_micros)) } td.n { (micros(operator.compute_micros)) }
                    }
                }
            }
        }
    }
}

fn log(known: &Known) -> Markup {
    let hidden = known.logs.len().saturating_sub(LINES);
    let goes_on = known.run.status == Status::Running;
    html! {
        section.section aria-labelledby="log" {
            div.section-head {
                h2 #log { "Log" }
                p { @if hidden > 0 { "The last " (count(LINES as u64)) " of " (count(known.logs.len() as u64)) " lines." } @else if goes_on { "Live for " (coarse(Utc::now() - known.run.started_at)) "." } }
            }
            @if known.logs.is_empty() && !goes_on { p.soft { "Nothing was said." } } @else {
                // A list with the role of a log would be none any more, and its items nobody's.
                div role="log" aria-labelledby="log" {
                    ol.log tabindex="0" data-log[goes_on] { @for entry in known.logs.iter().skip(hidden) { (line(entry)) } }
                }
            }
        }
    }
}

fn line(entry: &LogEntry) -> Markup {
    html! {
        li {
            time datetime=(entry.at.to_rfc3339()) { (entry.at.format("%H:%M:%S")) }
            (level(entry.level))
            span.text {
                @if let Some(plugin) = &entry.plugin { span.by { (plugin) ": " } }
                @if let Some(stream) = &entry.stream { span.by { (stream) ": " } }
                (entry.message)
            }
        }
    }
}
