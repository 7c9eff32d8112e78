//! Queries and marts.

use super::*;

async fn shop(store: &Store) -> Lake {
    let mut lake = store.lake().await;
    let orders = store.orders("a", &[("x", 1), ("y", 2)]);
    run(&mut lake, &load(1, vec![orders], vec![table("orders", Mode::Merge)])).await.unwrap();
    lake
}

async fn refused(lake: &Lake, sql: &str) -> LakeError {
    lake.query(sql).await.err().expect("it is refused")
}

fn mart(name: &str, sql: &str) -> (String, String) {
    (name.into(), sql.into())
}

#[tokio::test]
async fn queries_change_nothing() {
    let store = Store::new();
    let lake = shop(&store).await;
    let out = store.root.join("out.parquet");
    for statement in [
        "drop table orders".to_owned(),
        "create table t as select 1".into(),
        "insert into orders values ('z', 3)".into(),
        "delete from orders".into(),
        "set datafusion.execution.batch_size = 1".into(),
        format!("copy orders to '{}'", out.display()),
        format!("select * from '{}'", store.root.join("lake/_tidegate/head.json").display()),
        "create external table t stored as csv location '/etc/passwd'".into(),
    ] {
        assert!(lake.query(&statement).await.is_err(), "{statement}");
    }
    assert!(!out.exists());
    assert_eq!(rows(&lake, "select count(*) from orders").await, ["2"]);
}

#[tokio::test]
async fn an_unknown_table_has_a_near_miss() {
    let store = Store::new();
    let lake = shop(&store).await;
    let error = refused(&lake, "select * from order_s").await;
    assert_eq!(error.to_string(), "find the table `order_s` that the query names");
    assert_eq!(error.hint().unwrap(), "did you mean `orders`?");
    let error = refused(&lake, "select * from nothing_like_it").await;
    assert_eq!(error.hint().unwrap(), "there are: `ingest_audit`, `orders`");
}

#[tokio::test]
async fn a_new_lake_is_empty_and_stays_unwritten() {
    let store = Store::new();
    let lake = store.lake().await;
    let error = refused(&lake, "select * from orders").await;
    assert_eq!(error.hint().unwrap(), "there are no tables yet: run the pipeline first");
    assert_eq!(rows(&lake, "select 1").await, ["1"]);
    assert!(!store.root.join("lake").exists());
}

#[tokio::test]
async fn tables_are_listed() {
    let store = Store::new();
    let lake = shop(&store).await;
    let found = rows(&lake, "select table_name from information_schema.tables where table_schema = 'public' order by 1").await;
    assert_eq!(found, ["ingest_audit", "orders"]);
    assert!(lake.query("show tables").await.is_ok());
    assert!(lake.query("describe orders").await.is_ok());
}

#[tokio::test]
async fn marts_see_tables_and_the_marts_before_them() {
    let store = Store::new();
    let mut lake = shop(&store).await;
    let marts = [mart("total", "select sum(cents) as cents from orders"), mart("twice", "select cents * 2 as cents from total")];
    for _ in 0..2 {
        let made = lake.refresh("shop", "run-1", &marts).await.unwrap();
        assert_eq!(made.iter().map(|made| made.rows_after).collect::<Vec<_>>(), [Some(1), Some(1)]);
        assert_eq!(rows(&lake, "select * from twice").await, ["6"]);
    }
    assert_eq!(rows(&store.lake().await, "select * from total").await, ["3"]);
}

#[tokio::test]
async fn marts_become_visible_together() {
    let store = Store::new();
    let mut lake = shop(&store).await;
    lake.refresh("shop", "run-1", &[mart("total", "select 1 as one")]).await.unwrap();
    let marts = [mart("total", "select 2 as one"), mart("wrong", "select * from totals")];
    let error = lake.refresh("shop", "run-1", &marts).await.unwrap_err();
    assert_eq!(error.to_string(), "find the table `totals` that the mart `wrong` names");
    assert_eq!(rows(&lake, "select * from total").await, ["1"]);
}

#[tokio::test]
async fn the_audit_says_what_was_loaded() {
    let store = Store::new();
    let lake = shop(&store).await;
    let found =
        rows(&lake, "select run, sequence, stream, \"table\", rows_read, rows_loaded from ingest_audit order by stream nulls last").await;
    assert_eq!(found, ["run-1 1 orders  7 ", "run-1 1  orders  2"]);
}
