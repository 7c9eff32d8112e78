//! Many runs at a glance: without their reports, which are as large as all else together.

use chrono::{DateTime, Utc};
use rusqlite::{Error as SqlError, params, types::Type};
use serde_json::Value;

use super::{RunId, State, StateError, record::Run, rows};

/// What the gate found in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The run.
    pub run: RunId,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The scores of the whole run, as the report has them.
    pub scores: Value,
}

impl State {
    /// The runs of a pipeline without their reports, newest first: `take` of them after `skip`.
    pub fn history(&self, pipeline: &str, skip: u64, take: u32) -> Result<Vec<Run>, StateError> {
        let columns = rows::RUN.replace(", report", ", null as report");
        let sql =
            format!("select {columns} from runs where pipeline = ? order by started_at desc, sequence desc, id desc limit ? offset ?");
        self.list(&sql, params![pipeline, take, rows::count(skip)], rows::run)
    }

    /// The scores of the last `take` runs that the gate judged up to `until`, oldest first.
    pub fn judged(&self, pipeline: &str, until: DateTime<Utc>, take: u32) -> Result<Vec<Judged>, StateError> {
        let sql = "select id, started_at, json_extract(report, '$.verdict.scores[0]') as scores from runs \
                   where pipeline = ? and started_at <= ? and verdict is not null and scores is not null \
                   order by started_at desc, sequence desc limit ?";
        let mut found = self.list(sql, params![pipeline, until.timestamp_micros(), take], |row| {
            let scores: String = row.get("scores")?;
            let scores =
                serde_json::from_str(&scores).map_err(|error| SqlError::FromSqlConversionFailure(2, Type::Text, Box::new(error)))?;
            Ok(Judged { run: rows::word(row, "id")?, started_at: rows::time(row, "started_at")?, scores })
        })?;
        found.reverse();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        config::StorageLayout,
        state::{Lock, NewRun, Outcome, Process, Status, Verdict},
    };

    #[test]
    fn the_history_is_turned_over_page_by_page_without_reports() {
        let folder = tempfile::tempdir().unwrap();
        let layout = StorageLayout::new(folder.path());
        let state = State::open(&layout.state_db()).unwrap();
        let lock = Lock::take(&layout, "shop").unwrap();
        let mut ids = Vec::new();
        for second in 0..5 {
            let started_at = DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap();
            let id = RunId::new(started_at, 1);
            state.begin_run(&lock, &NewRun { id: id.clone(), started_at, process: Process::current(), seen: 0 }).unwrap();
            let judged = second != 2;
            let report = judged.then(|| json!({ "verdict": { "scores": [{ "overall": 90 + second }] } }));
            let outcome = Outcome { report, verdict: judged.then_some(Verdict::Pass), ..Outcome::of(Status::Loaded) };
            state.finish_run(&id, started_at, &outcome).unwrap();
            ids.insert(0, id);
        }
        let page = state.history("shop", 1, 2).unwrap();
        assert_eq!(page.iter().map(|run| &run.id).collect::<Vec<_>>(), [&ids[1], &ids[2]]);
        assert!(page.iter().all(|run| run.report.is_none()));
        assert!(state.history("shop", 5, 2).unwrap().is_empty() && state.history("other", 0, 2).unwrap().is_empty());
        let judged = state.judged("shop", DateTime::from_timestamp(1_700_000_003, 0).unwrap(), 2).unwrap();
        let overall: Vec<_> = judged.iter().map(|judged| judged.scores["overall"].clone()).collect();
        assert_eq!(overall, [json!(91), json!(93)]);
    }
}
