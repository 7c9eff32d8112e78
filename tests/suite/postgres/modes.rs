//! Append, replace, merge, scd2.

use super::{ROWS, Shop};

#[test]
fn append_adds_what_is_new_and_replace_takes_the_place() {
    let tables = "[tables.log]\nstream = \"rows\"\nmode = \"append\"\n[tables.last]\nsql = \"select id from other\"\nmode = \"replace\"\n";
    let shop = Shop::new(&["rows+id", "other"], tables, "").unwrap();
    shop.write("other", "id,n\n1,1\n2,1\n").unwrap();
    shop.load_with("rows", "id,n\n1,10\n2,20\n").unwrap();
    shop.write("other", "id,n\n7,1\n").unwrap();
    shop.load_with("rows", "id,n\n1,10\n2,20\n3,30\n").unwrap();
    assert_eq!(shop.rows("select id, n from log order by id").unwrap(), "1,10\n2,20\n3,30");
    assert_eq!(shop.rows("select id from last").unwrap(), "7");
    assert_eq!(shop.rows("select stream from tidegate.cursors").unwrap(), "files/rows");
    let audit = "select sequence, rows_loaded from tidegate.ingest_audit where \"table\" = 'log' order by 1";
    assert_eq!(shop.rows(audit).unwrap(), "1,2\n2,1");
}

#[test]
fn a_replaced_table_keeps_its_indexes_comments_and_readers() {
    let shop = Shop::new(&["rows"], &format!("{ROWS}key = [\"id\"]\n"), "").unwrap();
    shop.load_with("rows", "id,name\n1,a\n2,b\n").unwrap();
    shop.database
        .execute(
            "create role reader; grant select on rows to reader; create index by_name on rows (lower(name)) where id > 0; \
             comment on column rows.name is 'a name'; alter table rows add constraint small check (id < 100)",
        )
        .unwrap();
    shop.load_with("rows", "id,name\n3,c\n").unwrap();
    assert_eq!(shop.rows("select id, name from rows").unwrap(), "3,c");
    let kept = "select (select count(*) from pg_indexes where tablename = 'rows'), has_table_privilege('reader', 'rows', 'select'), \
                col_description('rows'::regclass, 2), (select string_agg(conname, ' ' order by conname) from pg_constraint where conrelid = 'rows'::regclass)";
    assert_eq!(shop.rows(kept).unwrap(), "2,t,a name,rows_pkey small");
    let indexdef = "select indexdef from pg_indexes where indexname = 'by_name'";
    assert_eq!(shop.rows(indexdef).unwrap(), "CREATE INDEX by_name ON public.rows USING btree (lower(name)) WHERE (id > 0)");

    // What breaks a constraint leaves the old rows.
    shop.write("rows", "id,name\n4,d\n500,e\n").unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 7, "{}", said.stderr);
    assert!(said.stderr.contains("violates check constraint") && !said.stderr.contains("500, e"), "{}", said.stderr);
    assert_eq!(shop.rows("select id, name from rows").unwrap(), "3,c");
}

#[test]
fn a_table_with_a_view_is_replaced_in_its_place() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    shop.database.execute("create view doubled as select id * 2 as id from rows").unwrap();
    let said = shop.load_with("rows", "id\n5\n").unwrap();
    assert!(said.stderr.contains("it was filled in its place"), "{}", said.stderr);
    assert_eq!(shop.rows("select id from doubled").unwrap(), "10");
}

#[test]
fn merge_changes_what_differs_and_leaves_the_rest_alone() {
    let shop = Shop::new(&["rows"], &format!("{ROWS}mode = \"merge\"\nkey = [\"id\"]\n"), "").unwrap();
    shop.load_with("rows", "id,name\n1,a\n2,b\n3,\n").unwrap();
    let before = shop.rows("select xmin from rows where id = 1").unwrap();
    shop.load_with("rows", "id,name\n1,a\n2,B\n4,d\n").unwrap();
    assert_eq!(shop.rows("select id, name from rows order by id").unwrap(), "1,a\n2,B\n3,\n4,d");
    assert_eq!(shop.rows("select xmin from rows where id = 1").unwrap(), before, "an equal row was written again");
    let audit = "select rows_accepted, rows_loaded from tidegate.ingest_audit where \"table\" = 'rows' and sequence = 2";
    assert_eq!(shop.rows(audit).unwrap(), "3,2");
}

