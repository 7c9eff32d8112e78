//! Faults injected on purpose: after each one and another run, tables, cursors and audit are those of an undisturbed pipeline, row for row.

use std::{
    fmt::Write,
    process::Child,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tidegate_tests::{
    postgres::{Database, Server, shared},
    table::difference,
};

use super::Shop;

const STREAMS: [&str; 2] = ["orders+id", "customers"];
const TABLES: &str = "[tables.orders]\nstream = \"orders\"\nmode = \"append\"\n\
                      [tables.customers]\nstream = \"customers\"\nmode = \"merge\"\nkey = [\"id\"]\n\
                      [tables.spent]\nsql = \"select customer, count(*) as orders, sum(cents) as cents from orders group by customer\"\nmode = \"append\"\n\
                      [marts.total]\nsql = \"select count(*) as orders, cast(sum(cents) as bigint) as cents from orders\"\n";

/// Points at which the process is killed: over the whole run, and over its load.
const MOMENTS: u32 = 20;
const MOMENTS_OF_LOAD: u32 = 36;

const ORDERS: u32 = 20_000;
const CUSTOMERS: u32 = 3_000;

/// The files as they are at the first, the second, and every further run.
fn write(shop: &Shop, run: u32) -> Result<()> {
    let run = run.min(2);
    let mut orders = "id,customer,cents\n".to_owned();
    for id in 1..=ORDERS * run {
        let _ = writeln!(orders, "{id},{},{}", id * 7 % CUSTOMERS, id * 13 % 10_007);
    }
    let mut customers = "id,name,city\n".to_owned();
    for id in 0..CUSTOMERS + 100 * run {
        // A tenth changes in the second run.
        let city = if id % 10 == 0 { run } else { 0 };
        let _ = writeln!(customers, "{id},customer {id},city {city}");
    }
    shop.write("orders", &orders)?;
    shop.write("customers", &customers)
}

/// Everything that a reader of the database sees after some loads, but for names of runs and times.
fn contents(database: &Database) -> Result<Vec<(&'static str, String)>> {
    let parts = [
        ("orders", "select * from orders order by id"),
        ("customers", "select * from customers order by id"),
        ("spent", "select * from spent order by customer, orders, cents"),
        ("total", "select * from total"),
        ("cursors", "select pipeline, stream, cursor from tidegate.cursors order by 1, 2"),
        (
            "audit",
            "select sequence, stream, \"table\", mode, rows_read, rows_accepted, rows_quarantined, rows_loaded, rows_refused, bytes_read, \
             verdict, error from tidegate.ingest_audit order by 1, 2, 3",
        ),
    ];
    parts.into_iter().map(|(name, sql)| Ok((name, database.query(sql)?))).collect()
}

fn loads(database: &Database) -> Result<usize> {
    Ok(database.value("select sequence from tidegate.pipelines")?.parse()?)
}

/// The undisturbed pipeline after one, two and three runs: the third brings nothing new.
struct Calm {
    after_one: Database,
    contents: [Vec<(&'static str, String)>; 2],
    length: Duration,
    load: Duration,
}

fn calm(server: &Server) -> Result<Calm> {
    let shop = Shop::on(server.database(None)?, &STREAMS, TABLES, "")?;
    write(&shop, 1)?;
    shop.load()?;
    let after_one = server.database(Some(&shop.database))?;
    write(&shop, 2)?;
    let started = Instant::now();
    let said = shop.workplace.tidegate(&["run", "--json"])?;
    let length = started.elapsed();
    ensure!(said.code == 0, "{}", said.stderr);
    let two = contents(&shop.database)?;
    shop.load()?;
    let three = contents(&shop.database)?;
    let report: serde_json::Value = serde_json::from_str(&said.stdout)?;
    let timings = report["timings"].as_array().context("the report has timings")?;
    let load = timings.iter().find(|step| step[0] == "load").and_then(|step| step[1].as_u64()).context("the report has the load's time")?;
    Ok(Calm { after_one, contents: [two, three], length, load: Duration::from_micros(load) })
}

impl Calm {
    /// The pipeline before its second run, in a database of its own.
    fn before_two(&self, server: &Server) -> Result<Shop> {
        let shop = Shop::on(server.database(Some(&self.after_one))?, &STREAMS, TABLES, "")?;
        write(&shop, 2)?;
        Ok(shop)
    }

    /// Whether all is as after as many loads without a fault.
    fn compare(&self, database: &Database) -> Result<()> {
        let wanted = &self.contents[loads(database)?.checked_sub(2).context("the second run's rows are not there")?];
        for ((name, wanted), (_, found)) in wanted.iter().zip(contents(database)?) {
            ensure!(*wanted == found, "`{name}` differs:\n{}", difference(wanted, &found));
        }
        Ok(())
    }
}

#[test]
fn a_killed_run_leaves_the_rows_of_an_undisturbed_one() {
    let server = shared().unwrap();
    let calm = calm(server).unwrap();
    let spread =
        |from: Duration, length: Duration, moments: u32| (0..moments).map(move |moment| from + length * (2 * moment + 1) / (2 * moments));
    // The load ends a little before the process does; marts follow it.
    let load = calm.load * 3 / 2;
    let late = spread(calm.length.saturating_sub(load), load, MOMENTS_OF_LOAD);
    let (mut failed, mut tried, mut committed) = (Vec::new(), 0, 0);
    for after in spread(Duration::ZERO, calm.length, MOMENTS).chain(late) {
        tried += 1;
        match killed(server, &calm, after) {
            Ok(true) => committed += 1,
            Ok(false) => {}
            Err(error) => failed.push(format!("killed after {after:?}: {error:#}")),
        }
    }
    println!("killed at {tried} points; {committed} of the runs had committed");
    assert!(failed.is_empty(), "{} of {tried} points:\n{}", failed.len(), failed.join("\n"));
    assert!(tried >= 50 && committed < tried, "{tried} points, {committed} committed: too few to show anything");
}

/// Kills a run and runs again; true where the killed one had committed.
fn killed(server: &Server, calm: &Calm, after: Duration) -> Result<bool> {
    let shop = calm.before_two(server)?;
    let mut child = shop.workplace.start(&["run"])?;
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait()?;
    shop.load()?;
    calm.compare(&shop.database)?;
    Ok(loads(&shop.database)? == 3)
}

/// Waits until a run of the pipeline copies rows in its transaction. It writes once before, where it takes the pipeline's lock; that is no load,
/// and lasts as long as the disk takes.
fn wait_for_load(database: &Database, child: &mut Child) -> Result<()> {
    let busy = format!(
        "select count(*) from pg_stat_activity where datname = '{}' and application_name = 'tidegate' and backend_xid is not null and \
         query ilike 'copy %'",
        database.name
    );
    let started = Instant::now();
    while database.value(&busy)? == "0" {
        ensure!(started.elapsed() < Duration::from_secs(60), "it did not come to load");
        ensure!(child.try_wait()?.is_none(), "it ended before it was disturbed");
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

#[test]
fn a_connection_that_is_cut_in_the_load_is_made_again() {
    let server = shared().unwrap();
    let calm = calm(server).unwrap();
    let shop = calm.before_two(server).unwrap();
    slow_down(&shop);
    let mut child = shop.workplace.start(&["run"]).unwrap();
    wait_for_load(&shop.database, &mut child).unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tidegate'";
    shop.database.execute(cut).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "the same run loads on a new connection");
    calm.compare(&shop.database).unwrap();
}

#[test]
fn a_server_that_crashes_in_the_load_loses_and_doubles_nothing() {
    let server = Server::start().unwrap();
    let calm = calm(&server).unwrap();
    let shop = calm.before_two(&server).unwrap();
    slow_down(&shop);
    let mut child = shop.workplace.start(&["run"]).unwrap();
    wait_for_load(&shop.database, &mut child).unwrap();
    server.crash_and_restart().unwrap();
    let code = child.wait().unwrap().code();
    println!("the run that the server crashed under ended with {code:?}");
    if code != Some(0) {
        shop.load().unwrap();
    }
    calm.compare(&shop.database).unwrap();
}

/// Makes each row of a table wait a little, so that a fault falls into the load.
fn slow_down(shop: &Shop) {
    shop.database
        .execute(
            "create function wait_a_little() returns trigger language plpgsql as \
             'begin if new.id % 1000 = 0 then perform pg_sleep(0.05); end if; return new; end'; \
             create trigger slow before insert on orders for each row execute function wait_a_little()",
        )
        .unwrap();
}

#[test]
fn a_statement_timeout_stops_the_load_and_the_next_run_makes_up_for_it() {
    let calm = calm(shared().unwrap()).unwrap();
    let shop = calm.before_two(shared().unwrap()).unwrap();
    slow_down(&shop);
    let timeout = format!("alter database {} set statement_timeout = 300", shop.database.name);
    shop.database.execute(&timeout).unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("statement timeout (57014)") && said.stderr.contains("raise `statement_timeout`"), "{}", said.stderr);
    shop.database.execute(&timeout.replace("300", "0")).unwrap();
    shop.load().unwrap();
    calm.compare(&shop.database).unwrap();
}

#[test]
fn a_constraint_that_the_last_row_violates_stops_the_load() {
    let calm = calm(shared().unwrap()).unwrap();
    let shop = calm.before_two(shared().unwrap()).unwrap();
    let last = ORDERS * 2;
    shop.database.execute(&format!("alter table orders add constraint not_the_last check (id <> {last})")).unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("violates check constraint \"not_the_last\" (23514)"), "{}", said.stderr);
    assert!(!said.stderr.contains(&last.to_string()), "a row's values are in the message: {}", said.stderr);
    assert_eq!(shop.rows("select count(*) from orders").unwrap(), ORDERS.to_string());
    shop.database.execute("alter table orders drop constraint not_the_last").unwrap();
    shop.load().unwrap();
    calm.compare(&shop.database).unwrap();
}

#[test]
fn a_deadlock_is_tried_again() {
    let server = shared().unwrap();
    let calm = calm(server).unwrap();
    let shop = calm.before_two(server).unwrap();
    slow_down(&shop);
    // The other session holds `customers` and wants `orders`, the load has written to `orders` and wants `customers`. The server ends the
    // one that noticed: here the load, since the other one waits for ever.
    let other = "set deadlock_timeout = '1h'; begin; lock table customers in access exclusive mode; select pg_sleep(1); \
                 lock table orders in access exclusive mode; rollback";
    let mut other = shop.database.psql(&["-c", other]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let said = shop.workplace.tidegate(&["run"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(other.wait().unwrap().success());
    assert!(said.stderr.contains("the load is tried again: ") && said.stderr.contains("deadlock detected (40P01)"), "{}", said.stderr);
    calm.compare(&shop.database).unwrap();
}
