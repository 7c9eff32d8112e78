//! `tidegate runs`.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::output::{Failed, columns, count, print_json, say};
use crate::{
    config,
    egress::http::Circuit,
    error,
    flow::{Failure, Report, report::worst_circuit},
    state::{Run, RunId, State},
};

/// Which runs.
#[derive(Args)]
pub struct RunsArgs {
    /// The pipeline file, or its folder.
    #[arg(default_value = ".")]
    pipeline: PathBuf,
    /// Show this run in full.
    #[arg(long)]
    run: Option<String>,
    /// How many runs, newest first.
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: u32,
}

/// Shows past runs.
pub fn runs(args: &RunsArgs, json: bool) -> Result<u8, Failed> {
    let loaded = config::load(&args.pipeline)?;
    let database = loaded.storage().state_db();
    if !database.is_file() {
        say("no run yet");
        return Ok(error::OK);
    }
    let state = State::open(&database).map_err(crate::flow::RunError::from)?;
    state.reap_dead().map_err(crate::flow::RunError::from)?;
    if let Some(id) = &args.run {
        return one(&state, id, &args.pipeline, json);
    }
    let runs = state.runs(args.limit, Some(&loaded.pipeline.name)).map_err(crate::flow::RunError::from)?;
    if json {
        print_json(&runs.iter().map(as_json).collect::<Vec<_>>());
        return Ok(error::OK);
    }
    let head = ["run", "status", "seconds", "read", "accepted", "quarantined", "loaded", "score", "circuit"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(runs.iter().map(line));
    columns(&rows, &[2, 3, 4, 5, 6, 7]).iter().for_each(|line| say(line));
    Ok(error::OK)
}

fn line(run: &Run) -> Vec<String> {
    let seconds = run.finished_at.map(|end| (end - run.started_at).as_seconds_f64());
    vec![
        run.id.to_string(),
        run.status.to_string(),
        seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
        count(run.rows.read),
        count(run.rows.accepted),
        count(run.rows.quarantined),
        count(run.rows.loaded),
        run.score.map(|score| format!("{score:.2}")).unwrap_or_default(),
        circuit(run).map(|circuit| circuit.name().to_owned()).unwrap_or_default(),
    ]
}

/// What a run had to say; none where it died before, or another version wrote it.
fn report(run: &Run) -> Option<Report> {
    run.report.as_ref().and_then(|report| Report::deserialize(report).ok())
}

/// The worst that the circuit of any source was.
fn circuit(run: &Run) -> Option<Circuit> {
    let failed = || Failure::kept(run).map(|failure| failure.egress);
    worst_circuit(&report(run).map(|report| report.egress).or_else(failed)?)
}

fn as_json(run: &Run) -> serde_json::Value {
    serde_json::json!({
        "run": run.id.to_string(),
        "pipeline": run.pipeline,
        "sequence": run.sequence,
        "status": run.status.to_string(),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "rows": { "read": run.rows.read, "accepted": run.rows.accepted, "quarantined": run.rows.quarantined, "loaded": run.rows.loaded },
        "verdict": run.verdict.map(|verdict| verdict.to_string()),
        "score": run.score,
        "error": run.error,
        "report": run.report,
        "failure": run.failure,
    })
}

fn one(state: &State, id: &str, pipeline: &std::path::Path, json: bool) -> Result<u8, Failed> {
    let id: RunId = id.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let run = state.run(&id).map_err(crate::flow::RunError::from)?;
    if json {
        print_json(&as_json(&run));
        return Ok(error::OK);
    }
    columns(&[line(&run)], &[]).iter().for_each(|line| say(line));
    let failure = Failure::kept(&run).and_then(|failure| failure.text());
    if let Some(text) = failure.or_else(|| run.error.as_ref().map(|error| format!("error: {error}"))) {
        say(&text);
    }
    if let Some(report) = report(&run) {
        say(&super::summary::summary(&report, pipeline));
    }
    for entry in state.logs(&id).map_err(crate::flow::RunError::from)? {
        let who = [entry.plugin, entry.stream].into_iter().flatten().collect::<Vec<_>>().join(" ");
        say(&format!("{} {} {who}: {}", entry.at.format("%H:%M:%S%.3f"), entry.level, entry.message));
    }
    Ok(error::OK)
}
