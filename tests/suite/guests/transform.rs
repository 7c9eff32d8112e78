//! Transforms, written with the SDK as an author would.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use tidegate_tests::sandbox::{batch, push, transform};

use super::{bounded, goes_on, said, stopped};

const GUEST: &str = "guest-transform";

#[tokio::test]
async fn spins_and_is_stopped_at_its_deadline() {
    let mut instance = transform(GUEST, Some("spins")).await.unwrap();
    let started = Instant::now();
    let error = bounded(instance.push(&batch())).await.unwrap_err();
    let taken = started.elapsed();
    assert_snapshot!(said(&error), @"guest-transform@0.1.0 was stopped while it was asked to transform a batch: it ran longer than its deadline of 1 s for one call");
    assert!(taken >= Duration::from_secs(1) && taken < Duration::from_secs(10), "it took {taken:?}");
    goes_on(GUEST).await;
}

#[tokio::test]
async fn spins_and_does_not_hold_up_the_others() {
    let spinning = transform(GUEST, Some("spins")).await.unwrap();
    transform(GUEST, None).await.unwrap();
    let spin = async {
        let mut spinning = spinning;
        spinning.push(&batch()).await.unwrap_err();
        Instant::now()
    };
    let work = async {
        push(GUEST, None).await.unwrap();
        Instant::now()
    };
    // On one thread: the guest gives way at each epoch.
    let (stopped, done) = bounded(async { tokio::join!(spin, work) }).await;
    assert!(done < stopped, "the other plugin had to wait until the spinning one was stopped");
}

#[tokio::test]
async fn spins_and_its_instance_is_of_no_more_use() {
    let mut instance = transform(GUEST, Some("spins")).await.unwrap();
    bounded(instance.push(&batch())).await.unwrap_err();
    let error = bounded(instance.push(&batch())).await.unwrap_err();
    assert_snapshot!(said(&error), @"");
}

#[tokio::test]
async fn eats_memory_and_is_stopped_at_its_cap() {
    assert_snapshot!(stopped(GUEST, "eats_memory").await, @"");
}

#[tokio::test]
async fn traps_and_is_named() {
    assert_snapshot!(stopped(GUEST, "traps").await, @"");
}

#[tokio::test]
async fn panics_and_its_message_reaches_the_host() {
    assert_snapshot!(stopped(GUEST, "panics").await, @"");
}

#[tokio::test]
async fn floods_log_and_is_stopped_at_its_limit() {
    assert_snapshot!(stopped(GUEST, "floods_log").await, @"");
}

#[tokio::test]
async fn bad_offsets_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "bad_offsets").await, @"");
}

#[tokio::test]
async fn bad_utf8_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "bad_utf8").await, @"");
}

#[tokio::test]
async fn wrong_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "wrong_rows").await, @"");
}

#[tokio::test]
async fn other_schema_and_both_are_named() {
    assert_snapshot!(stopped(GUEST, "other_schema").await, @"");
}

#[tokio::test]
async fn nulls_declared_absent_and_the_column_is_named() {
    assert_snapshot!(stopped(GUEST, "nulls_declared_absent").await, @"");
}

#[tokio::test]
async fn origin_of_another_type_and_the_shape_is_refused() {
    assert_snapshot!(stopped(GUEST, "origin_of_another_type").await, @"guest-transform@0.1.0 broke the contract when it was asked to say what it makes of stream `numbers`: the last column of its output is not `_origin` as UInt64 without nulls");
}

#[tokio::test]
async fn rejects_twice_and_the_row_is_named() {
    assert_snapshot!(stopped(GUEST, "rejects_twice").await, @"");
}

#[tokio::test]
async fn rejects_beyond_and_the_row_is_named() {
    assert_snapshot!(stopped(GUEST, "rejects_beyond").await, @"");
}

#[tokio::test]
async fn too_many_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "too_many_rows").await, @"");
}

#[tokio::test]
async fn too_much_output_and_the_cap_is_named() {
    assert_snapshot!(stopped(GUEST, "too_much_output").await, @"");
}
