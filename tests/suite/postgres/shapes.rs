//! Tables follow their rows as far as the contract lets them; values that PostgreSQL can't represent go to quarantine.

use super::{ROWS, Shop};

const APPEND: &str = "[tables.rows]\nstream = \"rows\"\nmode = \"append\"\n";

#[test]
fn a_table_gets_new_columns_and_wider_types() {
    let shop =
        Shop::new(&["rows"], "[tables.rows]\nsql = \"select cast(id as int) as id, name from rows\"\nmode = \"append\"\n", "").unwrap();
    shop.load_with("rows", "id,name\n1,a\n").unwrap();
    let wider = std::fs::read_to_string(shop.workplace.path().join("pipeline.toml")).unwrap();
    shop.workplace.write("pipeline.toml", &wider.replace("select cast(id as int) as id, name", "select id, name, size")).unwrap();
    shop.load_with("rows", "id,name,size\n5000000000,b,1.5\n").unwrap();
    assert_eq!(shop.rows("select id, name, size from rows order by id").unwrap(), "1,a,\n5000000000,b,1.5");
    let types = "select string_agg(format_type(atttypid, atttypmod), ' ' order by attnum) from pg_attribute where attrelid = 'rows'::regclass and attnum > 0";
    assert_eq!(shop.rows(types).unwrap(), "bigint text double precision");
}

#[test]
fn a_type_that_does_not_fit_is_named() {
    let shop = Shop::new(&["rows"], APPEND, "").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    shop.write("rows", "id\nx7\n").unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("load the table `rows`: its column `id` is bigint, the run carries text"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: cast it in the table's SQL"), "{}", said.stderr);
}

#[test]
fn a_frozen_table_takes_no_new_column() {
    let shop = Shop::new(&["rows"], APPEND, "contract = \"freeze\"").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    shop.write("rows", "id,more\n2,x\n").unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("it has no column `more`, and the pipeline's contract is `freeze`"), "{}", said.stderr);
    assert_eq!(shop.rows("select count(*) from rows").unwrap(), "1");
}

#[test]
fn under_the_contract_quarantine_only_what_fits_is_loaded() {
    let shop = Shop::new(&["rows"], APPEND, "contract = \"quarantine\"").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    let said = shop.load_with("rows", "id,more\n2,\n3,x\n").unwrap();
    assert_eq!(shop.rows("select id from rows order by id").unwrap(), "1\n2");
    assert!(said.stderr.contains("rows: 1 rows went to quarantine"), "{}", said.stderr);
    let quarantine = shop.workplace.tidegate(&["quarantine", "--export", "csv"]).unwrap();
    assert!(quarantine.stdout.contains("postgres-contract") && quarantine.stdout.contains("more"), "{}", quarantine.stdout);
}

#[test]
fn a_value_that_postgres_lacks_takes_only_its_row_along() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    let said = shop.load_with("rows", "id,name\n1,a\n2,b\0c\n3,d\n").unwrap();
    assert_eq!(shop.rows("select id, name from rows order by id").unwrap(), "1,a\n3,d");
    assert!(said.stderr.contains("rows: 1 rows went to quarantine"), "{}", said.stderr);
    let quarantine = shop.workplace.tidegate(&["quarantine", "--rows", "5"]).unwrap();
    assert!(quarantine.stdout.contains("postgres-value") && quarantine.stdout.contains("name"), "{}", quarantine.stdout);
    assert_eq!(shop.rows("select rows_refused from tidegate.ingest_audit where \"table\" = 'rows'").unwrap(), "1");
}

#[test]
fn a_view_of_a_tables_name_is_left_alone() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.database.execute("create view rows as select 1 as id").unwrap();
    shop.write("rows", "id\n1\n").unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("load `rows`: there is a view of this name"), "{}", said.stderr);
}
