//! A transform without the SDK: bytes that are no Arrow IPC, or none that the contract knows.

use insta::assert_snapshot;

use super::stopped;

const GUEST: &str = "guest-ipc";

#[tokio::test]
async fn broken_ipc_and_it_is_refused() {
    assert_snapshot!(stopped(GUEST, "broken_ipc").await, @"");
}

#[tokio::test]
async fn bytes_after_the_end_and_they_are_refused() {
    assert_snapshot!(stopped(GUEST, "bytes_after_the_end").await, @"");
}

#[tokio::test]
async fn two_schemas_and_they_are_refused() {
    assert_snapshot!(stopped(GUEST, "two_schemas").await, @"");
}

#[tokio::test]
async fn compressed_and_nothing_is_unpacked() {
    assert_snapshot!(stopped(GUEST, "compressed").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Ipc error: its buffers are compressed");
}
