//! Tables that are made again after a fix.

use anyhow::Result;
use tidegate_tests::{postgres::shared, program::Workplace};

use super::{PEOPLE, Place, instead_of_cleaner};

const TABLES: &str = "[tables.log]\nstream = \"people\"\nmode = \"append\"\n\
                      [tables.people]\nsql = \"select id, name from people\"\nmode = \"merge\"\nkey = [\"id\"]\n\
                      [marts.count]\nsql = \"select count(*) as n from people\"\n";

/// Everything that readers see, and where the pipeline resumes.
const CONTENTS: [&str; 3] = ["select id, name from log order by 1, 2", "select id, name from people order by 1", "select n from count"];

const FILES: [(&str, &str); 3] =
    [("a.csv", "id,name\n1,one\n2,two\n"), ("b.csv", "id,name\n2,zwei\n3,drei\n"), ("c.csv", "id,name\n4,vier\n1,eins\n")];

fn three_runs(place: &Place) -> Result<Vec<String>> {
    FILES.iter().map(|(file, csv)| place.load(file, csv)).collect()
}

fn contents(place: &Place) -> Result<Vec<String>> {
    CONTENTS.iter().map(|sql| place.rows(sql)).collect()
}

fn on_postgres(tables: &str) -> Result<Place> {
    let database = shared()?.database(None)?;
    let text = format!("{PEOPLE}[warehouse]\nkind = \"postgres\"\nurl = {{ env = \"PLACE_URL\" }}\n{tables}");
    let mut workplace = Workplace::with_pipeline(&text)?;
    workplace.set("PLACE_URL", &database.url);
    let place = Place { workplace };
    place.cleaner("guest-transform")?;
    Ok(place)
}

/// Rebuilds with another plugin, and expects what that plugin would have given from the start.
fn rebuilds(broken: &Place, wanted: &Place) -> Result<()> {
    wanted.cleaner("guest-strict")?;
    three_runs(wanted)?;
    let runs = three_runs(broken)?;
    let said = broken.ends(&["replay", "--since", "2020-01-01", "--load", "--plugin", &instead_of_cleaner("guest-strict")], 0)?;
    assert_eq!(contents(broken)?, contents(wanted)?, "{}", said.stderr);

    // The audit says of what it was a replay, the history that it was a run.
    let replayed = broken.rows("select cast(replayed as text) from ingest_audit where replayed is not null and stream is not null")?;
    assert!(runs.iter().all(|run| replayed.contains(run.as_str())), "{replayed}");
    assert_eq!(broken.rows("select count(distinct run) from ingest_audit")?, "4");
    let rebuild = broken.last_run()?;
    assert!(broken.ends(&["replay", &rebuild], 2)?.stderr.contains("was a replay that rebuilt the tables"));

    // Cursors are where they were: what was read is not read again, what is new is added, and it can be done over.
    broken.ends(&["run"], 0)?;
    assert_eq!(contents(broken)?, contents(wanted)?);
    broken.load("d.csv", "id,name\n6,sechs\n")?;
    broken.ends(&["replay", "--since", "2020-01-01", "--load", "--plugin", &instead_of_cleaner("guest-strict")], 0)?;
    wanted.load("d.csv", "id,name\n6,sechs\n")?;
    assert_eq!(contents(broken)?, contents(wanted)?);
    Ok(())
}

#[test]
fn tables_of_the_lake_become_what_the_mended_plugin_would_have_made() {
    rebuilds(&Place::new(TABLES).unwrap(), &Place::new(TABLES).unwrap()).unwrap();
}

#[test]
fn tables_of_a_database_become_what_the_mended_plugin_would_have_made() {
    rebuilds(&on_postgres(TABLES).unwrap(), &on_postgres(TABLES).unwrap()).unwrap();
}

