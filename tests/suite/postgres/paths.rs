//! COPY, and INSERT where COPY is refused; queries; marts; what `warehouse` says.

use super::{ROWS, Shop};

const ALL_TYPES: &str = "[tables.typed]\nsql = \"\"\"select id, cast(id as int) as small, name, cast(id as decimal(12, 2)) as amount, \
                         id > 1 as large, cast('2026-03-04' as date) as day, cast('2026-03-04T05:06:07.25' as timestamp) as moment, \
                         cast(id as double) / 3 as third, make_array(name, null) as names from rows\"\"\"\n";

#[test]
fn insert_loads_the_same_rows_as_copy() {
    let csv = "id,name\n1,a\n2,\"b\"\"\\c\"\n3,\n";
    let copied = Shop::new(&["rows"], ALL_TYPES, "").unwrap();
    copied.load_with("rows", csv).unwrap();
    let inserted = Shop::new(&["rows"], ALL_TYPES, "load = \"insert\"").unwrap();
    inserted.load_with("rows", csv).unwrap();
    let rows = "select * from typed order by id";
    assert_eq!(copied.rows(rows).unwrap(), inserted.rows(rows).unwrap());
    let first = "1,1,a,1.00,f,2026-03-04,2026-03-04 05:06:07.25,0.3333333333333333,\"{a,NULL}\"";
    assert_eq!(copied.rows(rows).unwrap().lines().next(), Some(first));
}

#[test]
fn where_copy_is_refused_rows_go_by_insert_and_the_report_says_so() {
    let shop = Shop::new(&["rows"], "[tables.rows]\nstream = \"rows\"\nmode = \"append\"\n", "").unwrap();
    // Row security refuses COPY FROM for anyone whom its policies hold.
    shop.database
        .execute(
            "create role loader login; grant create on database \"DB\" to loader; grant usage, create on schema public to loader; \
             create table rows (id bigint, name text); alter table rows enable row level security; \
             create policy all_rows on rows using (true) with check (true); grant all on rows to loader"
                .replace("DB", &shop.database.name)
                .as_str(),
        )
        .unwrap();
    let mut shop = shop;
    let url = shop.database.url.replace("postgres@", "loader@");
    shop.workplace.set("SHOP_URL", &url);
    let said = shop.load_with("rows", "id,name\n1,a\n2,b\n").unwrap();
    assert!(said.stderr.contains("the database refused COPY into `rows` (0A000): rows went by INSERT"), "{}", said.stderr);
    assert_eq!(shop.rows("select id, name from rows order by id").unwrap(), "1,a\n2,b");
    assert!(shop.rows("select error from tidegate.ingest_audit where \"table\" = 'rows'").unwrap().contains("refused COPY"));
}

#[test]
fn a_query_reads_tables_and_the_audit_and_can_change_nothing() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.load_with("rows", "id,name\n1,a\n2,b\n").unwrap();
    let said = shop.workplace.tidegate(&["query", "--json", "select id, name, id > 1 as large from rows order by id"]).unwrap();
    let rows: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(rows[1], serde_json::json!({ "id": 2, "name": "b", "large": true }));
    let audit = shop.workplace.tidegate(&["query", "--format", "csv", "select verdict from ingest_audit where stream = 'rows'"]).unwrap();
    assert_eq!(audit.stdout, "verdict\npass\n");
    for sql in ["delete from rows", "with gone as (delete from rows returning id) select * from gone", "select 1; drop table rows"] {
        let said = shop.workplace.tidegate(&["query", sql]).unwrap();
        assert_ne!(said.code, 0, "{sql}");
    }
    assert_eq!(shop.rows("select count(*) from rows").unwrap(), "2");
}

#[test]
fn marts_follow_their_sql_and_their_tables() {
    let tables = format!(
        "{ROWS}[marts.total]\nsql = \"select sum(n)::bigint as n from rows\"\n[marts.twice]\nsql = \"select n * 2 as n from total\"\n"
    );
    // The pipeline's SQL is planned by DataFusion too, which knows this cast.
    let shop = Shop::new(&["rows"], &tables, "").unwrap();
    shop.load_with("rows", "n\n1\n2\n").unwrap();
    assert_eq!(shop.rows("select n from twice").unwrap(), "6");
    shop.load_with("rows", "n\n5\n").unwrap();
    assert_eq!(shop.rows("select n from twice").unwrap(), "10");
    let text = std::fs::read_to_string(shop.workplace.path().join("pipeline.toml")).unwrap();
    shop.workplace.write("pipeline.toml", &text.replace("sum(n)::bigint as n", "max(n) + 1 as n")).unwrap();
    shop.load().unwrap();
    assert_eq!(shop.rows("select n from twice").unwrap(), "12");
}

#[test]
fn init_check_and_migrate_tell_what_they_did() {
    let shop = Shop::new(&["rows"], ROWS, "schema = \"shop\"\nsetup = [\"setup.sql\"]\ntimescale = [\"setup.sql\"]").unwrap();
    shop.workplace.write("setup.sql", "create table if not exists extra (id bigint primary key);\n").unwrap();
    let init = shop.workplace.tidegate(&["warehouse", "init", "--read-role", "looker"]).unwrap();
    assert_eq!(init.code, 0, "{}", init.stderr);
    assert!(init.stdout.contains("version 0 -> 2") && init.stdout.contains("executed setup.sql"), "{}", init.stdout);
    assert!(init.stdout.contains("the server has no TimescaleDB"), "{}", init.stdout);
    shop.load_with("rows", "id\n1\n").unwrap();
    let reads = "select has_table_privilege('looker', 'shop.rows', 'select'), has_table_privilege('looker', 'shop.rows', 'insert'), \
                 has_table_privilege('looker', 'tidegate.ingest_audit', 'select'), \
                 has_table_privilege('looker', 'tidegate.cursors', 'select'), to_regclass('shop.extra') is not null";
    assert_eq!(shop.rows(reads).unwrap(), "t,f,t,f,t");
    let check = shop.workplace.tidegate(&["warehouse", "check"]).unwrap();
    assert!(check.stdout.contains("pipeline shop: 1 loads") && check.stdout.contains("version 2"), "{}", check.stdout);
    let migrate = shop.workplace.tidegate(&["warehouse", "migrate"]).unwrap();
    assert!(migrate.stdout.contains("up to date (version 2)"), "{}", migrate.stdout);
    assert_eq!(shop.workplace.tidegate(&["warehouse", "init"]).unwrap().code, 0, "a second init changes nothing");
}
