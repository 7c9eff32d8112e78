//! The Olist example with one line changed.

use tidegate_tests::{
    olist::{self, MARTS, TABLES},
    postgres::shared,
    program::Workplace,
};

/// What both warehouses must agree on.
const SUMS: [&str; 7] = [
    "select count(*), sum(items), cast(sum(price_cents) as bigint), cast(sum(payment_cents) as bigint), count(review_score) from fact_orders",
    "select count(*), cast(sum(price_cents) as bigint), count(distinct seller_id) from fact_order_items",
    "select count(*), cast(sum(payment_value_cents) as bigint) from fact_payments",
    "select count(*), count(distinct customer_unique_id) from dim_customers",
    "select order_status, count(*), count(order_delivered_customer_date) from fact_orders group by order_status order by order_status",
    "select customer_state, customers, orders_sold, total_cents from customers_by_state order by customer_state",
    "select segment, customers, orders, total_cents from customer_segments order by segment",
];

#[test]
fn one_line_moves_the_example_to_postgres() {
    let data = olist::sample().unwrap();
    let lake = olist::workplace().unwrap();
    assert_eq!(olist::run(&lake, data).unwrap().code, 0);

    let database = shared().unwrap().database(None).unwrap();
    let mut postgres = olist::workplace().unwrap();
    postgres.set("DATABASE_URL", &database.url);
    let pipeline = std::fs::read_to_string(postgres.path().join("examples/olist/pipeline.toml")).unwrap();
    let moved = pipeline.replace("kind = \"lake\"", "kind = \"postgres\"\nurl = { env = \"DATABASE_URL\" }");
    assert_ne!(moved, pipeline);
    postgres.write("examples/olist/pipeline.toml", &moved).unwrap();
    let said = olist::run(&postgres, data).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);

    for sql in SUMS {
        assert_eq!(values(&postgres, sql), values(&lake, sql), "{sql}");
    }
    for name in TABLES.iter().map(|(table, _)| *table).chain(MARTS) {
        let count = format!("select count(*) from {name}");
        assert_eq!(values(&postgres, &count), values(&lake, &count), "{name}");
    }
    let keys = "select count(*) from pg_index where indisprimary and indrelid::regclass::text like any(array['dim_%', 'fact_%'])";
    assert_eq!(database.value(keys).unwrap(), TABLES.len().to_string());

    // The same input again changes no row.
    assert_eq!(olist::run(&postgres, data).unwrap().code, 0);
    let changed = "select sum(rows_loaded) from tidegate.ingest_audit where sequence = 2 and \"table\" is not null";
    assert_eq!(database.value(changed).unwrap(), "0");
}

/// The rows without the header: each warehouse names columns of expressions in its own way.
fn values(workplace: &Workplace, sql: &str) -> Vec<String> {
    olist::query(workplace, sql).unwrap().lines().skip(1).map(str::to_owned).collect()
}
