//! Measurements, run by hand: `cargo test --release -p quality-dimensions -- --ignored --nocapture speed`.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use tidegate_sdk::{Hash128, Quality, arrow_array::ArrayRef};

use crate::{
    keys::Keys,
    state::{Reader, Writer},
    testing::{ints, open, rows, texts},
};

/// Counts what is allocated.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn insert(keys: &mut Keys, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| keys.insert(Hash128::of(&number.to_le_bytes()), number, |_| ()));
    keys.settle(|_| ());
}

#[test]
#[ignore = "a measurement: takes seconds and 300 MB"]
fn keys_cost_about_twenty_bytes_each() {
    const KEYS: u64 = 10_000_000;
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = Instant::now();
    let mut keys = Keys::new();
    insert(&mut keys, 0..KEYS);
    assert_eq!(keys.distinct(), KEYS);
    let per_key = (PEAK.load(Ordering::Relaxed) - before) as f64 / KEYS as f64;
    println!("unique: {per_key:.1} bytes per key at the peak, {:.1} M keys/s", KEYS as f64 / start.elapsed().as_secs_f64() / 1e6);
    assert!(per_key < 24.0);
}

#[test]
#[ignore = "a measurement: takes seconds and 600 MB"]
fn two_instances_of_five_million_keys_sum_up() {
    let fill = |numbers: std::ops::Range<u64>| {
        let mut keys = Keys::new();
        insert(&mut keys, numbers);
        let mut out = Writer::with_capacity(keys.saved_bytes());
        keys.save(&mut out);
        out.into_bytes()
    };
    let measured = |label: &str, work: &mut dyn FnMut()| {
        let before = NOW.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        work();
        println!("{label}: {} MiB at the peak beyond what it was given", (PEAK.load(Ordering::Relaxed) - before) >> 20);
    };
    let mut states = Vec::new();
    measured("one instance with its state", &mut || states.push(fill(0..5_000_000)));
    states.push(fill(5_000_000..10_000_000));
    println!("a state: {} MiB", states[0].len() >> 20);
    let mut sum = Keys::new();
    measured("the sum of both", &mut || states.iter().for_each(|state| sum.merge(&mut Reader::new(state), |_| ()).unwrap()));
    assert_eq!(sum.distinct(), 10_000_000);
}

#[test]
#[ignore = "a measurement"]
fn rows_per_second() {
    const ROWS: usize = 8192;
    let ids: Vec<String> =
        (0..ROWS).map(|row| format!("{:032x}", (row as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))).collect();
    let mut columns: Vec<(&str, ArrayRef)> = vec![("id", texts(ids.iter().map(|id| Some(id.as_str()))))];
    let names = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"];
    // Every tenth cell of the even columns is null.
    columns.extend(
        names.iter().enumerate().map(|(at, name)| (*name, ints((0..ROWS).map(|row| (row % 10 > 0 || at % 2 > 0).then_some(row as i64))))),
    );
    let batch = rows(columns);
    for (label, rule) in [
        ("required, 10 columns", format!(r#"{{"kind":"required","columns":{names:?}}}"#)),
        ("range", r#"{"kind":"range","column":"c1","min":0,"max":8000}"#.to_owned()),
        ("format hex32", r#"{"kind":"format","column":"id","format":"hex32"}"#.to_owned()),
        ("pattern [0-9a-f]{32}", r#"{"kind":"pattern","column":"id","regex":"[0-9a-f]{32}"}"#.to_owned()),
        ("ordering, 3 columns with nulls", r#"{"kind":"ordering","columns":["c0","c1","c2"]}"#.to_owned()),
        ("sum_equals", r#"{"kind":"sum_equals","left":["c1"],"right":["c3"]}"#.to_owned()),
        ("set of 3 integers", r#"{"kind":"set","column":"c1","values":[1,2,3]}"#.to_owned()),
        ("unique, repeated", r#"{"kind":"unique","columns":["id"]}"#.to_owned()),
    ] {
        let mut observer = open(&format!(r#"{{"rules":[{rule}]}}"#), batch.schema()).unwrap();
        let start = Instant::now();
        let rounds = 200;
        (0..rounds).for_each(|_| observer.observe(&batch).unwrap());
        println!("{label}: {:.1} M rows/s", (ROWS * rounds) as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
}
