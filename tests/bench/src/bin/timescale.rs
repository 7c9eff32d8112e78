//! What TimescaleDB saves: a year of made-up orders before and after its columnstore, and one query with and without a continuous aggregate.
//!
//! - The same seed and number of rows make the same orders (`the_same_seed_makes_the_same_orders`).
//! - Each way of a query must give the same rows, or nothing is reported (`compare`).
//! - The ways take turns, a ratio is made inside one round, and the median of the rounds is reported: a noisy machine disturbs all alike.
//! - Only the schema `tidegate_bench` is touched; it is dropped first, and at the end unless it is to be kept.

use std::{fmt::Write as _, io::Cursor, process::ExitCode, time::Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use clap::Parser;
use futures::{SinkExt, pin_mut};
use table::{median, row};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

#[path = "../table.rs"]
mod table;

/// The exit code where the server lacks the extension and nothing was measured.
const NO_EXTENSION: u8 = 2;
const NO_EXTENSION_HINT: &str = "error: this server has no TimescaleDB: install the package `timescaledb-2-postgresql-15` \
    (https://docs.tigerdata.com/self-hosted/latest/install/), add it to shared_preload_libraries and restart";

const ASKED_SMALLER: f64 = 84.0;
const ASKED_FASTER: f64 = 24.0;

const HOURS: u32 = 365 * 24;
/// 2025-01-01T00:00:00Z, the first instant of the year that is made up.
const YEAR: i64 = 1_735_689_600;

/// `segmentby` and `orderby` of the columnstore. fact_orders has no product and no state; they show what such columns would bring.
const CANDIDATES: [(&str, &str); 7] = [
    ("", "ordered_at"),
    ("", "ordered_at, order_id"),
    ("", "product_id, ordered_at"),
    ("status", "ordered_at, order_id"),
    ("state", "ordered_at, order_id"),
    ("state", "product_id, ordered_at"),
    ("product_id", "ordered_at, order_id"),
];

const STATUSES: [(&str, u32); 8] = [
    ("delivered", 9702),
    ("shipped", 111),
    ("canceled", 63),
    ("unavailable", 61),
    ("invoiced", 31),
    ("processing", 30),
    ("approved", 1),
    ("created", 1),
];

/// Brazilian states with their share of a marketplace's orders, in about a tenth of a percent, and the freight to them in cents.
const STATES: [(&str, u32, u64); 27] = [
    ("SP", 420, 1515),
    ("RJ", 129, 2096),
    ("MG", 117, 2063),
    ("RS", 55, 2174),
    ("PR", 51, 2053),
    ("SC", 37, 2147),
    ("BA", 34, 2636),
    ("DF", 22, 2104),
    ("ES", 20, 2206),
    ("GO", 20, 2277),
    ("PE", 17, 3292),
    ("CE", 13, 3271),
    ("PA", 10, 3583),
    ("MT", 9, 2817),
    ("MA", 8, 3826),
    ("MS", 7, 2337),
    ("PB", 5, 4272),
    ("PI", 5, 3915),
    ("RN", 5, 3565),
    ("AL", 4, 3584),
    ("SE", 4, 3665),
    ("TO", 3, 3725),
    ("RO", 3, 4107),
    ("AM", 2, 3321),
    ("AC", 1, 4007),
    ("AP", 1, 3401),
    ("RR", 1, 4298),
];

const PRODUCTS: u64 = 3000;

/// Loads a year of made-up orders into PostgreSQL with TimescaleDB and prints what its columnstore and a continuous aggregate save.
#[derive(Parser)]
#[command(name = "timescale", max_term_width = 110)]
struct Cli {
    /// The database, as `postgres://user:password@host/database`; by default the variable `DATABASE_URL`. Without TLS.
    #[arg(long)]
    url: Option<String>,
    /// How many orders the year has.
    #[arg(long, default_value_t = 2_000_000)]
    rows: u64,
    /// The same seed makes the same orders.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How many times each way of a query runs; they take turns. One more round before them is not counted.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave the schema `tidegate_bench` where it is.
    #[arg(long)]
    keep: bool,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let url = cli.url.clone().or_else(|| std::env::var("DATABASE_URL").ok()).context("name a database with --url or DATABASE_URL")?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.context("connect to the database")?;
        tokio::spawn(connection);
        if !has_extension(&client).await? {
            eprintln!("{NO_EXTENSION_HINT}");
            return Ok(ExitCode::from(NO_EXTENSION));
        }
        measure(&client, &cli).await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn has_extension(client: &Client) -> Result<bool> {
    let found = client.query_opt("select from pg_available_extensions where name = 'timescaledb'", &[]).await?;
    Ok(found.is_some())
}

async fn measure(client: &Client, cli: &Cli) -> Result<()> {
    prepare(client).await?;
    load(client, cli).await?;
    let best = candidates(client, cli.rounds).await?;
    pack(client, best).await?;
    compare(client, cli.rounds).await?;
    if !cli.keep {
        client.batch_execute("drop schema tidegate_bench cascade").await.context("drop the schema `tidegate_bench`")?;
    }
    Ok(())
}

/// Two tables alike: `orders` stays in the rowstore and carries the continuous aggregate, `packed` goes to the columnstore and back.
async fn prepare(client: &Client) -> Result<()> {
    client
        .batch_execute("set client_min_messages = error; create extension if not exists timescaledb")
        .await
        .context("create the extension `timescaledb`")?;
    client
        .batch_execute(
            "drop schema if exists tidegate_bench cascade;
            create schema tidegate_bench;
            set search_path = tidegate_bench, public;
            create table orders (
                order_id bigint not null,
                ordered_at timestamptz not null,
                state text not null,
                product_id integer not null,
                status text not null,
                items integer not null,
                price_cents bigint not null,
                freight_cents bigint not null,
                primary key (order_id, ordered_at)
            );
            create index on orders (ordered_at);
            create table packed (like orders including all);
            select create_hypertable('orders', by_range('ordered_at', interval '1 month'), create_default_indexes => false);
            select create_hypertable('packed', by_range('ordered_at', interval '1 month'), create_default_indexes => false);",
        )
        .await
        .context("make the tables")
}

async fn load(client: &Client, cli: &Cli) -> Result<()> {
    let started = Instant::now();
    let sink = client.copy_in::<_, Cursor<Vec<u8>>>("copy orders from stdin").await?;
    pin_mut!(sink);
    let mut orders = Orders::new(cli.seed, cli.rows);
    for hour in 0..HOURS {
        let text = orders.hour(hour);
        if !text.is_empty() {
            sink.feed(Cursor::new(text.into_bytes())).await?;
        }
    }
    let loaded = sink.finish().await?;
    ensure!(loaded == cli.rows, "{loaded} of {} orders were loaded", cli.rows);
    println!("{loaded} orders of one year loaded in {:.1} s", started.elapsed().as_secs_f64());
    client.batch_execute("insert into packed select * from orders").await?;
    aggregate(client).await?;
    for table in ["orders", "packed"] {
        client.batch_execute(&format!("vacuum (freeze, analyze) {table}")).await?;
    }
    Ok(())
}

/// The same shape as `sql/timescale/hourly_sales.sql`.
async fn aggregate(client: &Client) -> Result<()> {
    client
        .batch_execute(
            "create materialized view hourly_sales
            with (timescaledb.continuous, timescaledb.materialized_only = false) as
            select
                time_bucket(interval '1 hour', ordered_at) as hour,
                status,
                count(*) as orders,
                sum(items) as items,
                cast(sum(price_cents) as bigint) as price_cents,
                cast(sum(freight_cents) as bigint) as freight_cents
            from orders
            group by 1, 2
            with no data",
        )
        .await
        .context("make the continuous aggregate")?;
    // On its own: it commits inside, which a transaction block does not let it.
    let started = Instant::now();
    client.batch_execute("call refresh_continuous_aggregate('hourly_sales', null, null)").await?;
    let hours = count(client, "select count(*) from hourly_sales").await?;
    println!("continuous aggregate by hour and status: {hours} rows, made in {:.1} s", started.elapsed().as_secs_f64());
    client.batch_execute("vacuum analyze hourly_sales").await.context("analyze the continuous aggregate")
}

/// Tries each candidate on `packed` and returns the one that takes the least room.
async fn candidates(client: &Client, rounds: u32) -> Result<(&'static str, &'static str)> {
    let before = size(client, "orders").await?;
    let mut lines = vec![row(["segmentby; orderby", "after, MiB", "smaller, %", "days of the year, ms", "a state's month, ms"])];
    let mut best = (f64::MIN, CANDIDATES[0]);
    for candidate in CANDIDATES {
        pack(client, candidate).await?;
        let after = size(client, "packed").await?;
        let smaller = 100.0 * (1.0 - after / before);
        let year = times(client, &[&days("packed")], rounds).await?;
        let month = times(client, &[STATES_MONTH], rounds).await?;
        lines.push(vec![
            format!("{}; {}", if candidate.0.is_empty() { "none" } else { candidate.0 }, candidate.1),
            format!("{after:.1}"),
            format!("{smaller:.1}"),
            format!("{:.1}", median(column(&year, 0))),
            format!("{:.1}", median(column(&month, 0))),
        ]);
        if smaller > best.0 {
            best = (smaller, candidate);
        }
        unpack(client).await?;
    }
    table::print(&format!("Columnstore, sizes with indexes; the rowstore takes {before:.1} MiB"), &lines);
    println!("  smallest: {:.1} % smaller (asked: {ASKED_SMALLER} %), {}", best.0, verdict(best.0 >= ASKED_SMALLER));
    Ok(best.1)
}

async fn pack(client: &Client, (segment, order): (&str, &str)) -> Result<()> {
    let options = format!("timescaledb.enable_columnstore = true, timescaledb.segmentby = '{segment}', timescaledb.orderby = '{order}'");
    client.batch_execute(&format!("alter table packed set ({options})")).await?;
    each_chunk(client, "convert_to_columnstore").await?;
    client.batch_execute("vacuum analyze packed").await.context("analyze the columnstore")
}

async fn unpack(client: &Client) -> Result<()> {
    each_chunk(client, "convert_to_rowstore").await
}

async fn each_chunk(client: &Client, procedure: &str) -> Result<()> {
    for chunk in client.query("select cast(show_chunks('packed') as text)", &[]).await? {
        let chunk: &str = chunk.get(0);
        client.batch_execute(&format!("call {procedure}('{chunk}')")).await.with_context(|| format!("{procedure} of `{chunk}`"))?;
    }
    Ok(())
}

/// MiB of a hypertable with its indexes and TOAST.
async fn size(client: &Client, table: &str) -> Result<f64> {
    let bytes = count(client, &format!("select hypertable_size('{table}')")).await?;
    Ok(bytes as f64 / f64::from(1 << 20))
}

/// Sales of each day of the year from the orders themselves.
fn days(table: &str) -> String {
    format!(
        "select time_bucket(interval '1 day', ordered_at) as day, count(*) as orders, cast(sum(price_cents + freight_cents) as bigint) as cents
        from {table} where status not in ('canceled', 'unavailable') group by 1 order by 1"
    )
}

/// What `days` says, from the continuous aggregate.
const DAYS_FROM_AGGREGATE: &str =
    "select time_bucket(interval '1 day', hour) as day, cast(sum(orders) as bigint) as orders, cast(sum(price_cents + freight_cents) as bigint) as cents
    from hourly_sales where status not in ('canceled', 'unavailable') group by 1 order by 1";

const STATES_MONTH: &str = "select status, count(*), sum(price_cents) from packed
    where state = 'MG' and ordered_at >= '2025-06-01T00:00:00Z' and ordered_at < '2025-07-01T00:00:00Z' group by 1";

async fn compare(client: &Client, rounds: u32) -> Result<()> {
    let (rowstore, columnstore) = (days("orders"), days("packed"));
    let ways = [rowstore.as_str(), &columnstore, DAYS_FROM_AGGREGATE];
    let wanted = answer(client, ways[0]).await?;
    for way in &ways[1..] {
        ensure!(answer(client, way).await? == wanted, "the ways of the query disagree");
    }
    let times = times(client, &ways, rounds).await?;
    let ratio = |way: usize| median(times.iter().map(|round| round[way] / round[2]));
    let line = |name: &str, way| vec![name.to_owned(), format!("{:.2}", median(column(&times, way))), format!("{:.1}", ratio(way))];
    let lines = [
        row(["from", "median, ms", "to the aggregate"]),
        line("orders, rowstore", 0),
        line("orders, columnstore", 1),
        line("continuous aggregate", 2),
    ];
    table::print("Sales of each day of the year", &lines);
    let faster = ratio(0);
    println!("  {faster:.1} times faster than without it (asked: {ASKED_FASTER} times), {}", verdict(faster >= ASKED_FASTER));
    Ok(())
}

/// Milliseconds of each way in each round; a first round warms the caches and is left out.
async fn times(client: &Client, ways: &[&str], rounds: u32) -> Result<Vec<Vec<f64>>> {
    let mut times = Vec::new();
    for _ in 0..=rounds {
        let mut round = Vec::with_capacity(ways.len());
        for way in ways {
            let started = Instant::now();
            client.simple_query(way).await?;
            round.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        times.push(round);
    }
    Ok(times.split_off(1))
}

fn column(times: &[Vec<f64>], way: usize) -> impl Iterator<Item = f64> {
    times.iter().map(move |round| round[way])
}

async fn answer(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
    let rows = client.simple_query(sql).await?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|cell| row.get(cell).map(str::to_owned)).collect()),
        _ => None,
    });
    Ok(rows.collect())
}

