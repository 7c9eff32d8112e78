//! What the sandbox costs: the same job through `tidegate run` and by a native DataFusion plan that calls the same plugin crates, in turns.
//!
//! - Both ways do the same: archive, read, transform, judge, land, load. Their counts and measures must agree, or nothing is reported
//!   (`compare::agree`).
//! - Every measured job is a child process of its own, so that its CPU and its peak memory are its own (`child`).
//! - Ratios are made inside one round and their median is reported: a noisy machine disturbs both ways of a round alike.

mod compare;
mod job;
mod memory;
mod native;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tidegate::config::paths::Cache;
use tidegate_tests::child;

/// Compares the sandboxed way of sample orders into a lake table with the native one.
#[derive(Parser)]
#[command(name = "sandbox", max_term_width = 110)]
struct Cli {
    /// How many orders the sample has.
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// How many times each way runs; the two take turns. One more round before them is not counted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Take the stream of order items along.
    #[arg(long)]
    items: bool,
    /// Measure peak memory instead, with a tenth of so many rows and with so many.
    #[arg(long, value_name = "N", conflicts_with_all = ["orders", "rounds", "items"])]
    rows: Option<u64>,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// The program to measure; by default the `tidegate` beside this one.
    #[arg(long)]
    tidegate: Option<PathBuf>,
    /// Where sample and results lie; by default the folder `bench` in tidegate's cache. The sample stays for the next time.
    #[arg(long)]
    work: Option<PathBuf>,
    /// Does the native job of the pipeline in this folder and prints its report: what the measured child does.
    #[arg(long, hide = true)]
    native: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(folder) = &cli.native {
        return native::main(folder);
    }
    let place = job::Place {
        tidegate: cli.tidegate.map_or_else(beside, Ok)?,
        root: cli.work.map_or_else(|| Ok(Cache::from_env()?.folder("bench")), anyhow::Ok)?,
    };
    match cli.rows {
        Some(rows) => memory::measure(&place, rows, cli.json),
        None => compare::measure(&place, &compare::Wanted { orders: cli.orders, rounds: cli.rounds, items: cli.items }, cli.json),
    }
}

fn beside() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("tidegate");
    ensure!(path.is_file(), "no `{}`; build it with `plugins/build`, or name another with --tidegate", path.display());
    path.canonicalize().context("find tidegate")
}
