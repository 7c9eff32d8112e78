//! Append, replace, merge, and what the rows become on the way.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Date64Array, Float64Array, ListArray, NullArray, Time64MicrosecondArray, TimestampSecondArray, UInt64Array},
    datatypes::UInt64Type,
};

use super::*;
use crate::warehouse::{
    lake::{commit, delta_schema, intent::Prepared, merge::Changes},
    session::{Footers, Join},
};

#[tokio::test]
async fn append_adds_and_replace_takes_the_place() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let tables = vec![table("added", Mode::Append), table("replaced", Mode::Replace)];
    run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1), ("y", 2)])], tables.clone())).await.unwrap();
    let results = run(&mut lake, &load(2, vec![store.orders("b", &[("z", 3)])], tables)).await.unwrap();
    assert_eq!(rows(&lake, "select * from added order by id").await, ["x 1", "y 2", "z 3"]);
    assert_eq!(rows(&lake, "select * from replaced").await, ["z 3"]);
    let counts: Vec<_> =
        results.iter().map(|result| (result.table.as_str(), result.rows_in, result.inserted, result.rows_after.unwrap_or(0))).collect();
    assert_eq!(counts, [("added", 1, 1, 3), ("replaced", 1, 1, 1), ("ingest_audit", 3, 3, 6)]);
    assert_eq!(lake.cursor("shop", "olist", "orders").as_deref(), Some("cursor-2"));
}

#[tokio::test]
async fn merge_adds_what_is_new_and_changes_what_differs() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let tables = vec![table("orders", Mode::Merge)];
    run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1), ("y", 2), ("z", 3)])], tables.clone())).await.unwrap();
    let results = run(&mut lake, &load(2, vec![store.orders("b", &[("y", 20), ("z", 3), ("w", 4)])], tables)).await.unwrap();
    assert_eq!(rows(&lake, "select * from orders order by id").await, ["w 4", "x 1", "y 20", "z 3"]);
    let merged = &results[0];
    assert_eq!((merged.rows_in, merged.inserted, merged.updated, merged.unchanged, merged.rows_after), (3, 1, 1, 1, Some(4)));
}

#[tokio::test]
async fn merging_the_same_rows_again_changes_nothing() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let tables = vec![table("orders", Mode::Merge)];
    run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1), ("y", 2)])], tables.clone())).await.unwrap();
    let (version, files) = (lake.head().tables["orders"], data_files(&store, "orders"));
    let results = run(&mut lake, &load(2, vec![store.orders("b", &[("y", 2), ("x", 1)])], tables)).await.unwrap();
    assert_eq!((lake.head().tables["orders"], data_files(&store, "orders")), (version, files));
    assert_eq!((results[0].inserted, results[0].updated, results[0].unchanged), (0, 0, 2));
}

#[tokio::test]
async fn a_merge_tells_null_from_value_both_ways() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let optional = |run: &str, values: Vec<Option<f64>>| {
        store.land(run, "orders", vec![("id", texts(["x", "y", "z"])), ("score", Arc::new(Float64Array::from(values)))])
    };
    let tables = vec![table("orders", Mode::Merge)];
    run(&mut lake, &load(1, vec![optional("a", vec![None, Some(1.0), None])], tables.clone())).await.unwrap();
    let results = run(&mut lake, &load(2, vec![optional("b", vec![Some(2.0), None, None])], tables)).await.unwrap();
    assert_eq!((results[0].updated, results[0].unchanged), (2, 1));
    assert_eq!(rows(&lake, "select id from orders where score is null order by id").await, ["y", "z"]);
}

#[tokio::test]
async fn a_new_column_is_added_and_is_null_before() {
    for mode in [Mode::Append, Mode::Merge] {
        let store = Store::new();
        let mut lake = store.lake().await;
        run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1), ("y", 2)])], vec![table("orders", mode)])).await.unwrap();
        let wider =
            store.land("b", "orders", vec![("id", texts(["y", "z"])), ("cents", numbers([2, 3])), ("City", texts(["Rio", "Bahia"]))]);
        run(&mut lake, &load(2, vec![wider], vec![table("orders", mode)])).await.unwrap();
        let found = rows(&lake, "select id, \"City\" from orders where cents <> 2 or \"City\" is not null order by id").await;
        assert_eq!(found, ["x ", "y Rio", "z Bahia"], "{mode:?}");
        run(&mut lake, &load(3, vec![store.orders("c", &[("y", 5), ("v", 6)])], vec![table("orders", mode)])).await.unwrap();
        let found = rows(&lake, "select id, \"City\" from orders where cents in (5, 6) order by id").await;
        let kept = if mode == Mode::Merge { "y Rio" } else { "y " };
        assert_eq!(found, ["v ", kept], "{mode:?}");
    }
}

