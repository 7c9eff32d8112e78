//! The way of a run through its stages, as a list that reads as one.

use std::collections::HashMap;

use maud::{Markup, html};

use super::super::view::{Tone, bytes, count, icon, micros, percent};
use crate::{
    flow::Report,
    schedule::Event,
    state::{Run, Stage, StageEntry, Status},
};

/// A stage as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub stage: Stage,
    pub tone: Tone,
    pub said: Vec<String>,
}

/// The stages of a run that ended or goes on: from its report, or from what was kept or told of it.
pub(super) fn of(run: &Run, report: Option<&Report>, entries: &[StageEntry], events: &[Event]) -> Vec<Shown> {
    let mut stages: Vec<_> = Stage::ALL.iter().map(|stage| Shown { stage: *stage, tone: Tone::Quiet, said: Vec::new() }).collect();
    if let Some(report) = report {
        for shown in &mut stages {
            (shown.tone, shown.said) = reported(shown.stage, run, report, entries);
        }
        return stages;
    }
    let told = told(entries, events);
    for shown in &mut stages {
        let Some((begun, ended, last)) = told.get(&shown.stage) else {
            continue;
        };
        let goes_on = begun > ended;
        shown.tone = match run.status {
            Status::Running if goes_on => Tone::Busy,
            _ if goes_on => Tone::Bad,
            _ => Tone::Good,
        };
        shown.said = vec![format!("{ended} of {begun} done"), last.clone()];
    }
    // What an extract takes along has no entries of its own.
    if let Some(extract) = stages.iter().find(|shown| shown.stage == Stage::Extract).map(|shown| shown.tone) {
        for shown in stages.iter_mut().filter(|shown| within_extract(shown.stage)) {
            shown.tone = extract;
        }
    }
    stages
}

/// Pages are archived, rows transformed and assessed while they are extracted: one plan per stream.
fn within_extract(stage: Stage) -> bool {
    matches!(stage, Stage::Archive | Stage::Transform)
}

/// How many things entered and left each stage, and the last one.
fn told(entries: &[StageEntry], events: &[Event]) -> HashMap<Stage, (usize, usize, String)> {
    let mut told: HashMap<Stage, (usize, usize, String)> = HashMap::new();
    if events.is_empty() {
        for entry in entries {
            let stage = told.entry(entry.stage).or_default();
            stage.0 += 1;
            stage.1 += usize::from(entry.finished_at.is_some());
            stage.2 = entry.stream.clone().unwrap_or_default();
        }
        return told;
    }
    for event in events {
        match event {
            Event::StageStarted { stage, what, .. } => {
                let stage = told.entry(*stage).or_default();
                stage.0 += 1;
                stage.2.clone_from(what);
            }
            Event::StageFinished { stage, .. } => told.entry(*stage).or_default().1 += 1,
            _ => {}
        }
    }
    told
}

