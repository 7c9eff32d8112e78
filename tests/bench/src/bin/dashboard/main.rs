//! What people who look cost those who load: a daemon that runs the Olist example again and again, with and without viewers of its dashboard.
//!
//! - A viewer is somebody with a browser: keeps a connection and a cookie, opens a page, reads for some seconds, opens the next one.
//! - Runs take turns, one without viewers and one with them; a ratio is made inside one pair, and the median of the pairs is reported.
//! - All happens on one machine: what the viewers' own side takes counts against the daemon.

#[path = "../../table.rs"]
mod table;

mod operator;
mod viewer;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::Parser;
use serde::Serialize;
use tidegate_tests::{olist, site::Site};

use operator::Operator;
use table::{median, print, row};
use viewer::{Audience, Seen};

/// The slowest hundredth of pages may take this long.
const MOST_MILLIS: f64 = 500.0;

/// A run with viewers may take so many times what one without them takes.
const MOST_RATIO: f64 = 1.2;

/// Time for viewers to come before the run that they look at.
const ARRIVAL: Duration = Duration::from_secs(2);

/// Looks at the dashboard with many eyes while the daemon runs a pipeline.
#[derive(Parser)]
#[command(name = "dashboard", max_term_width = 110)]
struct Cli {
    /// How many people look.
    #[arg(long, default_value_t = 50)]
    viewers: usize,
    /// How long they look, in all; it takes about twice as long, since runs without them are between.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How long each of them reads a page, in the mean: half as long to half as long again.
    #[arg(long, default_value_t = 5.0)]
    reading: f64,
    /// How many orders the pipeline loads.
    #[arg(long, default_value_t = 100_000)]
    orders: u64,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
}

/// A run without viewers and one with them.
#[derive(Serialize)]
struct Pair {
    alone_seconds: f64,
    watched_seconds: f64,
}

/// What was measured.
#[derive(Serialize)]
struct Measured {
    viewers: usize,
    seconds: f64,
    orders: u64,
    pages: Vec<PageTimes>,
    all: PageTimes,
    errors: Vec<String>,
    pairs: Vec<Pair>,
    ratio: f64,
}

/// How long the answers of one kind of page took, in milliseconds.
#[derive(Serialize)]
struct PageTimes {
    page: String,
    opened: usize,
    median: f64,
    p95: f64,
    p99: f64,
    most: f64,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(cli.viewers > 0 && cli.seconds > 0 && cli.reading > 0.0, "ask for a viewer, a second and some time to read");
    let site = serve(cli.orders)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let measured = runtime.block_on(measure(&cli, site.address))?;
    ensure!(!measured.all.page.is_empty() && measured.all.opened > 0, "nobody looked");
    if cli.json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        report(&measured);
    }
    Ok(())
}

/// The daemon over the example with so many orders.
fn serve(orders: u64) -> Result<Site> {
    eprintln!("making {orders} orders and loading them once");
    let workplace = olist::workplace()?;
    let said = workplace.tidegate(&["sample", "olist", "--orders", &orders.to_string(), "--out", "examples/olist/data"])?;
    ensure!(said.code == 0, "the sample was not made:\n{}", said.stderr);
    let said = workplace.tidegate(&["run", "examples/olist"])?;
    ensure!(said.code == 0, "the example ended with {}:\n{}", said.code, said.stderr);
    Site::start(workplace, "")
}

