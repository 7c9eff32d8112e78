//! Loads into PostgreSQL beside psql on the same rows, in turns, on one server.
//!
//! - Each way must leave the same number of rows, or nothing is reported.
//! - A ratio is psql's time divided by tidegate's in the same round, so more is faster; the median of the rounds is reported.
//! - Before each way the tables are gone and a checkpoint is done, so that neither pays for the other.

#[path = "../../job.rs"]
mod job;
#[path = "../../table.rs"]
mod table;

mod end;
mod load;
mod paths;
mod place;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use tidegate::config::paths::Cache;
use tidegate_tests::child;

use place::Place;

/// Compares tidegate's loads into PostgreSQL with psql's.
#[derive(Parser)]
#[command(name = "postgres", max_term_width = 110)]
struct Cli {
    /// What to measure; everything but `memory` where nothing is named.
    cases: Vec<Case>,
    /// How many orders the sample has.
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// How many times each way runs; one more round before them is not counted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A server where databases may be made; without it the one that DATABASE_URL names, and without that a private one is started.
    #[arg(long)]
    url: Option<String>,
    /// The program to measure; by default the `tidegate` beside this one.
    #[arg(long)]
    tidegate: Option<PathBuf>,
    /// Where the sample lies; by default the folder `bench` in tidegate's cache.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    /// The load stage alone beside psql's COPY of a pre-encoded binary file.
    Load,
    /// A tenth of the rows changed and merged, beside the same statements by hand.
    Merge,
    /// From the CSV to the committed table, beside psql's \copy of the CSV.
    End,
    /// Rows per second by row INSERT, bulk INSERT and COPY.
    Paths,
    /// Peak memory at a tenth of the orders and at all of them.
    Memory,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let url = cli.url.or_else(|| std::env::var("DATABASE_URL").ok());
    let place = Place::open(
        url.as_deref(),
        job::Place {
            tidegate: cli.tidegate.map_or_else(beside, Ok)?,
            root: cli.work.map_or_else(|| Ok(Cache::from_env()?.folder("bench")), anyhow::Ok)?,
        },
    )?;
    let usual = [Case::Load, Case::Merge, Case::End, Case::Paths];
    let cases = if cli.cases.is_empty() { &usual[..] } else { &cli.cases };
    for case in cases {
        match case {
            Case::Load => load::heap(&place, cli.orders, cli.rounds).await?,
            Case::Merge => load::merge(&place, cli.orders, cli.rounds).await?,
            Case::End => end::measure(&place, cli.orders, cli.rounds)?,
            Case::Paths => paths::measure(&place, cli.orders).await?,
            Case::Memory => end::memory(&place, cli.orders)?,
        }
    }
    Ok(())
}

fn beside() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("tidegate");
    ensure!(path.is_file(), "no `{}`; build it with `plugins/build`, or name another with --tidegate", path.display());
    path.canonicalize().context("find tidegate")
}
