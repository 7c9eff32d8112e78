//! The property that everything else rests on: however rows are spread and states merged, the result is that of one instance.

use std::sync::Arc;

use tidegate_sdk::{
    arrow_array::{ArrayRef, Date32Array, TimestampMicrosecondArray, UInt64Array, cast::AsArray, types::UInt64Type},
    prelude::*,
};

use crate::{
    QualityDimensions,
    testing::{NOW_SECONDS, floats, ints, open, rows, texts},
};

const RULES: &str = r#"{ "key": ["id"], "rules": [
    { "kind": "required", "columns": ["id", "status", "score", "bought"] },
    { "kind": "range", "column": "score", "min": 1, "max": 5 },
    { "kind": "set", "column": "status", "values": ["open", "paid"] },
    { "kind": "pattern", "column": "id", "regex": "id-[0-9]{2}" },
    { "kind": "format", "column": "id", "format": "digits" },
    { "kind": "length", "column": "id", "min": 5 },
    { "kind": "ordering", "columns": ["score", "total", "price"] },
    { "kind": "sum_equals", "left": ["score"], "right": ["total"], "tolerance": 3 },
    { "kind": "implies", "when": { "column": "status", "is": ["paid"] }, "then": { "column": "total", "is": "not_null" } },
    { "kind": "freshness", "column": "bought", "within": "3d" },
    { "kind": "unique", "columns": ["id"] },
    { "kind": "unique", "columns": ["id", "score"], "name": "unique_pair" },
    { "kind": "plausible", "column": "price", "max": 4.5, "dimension": "validity" },
    { "kind": "reference", "column": "id", "found": "total" },
    { "kind": "reference_value", "column": "price", "expected": "score", "tolerance": 1 }
] }"#;

/// Knuth's linear congruential generator (MMIX), its upper half.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn cell<T>(&mut self, value: impl FnOnce(u64) -> T, bound: u64) -> Option<T> {
        let number = self.below(bound);
        (self.below(8) > 0).then(|| value(number))
    }
}

fn data(random: &mut Lcg, count: usize) -> RecordBatch {
    let mut cells = |bound: u64| (0..count).map(|_| random.cell(|number| number as i64, bound)).collect::<Vec<_>>();
    let ids: Vec<_> = cells(300).into_iter().map(|id| id.map(|id| format!("id-{id}"))).collect();
    let statuses: Vec<_> = cells(3).into_iter().map(|at| at.map(|at| ["open", "paid", "void"][at as usize])).collect();
    let bought: Vec<_> = cells(400_000).into_iter().map(|age| age.map(|age| (NOW_SECONDS - age) * 1_000_000)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", texts(ids.iter().map(Option::as_deref))),
        ("status", texts(statuses)),
        ("score", ints(cells(7))),
        ("total", ints(cells(9))),
        ("price", floats(cells(6).into_iter().map(|price| price.map(|price| price as f64)))),
        ("bought", Arc::new(TimestampMicrosecondArray::from(bought).with_timezone("UTC"))),
        ("day", Arc::new(Date32Array::from(vec![0; count]))),
    ];
    rows(columns)
}

/// The rows of a batch that `keep` names, in small batches.
fn part(batch: &RecordBatch, keep: &[u64]) -> Vec<RecordBatch> {
    let take = |chunk: &[u64]| {
        let indexes = UInt64Array::from(chunk.to_vec());
        let columns =
            batch.columns().iter().map(|column| tidegate_sdk::arrow_select::take::take(column, &indexes, None).unwrap()).collect();
        RecordBatch::try_new(batch.schema(), columns).unwrap()
    };
    keep.chunks(37).map(take).collect()
}

fn observe(batches: &[RecordBatch], schema: &SchemaRef) -> QualityDimensions {
    let mut observer = open(RULES, schema.clone()).unwrap();
    batches.iter().for_each(|batch| observer.observe(batch).unwrap());
    observer
}

