//! Both ways in turns, and the memory of the sandboxed one.

use std::{ffi::OsString, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tidegate_tests::components::Components;

use crate::{
    child::{self, Usage},
    job::Job,
    native,
    server::Server,
    table::{median, print, row},
};

/// The most CPU that the sandboxed way may take, by the native way's.
const MOST: f64 = 1.5;

/// What is asked for.
pub struct Wanted {
    /// The program to measure.
    pub tidegate: PathBuf,
    /// The folder for results.
    pub root: PathBuf,
    pub orders: u64,
    pub rounds: usize,
}

/// What one round measured.
#[derive(Serialize)]
struct Round {
    sandbox: Usage,
    native: Usage,
}

/// What all rounds measured.
#[derive(Serialize)]
struct Measured {
    orders: u64,
    items: u64,
    pages: u64,
    rounds: Vec<Round>,
    /// Sandboxed through native, the median of the rounds' ratios.
    cpu_ratio: f64,
    wall_ratio: f64,
    /// The sandboxed way with a tenth of the orders.
    tenth: Usage,
}

/// Measures and reports.
pub fn measure(wanted: &Wanted, json: bool) -> Result<()> {
    ensure!(wanted.rounds > 0 && wanted.orders >= 10, "ask for one round and ten orders at least");
    let plugin = Components::guests().path("guest-rest");
    let small = {
        let server = Server::start(wanted.orders / 10)?;
        let job = Job::write(&wanted.root, "rest-sandbox", &plugin, &server.url)?;
        job.run(&wanted.tidegate)?;
        job.run(&wanted.tidegate)?.1
    };
    let server = Server::start(wanted.orders)?;
    let sandboxed = Job::write(&wanted.root, "rest-sandbox", &plugin, &server.url)?;
    let native = Job::write(&wanted.root, "rest-native", &plugin, &server.url)?;
    let mut rounds = Vec::with_capacity(wanted.rounds);
    let mut counts = (0, 0);
    for round in 0..=wanted.rounds {
        let (found, pages, items) = one_round(wanted, &sandboxed, &native)?;
        let name = if round == 0 { "warm-up".to_owned() } else { format!("round {round}") };
        let (a, b) = (found.sandbox, found.native);
        eprintln!(
            "{name}: sandbox {:.2} s, {:.2} s CPU, {:.0} MiB · native {:.2} s, {:.2} s CPU, {:.0} MiB",
            a.wall_seconds, a.cpu_seconds, a.peak_mib, b.wall_seconds, b.cpu_seconds, b.peak_mib
        );
        counts = (pages, items);
        if round > 0 {
            rounds.push(found);
        }
    }
    sandboxed.clear()?;
    native.clear()?;
    let over = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick));
    let measured = Measured {
        orders: wanted.orders,
        items: counts.1,
        pages: counts.0,
        cpu_ratio: over(|round| round.sandbox.cpu_seconds / round.native.cpu_seconds),
        wall_ratio: over(|round| round.sandbox.wall_seconds / round.native.wall_seconds),
        tenth: small,
        rounds,
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        report(&measured);
    }
    Ok(())
}

/// Gives pages and items beside what was measured.
fn one_round(wanted: &Wanted, sandboxed: &Job, native: &Job) -> Result<(Round, u64, u64)> {
    let (report, sandbox) = sandboxed.run(&wanted.tidegate)?;
    native.clear()?;
    let (printed, usage) = child::run(&std::env::current_exe()?, &[OsString::from("--native"), native.folder.clone().into()])?;
    let plain: native::Report = serde_json::from_slice(&printed).context("read the native way's report")?;
    let (ours, theirs) = (sandboxed.contents(&wanted.tidegate)?, native.contents(&wanted.tidegate)?);
    ensure!(ours == theirs, "the tables differ: sandboxed\n{ours}native\n{theirs}");
    let rows = report.streams.iter().map(|stream| stream.accepted).collect::<Vec<_>>();
    ensure!(rows == [plain.rows.0, plain.rows.1], "the sandboxed way counted {rows:?}, the native one {:?}", plain.rows);
    Ok((Round { sandbox, native: usage }, plain.pages, plain.rows.1))
}

fn report(measured: &Measured) {
    let rounds = &measured.rounds;
    let way = |name: &str, of: fn(&Round) -> Usage| {
        let over = |pick: fn(&Usage) -> f64| median(rounds.iter().map(|round| pick(&of(round))));
        let (wall, cpu, peak) = (over(|used| used.wall_seconds), over(|used| used.cpu_seconds), over(|used| used.peak_mib));
        let pages = measured.pages as f64 / wall;
        row([name, &format!("{wall:.2}"), &format!("{pages:.0}"), &format!("{cpu:.2}"), &format!("{peak:.0}")])
    };
    let said = if measured.cpu_ratio <= MOST { "met" } else { "missed" };
    print(
        &format!("{} orders with {} items on {} pages into the lake, in turns, medians", measured.orders, measured.items, measured.pages),
        &[
            row(["", "s", "pages/s", "CPU s", "peak MiB"]),
            way("sandbox", |round| round.sandbox),
            way("native", |round| round.native),
            row(["ratio", &format!("{:.2}", measured.wall_ratio), "", &format!("{:.2} (wanted {MOST}: {said})", measured.cpu_ratio), ""]),
        ],
    );
    let peak = median(rounds.iter().map(|round| round.sandbox.peak_mib));
    print(
        "Memory of the sandboxed way against the number of orders",
        &[
            row(["peak resident MiB", &format!("{} orders", measured.orders / 10), &format!("{} orders", measured.orders), "ratio"]),
            row(["", &format!("{:.0}", measured.tenth.peak_mib), &format!("{peak:.0}"), &format!("{:.2}", peak / measured.tenth.peak_mib)]),
        ],
    );
}
