//! `tidegate run`.

use std::{path::Path, sync::Arc};

use clap::Args;

use super::{
    PipelineArgs, host,
    output::{Failed, print_json, talk},
    progress::Bar,
    summary,
};
use crate::{
    config::{self, Loaded, Observe, paths::public_url},
    engine::Progress,
    error,
    flow::{
        FailedRun, Outcome,
        launch::{Launch, launch},
    },
    notify::Notifier,
    observe::{Metrics, Observer},
};

/// What to run.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Print nothing but errors.
    #[arg(long, short)]
    quiet: bool,
}

/// Runs a pipeline and tells what became of it.
pub async fn run(args: &RunArgs, json: bool) -> Result<u8, Failed> {
    let host = host()?;
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(progress.clone(), args.quiet || json);
    let notifier = Some(Arc::new(Notifier::new(public_url())));
    let launched = Launch::new(args.pipeline.pipeline.clone());
    let work = Launch { overrides: args.pipeline.overrides(), progress, watcher: bar.clone(), notifier, ..launched };
    let (id, started, course) = (work.run(), work.started, work.course.clone());
    let watched = watched(&work.pipeline);
    if let Some((observer, loaded)) = &watched {
        observer.started(loaded, &id, started).await;
    }
    let result = launch(&host, work, interrupted()).await;
    bar.end();
    if let Some((observer, loaded)) = &watched {
        match &result {
            Ok(report) => observer.ended(loaded, report, chrono::Utc::now()).await,
            Err(error) => observer.failed(loaded, FailedRun { run: &id, started, error, course: &course }, chrono::Utc::now()).await,
        }
    }
    let report = result?;
    if json {
        print_json(&report);
    } else if !args.quiet {
        talk(&summary::summary(&report, &args.pipeline.pipeline));
    }
    Ok(if report.outcome == Outcome::Held { error::HELD } else { error::OK })
}

/// Who watches the run, where the environment names somebody, and what there is to say of its pipeline.
fn watched(pipeline: &Path) -> Option<(Observer, Loaded)> {
    let observer = Observer::new(&Observe::default(), Path::new("."), Arc::new(Metrics::default()));
    let observer = observer.map_err(|error| tracing::warn!("nobody watches the run: {}", error::chain(&error))).ok()?;
    // What is wrong with the file the run itself will say.
    Some((observer, config::load(pipeline).ok()?))
}

/// Completes when a person presses Ctrl-C or the system asks the program to end.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