#[test]
fn merge_names_doubles_and_nulls_in_the_key() {
    let shop = Shop::new(&["rows"], &format!("{ROWS}mode = \"merge\"\nkey = [\"id\"]\n"), "").unwrap();
    for (csv, wanted) in [
        ("id,name\n1,a\n1,b\n2,c\n", "1 values of its key `id` occur more than once, in 2 rows"),
        ("id,name\n1,a\n,b\n", "1 rows have nulls in the key `id`"),
    ] {
        shop.write("rows", csv).unwrap();
        let said = shop.run().unwrap();
        assert_eq!(said.code, 7, "{}", said.stderr);
        assert!(said.stderr.contains(wanted), "{}", said.stderr);
    }
    // The same where the table is there already.
    shop.load_with("rows", "id,name\n1,a\n").unwrap();
    shop.write("rows", "id,name\n2,a\n2,b\n").unwrap();
    let said = shop.run().unwrap();
    assert!(said.stderr.contains("1 values of its key `id` occur more than once, in 2 rows"), "{}", said.stderr);
    assert_eq!(shop.rows("select id, name from rows").unwrap(), "1,a");
}

#[test]
fn merge_works_where_no_index_covers_just_the_key() {
    let shop = Shop::new(&["rows"], &format!("{ROWS}mode = \"merge\"\nkey = [\"id\"]\n"), "").unwrap();
    shop.database
        .execute(
            "create table rows (id bigint not null, day date not null, n bigint, primary key (id, day)) partition by range (day); \
             create table rows_all partition of rows for values from ('2000-01-01') to ('2100-01-01')",
        )
        .unwrap();
    shop.load_with("rows", "id,day,n\n1,2026-01-01,5\n2,2026-01-02,6\n").unwrap();
    shop.load_with("rows", "id,day,n\n2,2026-01-02,7\n3,2026-01-03,8\n").unwrap();
    assert_eq!(shop.rows("select id, n from rows order by id").unwrap(), "1,5\n2,7\n3,8");
}

#[test]
fn scd2_keeps_what_was() {
    let tables = format!("{ROWS}mode = \"scd2\"\nkey = [\"id\"]\n");
    let shop = Shop::new(&["rows"], &tables, "").unwrap();
    let history = "select id, city, valid_from::date, valid_to::date, is_current from rows order by id, valid_from";
    shop.load_with("rows", "id,city\n1,Santos\n2,Recife\n").unwrap();
    shop.load_with("rows", "id,city\n1,Santos\n2,Recife\n").unwrap();
    assert_eq!(shop.rows(history).unwrap(), "1,Santos,2026-01-01,,t\n2,Recife,2026-01-01,,t");
    let later = std::fs::read_to_string(shop.workplace.path().join("pipeline.toml")).unwrap().replace("2026-01-01T", "2026-02-01T");
    shop.workplace.write("pipeline.toml", &later).unwrap();
    shop.load_with("rows", "id,city\n1,Campinas\n3,Natal\n").unwrap();
    let wanted = "1,Santos,2026-01-01,2026-02-01,f\n1,Campinas,2026-02-01,,t\n2,Recife,2026-01-01,,t\n3,Natal,2026-02-01,,t";
    assert_eq!(shop.rows(history).unwrap(), wanted);
    // A correction at the same logical time leaves no empty span.
    shop.load_with("rows", "id,city\n1,Cubatao\n3,Natal\n").unwrap();
    assert_eq!(shop.rows(history).unwrap(), wanted.replace("Campinas", "Cubatao"));
}
