//! Rows that are sent while they land, before the gate has judged them.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{ROWS, Shop};

/// Every row needs a `name`, or the gate holds the run.
const JUDGED: &str = "quality = [{ plugin = \"quality-dimensions\", config = { rules = [{ kind = \"required\", columns = [\"name\"] }] } }]\n\
                      gate = { floors = { completeness = 100 } }\n\
                      [tables.rows]\nstream = \"rows\"\nmode = \"append\"\n";

#[test]
fn a_held_run_leaves_nothing_of_what_it_sent() {
    let shop = Shop::new(&["rows"], JUDGED, "").unwrap();
    shop.load_with("rows", "id,name\n1,a\n2,b\n").unwrap();
    let inserted = "select coalesce(max(n_tup_ins), 0) from pg_stat_user_tables where relname = 'rows'";
    wait_until(|| shop.rows(inserted).unwrap() == "2");
    // The value that PostgreSQL lacks would go to quarantine with a load.
    shop.write("rows", "id,name\n3,c\u{0}\n4,d\n5,\n").unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert_eq!(shop.rows("select id from rows order by 1").unwrap(), "1\n2");
    assert_eq!(shop.rows("select count(*) from tidegate.ingest_audit where sequence > 1").unwrap(), "0");
    let quarantine = shop.workplace.path().join("store/quarantine");
    let files: Vec<_> = fs::read_dir(quarantine).into_iter().flatten().flatten().flat_map(|run| fs::read_dir(run.path())).collect();
    assert!(files.into_iter().flatten().flatten().next().is_none(), "a held run refused rows");
    // It did send them: the database counts rows that were rolled back.
    wait_until(|| shop.rows(inserted).unwrap() == "4");
    shop.load_with("rows", "id,name\n3,c\n").unwrap();
    assert_eq!(shop.rows("select id from rows order by 1").unwrap(), "1\n2\n3");
}

#[test]
fn rows_that_could_not_be_sent_while_they_landed_are_loaded_all_the_same() {
    let shop = Shop::new(&["rows"], "[tables.rows]\nstream = \"rows\"\nmode = \"append\"\n", "").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    // The first row of the first try fails, and no other: a sequence is not rolled back.
    let fails_once = "create sequence tries; create function fail_once() returns trigger language plpgsql as \
                      'begin if nextval(''tries'') = 1 then raise exception ''not now''; end if; return new; end'; \
                      create trigger fail_once before insert on rows for each row execute function fail_once()";
    shop.database.execute(fails_once).unwrap();
    shop.load_with("rows", "id\n2\n3\n").unwrap();
    assert_eq!(shop.rows("select id from rows order by 1").unwrap(), "1\n2\n3");
    assert_eq!(shop.rows("select rows_loaded from tidegate.ingest_audit where sequence = 2 and \"table\" is not null").unwrap(), "2");
    assert_eq!(shop.rows("select last_value from tries").unwrap(), "3");
}

#[test]
fn a_table_that_readers_need_is_not_locked_while_rows_land() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    shop.database.execute("create view seen as select id from rows").unwrap();
    let many: String = (0..100_000).map(|id| format!("{id}\n")).collect();
    shop.write("rows", &format!("id\n{many}")).unwrap();
    let reading = "begin; select count(*) from rows; select pg_sleep(60)";
    let mut reader = shop.database.psql(&["-c", reading]).stdout(std::process::Stdio::null()).spawn().unwrap();
    wait_until(|| shop.rows("select count(*) from pg_locks where relation = 'rows'::regclass and granted").unwrap() != "0");
    let before = manifests(&shop);
    let mut run = shop.workplace.start(&["run"]).unwrap();
    // It has landed all rows; to empty the table it has to wait for the reader.
    wait_until(|| manifests(&shop) > before);
    reader.kill().unwrap();
    reader.wait().unwrap();
    shop.database
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60)' and pid <> pg_backend_pid()")
        .unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(shop.rows("select count(*) from seen").unwrap(), "100000");
}

/// How many runs have landed the stream.
fn manifests(shop: &Shop) -> usize {
    let runs = fs::read_dir(shop.workplace.path().join("store/clean/rows")).into_iter().flatten().flatten();
    runs.filter(|run| run.path().join("_manifest.json").is_file()).count()
}

fn wait_until(mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < Duration::from_secs(30), "it did not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}
