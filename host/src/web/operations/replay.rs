//! The replay button: a run again from its archive, compared with what it gave. It touches no source and no table.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Redirect,
};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use tokio::runtime::Handle;

use super::{
    super::{
        App, PageContext, Problem,
        page::{csrf_field, page},
        view::{Tone, badge, count, crumbs, icon, in_url, table, time_from},
    },
    place::{Place, run_of},
    spark::run_url,
};
use crate::{
    error,
    flow::{
        Nobody,
        replay::{Change, ReplayReport, Replayer, Same},
    },
    state::{RunId, Status},
};

/// The results of so many replays are kept; the oldest makes room.
const MOST: usize = 64;

/// Replays that go on, and what came of those that ended. They are not part of the history: a replay changes nothing.
#[derive(Default)]
pub struct Replays(Mutex<HashMap<RunId, Replay>>);

#[derive(Clone)]
struct Replay {
    since: DateTime<Utc>,
    by: String,
    result: Option<Result<Arc<ReplayReport>, String>>,
}

impl Replays {
    /// Notes that a replay begins. False where as many go on as may, or this one does.
    fn begin(&self, run: &RunId, by: &str, since: DateTime<Utc>) -> bool {
        let mut all = self.lock();
        let going = all.values().filter(|replay| replay.result.is_none()).count();
        // Each takes as much memory and as many cores as a run.
        if going > 0 {
            return false;
        }
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, replay)| replay.since).map(|(run, _)| run.clone())
        {
            all.remove(&oldest);
        }
        all.insert(run.clone(), Replay { since, by: by.to_owned(), result: None });
        true
    }

    fn end(&self, run: &RunId, result: Result<Arc<ReplayReport>, String>) {
        if let Some(replay) = self.lock().get_mut(run) {
            replay.result = Some(result);
        }
    }

    fn get(&self, run: &RunId) -> Option<Replay> {
        self.lock().get(run).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Replay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn start(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, id)): Path<(String, String)>,
) -> Result<Redirect, Problem> {
    let (place, run, _) = run_of(&app, &pipeline, &id).await?;
    if run.status == Status::Running {
        return Err(Problem::new(StatusCode::CONFLICT, "The run goes on: it can be replayed when it has ended."));
    }
    if !app.replays().begin(&run.id, ctx.name(), Utc::now()) {
        let problem = Problem::new(StatusCode::CONFLICT, "Another replay goes on.");
        return Err(problem.hint("Wait until it has ended; each takes as much memory as a run."));
    }
    let url = format!("{}/replay", run_url(&place.view.name, &run.id));
    // The future of a replay is bound to one thread, as its Parquet writers are: it is made on the thread that drives it.
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(replay(&app, &place, &run.id)));
    Ok(Redirect::to(&url))
}

async fn replay(app: &App, place: &Place, run: &RunId) {
    let (host, change) = (app.desk().host(), Change::default());
    let replayer = Replayer { host: &host, now: &place.view.loaded, progress: Arc::default(), watcher: Arc::new(Nobody) };
    let result = tokio::select! {
        result = replayer.replay(run, &change) => result.map(|(report, _)| Arc::new(report)).map_err(|error| {
            let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
            format!("{}{hint}", error::chain(&error))
        }),
        () = app.stopped() => Err("the daemon stopped".to_owned()),
    };
    app.replays().end(run, result);
}

pub(super) async fn show(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, id)): Path<(String, String)>,
) -> Result<Markup, Problem> {
    let (place, run, _) = run_of(&app, &pipeline, &id).await?;
    let url = run_url(&place.view.name, &run.id);
    let above = format!("/pipelines/{}", in_url(&place.view.name));
    let known = app.replays().get(&run.id);
    let goes_on = known.as_ref().is_some_and(|replay| replay.result.is_none());
    let body = html! {
        (crumbs(&[("/pipelines", "Pipelines"), (&above, &place.view.name), (&url, run.id.as_str())]))
        div.head {
            div.title { h1 { "Replay" } }
            p.lead { "The run again from its archive, with its own plugins, clock and seed. No source is asked, no table is touched: its clean files are made anew beside the run and compared byte for byte." }
        }
        #replay data-live[goes_on] {
            @if let Some(replay) = &known { (told(replay)) }
        }
        @if ctx.may_operate() && !goes_on && run.status != Status::Running {
            form method="post" action={ (url) "/replay" } {
                (csrf_field(&ctx)) button.primary { (icon("again")) @if known.is_some() { "Replay again" } @else { "Replay this run" } }
            }
        } @else if !ctx.may_operate() { p.soft { "Only an operator may replay." } }
    };
    Ok(page(&ctx, "Replay", body))
}

fn told(replay: &Replay) -> Markup {
    html! {
        p.soft { "Asked for by " (replay.by) ", " (time_from(replay.since, Utc::now())) }
        @match &replay.result {
            None => { p { (badge(Tone::Busy, "goes on")) " Reload the page to see what came of it." } }
            Some(Err(why)) => { div.note.bad { (icon("cross")) div { strong { "The replay failed." } pre { (why) } } } }
            Some(Ok(report)) => { (outcome(report)) }
        }
    }
}

fn outcome(report: &ReplayReport) -> Markup {
    let (tone, sign, words) = match report.identical {
        true => ("note good", "check", "The same: every stream came out byte for byte as in the run."),
        false => ("note bad", "cross", "It differs from the run."),
    };
    html! {
        div class=(tone) { (icon(sign)) div {
            strong { (words) }
            @for missed in &report.missed { p { "It asked for what the run did not: " (missed) } }
            @if let Some(error) = &report.error { pre { (error) } }
        } }
        (table("Replayed streams", &html! {
            table {
                caption { "Each stream as replayed, beside that of the run." }
                thead { tr { th scope="col" { "Stream" } th.n scope="col" { "Read" } th.n scope="col" { "Accepted" } th.n scope="col" { "Quarantined" } th scope="col" { "Clean files" } } }
                tbody {
                    @for stream in &report.streams {
                        tr {
                            th scope="row" { (stream.stream) } td.n { (count(stream.read)) } td.n { (count(stream.accepted)) } td.n { (count(stream.quarantined)) }
                            td { (same(&stream.same)) }
                        }
                    }
                }
            }
        }))
    }
}

fn same(same: &Same) -> Markup {
    match same {
        Same::Identical => badge(Tone::Good, "identical"),
        Same::Differs(files) => html! { (badge(Tone::Bad, "differs")) " " code { (files.join(", ")) } },
        Same::NotInTheRun => badge(Tone::Quiet, "the run did not come to its end"),
        Same::Unknown => badge(Tone::Quiet, "the run's sums are gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_replay_goes_on_at_a_time_and_old_results_make_room() {
        let (replays, at) = (Replays::default(), DateTime::UNIX_EPOCH);
        let run = |number: u32| RunId::new(at, number);
        assert!(replays.begin(&run(0), "ana", at) && !replays.begin(&run(1), "ana", at));
        replays.end(&run(0), Err("no".into()));
        for number in 1..=100 {
            assert!(replays.begin(&run(number), "ana", at + chrono::TimeDelta::seconds(number.into())));
            replays.end(&run(number), Err("no".into()));
        }
        assert_eq!(replays.lock().len(), MOST);
        assert!(replays.get(&run(1)).is_none() && replays.get(&run(100)).is_some());
    }
}
