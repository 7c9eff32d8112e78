//! Sources, which may touch what is granted and nothing else.

use std::{fs, os::unix::fs::symlink};

use insta::assert_snapshot;
use tidegate::plugin::Access;
use tidegate_tests::sandbox::{access, access_to, source};

use super::{bounded, said};

/// A granted folder `inside` next to what it may not reach, and links that lead there.
fn granted() -> (tempfile::TempDir, Access) {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    fs::create_dir_all(inside.join("folder")).unwrap();
    fs::write(inside.join("mine.txt"), "mine").unwrap();
    fs::write(dir.path().join("outside.txt"), "not yours").unwrap();
    symlink("../outside.txt", inside.join("link.txt")).unwrap();
    symlink("..", inside.join("up")).unwrap();
    (dir, access_to(inside))
}

async fn check(config: &str, access: &Access) -> String {
    let error = bounded(async { source(config, access).await?.check().await }).await.unwrap_err();
    bounded(async { source("{}", access).await?.check().await }).await.expect("a fresh instance that behaves works");
    said(&error)
}

#[tokio::test]
async fn leaves_directory_and_gets_nothing() {
    let (dir, access) = granted();
    let outside = dir.path().join("outside.txt").display().to_string();
    let paths =
        ["mine.txt", "../outside.txt", "folder/../../outside.txt", &outside, "link.txt", "up/outside.txt"].map(|path| format!("{path:?}"));
    let config = format!(r#"{{ "misbehave": "leaves_directory", "paths": [{}] }}"#, paths.join(", "));
    let told = check(&config, &access).await.replace(&*dir.path().to_string_lossy(), "<dir>");
    assert_snapshot!(told, @r"
    guest-source@0.1.0 failed to check its config: mine.txt: GOT 4 bytes
    ../outside.txt: `../outside.txt` leads out of the granted directory `data`
    folder/../../outside.txt: `folder/../../outside.txt` leads out of the granted directory `data`
    <dir>/outside.txt: `<dir>/outside.txt` leads out of the granted directory `data`
    link.txt: `link.txt` leads out of the granted directory `data`
    up/outside.txt: `up/outside.txt` leads out of the granted directory `data`
    **: `up` leads out of the granted directory `data`
    ");
}

#[tokio::test]
async fn asks_ungranted_and_is_told_what_is_granted() {
    let (_dir, access) = granted();
    assert_snapshot!(check(r#"{ "misbehave": "asks_ungranted" }"#, &access).await, @"guest-source@0.1.0 failed to check its config: no directory `secrets` is granted; granted are: data");
}

#[tokio::test]
async fn asks_ungranted_and_is_told_that_nothing_is() {
    assert_snapshot!(check(r#"{ "misbehave": "asks_ungranted" }"#, &access()).await, @"guest-source@0.1.0 failed to check its config: no directory `secrets` is granted; none is");
}

#[tokio::test]
async fn hoards_files_and_is_stopped_before_the_host_runs_out() {
    let (_dir, access) = granted();
    let told = check(r#"{ "misbehave": "hoards_files", "paths": ["mine.txt"] }"#, &access).await;
    assert_snapshot!(told, @"guest-source@0.1.0 was stopped while it was asked to check its config: it held more than 64 files or answers open");
}

#[tokio::test]
async fn too_many_slices_and_both_numbers_are_named() {
    let slices = |config: &'static str| async move { source(config, &access()).await?.slices("numbers", None, 2).await };
    let error = bounded(slices(r#"{ "misbehave": "too_many_slices" }"#)).await.unwrap_err();
    assert_snapshot!(said(&error), @"guest-source@0.1.0 broke the contract when it was asked to cut stream `numbers` into slices: it gave 3 slices, 2 were wanted");
    assert_eq!(bounded(slices("{}")).await.unwrap().len(), 1);
}
