//! Rows per second by the three ways into a table.

use std::time::Instant;

use anyhow::Result;
use tidegate::{config::Mode, warehouse::TableLoad};
use tokio_postgres::NoTls;

use crate::{
    job::Steps,
    place::{Place, settle},
    table::{print, row},
};

/// Rows that are sent one by one: each takes a round trip and a commit.
const SINGLE: u64 = 2000;

/// The figures that people know.
const CLASSIC: [(&str, u32); 3] = [("row INSERT", 1000), ("bulk INSERT", 10_000), ("COPY", 50_000)];

/// Measures each way once.
pub async fn measure(place: &Place, orders: u64) -> Result<()> {
    let single = one_by_one(place).await?;
    let mut found = vec![single];
    for path in ["insert", "copy"] {
        let database = place.database(None)?;
        let pipeline = place.pipeline(orders, Steps::Transformed, &format!("load = \"{path}\""))?;
        pipeline.run(&database)?;
        let clean = pipeline.clean()?;
        database.execute("drop table orders")?;
        settle(&database)?;
        let table = TableLoad { name: "orders".into(), sql: None, stream: Some("orders".into()), mode: Mode::Append, key: Vec::new() };
        let (seconds, result) = pipeline.load(&database, &clean, table).await?;
        found.push(result.inserted as f64 / seconds);
        database.drop()?;
    }
    let mut rows = vec![row(["rows/s", "classic figure", "here"])];
    rows.extend(CLASSIC.iter().zip(found).map(|((name, classic), here)| row([name, &classic.to_string(), &format!("{here:.0}")])));
    print("The three ways in", &rows);
    Ok(())
}

async fn one_by_one(place: &Place) -> Result<f64> {
    let database = place.database(None)?;
    database.execute("create table orders (order_id text, customer_id text, order_status text, n bigint)")?;
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let insert = client.prepare("insert into orders values ($1, $2, $3, $4)").await?;
    let started = Instant::now();
    for n in 0..SINGLE {
        let id = format!("{n:032x}");
        client.execute(&insert, &[&id, &id, &"delivered", &i64::try_from(n)?]).await?;
    }
    let rate = SINGLE as f64 / started.elapsed().as_secs_f64();
    drop(client);
    connection.await??;
    database.drop()?;
    Ok(rate)
}
