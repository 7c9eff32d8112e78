//! What people ask the daemon for: `trigger`, `pause`, `resume`, `backfill`, `cancel`, `tasks`. It goes through the daemon's store, so it works
//! whether the daemon runs or not.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde_json::json;

use super::{
    output::{Failed, columns, print_json, say, talk},
    serve::wrong,
};
use crate::{
    config::{self, Every, Serve, secret},
    error,
    schedule::{Asks, Backfill, BackfillEntry, BackfillStatus, Files, Task, TaskId, Tasks, TasksError},
};

/// The folder in the served one that the daemon keeps for itself.
pub(super) const OWN: &str = ".tidegate";

/// How often a command that waits looks.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// Which pipeline of which daemon.
#[derive(Args)]
pub struct Served {
    /// The pipeline's name.
    pipeline: String,
    /// The folder that the daemon serves.
    #[arg(long, short, default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

/// Which windows.
#[derive(Args)]
pub struct BackfillArgs {
    #[command(flatten)]
    served: Served,
    /// Where the first window starts: a day, or a time in RFC 3339. Days begin at midnight UTC.
    #[arg(long, value_parser = instant)]
    from: DateTime<Utc>,
    /// Where the last window ends.
    #[arg(long, value_parser = instant)]
    to: DateTime<Utc>,
    /// How long each window is: `1d`, `6h`.
    #[arg(long, default_value = "1d")]
    window: Every,
    /// Wait for its end, and tell how far it is.
    #[arg(long)]
    wait: bool,
}

/// Which tasks.
#[derive(Args)]
pub struct TasksArgs {
    #[command(flatten)]
    served: Served,
    /// How many, newest first.
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: u32,
}

/// What to end.
#[derive(Args)]
pub struct CancelArgs {
    /// The task, the run, or the backfill.
    what: String,
    /// The folder that the daemon serves.
    #[arg(long, short, default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

/// What to run.
#[derive(Args)]
pub struct TriggerArgs {
    #[command(flatten)]
    served: Served,
    /// Wait for its end; the exit code is that of the run.
    #[arg(long)]
    wait: bool,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || Some(text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    let wrong = || "write a day as 2026-01-31, or a time as 2026-01-31T06:00:00Z".to_owned();
    text.parse::<DateTime<Utc>>().ok().or_else(day).ok_or_else(wrong)
}

/// The store of the daemon that serves `folder`.
pub(super) async fn store(folder: &Path, settings: &Serve) -> Result<Tasks, Failed> {
    let opened = match &settings.state {
        None => Tasks::open(&folder.join(OWN).join("daemon.db")),
        Some(state) => match secret::from_env(&state.url.env) {
            Some(url) => Tasks::connect(&url).await,
            None => Err(TasksError::NoUrl { variable: state.url.env.clone() }),
        },
    };
    opened.map_err(|error| wrong(error.into()))
}

/// A folder's store and the names of its pipelines.
struct Counter {
    store: Tasks,
    names: Vec<String>,
    by: String,
}

impl Counter {
    async fn open(folder: &Path) -> Result<Self, Failed> {
        let settings = config::serve(folder)?;
        let mut files = Files::of(folder);
        files.look();
        let names: Vec<_> = files.served().into_keys().collect();
        // Without one there would be no reason to make a store here.
        if names.is_empty() {
            let hint = "name the folder that the daemon serves: `--folder DIR`".to_owned();
            return Err(Failed::Hinted(anyhow::anyhow!("there is no pipeline in `{}`", folder.display()), Some(hint)));
        }
        let by = secret::user().unwrap_or_else(|| "command line".to_owned());
        Ok(Self { store: store(folder, &settings).await?, names, by })
    }

