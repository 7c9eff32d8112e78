//! Transforms, written with the SDK as an author would.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use tidegate::{
    config::Limits,
    plugin::{Access, PluginError, TransformInstance},
};
use tidegate_tests::{
    components::Components,
    sandbox::{access, batch, context, limits, push, runtime, schema, transform},
};

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
    assert_snapshot!(said(&error), @"guest-transform@0.1.0 trapped while it was asked to transform a batch: wasm trap: cannot enter component instance");
}

#[tokio::test]
async fn eats_memory_and_is_stopped_at_its_cap() {
    assert_snapshot!(stopped(GUEST, "eats_memory").await, @"guest-transform@0.1.0 was stopped while it was asked to transform a batch: it asked for 65 MiB of memory, its cap is 64 MiB");
}

#[tokio::test]
async fn measures_time_and_has_no_clock() {
    let said = stopped(GUEST, "measures_time").await;
    assert!(said.contains("it panicked: time not implemented on this platform"), "{said}");
}

#[tokio::test]
async fn too_many_keys_and_is_stopped_at_its_limit() {
    assert_snapshot!(stopped(GUEST, "too_many_keys").await, @"guest-transform@0.1.0 was stopped while it was asked to transform a batch: it added more than 100000 keys to sets");
}

#[tokio::test]
async fn hoards_sets_and_is_stopped_at_its_cap_of_memory() {
    assert_snapshot!(stopped(GUEST, "hoards_sets").await, @"guest-transform@0.1.0 was stopped while it was asked to transform a batch: it asked for 66 MiB of memory, its cap is 64 MiB");
}

#[tokio::test]
async fn traps_and_is_named() {
    assert_snapshot!(stopped(GUEST, "traps").await, @"guest-transform@0.1.0 trapped while it was asked to transform a batch: wasm trap: wasm `unreachable` instruction executed");
}

#[tokio::test]
async fn panics_and_its_message_reaches_the_host() {
    assert_snapshot!(stopped(GUEST, "panics").await, @"guest-transform@0.1.0 was stopped while it was asked to transform a batch: it panicked: the tide went out (at tests/guests/transform/src/panics.rs:4:5)");
}

#[tokio::test]
async fn floods_log_and_is_stopped_at_its_limit() {
    assert_snapshot!(stopped(GUEST, "floods_log").await, @"guest-transform@0.1.0 was stopped while it was asked to transform a batch: it wrote more than 100 log messages");
}

#[tokio::test]
async fn bad_offsets_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "bad_offsets").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Invalid argument error: Offset invariant failure: offset at position 1 out of bounds: 1000000 > 3");
}

#[tokio::test]
async fn bad_utf8_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "bad_utf8").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: its Arrow IPC is broken: Invalid argument error: Invalid UTF8 sequence at string index 0 (0..2): invalid utf-8 sequence of 1 bytes from index 0");
}

#[tokio::test]
async fn other_schema_and_both_are_named() {
    assert_snapshot!(stopped(GUEST, "other_schema").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: a batch has the column `id` of type Utf8, declared is `id` of type Int64");
}

#[tokio::test]
async fn nulls_declared_absent_and_the_column_is_named() {
    assert_snapshot!(stopped(GUEST, "nulls_declared_absent").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: Invalid argument error: Column 'id' is declared as non-nullable but contains null values");
}

#[tokio::test]
async fn origin_of_another_type_and_the_shape_is_refused() {
    assert_snapshot!(stopped(GUEST, "origin_of_another_type").await, @"guest-transform@0.1.0 broke the contract when it was asked to say what it makes of stream `numbers`: the last column of its output is not `_origin` as UInt64 without nulls");
}

#[tokio::test]
async fn rejects_twice_and_the_row_is_named() {
    assert_snapshot!(stopped(GUEST, "rejects_twice").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: it rejects row 1 twice");
}

#[tokio::test]
async fn rejects_beyond_and_the_row_is_named() {
    assert_snapshot!(stopped(GUEST, "rejects_beyond").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: it rejects row 2 of a batch of 2");
}

#[tokio::test]
async fn too_many_rows_and_the_batch_is_refused() {
    assert_snapshot!(stopped(GUEST, "too_many_rows").await, @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: a batch has 65537 rows, 65536 are allowed");
}

/// A transform that sends this many MiB, under a cap of so many.
async fn send(mib: u32, output_mib: u32) -> Result<usize, PluginError> {
    let plugin = runtime().load(&Components::guests().path(GUEST)).await?;
    let config = format!(r#"{{ "misbehave": "too_much_output", "mib": {mib} }}"#);
    let limits = Limits { output_mib, memory_mib: 1024, deadline_seconds: 60, ..limits() };
    let mut instance = TransformInstance::new(runtime(), &plugin, &context(), &config, &Access { limits, ..access() }).await?;
    instance.open(&schema(), schema(), 1).await?;
    let pushed = instance.push(&batch()).await?;
    Ok(pushed.accepted.iter().map(|batch| batch.num_rows()).sum())
}

#[tokio::test]
async fn too_much_output_and_the_cap_is_named() {
    let error = bounded(send(4, 2)).await.unwrap_err();
    assert_snapshot!(said(&error), @"guest-transform@0.1.0 broke the contract when it was asked to transform a batch: it returned 4215368 bytes, its cap is 2097152");
    goes_on(GUEST).await;
}

#[tokio::test]
async fn too_much_output_and_only_the_cap_says_what_that_is() {
    // wasmtime has a limit of its own, 128 MiB by default; it must not be the one that is met first.
    assert_eq!(bounded(send(150, 256)).await.map_err(|error| said(&error)), Ok(1024));
}
