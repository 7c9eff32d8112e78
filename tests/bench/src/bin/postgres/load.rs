//! The load stage alone: clean Parquet files to a committed table.

use anyhow::{Result, ensure};
use tidegate::{config::Mode, warehouse::TableLoad};

use crate::{
    job::Steps,
    place::{Place, psql, settle},
    table::{median, print, row},
};

fn table(mode: Mode) -> TableLoad {
    let key = if mode == Mode::Merge { vec!["order_id".to_owned()] } else { Vec::new() };
    TableLoad { name: "orders".into(), sql: None, stream: Some("orders".into()), mode, key }
}

/// Into a new heap table, beside psql's COPY of the same rows from a file that is encoded already.
pub async fn heap(place: &Place, orders: u64, rounds: usize) -> Result<()> {
    let database = place.database(None)?;
    let pipeline = place.pipeline(orders, Steps::Transformed, "")?;
    pipeline.run(&database)?;
    let clean = pipeline.clean()?;
    let file = pipeline.job.folder.join("orders.bin");
    psql(&database, &format!("\\copy orders to '{}' (format binary)", file.display()))?;
    let rows = database.value("select count(*) from orders")?;
    let create = create_like(&database.value("select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) from pg_attribute where attrelid = 'orders'::regclass and attnum > 0")?);
    let mut ratios = Vec::new();
    let mut seconds = Vec::new();
    for round in 0..=rounds {
        database.execute("drop table if exists orders")?;
        settle(&database)?;
        let by_hand = psql(&database, &format!("begin\n{create}\n\\copy orders from '{}' (format binary)\ncommit", file.display()))?;
        ensure!(database.value("select count(*) from orders")? == rows);
        database.execute("drop table orders")?;
        settle(&database)?;
        let (ours, _) = pipeline.load(&database, &clean, table(Mode::Append)).await?;
        ensure!(database.value("select count(*) from orders")? == rows);
        if round > 0 {
            ratios.push(by_hand / ours);
            seconds.push((by_hand, ours));
        }
    }
    report(
        &format!("Load stage: {rows} rows of clean Parquet into a new heap table, psql: COPY of a binary file"),
        &seconds,
        &ratios,
        0.95,
    );
    std::fs::remove_file(file)?;
    Ok(())
}

fn create_like(columns: &str) -> String {
    format!("create table orders ({})", columns.trim_matches('"'))
}

/// A tenth of the rows changed, merged into the whole table with its key.
pub async fn merge(place: &Place, orders: u64, rounds: usize) -> Result<()> {
    let base = place.database(None)?;
    let pipeline = place.pipeline(orders, Steps::Transformed, "")?;
    pipeline.run(&base)?;
    let clean = pipeline.clean()?;
    base.execute("alter table orders add primary key (order_id)")?;
    base.execute("vacuum analyze orders")?;
    // The run's own history would make the loads of the measured copies repetitions.
    base.execute("delete from tidegate.cursors; delete from tidegate.pipelines; delete from tidegate.ingest_audit")?;
    let columns = base.value(
        "select string_agg(quote_ident(attname), ',' order by attnum) from pg_attribute where attrelid = 'orders'::regclass and attnum > 0",
    )?;
    let columns: Vec<&str> = columns.trim_matches('"').split(',').collect();
    let changed = |column: &&str| if *column == "order_status" { "'changed' as order_status".to_owned() } else { (*column).to_owned() };
    let select = columns.iter().map(changed).collect::<Vec<_>>().join(", ");
    let tenth = format!("select {select} from orders where substr(order_id, 1, 1) in ('0', '1') and substr(order_id, 2, 1) < 'd'");
    let file = pipeline.job.folder.join("changed.bin");
    psql(&base, &format!("\\copy ({tenth}) to '{}' (format binary)", file.display()))?;
    let set = columns
        .iter()
        .filter(|column| **column != "order_id")
        .map(|column| format!("{column} = excluded.{column}"))
        .collect::<Vec<_>>()
        .join(", ");
    let list = |prefix: &str| {
        columns.iter().filter(|column| **column != "order_id").map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
    };
    let by_hand = format!(
        "begin\ncreate temp table staging (like orders) on commit drop\n\\copy staging from '{}' (format binary)\n\
         insert into orders as t select * from staging on conflict (order_id) do update set {set} where ({}) is distinct from ({})\ncommit",
        file.display(),
        list("t."),
        list("excluded.")
    );
    let changed_rows = pipeline.narrow(&clean, &tenth).await?;
    let (mut ratios, mut seconds, mut merged) = (Vec::new(), Vec::new(), 0);
    for round in 0..=rounds {
        let theirs = place.database(Some(&base))?;
        settle(&theirs)?;
        let psql_seconds = psql(&theirs, &by_hand)?;
        let ours = place.database(Some(&base))?;
        settle(&ours)?;
        let (seconds_ours, result) = pipeline.load(&ours, &changed_rows, table(Mode::Merge)).await?;
        let changed = "select count(*) from orders where order_status = 'changed'";
        ensure!(theirs.value(changed)? == ours.value(changed)? && ours.value(changed)? == result.updated.to_string());
        merged = result.updated;
        theirs.drop()?;
        ours.drop()?;
        if round > 0 {
            ratios.push(psql_seconds / seconds_ours);
            seconds.push((psql_seconds, seconds_ours));
        }
    }
    report(
        &format!("Merge: {merged} changed rows into {orders} orders with a key, psql: the same statements by hand"),
        &seconds,
        &ratios,
        0.9,
    );
    std::fs::remove_file(file)?;
    Ok(())
}

/// Prints the rounds' medians and the ratio, more being faster.
pub fn report(title: &str, seconds: &[(f64, f64)], ratios: &[f64], wanted: f64) {
    let ratio = median(ratios.iter().copied());
    let said = if ratio >= wanted { "met" } else { "missed" };
    print(
        title,
        &[
            row(["", "psql", "tidegate", "psql / tidegate"]),
            row([
                "median, s",
                &format!("{:.2}", median(seconds.iter().map(|pair| pair.0))),
                &format!("{:.2}", median(seconds.iter().map(|pair| pair.1))),
                &format!("{ratio:.2} (wanted {wanted}: {said})"),
            ]),
        ],
    );
}