#[test]
fn a_history_is_rebuilt_with_its_times() {
    let tables = "[tables.history]\nsql = \"select id, name from people\"\nmode = \"scd2\"\nkey = [\"id\"]\n";
    let (broken, wanted) = (on_postgres(tables).unwrap(), on_postgres(tables).unwrap());
    wanted.cleaner("guest-strict").unwrap();
    for place in [&broken, &wanted] {
        for (day, (file, csv)) in (1..).zip(FILES) {
            let text = std::fs::read_to_string(place.path("pipeline.toml")).unwrap();
            let now = text.find("now = \"2026-11-").unwrap() + "now = \"2026-11-".len();
            let text = format!("{}{day:02}{}", &text[..now], &text[now + 2..]);
            place.workplace.write("pipeline.toml", &text).unwrap();
            place.load(file, csv).unwrap();
        }
    }
    broken.ends(&["replay", "--since", "2020-01-01", "--load", "--plugin", &instead_of_cleaner("guest-strict")], 0).unwrap();
    let sql = "select id, name, valid_from, valid_to, is_current from history order by 1, 3";
    assert_eq!(broken.rows(sql).unwrap(), wanted.rows(sql).unwrap());
}

#[test]
fn a_table_that_keeps_rows_of_earlier_runs_is_refused() {
    let place = Place::new(TABLES).unwrap();
    let runs = three_runs(&place).unwrap();
    let before = contents(&place).unwrap();
    let since = |run: &str| {
        format!("{}-{}-{}T{}:{}:{}.{}Z", &run[..4], &run[4..6], &run[6..8], &run[9..11], &run[11..13], &run[13..15], &run[15..18])
    };
    let said = place.ends(&["replay", "--since", &since(&runs[1]), "--load"], 2).unwrap();
    assert!(
        said.stderr.contains("table `log` (mode append) keeps rows of 1 earlier run") && said.stderr.contains(&runs[0]),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("hint: begin with the first run: `--since 20"), "{}", said.stderr);
    let said = place.ends(&["replay", "--since", "2099-01-01", "--load"], 2).unwrap();
    assert!(said.stderr.contains("no run was loaded since then"), "{}", said.stderr);
    let said = place.ends(&["replay", "--since", "2020-01-01"], 2).unwrap();
    assert!(said.stderr.contains("--load"), "{}", said.stderr);

    place.ends(&["archive", "prune", "--keep", "2"], 0).unwrap();
    let said = place.ends(&["replay", "--since", "2020-01-01", "--load"], 2).unwrap();
    assert!(said.stderr.contains("can't be replayed: there is no record of run"), "{}", said.stderr);
    assert_eq!(contents(&place).unwrap(), before);
}

#[test]
fn a_run_that_the_gate_would_hold_now_loads_nothing() {
    let place = Place::new(TABLES).unwrap();
    three_runs(&place).unwrap();
    let before = contents(&place).unwrap();
    let strict =
        std::fs::read_to_string(place.path("pipeline.toml")).unwrap().replace("floors = { validity = 0 }", "floors = { validity = 99 }");
    place.workplace.write("pipeline.toml", &strict).unwrap();
    place.cleaner("guest-strict").unwrap();
    let said = place.ends(&["replay", "--since", "2020-01-01", "--load", "--current"], 3).unwrap();
    assert!(said.stderr.contains("so nothing was loaded: people: validity is 50.00 %"), "{}", said.stderr);
    assert_eq!(contents(&place).unwrap(), before);
}

#[test]
fn a_replaced_table_needs_its_last_run_only() {
    let pipeline = PEOPLE.replace("incremental = \"files\"\n", "");
    let place = Place { workplace: Workplace::with_pipeline(&format!("{pipeline}[tables.people]\nstream = \"people\"\n")).unwrap() };
    place.cleaner("guest-transform").unwrap();
    three_runs(&place).unwrap();
    place.ends(&["archive", "prune", "--keep", "1"], 0).unwrap();
    let since = place.last_run().unwrap();
    let since = format!(
        "{}-{}-{}T{}:{}:{}.{}Z",
        &since[..4],
        &since[4..6],
        &since[6..8],
        &since[9..11],
        &since[11..13],
        &since[13..15],
        &since[15..18]
    );
    place.ends(&["replay", "--since", &since, "--load", "--plugin", &instead_of_cleaner("guest-strict")], 0).unwrap();
    assert_eq!(place.rows("select id, name from people order by 1, 2").unwrap(), "2,TWO\n2,ZWEI\n4,VIER");
}