#[tokio::test]
async fn replace_takes_a_new_schema() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let streams = || vec![store.orders("a", &[("x", 1)])];
    run(&mut lake, &load(1, streams(), vec![table("orders", Mode::Replace)])).await.unwrap();
    run(&mut lake, &load(2, streams(), vec![sql("orders", Mode::Replace, "select cents as id, id as code from orders")])).await.unwrap();
    assert_eq!(rows(&lake, "select id + 1, code from orders").await, ["2 x"]);
}

#[tokio::test]
async fn streams_are_joined_and_grouped_by_sql() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let orders = store.orders("a", &[("x", 1), ("y", 2), ("y", 3)]);
    let cities = store.land("a", "cities", vec![("id", texts(["y"])), ("city", texts(["Rio"]))]);
    let statement = "select o.id, c.city, sum(o.cents) as cents from orders o left join cities c on c.id = o.id group by 1, 2;";
    run(&mut lake, &load(1, vec![orders, cities], vec![sql("sums", Mode::Merge, statement)])).await.unwrap();
    assert_eq!(rows(&lake, "select * from sums order by id").await, ["x  1", "y Rio 5"]);
}

#[tokio::test]
async fn a_stream_without_rows_makes_an_empty_table() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let tables =
        vec![table("a", Mode::Append), table("r", Mode::Replace), table("m", Mode::Merge), sql("s", Mode::Merge, "select * from orders")];
    for sequence in [1, 2] {
        run(&mut lake, &load(sequence, vec![store.orders("a", &[])], tables.clone())).await.unwrap();
    }
    for name in ["a", "r", "m", "s"] {
        assert_eq!(rows(&lake, &format!("select count(id) from {name}")).await, ["0"]);
    }
}

#[tokio::test]
async fn types_that_delta_lacks_arrive_as_wider_ones() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", texts(["x"])),
        ("big", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("void", Arc::new(NullArray::new(1))),
        ("day", Arc::new(Date64Array::from(vec![86_400_000]))),
        ("time", Arc::new(Time64MicrosecondArray::from(vec![3_600_000_000]))),
        ("local", Arc::new(TimestampSecondArray::from(vec![60]))),
        ("moment", Arc::new(TimestampSecondArray::from(vec![60]).with_timezone("+02:00"))),
        ("list", Arc::new(ListArray::from_iter_primitive::<UInt64Type, _, _>([Some([Some(1), None])]))),
    ];
    let tables = vec![table("wide", Mode::Merge)];
    run(&mut lake, &load(1, vec![store.land("a", "orders", columns.clone())], tables.clone())).await.unwrap();
    let again = run(&mut lake, &load(2, vec![store.land("b", "orders", columns)], tables)).await.unwrap();
    assert_eq!(again[0].unchanged, 1);
    let found = rows(&lake, "select big, void, day, time, local, moment, list from wide").await;
    assert_eq!(found, ["18446744073709551615  1970-01-02 01:00:00 1970-01-01T00:01:00 1970-01-01T00:01:00Z [1, ]"]);
}

#[tokio::test]
async fn a_merge_by_sorting_does_what_one_by_hashing_does() {
    let mut found = Vec::new();
    for join in [Join::Hash, Join::SortMerge] {
        let store = Store::new();
        let mut lake = store.lake().await;
        let rows_of = |shift: i64| (0..20_000).map(move |row| (format!("{row:032x}"), row + shift * (row % 2))).collect::<Vec<_>>();
        let orders = |run: &str, rows: &[(String, i64)]| {
            store.orders(run, &rows.iter().map(|(id, cents)| (id.as_str(), *cents)).collect::<Vec<_>>())
        };
        let tables = vec![table("orders", Mode::Merge)];
        run(&mut lake, &load(1, vec![orders("a", &rows_of(0)[..15_000])], tables.clone())).await.unwrap();
        let second = load(2, vec![orders("b", &rows_of(1))], tables);
        let existing = lake.table("orders", None).await.unwrap();
        let schema = delta_schema("orders", &Footers::of(&store.root, &second.streams[0].files).unwrap().schema).unwrap();
        let changes = Changes { table: "orders", key: &["id".to_owned()], files: &second.streams[0].files, schema: &schema };
        let folder = store.root.join("changes");
        fs::create_dir(&folder).unwrap();
        let files = changes.write(&lake, &existing, &folder, join).await.unwrap();
        let prepared = Prepared { table: "orders".into(), mode: Mode::Merge, key: vec!["id".into()], files, rows: 20_000 };
        let (table, merged) = commit::write(&lake, &second, &prepared, existing, join).await.unwrap();
        found.push((merged.inserted, merged.updated, lake.count("orders", &table).await.unwrap()));
    }
    assert_eq!(found, [(5_000, 7_500, 20_000); 2]);
}
