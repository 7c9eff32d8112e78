//! `tidegate replay`.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};

use super::{
    archive::instant,
    difference, host,
    output::{Failed, columns, count, print_json, say, talk},
    progress::Bar,
    run::interrupted,
    summary,
};
use crate::{
    config,
    engine::Progress,
    error,
    flow::{
        RunError,
        replay::{Change, ReplayReport, Replayer, Same, StreamReplay},
    },
    state::RunId,
};

/// What to replay.
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(false).args(["run", "since"]))]
pub struct ReplayArgs {
    /// The run, as `tidegate runs` shows it.
    run: Option<RunId>,
    /// The pipeline file, or its folder.
    #[arg(long, short, default_value = ".")]
    pipeline: PathBuf,
    /// Use another component for a plugin: `--plugin transform-olist=fixed.wasm`.
    #[arg(long, value_name = "NAME=PATH", value_parser = plugin)]
    plugin: Vec<(String, PathBuf)>,
    /// Use pipeline file, SQL and plugins as they are now, instead of those of the run.
    #[arg(long)]
    current: bool,
    /// Say what the change would change: rows added, removed and changed per stream and table, measures, verdict. Loads nothing.
    #[arg(long, requires = "run")]
    diff: bool,
    /// Replay all runs that were loaded since this: `2026-11-27`, or RFC 3339. Needs `--load`.
    #[arg(long, value_name = "DATE", value_parser = instant, requires = "load")]
    since: Option<DateTime<Utc>>,
    /// Make the tables again from the runs of `--since`, all together or not at all.
    #[arg(long, requires = "since")]
    load: bool,
    /// Print nothing but errors.
    #[arg(long, short)]
    quiet: bool,
}

fn plugin(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("write it as NAME=PATH")?;
    // A component is found from where the command is called, whatever the pipeline's folder is.
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), path))
}

/// Replays runs and tells what came out.
pub async fn replay(args: &ReplayArgs, json: bool) -> Result<u8, Failed> {
    let now = config::load(&args.pipeline)?;
    let host = host()?;
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(progress.clone(), args.quiet || json);
    let replayer = Replayer { host: &host, now: &now, progress, watcher: bar.clone() };
    let result = tokio::select! {
        result = work(&replayer, args, json) => result,
        () = interrupted() => Err(RunError::Stopped.into()),
    };
    bar.end();
    result
}

async fn work(replayer: &Replayer<'_>, args: &ReplayArgs, json: bool) -> Result<u8, Failed> {
    let change = Change { current: args.current, plugins: args.plugin.clone() };
    match (&args.run, args.since) {
        (Some(run), _) if args.diff => {
            let report = replayer.diff(run, &change).await?;
            if json {
                print_json(&report);
            } else {
                difference::tell(&report);
            }
            Ok(error::OK)
        }
        (Some(run), _) => {
            let (report, failed) = replayer.replay(run, &change).await?;
            tell(&report, args.quiet, json);
            match failed {
                // With `--json` the one document has said it already.
                Some(error) if json => Ok(error.exit_code()),
                Some(error) => Err(error.into()),
                None if report.identical || !change.is_none() => Ok(error::OK),
                None => Ok(error::DIFFERS),
            }
        }
        (None, since) => {
            let report = replayer.rebuild(since.unwrap_or_default(), &change, Utc::now()).await?;
            if json {
                print_json(&report);
            } else if !args.quiet {
                talk(&summary::summary(&report, &args.pipeline));
            }
            Ok(error::OK)
        }
    }
}

fn tell(report: &ReplayReport, quiet: bool, json: bool) {
    if json {
        print_json(report);
        return;
    }
    if quiet {
        return;
    }
    let mut rows = vec![["stream", "read", "accepted", "quarantined", "clean files"].map(str::to_owned).to_vec()];
    rows.extend(report.streams.iter().map(line));
    columns(&rows, &[1, 2, 3]).iter().for_each(|line| say(line));
    report.changed.iter().for_each(|changed| talk(&format!("changed: {changed}")));
    report.missed.iter().for_each(|missed| talk(&format!("not recorded: it asked {missed}")));
    if let Some(verdict) = &report.verdict {
        talk(&format!("verdict: {}", verdict.name()));
    }
    if report.error.is_some() && report.error == report.original_error {
        talk("it fails as the run did");
    }
    talk(&format!("replay of run {}: {}", report.run, conclusion(report)));
    talk(&format!("its files: {}", report.place.display()));
}

fn conclusion(report: &ReplayReport) -> &'static str {
    match (report.identical, report.streams.is_empty()) {
        (_, true) => "no stream got through",
        (true, false) => "identical",
        (false, false) => "differs",
    }
}

fn line(stream: &StreamReplay) -> Vec<String> {
    let same = match &stream.same {
        Same::Identical => "identical".to_owned(),
        Same::Differs(files) => format!("differ: {}", files.join(", ")),
        Same::NotInTheRun => "the run did not come to its end".to_owned(),
        Same::Unknown => "the run kept no sums".to_owned(),
    };
    vec![stream.stream.clone(), count(stream.read), count(stream.accepted), count(stream.quarantined), same]
}