async fn count(client: &Client, sql: &str) -> Result<i64> {
    Ok(client.query_one(sql, &[]).await?.try_get(0)?)
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// Orders in the order of their time, as text for COPY.
struct Orders {
    random: Random,
    /// Orders of the year.
    rows: u64,
    made: u64,
    /// Sums of the hours' weights, the year's at the end.
    weights: Vec<f64>,
}

impl Orders {
    fn new(seed: u64, rows: u64) -> Self {
        let weights = (0..HOURS).scan(0.0, |sum, hour| {
            *sum += weight(hour);
            Some(*sum)
        });
        Self { random: Random(seed), rows, made: 0, weights: weights.collect() }
    }

    /// The orders of the year's hour of this number; hours have to be asked for in turn.
    fn hour(&mut self, hour: u32) -> String {
        let begin = instant(hour).format("%Y-%m-%dT%H").to_string();
        let share = self.weights[hour as usize] / self.weights[self.weights.len() - 1];
        let until = (self.rows as f64 * share).round() as u64;
        let mut seconds: Vec<u64> = (self.made..until).map(|_| self.random.below(3600)).collect();
        seconds.sort_unstable();
        let mut text = String::new();
        for second in seconds {
            self.made += 1;
            self.order(&begin, second, &mut text);
        }
        text
    }

    fn order(&mut self, hour: &str, second: u64, text: &mut String) {
        let random = &mut self.random;
        let (state, _, freight) = *random.pick(&STATES, |state| state.1);
        let (status, _) = *random.pick(&STATUSES, |status| status.1);
        // The cube of an even share: a fifth of the products has three fifths of the orders.
        let product = (random.share().powi(3) * PRODUCTS as f64) as u64;
        let items = if random.below(10) > 0 { 1 } else { 2 + random.below(3) };
        let price = items * price(product);
        let freight = items * (freight + random.below(600));
        let (id, minute, second) = (self.made, second / 60, second % 60);
        writeln!(text, "{id}\t{hour}:{minute:02}:{second:02}Z\t{state}\t{product}\t{status}\t{items}\t{price}\t{freight}")
            .expect("a String takes all text");
    }
}

/// What an order of this hour weighs: few at night, fewer at the weekend, a fifth more at the end of the year than at its start.
fn weight(hour: u32) -> f64 {
    const BY_HOUR: [u32; 24] = [24, 12, 5, 3, 2, 2, 5, 12, 30, 48, 62, 66, 60, 65, 66, 65, 67, 62, 58, 60, 62, 62, 58, 41];
    let instant = instant(hour);
    let weekend = if instant.weekday().number_from_monday() > 5 { 0.75 } else { 1.0 };
    f64::from(BY_HOUR[instant.hour() as usize]) * weekend * (1.0 + 0.2 * f64::from(hour) / f64::from(HOURS))
}

fn instant(hour: u32) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(YEAR) + TimeDelta::hours(hour.into())
}

