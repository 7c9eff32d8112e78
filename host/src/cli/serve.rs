//! `tidegate serve`.

use std::{io::ErrorKind, net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;
use tokio::{net::TcpListener, sync::watch};

use super::{
    host,
    output::{Failed, talk},
    run::interrupted,
};
use crate::{
    config::{self, LogFormat, Serve, StorageLayout, Web, paths::public_url},
    error,
    flow::RunError,
    notify::Notifier,
    observe::{Metrics, Observer},
    schedule::{Clock, Daemon, Desk, Tasks},
    state::{Lock, LockError},
    web,
};

/// What to serve.
#[derive(Args)]
pub struct ServeArgs {
    /// The folder with the pipelines: every `*.toml`, and every `pipeline.toml` one folder down.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The address and port of the dashboard, instead of the one in tidegate.toml.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Without the dashboard: nothing is listened on.
    #[arg(long)]
    no_web: bool,
}

impl ServeArgs {
    /// How the log is written, where the daemon's own file says so. What is wrong with the file is said when it is read.
    pub(super) fn log(&self) -> Option<LogFormat> {
        config::serve(&self.folder).ok().map(|settings| settings.observe.log)
    }
}

/// Runs pipelines by their schedules until it is asked to stop.
pub async fn serve(args: &ServeArgs) -> Result<u8, Failed> {
    // From the first moment on: who asks a daemon to stop while it starts is heard, too.
    let asked = tokio::spawn(interrupted());
    let mut settings = config::serve(&args.folder)?;
    if let Some(listen) = args.listen {
        settings.web.listen = listen;
    }
    // A door that would be open to others is refused before anything starts.
    let door = if args.no_web { None } else { Some((config::access(&args.folder, &settings.web)?, listen(&settings.web).await?)) };
    let (store, lock) = open(&args.folder, &settings).await?;
    let metrics = Arc::new(Metrics::default());
    let observer = Observer::new(&settings.observe, &args.folder, metrics.clone()).map_err(anyhow::Error::from)?;
    let link = settings.web.base().map_err(anyhow::Error::from)?.or_else(public_url);
    let desk = Desk::reporting(Arc::new(host()?), store, Clock::default(), Some(Notifier::new(link)), Some(observer));
    let daemon = Daemon::new(&desk, &args.folder, settings.limits, lock.is_some());
    talk(&format!("serving the pipelines of {}; Ctrl-C ends it", args.folder.display()));
    let (stop, stops) = watch::channel(false);
    let stopped = |mut stops: watch::Receiver<bool>| async move {
        // An error means that whoever would say it is gone, which is the same.
        let _ = stops.wait_for(|stops| *stops).await;
    };
    let dashboard = async {
        let Some((access, listener)) = door else { return Ok(()) };
        talk(&format!("the dashboard is at http://{}", listener.local_addr().unwrap_or(settings.web.listen)));
        let shown = settings.observe.metrics;
        let scrape = Arc::new(move || if shown { metrics.render() } else { String::new() });
        web::serve(desk.clone(), &settings.web, access, scrape, listener, stopped(stops.clone())).await
    };
    let work = async {
        let ended = daemon.run(async { drop(asked.await) }).await;
        // The dashboard shows how the last runs end; then it ends too.
        let _ = stop.send(true);
        ended
    };
    let (ended, shown) = tokio::join!(work, dashboard);
    ended.map_err(wrong)?;
    shown?;
    talk("stopped");
    Ok(error::OK)
}

/// Takes the dashboard's port.
async fn listen(web: &Web) -> Result<TcpListener, Failed> {
    TcpListener::bind(web.listen).await.map_err(|source| {
        let hint = match source.kind() {
            ErrorKind::AddrInUse => "another program listens there; choose another port with `--listen 127.0.0.1:8081`",
            ErrorKind::PermissionDenied => "ports below 1024 are for the system; choose another one with `--listen 127.0.0.1:8080`",
            _ => "choose another address with `--listen ADDRESS:PORT`",
        };
        Failed::Hinted(anyhow::Error::new(source).context(format!("listen on {}", web.listen)), Some(hint.to_owned()))
    })
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