fn reported(stage: Stage, run: &Run, report: &Report, entries: &[StageEntry]) -> (Tone, Vec<String>) {
    let (read, accepted, rejected) = report.rows();
    let held = report.verdict.as_ref().is_some_and(crate::flow::gate::Verdict::holds);
    let took = |word: &str| {
        let all: u64 = report.timings.iter().filter(|(step, _)| step.split(' ').next() == Some(word)).map(|(_, micros)| micros).sum();
        if all > 0 { vec![micros(all)] } else { Vec::new() }
    };
    let with = |mut said: Vec<String>, word: &str| {
        said.extend(took(word));
        said
    };
    match stage {
        Stage::Extract => (Tone::Good, with(vec![format!("{} rows of {} streams", count(read), report.streams.len())], "extract")),
        Stage::Archive => {
            let (pages, packed) = report.archives.iter().fold((0, 0), |(pages, packed), it| (pages + it.pages, packed + it.packed_bytes));
            (Tone::Good, vec![format!("{} pages", count(pages)), bytes(packed)])
        }
        Stage::Transform => (Tone::Good, vec![format!("{} accepted", count(accepted)), format!("{} rejected", count(rejected))]),
        Stage::Assess => (Tone::Good, with(vec![format!("{} measures", count(report.measures.len() as u64))], "check")),
        Stage::Gate => match &report.verdict {
            Some(verdict) => {
                let tone = if held { Tone::Warn } else { Tone::Good };
                (tone, vec![verdict.name().to_owned(), verdict.overall().map(percent).unwrap_or_default()])
            }
            None => (Tone::Quiet, vec!["not judged".into()]),
        },
        Stage::Load if held => (Tone::Quiet, vec!["held back".into()]),
        Stage::Load => {
            let tables = report.tables.len();
            (Tone::Good, with(vec![format!("{} rows, {tables} tables", count(run.rows.loaded))], "load"))
        }
        Stage::Refresh if held => (Tone::Quiet, vec!["held back".into()]),
        Stage::Refresh => (Tone::Good, with(vec![format!("{} marts", report.marts.len())], "refresh")),
        Stage::Notify => match entries.iter().any(|entry| entry.stage == Stage::Notify) {
            true => (Tone::Good, vec!["told".into()]),
            false => (Tone::Quiet, vec!["nobody to tell".into()]),
        },
    }
}

/// The list. What a sign and a colour say is said in words too.
pub(super) fn list(stages: &[Shown]) -> Markup {
    html! {
        ol.stages {
            @for shown in stages {
                li class=(shown.tone.class()) data-stage=(shown.stage.name()) {
                    p.name { (icon(shown.tone.sign())) (shown.stage.name()) span.visually-hidden { ": " (word(shown.tone)) } }
                    p data-what { (shown.said.first().map_or("", String::as_str)) }
                    @for more in shown.said.iter().skip(1).filter(|more| !more.is_empty()) { p { (more) } }
                }
            }
        }
    }
}

fn word(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "done",
        Tone::Warn => "held",
        Tone::Bad => "broken off",
        Tone::Busy => "goes on",
        Tone::Quiet => "not reached or nothing to do",
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::state::{Rows, RunId};

    fn run(status: Status) -> Run {
        let started_at = DateTime::<Utc>::UNIX_EPOCH;
        Run {
            id: RunId::new(started_at, 1),
            pipeline: "shop".into(),
            sequence: 1,
            status,
            started_at,
            finished_at: None,
            pid: 1,
            rows: Rows::default(),
            verdict: None,
            score: None,
            error: None,
            resumed_by: None,
            report: None,
            failure: None,
        }
    }

    fn event(stage: Stage, finished: bool) -> Event {
        let (what, at) = ("orders".to_owned(), DateTime::UNIX_EPOCH);
        if finished { Event::StageFinished { stage, what, at, rows: None } } else { Event::StageStarted { stage, what, at } }
    }

    fn tone(stages: &[Shown], stage: Stage) -> Tone {
        stages.iter().find(|shown| shown.stage == stage).unwrap().tone
    }

    #[test]
    fn a_run_that_goes_on_shows_where_it_is() {
        let events = [event(Stage::Extract, false), event(Stage::Extract, true), event(Stage::Load, false)];
        let stages = of(&run(Status::Running), None, &[], &events);
        assert_eq!(stages.len(), 8);
        assert_eq!(
            [Stage::Extract, Stage::Archive, Stage::Load, Stage::Refresh].map(|stage| tone(&stages, stage)),
            [Tone::Good, Tone::Good, Tone::Busy, Tone::Quiet]
        );
    }

    #[test]
    fn a_run_that_failed_shows_where_it_broke() {
        let entry =
            StageEntry { stage: Stage::Load, stream: Some("orders".into()), started_at: DateTime::UNIX_EPOCH, finished_at: None, rows: 0 };
        let stages = of(&run(Status::Failed), None, &[entry], &[]);
        assert_eq!(tone(&stages, Stage::Load), Tone::Bad);
        let text = list(&stages).into_string();
        assert!(text.contains("broken off") && text.matches("<li").count() == 8, "{text}");
    }
}