async fn measure(cli: &Cli, address: SocketAddr) -> Result<Measured> {
    let operator = Operator::new(address).await?;
    let pages = viewer::pages(&operator.newest_run().await?);
    let audience = Audience::seat(cli.viewers, address, Duration::from_secs_f64(cli.reading), Arc::new(pages));
    // The first run of a daemon compiles plugins and fills caches.
    operator.run().await?;
    let (mut pairs, mut looked) = (Vec::new(), Duration::ZERO);
    while looked < Duration::from_secs(cli.seconds) || pairs.len() < 3 {
        let (mut alone_seconds, mut watched_seconds) = (0.0, 0.0);
        // Each comes first every other time, so that what drifts disturbs both alike.
        for watched in if pairs.len() % 2 == 0 { [false, true] } else { [true, false] } {
            let began = Instant::now();
            if watched {
                audience.look(true);
                tokio::time::sleep(ARRIVAL).await;
                watched_seconds = operator.run().await?;
                audience.look(false);
                looked += began.elapsed();
            } else {
                alone_seconds = operator.run().await?;
            }
        }
        eprintln!("pair {}: alone {alone_seconds:.2} s, watched {watched_seconds:.2} s", pairs.len() + 1);
        pairs.push(Pair { alone_seconds, watched_seconds });
    }
    let seen = audience.leave().await;
    let ratio = median(pairs.iter().map(|pair| pair.watched_seconds / pair.alone_seconds));
    Ok(Measured {
        viewers: cli.viewers,
        seconds: looked.as_secs_f64(),
        orders: cli.orders,
        pages: kinds(&seen.times),
        all: times("all", seen.times.iter().map(|(_, millis)| *millis)),
        errors: seen.errors,
        pairs,
        ratio,
    })
}

fn kinds(seen: &[Seen]) -> Vec<PageTimes> {
    let mut names: Vec<_> = seen.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| times(name, seen.iter().filter(|(found, _)| *found == name).map(|(_, millis)| *millis))).collect()
}

fn times(page: &str, millis: impl Iterator<Item = f64>) -> PageTimes {
    let mut sorted: Vec<_> = millis.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(rank(sorted.len(), share)).copied().unwrap_or_default();
    PageTimes { page: page.to_owned(), opened: sorted.len(), median: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1.0) }
}

/// The place of the smallest number that a share of all numbers does not exceed (nearest rank).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rank among some thousand numbers"
)]
fn rank(count: usize, share: f64) -> usize {
    ((count as f64 * share).ceil() as usize).saturating_sub(1)
}

fn report(measured: &Measured) {
    let cells = |times: &PageTimes| {
        let millis = |value: f64| format!("{value:.0}");
        let numbers = [times.opened.to_string(), millis(times.median), millis(times.p95), millis(times.p99), millis(times.most)];
        std::iter::once(times.page.clone()).chain(numbers).collect::<Vec<_>>()
    };
    let head = row(["page", "opened", "median", "95 %", "99 %", "most"]);
    let rows: Vec<_> = std::iter::once(head).chain(measured.pages.iter().map(cells)).chain([cells(&measured.all)]).collect();
    print(&format!("{} viewers for {:.0} s, milliseconds until a page is there", measured.viewers, measured.seconds), &rows);

    let of = |number: fn(&Pair) -> f64| format!("{:.2} s", median(measured.pairs.iter().map(number)));
    let rows = [
        row(["runs", "alone", "watched", "ratio"]),
        row([
            &format!("median of {}", measured.pairs.len()),
            &of(|pair| pair.alone_seconds),
            &of(|pair| pair.watched_seconds),
            &format!("{:.2}", measured.ratio),
        ]),
    ];
    print(&format!("a run of {} orders", measured.orders), &rows);

    println!();
    let asked = [
        (format!("no error: {}", measured.errors.len()), measured.errors.is_empty()),
        (format!("99 % under {MOST_MILLIS:.0} ms: {:.0} ms", measured.all.p99), measured.all.p99 < MOST_MILLIS),
        (format!("a run at most {MOST_RATIO} times as long: {:.2}", measured.ratio), measured.ratio <= MOST_RATIO),
    ];
    for (what, met) in asked {
        println!("{}  {what}", if met { "met   " } else { "missed" });
    }
    for error in measured.errors.iter().take(10) {
        println!("        {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn a_share_has_its_nearest_rank() {
        assert_eq!([0.5, 0.95, 0.99, 1.0].map(|share| rank(100, share)), [49, 94, 98, 99]);
        assert_eq!([rank(1, 0.5), rank(3, 0.5), rank(0, 0.99)], [0, 1, 0]);
    }
}
