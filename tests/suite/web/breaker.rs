//! A source that fails while its run goes on: its breaker is shown when it opens, and afterwards too, though the run came to no report.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tidegate_tests::{
    browser::Page,
    daemon::wait,
    http,
    program::Workplace,
    site::Site,
    wire::{Reply, Wire},
};

/// What the host says of a source whose breaker has opened.
const OPEN: &str = "3 requests, 3 failed attempts";

/// A pipeline over a server; its breaker opens after three failures, for an hour.
fn workplace(wire: &Wire) -> Result<Workplace> {
    let (workplace, url) = (Workplace::empty()?, wire.url());
    let text = format!(
        "version = 1\nname = \"shop\"\n[sources.shop]\nplugin = \"guest-rest\"\nconfig = {{ url = \"{url}\" }}\n\
         grants.http.api = {{ url = \"{url}/**\", private = true }}\n\
         patience = {{ breaker_failures = 3, breaker_seconds = 3600, longest_wait_seconds = 7200 }}\n\
         [streams.orders]\n[tables.orders]\nstream = \"orders\"\nmode = \"merge\"\nkey = [\"id\"]\n"
    );
    workplace.write("examples/shop/pipeline.toml", &text)?;
    Ok(workplace)
}

fn breakers(page: &Page) -> Result<Vec<String>> {
    page.column("Breaker")
}

#[test]
fn a_breaker_that_opens_is_shown_while_the_run_goes_on() -> Result<()> {
    let is_ill = Arc::new(AtomicBool::new(false));
    let told = is_ill.clone();
    let wire = Wire::start(move |_| {
        // Not for ever: a test that breaks off takes the server with it.
        (0..3000).take_while(|_| !told.load(Ordering::Relaxed)).for_each(|_| std::thread::sleep(Duration::from_millis(20)));
        Reply::new(503)
    });
    let site = Site::start(workplace(&wire)?, "")?;
    let api = |path: &str| -> Result<Value> { http::get(site.address, &format!("/api/v1/pipelines/shop{path}"))?.json() };
    http::send(site.address, "POST", "/api/v1/pipelines/shop/run", &[], None)?;
    let run = wait("the run goes on", || Ok(api("")?["running"].as_str().map(str::to_owned)))?;
    let page = Page::open(site.address)?;
    page.go(&format!("/runs/shop/{run}"))?;
    page.shows("1 requests, circuit closed")?;
    ensure!(breakers(&page)? == ["closed"], "nothing has failed yet: {:?}", breakers(&page)?);
    let (address, path) = (site.address, format!("/runs/shop/{run}/events"));
    let events = std::thread::spawn(move || http::get(address, &path));

    is_ill.store(true, Ordering::Relaxed);
    // The page is told; it is not loaded again.
    page.shows(OPEN)?;
    page.shows("circuit open, opened 1 times")?;
    ensure!(breakers(&page)? == ["open"], "{:?}", breakers(&page)?);
    ensure!(page.faults()?.is_empty(), "{:?}", page.faults()?);
    let sources = http::get(site.address, "/sources")?.text();
    ensure!(sources.contains("opened 1 times") && sources.contains(">goes on<"), "{sources}");
    ensure!(api(&format!("/runs/{run}"))?["run"]["status"] == "running", "it waits for its source");

    http::send(site.address, "POST", &format!("/api/v1/pipelines/shop/runs/{run}/cancel"), &[], None)?;
    let events = events.join().map_err(|_| anyhow::anyhow!("the follower panicked"))??.text();
    let last = events.lines().rfind(|line| line.contains("\"sources\"")).context("an event with sources")?;
    ensure!(last.contains("\"circuit\":\"open\"") && last.contains("\"source\":\"shop\""), "{last}");
    ensure!(events.contains("event: ended"), "{events}");

    // It came to no report, and its requests are known all the same: on the pages, in the history, for Prometheus.
    wait("the run has ended", || Ok((api(&format!("/runs/{run}"))?["run"]["status"] == "stopped").then_some(())))?;
    // The history knows the end a moment before the desk has cleared its place.
    let sources = wait("the run has left its place", || {
        let sources = http::get(site.address, "/sources")?.text();
        Ok((!sources.contains(">goes on<")).then_some(sources))
    })?;
    ensure!(sources.contains("opened 1 times"), "{sources}");
    page.go(&format!("/runs/shop/{run}"))?;
    page.shows(OPEN)?;
    let metric = "tidegate_source_circuit{pipeline=\"shop\",source=\"shop\"} 2";
    wait("the metric", || Ok(http::get(site.address, "/metrics")?.text().contains(metric).then_some(())))?;
    let said = site.workplace.tidegate(&["runs", "examples/shop"])?;
    ensure!(said.stdout.trim_end().ends_with("open"), "{}", said.stdout);
    Ok(())
}
