//! The dashboard in a real browser: what people do with it, how every page looks and reads, and the harness's own judgement.

mod api;
mod breaker;
mod browser;
mod business;
mod judged;
mod pages;

use anyhow::{Result, ensure};
use serde_json::Value;
use tidegate_tests::{folder, olist, program::Workplace, site::Site};

/// The password of every user in these tests.
const PASSWORD: &str = "correct horse battery staple";

/// Lines for the table `[web]` with an operator `ana` and a viewer `bo`.
fn users() -> Result<String> {
    let said = Workplace::empty()?.tidegate_with_input(&["user", "hash"], &format!("{PASSWORD}\n"))?;
    ensure!(said.code == 0, "`tidegate user hash` ended with {}:\n{}", said.code, said.stderr);
    let hash = said.stdout.trim();
    let user = |name: &str, role: &str| format!("[web.users.{name}]\nrole = \"{role}\"\npassword_hash = \"{hash}\"\n");
    Ok(user("ana", "operator") + &user("bo", "viewer"))
}

/// A daemon over the Olist example with a run that loaded and one that the gate held; gives their names in this order.
fn with_a_held_run() -> Result<(Site, [String; 2])> {
    let workplace = olist::workplace()?;
    let data = workplace.path().join("examples/olist/data");
    folder::lay_over(olist::sample()?, &data)?;
    let loaded = run(&workplace, "examples/olist/data", 0)?;
    // Thirty orders are gone and their items stay: references dangle, and the gate lets none of those through.
    folder::lay_over(&data, &workplace.path().join("bad"))?;
    let orders = workplace.path().join("bad/olist_orders_dataset.csv");
    let text = std::fs::read_to_string(&orders)?;
    let kept: String = text.lines().enumerate().filter(|(line, _)| !(50..80).contains(line)).map(|(_, line)| format!("{line}\n")).collect();
    std::fs::write(&orders, kept)?;
    let held = run(&workplace, "bad", 3)?;
    Ok((Site::start(workplace, "")?, [loaded, held]))
}

/// Runs the example over a folder; it must end with this code. Gives the run's name.
fn run(workplace: &Workplace, data: &str, code: i32) -> Result<String> {
    let said = workplace.tidegate(&["run", "examples/olist", "--data", data, "--json"])?;
    ensure!(said.code == code, "the run ended with {}:\n{}", said.code, said.stderr);
    let report: Value = serde_json::from_str(&said.stdout)?;
    Ok(report["run"].as_str().unwrap_or_default().to_owned())
}
