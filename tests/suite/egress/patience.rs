//! Waiting, repeating, holding back, giving up.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tidegate_tests::wire::{Fault, Plan, Reply, Wire};

use super::{Source, gets};

fn url(wire: &Wire, path: &str) -> String {
    format!("{}{path}", wire.url())
}

/// How long the server was left alone between its first two requests.
fn pause(wire: &Wire) -> Duration {
    let asked = wire.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    asked[1].at - asked[0].at
}

/// A server that answers 429 once with this `Retry-After`.
fn busy_once(retry_after: impl Fn() -> String + Send + Sync + 'static) -> Wire {
    Wire::start(move |asked| match asked.number {
        1 => Reply::json(429, &json!({ "errors": "slow down" })).header("Retry-After", retry_after()),
        _ => Reply::text(200, "here"),
    })
}

#[test]
fn a_wait_is_as_long_as_the_server_says() {
    let wait = |wire: &Wire| {
        let told = Source::of(wire).ask(&gets([url(wire, "/x").as_str()]));
        assert!(told.got[0].starts_with("GOT 200"), "{}", told.got[0]);
        pause(wire)
    };
    assert!(wait(&busy_once(|| "1".into())) >= Duration::from_secs(1));
    let float = wait(&busy_once(|| "0.4".into()));
    assert!(float >= Duration::from_millis(400) && float < Duration::from_secs(5), "{float:?}");
    // A date counts from the server's own clock, which may be years off.
    let off = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let date = |time: SystemTime| httpdate::fmt_http_date(time);
    let skewed = busy_once(move || date(off + Duration::from_secs(2)));
    skewed.set_clock(move || off);
    let skewed = wait(&skewed);
    assert!(skewed >= Duration::from_secs(1) && skewed < Duration::from_secs(8), "{skewed:?}");
}

#[test]
fn a_wait_that_is_too_long_fails_at_once() {
    let wire = busy_once(|| "3600".into());
    let told = Source::of(&wire).patience("longest_wait_seconds = 2").ask(&gets([url(&wire, "/x").as_str()]));
    assert!(told.got[0].contains("429") && told.got[0].contains("3600"), "{}", told.got[0]);
    assert!(told.took < Duration::from_secs(20), "{:?}", told.took);
}

#[test]
fn only_what_may_be_repeated_is_repeated() {
    let wire = Wire::start(|_| Reply::new(503));
    let ask = |name: &str, method: &str, idempotent: bool| json!({ "name": name, "url": url(&wire, &format!("/{name}")), "method": method, "idempotent": idempotent });
    let requests = [ask("get", "get", false), ask("head", "head", false), ask("post", "post", false), ask("read", "post", true)];
    let told = Source::of(&wire).patience("attempts = 3, breaker_failures = 100").ask(&requests);
    let times = |path: &str| wire.asked().iter().filter(|asked| asked.path == path).count();
    assert_eq!(["/get", "/head", "/post", "/read"].map(times), [3, 3, 1, 3], "{:?}", told.got);
}

#[test]
fn what_broke_off_is_asked_for_again_and_never_seen() {
    let faults = [Fault::ResetAfter(3), Fault::CloseAfter(3), Fault::TruncatedGzip, Fault::CloseBeforeHead, Fault::WrongLength(5)];
    let plan = Plan::at((1..).zip(faults));
    let wire = Wire::disturbed(plan, |_| Reply::text(200, "the whole body"));
    let told = Source::of(&wire).patience("attempts = 6, breaker_failures = 100").ask(&gets([url(&wire, "/x").as_str()]));
    assert!(told.got[0].starts_with("GOT 200") && told.got[0].ends_with("the whole body"), "{}", told.got[0]);
    assert_eq!((wire.faults(), wire.asked().len()), (5, 6));
}

