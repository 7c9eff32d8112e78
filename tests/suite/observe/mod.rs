//! What those who watch get to see, read with their own libraries: Prometheus' parser, OpenTelemetry's messages, OpenLineage's models.

mod lineage;
mod logs;
mod metrics;
mod traces;

use tidegate_tests::{folder, program::Workplace, root};

/// A shop whose orders and customers become a table and a mart by SQL.
const PIPELINE: &str = r#"version = 1
name = "shop"

[sources.files]
plugin = "source-files"
grants = { files = { data = "input" } }

[sources.files.config.streams]
orders = { files = "orders.csv" }
customers = { files = "customers.csv" }

[streams.orders]
quality = [{ plugin = "quality-dimensions", config = { key = ["id"], rules = [{ kind = "required", columns = ["id", "customer"] }] } }]

[streams.customers]

[checks.orders_have_customers]
stream = "orders"
sql = "select o.id, o.customer, c.id as found from orders o left join customers c on c.id = o.customer"
quality = [{ plugin = "quality-dimensions", config = { key = ["id"], rules = [{ kind = "reference", column = "customer", found = "found" }] } }]

[tables.orders]
stream = "orders"

[tables.bought]
sql = "select c.id as customer, c.state, count(*) as orders, 1 as one from orders o join customers c on c.id = o.customer group by c.id, c.state"

[marts.by_state]
sql = "select state, sum(orders) as orders from bought group by state"
"#;

/// The shop, with a reference that dangles or without.
fn shop(is_held: bool) -> Workplace {
    let workplace = Workplace::with_pipeline(PIPELINE).unwrap();
    let orders = if is_held { "id,customer\n1,a\n2,x\n3,b\n" } else { "id,customer\n1,a\n2,a\n3,b\n" };
    workplace.write("input/orders.csv", orders).unwrap();
    workplace.write("input/customers.csv", "id,state\na,SP\nb,RJ\n").unwrap();
    workplace
}

/// Where a script of this test lies.
fn script(name: &str) -> std::path::PathBuf {
    root().join("tests/suite/observe").join(name)
}

/// Makes the shop's input unreadable.
fn lose_input(workplace: &Workplace) {
    std::fs::remove_dir_all(workplace.path().join("input")).unwrap();
    assert!(folder::sorted(&workplace.path().join("input")).is_err());
}
