//! Plugins that misbehave on purpose: each is stopped, named, and the host goes on.
//!
//! A misbehaviour is a file `tests/guests/<guest>/src/<misbehaviour>.rs`; its test is `<misbehaviour>_and_...`
//! (`every_misbehaviour_has_a_test`).

mod contract;
mod ipc;
mod quality;
mod source;
mod thief;
mod transform;

use std::{future::Future, time::Duration};

use tidegate::{error::chain, plugin::PluginError};
use tidegate_tests::{
    folder, root,
    sandbox::{batch, push},
    source_text::rust_files,
};

/// The deadline of one call is 1 s; the rest is for loading the component on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// Waits for a guest; fails where it is not stopped.
async fn bounded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("a guest is stopped in time")
}

/// What is said about a guest that was stopped while it took a batch. Afterwards a fresh instance of the same plugin must work.
async fn stopped(guest: &str, misbehaviour: &str) -> String {
    let error = bounded(push(guest, Some(misbehaviour))).await.expect_err("it misbehaves");
    goes_on(guest).await;
    said(&error)
}

/// Checks that a fresh instance that behaves works on the same runtime.
async fn goes_on(guest: &str) {
    let pushed = bounded(push(guest, None)).await.expect("a fresh instance that behaves works");
    assert_eq!(pushed.accepted, [batch()]);
    assert!(pushed.rejected.is_empty());
}

fn said(error: &PluginError) -> String {
    chain(error)
}

#[test]
fn every_misbehaviour_has_a_test() {
    let tests = rust_files(&["tests/suite/guests"]).unwrap();
    let tested = |name: &str| tests.iter().any(|file| file.code.contains(&format!("fn {name}_and_")));
    let mut untested = Vec::new();
    let mut known = 0;
    for guest in folder::crates(&root().join("tests/guests")).unwrap() {
        for file in folder::sorted(&guest.join("src")).unwrap() {
            let text = std::fs::read_to_string(&file).unwrap();
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            if name == "lib" || text.starts_with("//! Not a misbehaviour") {
                continue;
            }
            known += 1;
            if !tested(&name) {
                untested.push(format!("{}: write `fn {name}_and_...` in tests/suite/guests/", file.display()));
            }
        }
    }
    assert!(known > 20, "only {known} misbehaviours were found");
    assert!(untested.is_empty(), "misbehaviours without a test:\n{}", untested.join("\n"));
}
