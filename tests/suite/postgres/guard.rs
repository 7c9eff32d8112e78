//! One host at a time, and the password in no message.

use std::time::{Duration, Instant};

use super::{ROWS, Shop};

#[test]
fn a_pipeline_that_another_host_runs_is_left_to_it() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    let hold = "select pg_advisory_lock(hashtext('tidegate'), hashtext('shop')); select pg_sleep(20)";
    let mut other = shop.database.psql(&["-c", hold]).stdout(std::process::Stdio::null()).spawn().unwrap();
    wait_until(|| shop.rows("select count(*) from pg_locks where locktype = 'advisory'").unwrap() != "0");
    let said = shop.run().unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(said.code, 8, "{}", said.stderr);
    assert!(said.stderr.contains("another host runs it, the database holds its lock"), "{}", said.stderr);
}

#[test]
fn a_host_that_was_taken_over_cannot_commit() {
    let shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.load_with("rows", "id\n1\n").unwrap();
    // Enough rows that the other one comes while they are read.
    let many: String = (0..300_000).map(|id| format!("{id}\n")).collect();
    shop.write("rows", &format!("id\n{many}")).unwrap();
    let take_over = "update tidegate.pipelines set fence = fence + 1 where pipeline = 'shop'";
    let mut run = shop.workplace.start(&["run"]).unwrap();
    wait_until(|| shop.rows("select fence from tidegate.pipelines").unwrap() == "2");
    shop.database.execute(take_over).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(7));
    assert_eq!(shop.rows("select id from rows").unwrap(), "1");
}

#[test]
fn a_password_is_in_no_message() {
    let mut shop = Shop::new(&["rows"], ROWS, "").unwrap();
    shop.write("rows", "id\n1\n").unwrap();
    let at = shop.database.url.split_once('@').unwrap().1.to_owned();
    for url in [
        format!("postgres://nobody:hunter2@{at}"),
        "postgres://postgres:hunter2@127.0.0.1:1/x".to_owned(),
        format!("postgres://postgres:hunter2@{at}&sslmod=require"),
        "postgres://postgres:hunter2@[::1/x".to_owned(),
    ] {
        shop.workplace.set("SHOP_URL", &url);
        let said = shop.run().unwrap();
        assert_eq!(said.code, 7, "{}", said.stderr);
        assert!(!said.stderr.contains("hunter2") && !said.stdout.contains("hunter2"), "{}", said.stderr);
    }
    let pipeline = std::fs::read_to_string(shop.workplace.path().join("pipeline.toml")).unwrap();
    let in_file = pipeline.replace("url = { env = \"SHOP_URL\" }", "url = \"postgres://u:hunter2@h/d\"");
    shop.workplace.write("pipeline.toml", &in_file).unwrap();
    let said = shop.run().unwrap();
    assert_eq!(said.code, 4, "{}", said.stderr);
    assert!(said.stderr.contains("write `url = { env = \"DATABASE_URL\" }`") && !said.stderr.contains("hunter2"), "{}", said.stderr);
}

#[cfg(unix)]
#[test]
fn a_password_file_that_others_may_read_is_left_out_and_said_to_be() {
    use std::os::unix::fs::PermissionsExt;

    let mut shop = Shop::new(&["rows"], ROWS, "").unwrap();
    let file = shop.workplace.path().join("pgpass");
    shop.workplace.write("pgpass", "*:*:*:*:hunter2\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    shop.workplace.set("PGPASSFILE", &file.to_string_lossy());
    let said = shop.workplace.tidegate(&["warehouse", "check"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("others may read it") && !said.stderr.contains("hunter2"), "{}", said.stderr);
}

fn wait_until(mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < Duration::from_secs(30), "it did not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}
