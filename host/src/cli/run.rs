//! `tidegate run`.

use std::sync::Arc;

use clap::Args;

use super::{
    PipelineArgs, host,
    output::{Failed, print_json, talk},
    progress::Bar,
    summary,
};
use crate::{
    engine::Progress,
    error,
    flow::{
        Outcome,
        launch::{Launch, launch},
    },
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
    let launched = Launch::new(args.pipeline.pipeline.clone());
    let work = Launch { overrides: args.pipeline.overrides(), progress, watcher: bar.clone(), ..launched };
    let result = launch(&host, work, interrupted()).await;
    bar.end();
    let report = result?;
    if json {
        print_json(&report);
    } else if !args.quiet {
        talk(&summary::summary(&report, &args.pipeline.pipeline));
    }
    Ok(if report.outcome == Outcome::Held { error::HELD } else { error::OK })
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
