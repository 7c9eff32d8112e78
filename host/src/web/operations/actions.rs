//! What operators do: run now, pause, resume, backfill, cancel. Each leads back to a page that shows what came of it.

use std::time::Duration;

use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Deserialize;

use super::{
    super::{App, PageContext, Problem, view::in_url},
    place,
};
use crate::{
    config::Every,
    schedule::{Backfill, DeskError},
};

type Done = Result<Redirect, Problem>;

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        let words = format!("Could not {}.", crate::error::chain(&error));
        let problem = match &error {
            DeskError::UnknownPipeline { .. } => Self::not_found(words),
            DeskError::Span { .. } => Self::bad_request(words),
            DeskError::NotRunning { .. } => Self::new(axum::http::StatusCode::CONFLICT, words),
            _ => Self::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, words),
        };
        match error.hint() {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

fn to_pipeline(name: &str) -> Redirect {
    Redirect::to(&format!("/pipelines/{}", in_url(name)))
}

pub(super) async fn run_now(State(app): State<App>, ctx: PageContext, Path(pipeline): Path<String>) -> Done {
    app.desk().run_now(&pipeline, ctx.name()).await?;
    Ok(to_pipeline(&pipeline))
}

pub(super) async fn pause(State(app): State<App>, ctx: PageContext, Path(pipeline): Path<String>) -> Done {
    app.desk().pause(&pipeline, ctx.name()).await?;
    Ok(to_pipeline(&pipeline))
}

pub(super) async fn resume(State(app): State<App>, ctx: PageContext, Path(pipeline): Path<String>) -> Done {
    app.desk().resume(&pipeline, ctx.name()).await?;
    Ok(to_pipeline(&pipeline))
}

pub(super) async fn cancel(State(app): State<App>, ctx: PageContext, Path((pipeline, run)): Path<(String, String)>) -> Done {
    let id = place::id(&run)?;
    // A name of another pipeline is not cancelled by an address that looks like this one's.
    place::run_of(&app, &pipeline, &run).await?;
    app.desk().cancel(&id, ctx.name()).await?;
    Ok(Redirect::to(&format!("/runs/{}/{id}", in_url(&pipeline))))
}

/// A span as people write it, in a form or in JSON.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first instant: RFC 3339, or a day or minute in UTC.
    #[schema(example = "2026-01-01")]
    pub from: String,
    /// The instant before which it ends.
    #[schema(example = "2026-02-01")]
    pub to: String,
    /// The length of one run's window: `1d`, `6h`.
    #[schema(example = "1d")]
    pub window: String,
}

#[derive(Deserialize)]
pub(super) struct SpanForm {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    window: String,
}

pub(super) async fn backfill(State(app): State<App>, ctx: PageContext, Path(pipeline): Path<String>, Form(form): Form<SpanForm>) -> Done {
    let SpanForm { from, to, window } = form;
    app.desk().backfill(&pipeline, span(&Span { from, to, window })?, ctx.name()).await?;
    Ok(to_pipeline(&pipeline))
}

/// The span that a person means.
pub fn span(span: &Span) -> Result<Backfill, Problem> {
    let instant = |name: &str, text: &str| {
        instant(text).ok_or_else(|| {
            Problem::bad_request(format!("`{name}` is no time: write a day like 2026-11-27, or a time like 2026-11-27T06:00:00Z."))
        })
    };
    let window: Every = span.window.parse().map_err(|error| Problem::bad_request(format!("`window`: {error}.")))?;
    let span = Backfill { from: instant("from", &span.from)?, to: instant("to", &span.to)?, window: window.get() };
    if span.from >= span.to {
        return Err(Problem::bad_request("`from` has to lie before `to`."));
    }
    if span.progress(span.to).1 > MOST_WINDOWS {
        return Err(
            Problem::bad_request(format!("The span has more than {MOST_WINDOWS} windows.")).hint("Use a longer window or a shorter span.")
        );
    }
    debug_assert!(span.window > Duration::ZERO);
    Ok(span)
}

/// Ten years of hours.
const MOST_WINDOWS: u64 = 100_000;

/// RFC 3339, a day at midnight, or what a browser's field for a time sends; without a zone it is UTC. Years that a calendar of people has.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    let minute = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok().map(|minute| minute.and_utc());
    let exact = || DateTime::parse_from_rfc3339(text).ok().map(|exact| exact.to_utc());
    let found = day().or_else(minute).or_else(exact)?;
    (1970..=9999).contains(&chrono::Datelike::year(&found)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, to: &str, window: &str) -> Result<Backfill, Problem> {
        span(&Span { from: from.into(), to: to.into(), window: window.into() })
    }

    #[test]
    fn a_span_is_read_as_people_write_it() {
        let span = asked("2026-01-01", "2026-01-03T12:00", "1d").unwrap();
        assert_eq!(span.progress(span.to), (3, 3));
        assert_eq!(asked("2026-01-01T02:00:00+02:00", "2026-01-02", "6h").unwrap().from, span.from);
    }

    #[test]
    fn a_span_that_makes_no_sense_is_refused_in_words() {
        let said = |from, to, window| asked(from, to, window).unwrap_err().what;
        assert!(said("yesterday", "2026-01-01", "1d").starts_with("`from` is no time"));
        assert!(said("2026-01-02", "2026-01-01", "1d").contains("before"));
        assert!(said("2026-01-01", "2026-01-02", "soon").starts_with("`window`: "));
        assert!(said("2026-01-01", "2026-12-31", "1s").contains("windows"));
        assert!(said("+99999-01-01", "2026-01-01", "1d").starts_with("`from`"));
    }
}
