//! The command line. Data goes to stdout, talk to stderr; `--json` speaks to machines; exit codes are those of [`crate::error`].

mod alerts;
mod archive;
mod asks;
mod check;
mod difference;
mod doctor;
mod output;
mod plugin;
mod preview;
mod progress;
mod quarantine;
mod query;
mod replay;
mod run;
mod runs;
mod sample;
mod serve;
mod summary;
mod user;
mod warehouse;

use std::{collections::HashMap, path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::{
    config::LogFormat,
    config::paths::{Cache, plugin_path, plugins_beside_program},
    flow::{RunError, launch::Host},
    plugin::Runtime,
};
use output::Failed;

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 wrong usage · 3 held by the gate, nothing loaded · 4 config or grant · 5 plugin · \
                          6 source data · 7 warehouse · 8 another run is going on · 9 a replay or the archive differs · 130 interrupted";

/// Data flows through only when the gate says so: an ETL host whose plugins run in a sandbox.
#[derive(Parser)]
#[command(name = "tidegate", version, after_help = EXIT_CODES, max_term_width = 110)]
struct Cli {
    /// Print one JSON document on stdout instead of words.
    #[arg(long, global = true)]
    json: bool,
    /// How the program's own log is written on stderr.
    #[arg(long, global = true, value_name = "FORMAT", value_parser = log_format)]
    log: Option<LogFormat>,
    #[command(subcommand)]
    command: Command,
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("one of `text` and `json`".to_owned()),
    }
}

#[derive(Subcommand)]
enum Command {
    /// Take what is new through extract, archive, transform, assess, gate, load and refresh.
    Run(run::RunArgs),
    /// Run the pipelines of a folder by their schedules, and show them.
    Serve(serve::ServeArgs),
    /// Ask the daemon for a run now.
    Trigger(asks::TriggerArgs),
    /// Stop a pipeline's schedule. What runs goes on.
    Pause(asks::Served),
    /// Start a pipeline's schedule again.
    Resume(asks::Served),
    /// Ask the daemon for a run of each window of a span of time. The same span goes on where it halted.
    Backfill(asks::BackfillArgs),
    /// End a task, a run or a backfill of the daemon.
    Cancel(asks::CancelArgs),
    /// Show what the daemon did, does and has still to do for a pipeline.
    Tasks(asks::TasksArgs),
    /// Check config, grants, plugins, schemas and SQL without running.
    Check(PipelineArgs),
    /// Show the plan of each stream.
    Plan(PipelineArgs),
    /// Send a test message to the channels that a pipeline tells.
    Alerts(alerts::AlertsArgs),
    /// Show the first rows of a stream after its transforms; loads nothing.
    Preview(preview::PreviewArgs),
    /// Ask the warehouse's tables and marts, read-only.
    Query(query::QueryArgs),
    /// Show past runs, or one run.
    Runs(runs::RunsArgs),
    /// Repeat a run from its archive, without its sources: to check it, to try another plugin, to make tables again.
    Replay(replay::ReplayArgs),
    /// List, show and verify what runs took from their sources, or forget it.
    #[command(subcommand)]
    Archive(archive::ArchiveCommand),
    /// Look at rejected rows, or export them.
    Quarantine(quarantine::QuarantineArgs),
    /// Prepare a pipeline's database and look at it.
    #[command(subcommand)]
    Warehouse(warehouse::WarehouseCommand),
    /// Make sample data.
    #[command(subcommand)]
    Sample(sample::SampleCommand),
    /// Build, inspect and list plugins.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Make what a person or a program shows at the dashboard's door.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look at this machine and say what is missing.
    Doctor,
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// A pipeline and what the command line changes in it.
#[derive(Args, Clone)]
struct PipelineArgs {
    /// The pipeline file, or its folder.
    #[arg(default_value = ".")]
    pipeline: PathBuf,
    /// Read files from this folder instead of the one that the pipeline grants as `data`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Grant another folder under a name: `--grant exports=/srv/exports`.
    #[arg(long, value_name = "NAME=DIR", value_parser = grant)]
    grant: Vec<(String, PathBuf)>,
}

impl PipelineArgs {
    fn overrides(&self) -> HashMap<String, PathBuf> {
        let data = self.data.iter().map(|data| ("data".to_owned(), data.clone()));
        self.grant.iter().cloned().chain(data).collect()
    }
}

fn grant(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("write it as NAME=DIR")?;
    Ok((name.to_owned(), PathBuf::from(path)))
}

/// How rows are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person.
    Table,
    /// With a header.
    Csv,
    /// One array of objects.
    Json,
}

/// Runs the command line and gives the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // A daemon's log is what it does; a command's, what is wrong.
    let default = if matches!(cli.command, Command::Serve(_)) { "tidegate=info" } else { "tidegate=warn" };
    let format = match &cli.command {
        Command::Serve(args) => args.log(),
        _ => None,
    };
    output::start_log(default, cli.log.or(format).unwrap_or_default());
    let json = cli.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::failed(json, &Failed::from(anyhow::Error::from(error))),
    };
    // Boxed: the future of a whole run is too large for the stack of the main thread in an unoptimised build.
    match runtime.block_on(Box::pin(dispatch(cli))) {
        Ok(code) => ExitCode::from(code),
        Err(failed) => output::failed(json, &failed),
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Failed> {
    let json = cli.json;
    match cli.command {
        Command::Run(args) => run::run(&args, json).await,
        Command::Serve(args) => serve::serve(&args).await,
        Command::Trigger(args) => asks::trigger(&args, json).await,
        Command::Pause(args) => asks::pause(&args, json).await,
        Command::Resume(args) => asks::resume(&args, json).await,
        Command::Backfill(args) => asks::backfill(&args, json).await,
        Command::Cancel(args) => asks::cancel(&args, json).await,
        Command::Tasks(args) => asks::tasks(&args, json).await,
        Command::Check(args) => check::check(&args, json).await,
        Command::Plan(args) => check::plan(&args, json).await,
        Command::Alerts(args) => alerts::alerts(&args, json).await,
        Command::Preview(args) => preview::preview(&args, json).await,
        Command::Query(args) => query::query(&args, json).await,
        Command::Runs(args) => runs::runs(&args, json),
        Command::Replay(args) => replay::replay(&args, json).await,
        Command::Archive(command) => archive::archive(&command, json).await,
        Command::Quarantine(args) => quarantine::quarantine(&args, json).await,
        Command::Warehouse(command) => warehouse::warehouse(&command, json).await,
        Command::Sample(command) => sample::sample(&command, json),
        Command::Plugin(command) => plugin::plugin(command, json).await,
        Command::User(command) => user::user(&command, json),
        Command::Doctor => doctor::doctor(json),
        Command::Completions { shell } => Ok(output::completions(shell, &mut Cli::command())),
    }
}

/// The cache, the engine and the folders of plugins of this machine.
fn host() -> Result<Host, Failed> {
    let cache = Cache::from_env().map_err(anyhow::Error::from)?;
    let runtime = Runtime::new(&cache.root).map_err(|error| RunError::Engine(format!("{error:#}")))?;
    Ok(Host { runtime: Arc::new(runtime), plugin_folders: plugin_folders(&cache) })
}

/// Where plugins are looked for: `TIDEGATE_PLUGINS`, `plugins` beside this program, the cache.
fn plugin_folders(cache: &Cache) -> Vec<PathBuf> {
    plugin_path().into_iter().chain(plugins_beside_program()).chain([cache.folder("plugins")]).collect()
}
