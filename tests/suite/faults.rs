//! Faults: the process is killed at many points of a run, or interrupted; the next run finds its way.

use std::{
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tidegate_tests::{
    folder,
    olist::{self, TABLES, audits, contents},
    program::Workplace,
};

/// Points in time at which the run is killed, spread over an undisturbed run.
const MOMENTS: u32 = 24;

#[test]
fn a_killed_run_leaves_the_tables_of_an_undisturbed_one() {
    let data = olist::sample().unwrap();
    let calm = olist::workplace().unwrap();
    let started = Instant::now();
    assert_eq!(olist::run(&calm, data).unwrap().code, 0);
    let length = started.elapsed();
    let (wanted, audit) = (contents(&calm).unwrap(), audits(&calm).unwrap().remove(0));

    let mut failed = Vec::new();
    let mut tried = 0;
    let mut resumed = 0;
    for kill in moments(length).into_iter().chain(events()) {
        tried += 1;
        match disturbed(&kill, data, &wanted, &audit) {
            Ok(true) => resumed += 1,
            Ok(false) => {}
            Err(error) => failed.push(format!("{kill:?}: {error:#}")),
        }
    }
    println!("killed at {tried} points; {resumed} of the runs were finished by the next one");
    assert!(failed.is_empty(), "{} of {tried} points:\n{}", failed.len(), failed.join("\n"));
    assert!(tried >= 30 && resumed >= 1, "{tried} points, {resumed} resumed: too few to show anything");
}

/// When to kill.
#[derive(Debug)]
enum Kill {
    /// So long after the start.
    After(Duration),
    /// As soon as this file is there, below the storage folder; `*` stands for one name.
    When(String),
}

fn moments(length: Duration) -> Vec<Kill> {
    (0..MOMENTS).map(|moment| Kill::After(length * (2 * moment + 1) / (2 * MOMENTS))).collect()
}

fn events() -> Vec<Kill> {
    let mut files: Vec<String> = ["orders", "geolocation"].iter().map(|stream| format!("clean/{stream}/*/_manifest.json")).collect();
    files.push("raw/olist/*/manifest_*".into());
    files.push("lake/_tidegate/intents/olist.json".into());
    files.extend(TABLES.iter().map(|(table, _)| format!("lake/{table}/_delta_log/00000000000000000000.json")));
    files.push("lake/ingest_audit/_delta_log/00000000000000000000.json".into());
    files.push("lake/_tidegate/head.json".into());
    files.push("lake/top_products/_delta_log/00000000000000000000.json".into());
    files.into_iter().map(Kill::When).collect()
}

/// Kills a run and runs again; true where the second run finished the first one's load.
fn disturbed(kill: &Kill, data: &Path, wanted: &[(String, String)], audit: &str) -> Result<bool> {
    let workplace = olist::workplace()?;
    let mut child = workplace.start(&["run", "examples/olist", "--data", &data.to_string_lossy()])?;
    wait_for(kill, &workplace, &mut child);
    let _ = child.kill();
    child.wait()?;
    let again = olist::run(&workplace, data)?;
    ensure!(again.code == 0, "the next run ended with {}:\n{}", again.code, again.stderr);
    let found = contents(&workplace)?;
    for ((table, wanted), (_, found)) in wanted.iter().zip(&found) {
        ensure!(wanted == found, "`{table}` differs:\n{}", tidegate_tests::table::difference(wanted, found));
    }
    for (number, found) in audits(&workplace)?.iter().enumerate() {
        ensure!(found == audit, "the audit of run {} differs:\n{}", number + 1, tidegate_tests::table::difference(audit, found));
    }
    Ok(again.stderr.contains("finished what an earlier run had begun"))
}

fn wait_for(kill: &Kill, workplace: &Workplace, child: &mut Child) {
    let store = workplace.path().join("examples/olist/store");
    let started = Instant::now();
    let there = || match kill {
        Kill::After(time) => started.elapsed() >= *time,
        Kill::When(pattern) => !folder::matching(&store, pattern).is_empty(),
    };
    while !there() && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn the_same_input_twice_changes_no_row() {
    let data = olist::sample().unwrap();
    let workplace = olist::workplace().unwrap();
    assert_eq!(olist::run(&workplace, data).unwrap().code, 0);
    let first = contents(&workplace).unwrap();
    assert_eq!(olist::run(&workplace, data).unwrap().code, 0);
    assert_eq!(contents(&workplace).unwrap(), first);
    let changed = olist::query(&workplace, "select sum(rows_loaded) from ingest_audit where sequence = 2").unwrap();
    assert_eq!(changed.lines().nth(1), Some("0"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_ends_with_130_and_shows_nothing() {
    let data = olist::sample().unwrap();
    let workplace = olist::workplace().unwrap();
    let mut child = workplace.start(&["run", "examples/olist", "--data", &data.to_string_lossy()]).unwrap();
    wait_for(&Kill::When("clean/orders/*/_manifest.json".into()), &workplace, &mut child);
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let said = workplace.tidegate(&["query", "--pipeline", "examples/olist", "select * from fact_orders"]).unwrap();
    assert_ne!(said.code, 0);
    let runs = workplace.tidegate(&["runs", "examples/olist"]).unwrap();
    assert!(runs.stdout.contains("stopped"), "{}", runs.stdout);
    assert_eq!(olist::run(&workplace, data).unwrap().code, 0);
}

#[test]
fn a_second_host_waits_its_turn() {
    let data = olist::sample().unwrap();
    let workplace = olist::workplace().unwrap();
    let mut first = workplace.start(&["run", "examples/olist", "--data", &data.to_string_lossy()]).unwrap();
    wait_for(&Kill::When("clean/orders/*/_manifest.json".into()), &workplace, &mut first);
    let second = olist::run(&workplace, data).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(second.code, 8, "{}", second.stderr);
}
