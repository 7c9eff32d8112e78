//! A transform without the SDK: bytes that are no Arrow IPC, or none that the contract knows.

use insta::assert_snapshot;

use super::stopped;

const GUEST: &str = "guest-ipc";

#[tokio::test]
async fn broken_ipc_and_it_is_refused() {
    assert_snapshot!(stopped(GUEST, "broken_ipc").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: a message breaks off");
}

#[tokio::test]
async fn bytes_after_the_end_and_they_are_refused() {
    assert_snapshot!(stopped(GUEST, "bytes_after_the_end").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Unexpected EOS");
}

#[tokio::test]
async fn two_schemas_and_they_are_refused() {
    assert_snapshot!(stopped(GUEST, "two_schemas").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Not expecting a schema when messages are read");
}

#[tokio::test]
async fn compressed_and_nothing_is_unpacked() {
    assert_snapshot!(stopped(GUEST, "compressed").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: its buffers are compressed, which the contract does not know");
}

#[tokio::test]
async fn wrong_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "wrong_rows").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Invalid argument error: Need at least 8000 bytes in buffers[0] in array of type Int64, but got 16");
}

#[tokio::test]
async fn contradicting_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "contradicting_rows").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Invalid argument error: all columns in a record batch must have the specified row count");
}

#[tokio::test]
async fn negative_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "negative_rows").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Invalid argument error: Need at least 18446744073709551615 bytes in buffers[0] in array of type Int64, but got 16");
}

#[tokio::test]
async fn endless_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "endless_rows").await, @"guest-ipc@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Invalid argument error: Need at least 18446744073709551615 bytes in buffers[0] in array of type Int64, but got 16");
}