/// A product's price in cents, 5 to 500 reais and ending in 90 as shops like it.
fn price(product: u64) -> u64 {
    let share = Random(product).share();
    (5.0 * 100_f64.powf(share)) as u64 * 100 + 90
}

/// SplitMix64, from Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 0 to just below 1, in 53 bits.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick<'a, T>(&mut self, choices: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total: u32 = choices.iter().map(&weight).sum();
        let mut left = self.below(total.into());
        choices
            .iter()
            .find(|choice| {
                let own = u64::from(weight(choice));
                let found = left < own;
                left = left.saturating_sub(own);
                found
            })
            .expect("what is left is below the sum of the weights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(seed: u64, rows: u64) -> String {
        let mut orders = Orders::new(seed, rows);
        (0..HOURS).map(|hour| orders.hour(hour)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_orders() {
        assert_eq!(year(7, 20_000), year(7, 20_000));
        assert_ne!(year(7, 20_000), year(8, 20_000));
    }

    #[test]
    fn a_year_has_as_many_orders_as_asked_for_in_the_order_of_time() {
        let text = year(42, 10_001);
        let times: Vec<_> = text.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
        assert_eq!(times.len(), 10_001);
        assert!(times.is_sorted());
        assert!(times[0].starts_with("2025-01-01") && times[10_000].starts_with("2025-12-31"));
    }
}
