//! What a table can't take stops the load before any table changed.

use datafusion::arrow::datatypes::{DataType, Field, Schema};

use super::*;
use crate::warehouse::check_sql;

/// Loads `good`, then tries `bad` beside a table that is fine, and gives the error with its causes.
async fn refused(good: TableLoad, bad: TableLoad, rows_of_bad: &[(&str, i64)]) -> (LakeError, String) {
    let store = Store::new();
    let mut lake = store.lake().await;
    run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1)])], vec![good])).await.unwrap();
    let before = lake.head().clone();
    let second = load(2, vec![store.orders("b", rows_of_bad)], vec![table("fine", Mode::Append), bad]);
    let error = run(&mut lake, &second).await.unwrap_err();
    assert_eq!(store.lake().await.head(), &before);
    assert_eq!(lake.pending("shop").await.unwrap(), None);
    assert!(!store.root.join("lake/fine").exists(), "another reader sees nothing either");
    assert!(!store.root.join("lake/_tidegate/staged/shop").exists());
    let text = crate::error::chain(&error);
    (error, text)
}

#[tokio::test]
async fn a_key_that_occurs_twice_is_refused_with_counts_but_no_values() {
    let merged = table("orders", Mode::Merge);
    let (_, text) = refused(merged.clone(), merged, &[("x", 1), ("secret", 2), ("secret", 3), ("y", 4), ("y", 5), ("y", 6)]).await;
    assert_eq!(text, "merge into the table `orders`: 2 values of its key `id` occur more than once, in 5 rows");
}

#[tokio::test]
async fn a_null_in_the_key_is_refused() {
    let bad = sql("orders", Mode::Merge, "select nullif(id, 'y') as id, cents from orders");
    let (_, text) = refused(table("orders", Mode::Merge), bad, &[("x", 1), ("y", 2)]).await;
    assert_eq!(text, "merge into the table `orders`: 1 rows have nulls in the key `id`");
}

#[tokio::test]
async fn a_changed_type_is_refused_with_both_types() {
    for mode in [Mode::Append, Mode::Merge] {
        let (error, text) =
            refused(table("orders", mode), sql("orders", mode, "select id, cast(cents as double) as cents from orders"), &[("x", 1)]).await;
        assert_eq!(text, "load the table `orders`: its column `cents` is long, the run carries double");
        assert!(error.hint().unwrap().starts_with("cast it"));
    }
}

#[tokio::test]
async fn sql_that_fails_on_a_value_does_not_show_it() {
    let bad = sql("orders", Mode::Append, "select cast(id as int) as id from orders");
    let (_, text) = refused(table("other", Mode::Append), bad, &[("secret", 1)]).await;
    assert!(text.starts_with("run the SQL of the table `orders`: "), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_key_column_that_is_not_there_has_a_near_miss() {
    let bad = TableLoad { key: vec!["Cent".into()], ..table("orders", Mode::Merge) };
    let (error, text) = refused(table("other", Mode::Append), bad, &[("x", 1)]).await;
    assert_eq!(text, "merge into the table `orders`: its rows have no key column `Cent`");
    assert_eq!(error.hint().unwrap(), "did you mean `cents`?");
}

#[tokio::test]
async fn a_stream_that_is_not_there_has_a_near_miss() {
    let (error, text) =
        refused(table("other", Mode::Append), sql("t", Mode::Append, "with a as (select 1) select * from a, ordres"), &[("x", 1)]).await;
    assert_eq!(text, "find the table `ordres` that the table `t` names");
    assert_eq!(error.hint().unwrap(), "did you mean `orders`?");
}

#[tokio::test]
async fn names_that_are_no_folders_are_refused() {
    for name in ["", "_tidegate", "../up", "a/b", "ingest_audit"] {
        let (_, text) = refused(table("other", Mode::Append), table(name, Mode::Append), &[("x", 1)]).await;
        assert_eq!(text, format!("load the table `{name}`: the lake can't have a table of this name"));
    }
}

#[tokio::test]
async fn loads_come_one_after_another() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let error = run(&mut lake, &load(2, vec![], vec![])).await.unwrap_err();
    assert_eq!(error.to_string(), "load the run: it is number 2 of `shop`, the lake waits for number 1");
}

#[tokio::test]
async fn sql_is_checked_without_data() {
    let schema = Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("cents", DataType::Int64, true)]);
    let streams = [("orders".to_owned(), Arc::new(schema))];
    let found = check_sql(&streams, "select upper(id) as id, sum(cents) as cents from orders group by 1").await.unwrap();
    assert_eq!(found.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["id", "cents"]);
    let error = check_sql(&streams, "select * from order").await.unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `orders`?");
    assert!(check_sql(&streams, "drop table orders").await.is_err());
}
