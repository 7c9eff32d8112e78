//! What the sandbox costs a REST source: a server's orders with their items into a lake, by `tidegate run` and by a native program, in turns.
//!
//! - The server is a process of its own that has all pages ready; each answer begins after 2 ms, and there is no rate limit.
//! - Both ways fetch, archive, parse, write Parquet and load. Their tables must agree, or nothing is reported.
//! - Every measured job is a child process of its own. Ratios are made inside one round and their median is reported.

#[path = "../../table.rs"]
mod table;

mod job;
mod measure;
mod native;
mod server;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tidegate::config::paths::Cache;
use tidegate_tests::child;

/// Compares a REST source in its sandbox with a native program that does the same.
#[derive(Parser)]
#[command(name = "rest", max_term_width = 110)]
struct Cli {
    /// How many orders the server has. Memory is measured with a tenth of them beside it.
    #[arg(long, default_value_t = 100_000)]
    orders: u64,
    /// How many times each way runs; the two take turns. One more round before them is not counted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// The program to measure; by default the `tidegate` beside this one.
    #[arg(long)]
    tidegate: Option<PathBuf>,
    /// Where results lie; by default the folder `bench` in tidegate's cache.
    #[arg(long)]
    work: Option<PathBuf>,
    /// Serves so many orders: what the server's process does.
    #[arg(long, hide = true)]
    serve: Option<u64>,
    /// Does the native job of the pipeline in this folder and prints its report: what the measured child does.
    #[arg(long, hide = true)]
    native: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(orders) = cli.serve {
        return server::main(orders);
    }
    if let Some(folder) = &cli.native {
        return native::main(folder);
    }
    let wanted = measure::Wanted {
        tidegate: cli.tidegate.map_or_else(beside, Ok)?,
        root: cli.work.map_or_else(|| Ok(Cache::from_env()?.folder("bench")), anyhow::Ok)?,
        orders: cli.orders,
        rounds: cli.rounds,
    };
    measure::measure(&wanted, cli.json)
}

fn beside() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("tidegate");
    ensure!(path.is_file(), "no `{}`; build it with `plugins/build`, or name another with --tidegate", path.display());
    path.canonicalize().context("find tidegate")
}