    fn asks(&self) -> Asks<'_> {
        Asks { store: &self.store, names: &self.names, now: Utc::now(), by: &self.by }
    }
}

/// Asks for a run now.
pub async fn trigger(args: &TriggerArgs, json: bool) -> Result<u8, Failed> {
    let counter = Counter::open(&args.served.folder).await?;
    let id = counter.asks().run_now(&args.served.pipeline).await.map_err(wrong)?;
    if !args.wait {
        told(json, &json!({ "task": id }), &format!("task {id} waits for the daemon"));
        return Ok(error::OK);
    }
    let task = loop {
        match counter.store.task(&id).await.map_err(|error| wrong(error.into()))? {
            Some(task) if task.status.is_end() => break task,
            _ => tokio::time::sleep(LOOK).await,
        }
    };
    told(json, &json!({ "task": task }), &line(&task).join("  "));
    Ok(code(&task))
}

fn code(task: &Task) -> u8 {
    match task.status {
        crate::schedule::TaskStatus::Loaded => error::OK,
        crate::schedule::TaskStatus::Held => error::HELD,
        _ => error::FAILED,
    }
}

/// Stops a pipeline's schedule.
pub async fn pause(args: &Served, json: bool) -> Result<u8, Failed> {
    let counter = Counter::open(&args.folder).await?;
    counter.asks().pause(&args.pipeline).await.map_err(wrong)?;
    told(json, &json!({ "paused": args.pipeline }), &format!("{} is paused; what runs goes on", args.pipeline));
    Ok(error::OK)
}

/// Starts a pipeline's schedule again.
pub async fn resume(args: &Served, json: bool) -> Result<u8, Failed> {
    let counter = Counter::open(&args.folder).await?;
    counter.asks().resume(&args.pipeline).await.map_err(wrong)?;
    told(json, &json!({ "resumed": args.pipeline }), &format!("{} runs by its schedule again", args.pipeline));
    Ok(error::OK)
}

/// Ends a task, a run or a backfill.
pub async fn cancel(args: &CancelArgs, json: bool) -> Result<u8, Failed> {
    let counter = Counter::open(&args.folder).await?;
    let asks = counter.asks();
    let ended = match args.what.parse() {
        Ok(run) => asks.cancel(&run).await,
        Err(_) if asks.cancel_backfill(&crate::schedule::BackfillId::kept(args.what.as_str())).await.map_err(wrong)? => Ok(()),
        Err(_) => asks.cancel_task(&TaskId::kept(args.what.as_str())).await,
    };
    ended.map_err(wrong)?;
    told(json, &json!({ "cancelled": args.what }), &format!("{} ends", args.what));
    Ok(error::OK)
}

/// Asks for a run of each window of a span.
pub async fn backfill(args: &BackfillArgs, json: bool) -> Result<u8, Failed> {
    let counter = Counter::open(&args.served.folder).await?;
    let span = Backfill { from: args.from, to: args.to, window: args.window.get() };
    let id = counter.asks().backfill(&args.served.pipeline, &span).await.map_err(wrong)?;
    let entry = async || {
        let all = counter.asks().backfills(&args.served.pipeline).await.map_err(wrong)?;
        all.into_iter().find(|entry| entry.id == id).ok_or_else(|| Failed::from(anyhow::anyhow!("backfill {id} is gone")))
    };
    let mut found = entry().await?;
    let mut shown = 0;
    while args.wait && found.status == BackfillStatus::Going {
        let (done, all) = found.span.progress(found.at);
        if done > shown {
            talk(&format!("{done} of {all} windows"));
            shown = done;
        }
        tokio::time::sleep(LOOK).await;
        found = entry().await?;
    }
    told(json, &json!({ "backfill": found }), &backfilled(&found));
    Ok(if matches!(found.status, BackfillStatus::Going | BackfillStatus::Done) { error::OK } else { error::FAILED })
}

fn backfilled(entry: &BackfillEntry) -> String {
    let (done, all) = entry.span.progress(entry.at);
    let day = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let more = match entry.status {
        BackfillStatus::Going => "; the daemon works on it, `tidegate tasks` shows how far it is",
        BackfillStatus::Halted => "; the same command lets it go on from there",
        BackfillStatus::Done | BackfillStatus::Cancelled => "",
    };
    let (from, to) = (day(entry.span.from), day(entry.span.to));
    format!("backfill {} of {} from {from} to {to}: {}, {done} of {all} windows{more}", entry.id, entry.pipeline, entry.status)
}

/// Shows what was, runs and waits.
pub async fn tasks(args: &TasksArgs, json: bool) -> Result<u8, Failed> {
    let counter = Counter::open(&args.served.folder).await?;
    let tasks = counter.asks().tasks(&args.served.pipeline, args.limit).await.map_err(wrong)?;
    let backfills = counter.asks().backfills(&args.served.pipeline).await.map_err(wrong)?;
    if json {
        print_json(&json!({ "tasks": tasks, "backfills": backfills }));
        return Ok(error::OK);
    }
    let head = ["task", "cause", "due", "status", "attempt", "run", "why"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(tasks.iter().map(line));
    columns(&rows, &[4]).iter().for_each(|line| say(line));
    backfills.iter().for_each(|entry| say(&backfilled(entry)));
    Ok(error::OK)
}

fn line(task: &Task) -> Vec<String> {
    let run = task.run.as_ref().map(ToString::to_string).unwrap_or_default();
    let why = task.error.as_deref().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    let due = task.due.format("%Y-%m-%d %H:%M:%S").to_string();
    vec![task.id.to_string(), task.cause.to_string(), due, task.status.to_string(), task.attempt.to_string(), run, why]
}

fn told(json: bool, data: &serde_json::Value, words: &str) {
    if json { print_json(data) } else { say(words) }
}
