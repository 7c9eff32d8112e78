//! `tidegate serve`.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    host,
    output::{Failed, talk},
    run::interrupted,
};
use crate::{
    config::{self, Serve, StorageLayout},
    error,
    flow::RunError,
    schedule::{Clock, Daemon, Desk, Tasks},
    state::{Lock, LockError},
};

/// What to serve.
#[derive(Args)]
pub struct ServeArgs {
    /// The folder with the pipelines: every `*.toml`, and every `pipeline.toml` one folder down.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Without the dashboard: nothing is listened on.
    #[arg(long)]
    no_web: bool,
}

/// Runs pipelines by their schedules until it is asked to stop.
pub async fn serve(args: &ServeArgs) -> Result<u8, Failed> {
    let settings = config::serve(&args.folder)?;
    let (store, lock) = open(&args.folder, &settings).await?;
    let desk = Desk::new(Arc::new(host()?), store, Clock::default());
    let daemon = Daemon::new(&desk, &args.folder, settings.limits, lock.is_some());
    talk(&format!("serving the pipelines of {}; Ctrl-C ends it", args.folder.display()));
    if !args.no_web {
        // The dashboard: `web::serve` takes the desk here.
        talk("this build has no dashboard");
    }
    daemon.run(interrupted()).await.map_err(wrong)?;
    talk("stopped");
    Ok(error::OK)
}

/// The daemon's store. The file in the folder is for one daemon, which holds its lock; a database is for several.
async fn open(folder: &std::path::Path, settings: &Serve) -> Result<(Tasks, Option<Lock>), Failed> {
    let store = super::asks::store(folder, settings);
    if settings.state.is_some() {
        return Ok((store.await?, None));
    }
    let lock = Lock::take(&StorageLayout::new(folder.join(super::asks::OWN)), "daemon").map_err(|error| match error {
        LockError::Held { pid, .. } => {
            let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            let hint = "stop it first; several daemons share a PostgreSQL database, which `[state]` in tidegate.toml names".to_owned();
            Failed::Hinted(anyhow::anyhow!("{who} serves `{}` already", folder.display()), Some(hint))
        }
        error => RunError::from(error).into(),
    })?;
    Ok((store.await?, Some(lock)))
}

pub(super) fn wrong(error: crate::schedule::DeskError) -> Failed {
    let hint = error.hint();
    Failed::Hinted(error.into(), hint)
}