#[test]
fn any_partition_and_any_order_give_the_result_of_one_instance() {
    let mut random = Lcg(20_181_017);
    for round in 0..24 {
        let batch = data(&mut random, 1 + 150 * round);
        let schema = batch.schema();
        let wanted = observe(std::slice::from_ref(&batch), &schema).finish().unwrap();
        let mut spread = vec![Vec::new(); 1 + random.below(6) as usize];
        for row in 0..batch.num_rows() as u64 {
            let place = random.below(spread.len() as u64) as usize;
            spread[place].push(row);
        }
        let mut states: Vec<_> = spread.iter().map(|keep| observe(&part(&batch, keep), &schema).state().unwrap()).collect();
        // Merge random pairs into fresh instances until one is left: any tree, any order, empty instances included.
        while states.len() > 1 {
            let left = states.swap_remove(random.below(states.len() as u64) as usize);
            let right = states.swap_remove(random.below(states.len() as u64) as usize);
            let mut both = open(RULES, schema.clone()).unwrap();
            both.merge(&left).unwrap();
            both.merge(&right).unwrap();
            states.push(both.state().unwrap());
        }
        let mut last = open(RULES, schema.clone()).unwrap();
        last.merge(&states[0]).unwrap();
        assert_eq!(last.finish().unwrap(), wanted, "round {round}");
        assert_eq!(last.finish().unwrap(), wanted, "finish may be asked twice");
    }
}

#[test]
fn duplicates_across_instances_are_counted_and_named() {
    let batch = data(&mut Lcg(1), 400);
    let other = {
        let mut columns = batch.columns().to_vec();
        let origins = columns.pop().unwrap();
        let later = origins.as_primitive::<UInt64Type>().values().iter().map(|origin| origin + (1 << 40)).collect();
        let fields = batch.schema().fields()[..columns.len()].to_vec();
        Origin::attach(&Schema::new(fields), columns, later).unwrap()
    };
    let schema = batch.schema();
    let mut first = observe(&[batch], &schema);
    let once = first.finish().unwrap();
    first.merge(&observe(&[other], &schema).state().unwrap()).unwrap();
    let twice = first.finish().unwrap();
    let of = |measures: &[Measure]| {
        measures.iter().find(|measure| measure.rule == "unique_pair").map(|found| (found.passed, found.total)).unwrap()
    };
    assert_eq!(of(&twice), (of(&once).0, of(&once).1 * 2));
}

#[test]
fn nothing_seen_is_not_measured() {
    let schema = data(&mut Lcg(1), 1).schema();
    assert_eq!(observe(&[RecordBatch::new_empty(schema.clone())], &schema).finish().unwrap(), []);
}

#[test]
fn foreign_and_broken_states_are_refused() {
    let batch = data(&mut Lcg(7), 200);
    let schema = batch.schema();
    // Each has keys of its own: who takes in a state takes its keys away.
    let state = || observe(std::slice::from_ref(&batch), &schema).state().unwrap();
    let said = |bytes: &[u8]| open(RULES, schema.clone()).unwrap().merge(bytes).unwrap_err().message;
    assert_eq!(said(&[]), "the state is cut short");
    assert_eq!(said(&[9]), "the state has version 9, this plugin reads 3");
    assert_eq!(said(&state()[..state().len() - 1]), "the state is cut short");
    assert_eq!(said(&[state().as_slice(), &[0]].concat()), "the state is longer than its rules");
    let mut other = open(r#"{"rules":[{"kind":"unique","columns":"id"}]}"#, schema.clone()).unwrap();
    assert_eq!(other.merge(&state()).unwrap_err().message, "the state belongs to other rules");
    for end in (0..state().len()).step_by(97) {
        assert!(open(RULES, schema.clone()).unwrap().merge(&state()[..end]).is_err());
    }
}

#[test]
fn batches_of_another_shape_are_refused() {
    let schema = data(&mut Lcg(7), 1).schema();
    let mut observer = open(RULES, schema).unwrap();
    let found = observer.observe(&rows(vec![("id", ints([Some(1)]))])).unwrap_err();
    assert_eq!((found.kind, found.message.as_str()), (FailureKind::Bug, "a batch does not have the columns that were announced"));
}
