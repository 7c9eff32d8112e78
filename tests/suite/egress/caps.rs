//! Caps on size, number and time.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_tests::wire::{Fault, Reply, Wire};

use super::{Source, gets};

const MIB: usize = 1 << 20;

#[test]
fn an_answer_is_counted_as_it_unpacks() {
    // 64 MiB of nothing are 64 KiB of gzip, and those 64 KiB more than a few hundred bytes.
    let bomb = Reply::text(200, "").body(vec![b' '; 64 * MIB]).gzip();
    let wire = Wire::start(move |asked| match asked.path.as_str() {
        "/bomb" => bomb.clone(),
        "/long" => Reply::text(200, "").body(vec![b' '; MIB]).repeated(64),
        "/chunks" => Reply::text(200, "").body(vec![b' '; MIB]).repeated(64).chunked(MIB),
        _ => Reply::text(200, "").body(vec![b' '; 2 * MIB]).gzip(),
    });
    let urls = ["/bomb", "/long", "/chunks", "/fits"].map(|path| format!("{}{path}", wire.url()));
    let mut requests = gets(urls.iter().map(String::as_str));
    requests.iter_mut().for_each(|request| request["counts"] = true.into());
    let told = Source::of(&wire).patience("max_response_mib = 2").ask(&requests);
    for got in &told.got[..3] {
        assert!(got.contains("larger than 2 MiB"), "{got}");
    }
    assert_eq!(told.got[3], "200 with 2097152 bytes".replacen("200", "GOT 200", 1));
    let asked: Vec<_> = wire.asked().iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(asked, ["/bomb", "/long", "/chunks", "/fits"], "what is too large is not asked for again");
}

#[test]
fn a_run_has_so_many_requests() {
    let wire = Wire::start(|_| Reply::text(200, "here"));
    let urls: Vec<_> = (0..5).map(|number| format!("{}/{number}", wire.url())).collect();
    let told = Source::of(&wire).patience("max_requests = 3").ask(&gets(urls.iter().map(String::as_str)));
    let got: Vec<_> = told.got.iter().map(|got| got.starts_with("GOT 200")).collect();
    assert_eq!(got, [true, true, true, false, false]);
    assert!(told.got[3].contains("max_requests"), "{}", told.got[3]);
    assert_eq!(wire.asked().len(), 3);
}

#[test]
fn a_server_that_takes_its_time_is_left() {
    let wire = Wire::start(|asked| match asked.path.as_str() {
        "/silent" => Reply::text(200, "never").fault(Fault::Silence),
        "/stuck" => Reply::text(200, "half of it").fault(Fault::SilenceAfter(4)),
        // A byte comes often enough for the read timeout, and the whole never does.
        _ => Reply::text(200, &"x".repeat(10_000)).fault(Fault::Drip { bytes: 1, every: Duration::from_millis(50) }),
    });
    let urls = ["/silent", "/stuck", "/drip"].map(|path| format!("{}{path}", wire.url()));
    let source = Source::of(&wire).patience("attempts = 1, read_seconds = 1, total_seconds = 2, breaker_failures = 100");
    let told = source.ask(&gets(urls.iter().map(String::as_str)));
    for got in &told.got {
        assert!(got.contains("can't be had"), "{got}");
    }
    assert!(told.took < Duration::from_secs(15), "{:?}", told.took);
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_of_a_gibibyte_does_not_sit_in_memory() {
    let peak = |mebibytes: u64| {
        let wire = Wire::start(move |_| Reply::text(200, "").body(vec![b'x'; MIB]).repeated(mebibytes));
        let mut requests = gets([wire.url().as_str()]);
        requests[0]["url"] = Value::from(format!("{}/much", wire.url()));
        requests[0]["counts"] = json!(true);
        let workplace = Source::of(&wire).patience("max_response_mib = 1024").workplace(&requests);
        let peak = workplace.measure(&["run"]).unwrap().peak_mib;
        let told = workplace.tidegate(&["query", "--format", "csv", "select told from told"]).unwrap();
        assert_eq!(told.stdout.lines().nth(1), Some(format!("GOT 200 with {} bytes", mebibytes << 20).as_str()), "{}", told.stderr);
        peak
    };
    peak(1);
    let (small, large) = (peak(1), peak(1024));
    println!("peak resident memory: {small:.0} MiB with an answer of 1 MiB, {large:.0} MiB with one of 1 GiB");
    assert!(large < small + 32.0, "{small:.0} MiB, then {large:.0} MiB");
}
