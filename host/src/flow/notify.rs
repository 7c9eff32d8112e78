//! Notify: what became of a run becomes news, and the pipeline's channels are told. A failed run is news too, so this stands outside the
//! stages that can fail, and fails nothing itself.

use chrono::{DateTime, Utc};

use super::{Outcome, Report, RunError};
use crate::{
    config::Loaded,
    error,
    notify::{Delivery, Kind, News, Notifier, Told},
    state::{Level, LogEntry, RunId, Stage, StageEntry, State},
};

/// The news of how a run ended. None where it is no news: a person stopped it, or another run was going on.
pub fn news(pipeline: &str, run: &RunId, result: &Result<Report, RunError>, at: DateTime<Utc>) -> Option<News> {
    let (kind, what, why) = match result {
        Ok(report) if report.outcome == Outcome::Held => (Kind::Hold, "is held by its gate, nothing was loaded", held(report)),
        Ok(report) => (Kind::Recovery, "is well again", well(report)),
        Err(RunError::Stopped) => return None,
        Err(error) if error.exit_code() == error::BUSY => return None,
        Err(error) => (Kind::Failure, "failed", failed(error)),
    };
    let (pipeline, run) = (pipeline.to_owned(), Some(run.as_str().to_owned()));
    Some(News { kind, pipeline, run, at, what: what.to_owned(), why, link: None })
}

/// Tells the pipeline's channels how a run ended, and writes into its history what became of that.
pub async fn tell(notifier: &Notifier, loaded: &Loaded, run: &RunId, result: &Result<Report, RunError>) -> Vec<Delivery> {
    let began = Utc::now();
    let Some(news) = news(&loaded.pipeline.name, run, result, began) else { return Vec::new() };
    let deliveries = notifier.tell(loaded, &news).await;
    for delivery in &deliveries {
        match delivery.is_failed() {
            true => tracing::warn!("{}", delivery.sentence()),
            false => tracing::debug!("{}", delivery.sentence()),
        }
    }
    if !deliveries.is_empty() {
        keep(loaded, run, began, &deliveries);
    }
    deliveries
}

/// The stage in the run's history, and what went wrong in its log. A run that never got as far as having a history has none here either.
pub fn keep(loaded: &Loaded, run: &RunId, began: DateTime<Utc>, deliveries: &[Delivery]) {
    let now = Utc::now();
    let sent = deliveries.iter().filter(|delivery| matches!(delivery.told, Told::Sent { .. })).count();
    let stage = StageEntry { stage: Stage::Notify, stream: None, started_at: began, finished_at: Some(now), rows: sent as u64 };
    let entry = |delivery: &Delivery| {
        let level = if delivery.is_failed() { Level::Warn } else { Level::Info };
        LogEntry { at: now, level, plugin: None, stream: None, message: delivery.sentence() }
    };
    let entries: Vec<_> = deliveries.iter().map(entry).collect();
    let kept = State::open(&loaded.storage().state_db()).and_then(|state| {
        if state.run(run).is_err() {
            return Ok(());
        }
        state.stage(run, &stage)?;
        state.log(run, &entries)
    });
    if let Err(error) = kept {
        tracing::warn!("can't write into the history who was told: {}", error::chain(&error));
    }
}

/// What the gate found, with the floors.
fn held(report: &Report) -> Vec<String> {
    let Some(verdict) = &report.verdict else { return Vec::new() };
    let mut why = verdict.sentences();
    let overall = verdict.scores.first().and_then(|scores| Some((scores.overall?, scores.overall_floor)));
    why.extend(overall.map(|(score, floor)| format!("overall score {score:.2} %, its floor is {floor} %")));
    why
}

fn well(report: &Report) -> Vec<String> {
    let (read, accepted, quarantined) = report.rows();
    let score = report.verdict.as_ref().and_then(|verdict| verdict.overall());
    let score = score.map(|score| format!(", overall score {score:.2} %")).unwrap_or_default();
    match report.outcome {
        Outcome::Resumed => vec!["it finished the load of a run that had died".to_owned()],
        _ => vec![format!("{read} records read, {accepted} rows accepted, {quarantined} quarantined{score}")],
    }
}

/// The error and its causes, each said once, and what to do.
fn failed(error: &RunError) -> Vec<String> {
    let causes = error::causes(error).into_iter().enumerate();
    let mut why: Vec<_> = causes.map(|(depth, words)| if depth == 0 { words } else { format!("caused by: {words}") }).collect();
    why.extend(error.hint().map(|hint| format!("hint: {hint}")));
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        "20261127T033000000Z-5f3a91".parse().unwrap()
    }

    fn at() -> DateTime<Utc> {
        "2026-11-27T03:31:00Z".parse().unwrap()
    }

    #[test]
    fn a_failure_says_each_cause_once_and_what_to_do() {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error = RunError::Grant { source_name: "files".into(), name: "data".into(), path: "in".into(), source };
        let news = news("shop", &run(), &Err(error), at()).unwrap();
        assert_eq!((news.kind, news.what.as_str(), news.run.as_deref()), (Kind::Failure, "failed", Some("20261127T033000000Z-5f3a91")));
        assert_eq!(news.why[0], "can't open the directory `in` that source `files` is granted as `data`");
        assert_eq!(news.why[1], "caused by: no such file");
        assert!(news.why[2].starts_with("hint: make the directory"), "{:?}", news.why);
    }

    #[test]
    fn a_run_that_a_person_stopped_is_no_news() {
        assert_eq!(news("shop", &run(), &Err(RunError::Stopped), at()), None);
    }
}