#[test]
fn slices_share_one_rate() {
    let wire = Wire::start(|_| Reply::text(200, "here"));
    let urls: Vec<_> = (0..25).map(|number| url(&wire, &format!("/{number}"))).collect();
    let mut source = Source::of(&wire).patience("requests_per_minute = 600");
    source.slices = 2;
    let told = source.ask(&gets(urls.iter().map(String::as_str)));
    assert_eq!(told.got.len(), 25);
    let asked = wire.asked();
    let (first, last) = (asked[0].at, asked[24].at);
    // Ten at once, then ten a second, whoever asks.
    assert!(last - first >= Duration::from_millis(1400), "{:?}", last - first);
    assert!(last - first < Duration::from_secs(10), "{:?}", last - first);
}

#[test]
fn a_server_that_says_its_bucket_is_empty_is_left_until_it_fills() {
    let wire = Wire::start(|asked| match asked.number {
        1 => Reply::text(200, "here").header("X-RateLimit-Remaining", 0).header("X-RateLimit-Reset", 1),
        _ => Reply::text(200, "here"),
    });
    Source::of(&wire).ask(&gets([url(&wire, "/1").as_str(), url(&wire, "/2").as_str()]));
    assert!(pause(&wire) >= Duration::from_millis(900), "{:?}", pause(&wire));
}

#[test]
fn a_circuit_opens_and_closes_and_runs_tells_it() {
    static IS_ILL: AtomicBool = AtomicBool::new(true);
    let wire = Wire::start(|_| if IS_ILL.load(Ordering::Relaxed) { Reply::new(500) } else { Reply::text(200, "well") });
    let urls: Vec<_> = (0..6).map(|number| url(&wire, &format!("/{number}"))).collect();
    let source = Source::of(&wire).patience("attempts = 1, breaker_failures = 3, breaker_seconds = 1, requests_per_minute = 100000");
    let told = source.ask(&gets(urls.iter().map(String::as_str)));
    assert_eq!(wire.asked().len(), 3, "an open circuit asks nothing: {:?}", told.got);
    assert!(told.got[5].contains("left alone"), "{}", told.got[5]);
    assert_eq!(told.report["egress"][0]["health"]["circuit"], "open");
    assert_eq!(told.report["egress"][0]["health"]["opened"], 1);
    let runs = || told.workplace.tidegate(&["runs", "--json"]).unwrap().stdout;
    assert!(runs().contains("\"circuit\": \"open\""), "{}", runs());
    let worst = || -> Vec<String> {
        let table = told.workplace.tidegate(&["runs"]).unwrap().stdout;
        table.lines().map(|line| line.split_whitespace().next_back().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(worst(), ["circuit", "open"]);

    IS_ILL.store(false, Ordering::Relaxed);
    assert_eq!(told.workplace.tidegate(&["run"]).unwrap().code, 0);
    assert!(runs().contains("\"circuit\": \"closed\""), "{}", runs());
    assert_eq!(worst(), ["circuit", "closed", "open"]);

    // The archive has the requests that were not sent, too, and a replay is told the same.
    let run = told.report["run"].as_str().unwrap();
    let shown = told.workplace.tidegate(&["archive", "show", run]).unwrap().stdout;
    assert_eq!((shown.matches("no answer to GET").count(), shown.matches("left alone").count()), (6, 3), "{shown}");
    let again = told.workplace.tidegate(&["replay", run]).unwrap();
    assert!(again.code == 0 && again.stderr.contains("identical"), "{}", again.stderr);
}

#[test]
fn a_circuit_lets_one_request_through_to_see_whether_it_may_close() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let wire = Wire::start(|_| if ASKED.fetch_add(1, Ordering::Relaxed) < 2 { Reply::new(502) } else { Reply::text(200, "well") });
    let source = Source::of(&wire).patience("attempts = 4, breaker_failures = 2, breaker_seconds = 1, requests_per_minute = 100000");
    let told = source.ask(&gets([url(&wire, "/x").as_str()]));
    assert!(told.got[0].ends_with("well"), "{}", told.got[0]);
    let asked = wire.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[2].at - asked[1].at >= Duration::from_millis(900), "{:?}", asked[2].at - asked[1].at);
}
