//! From the CSV to the committed table.

use anyhow::{Result, ensure};

use crate::{
    job::Steps,
    load::report,
    place::{Place, psql, settle},
    table::{median, print, row},
};

/// The columns of the CSV, with the types that a person would give them.
const TABLE: &str = "create table orders_by_hand (order_id text, customer_id text, order_status text, order_purchase_timestamp timestamp, \
                     order_approved_at timestamp, order_delivered_carrier_date timestamp, order_delivered_customer_date timestamp, \
                     order_estimated_delivery_date timestamp)";

/// Beside psql's \copy of the same CSV, without any of what tidegate does on the way.
pub fn measure(place: &Place, orders: u64, rounds: usize) -> Result<()> {
    let csv = place.csv(orders)?;
    let database = place.database(None)?;
    let pipeline = place.pipeline(orders, Steps::Example, "")?;
    let (mut ratios, mut seconds, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        database.execute("drop table if exists orders, orders_by_hand")?;
        settle(&database)?;
        let by_hand = psql(&database, &format!("{TABLE}\n\\copy orders_by_hand from '{}' (format csv, header)", csv.display()))?;
        settle(&database)?;
        let ours = pipeline.run(&database)?;
        let loaded: u64 = database.value("select count(*) from orders")?.parse()?;
        ensure!(loaded > orders * 9 / 10, "{loaded} of {orders} orders were loaded");
        if round > 0 {
            ratios.push(by_hand / ours.wall_seconds);
            seconds.push((by_hand, ours.wall_seconds));
            cpu.push(ours.cpu_seconds);
        }
    }
    report(
        &format!("End to end: {orders} orders from CSV through cleaner, eight dimensions and gate, psql: \\copy of the CSV"),
        &seconds,
        &ratios,
        1.0,
    );
    println!("  CPU of tidegate: {:.2} s", median(cpu));
    Ok(())
}

/// Peak resident memory at a tenth of the orders and at all of them.
pub fn memory(place: &Place, orders: u64) -> Result<()> {
    let mut rows = vec![row(["peak resident MiB", &(orders / 10).to_string(), &orders.to_string()])];
    let cases = [
        ("range rule", Steps::Range),
        ("with the deduplicating transform", Steps::Transformed),
        ("with all rules of the example", Steps::Example),
    ];
    for (name, steps) in cases {
        let mut peaks = Vec::new();
        for orders in [orders / 10, orders] {
            let database = place.database(None)?;
            peaks.push(place.pipeline(orders, steps, "")?.run(&database)?.peak_mib);
            database.drop()?;
        }
        rows.push(row([name, &format!("{:.0}", peaks[0]), &format!("{:.0}", peaks[1])]));
    }
    print("Memory", &rows);
    Ok(())
}
