//! The archive: what is in it, whether it is what came, and forgetting it.

use std::{fs, path::PathBuf};

use tidegate_tests::folder;

use super::Place;

const APPEND: &str = "[tables.people]\nstream = \"people\"\nmode = \"append\"\n";

fn pages(place: &Place) -> Vec<PathBuf> {
    let files = folder::walk(&place.path("store/raw"), &|_| true).unwrap();
    files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "gz")).collect()
}

#[test]
fn pages_are_listed_and_shown_as_they_came() {
    let place = Place::new(APPEND).unwrap();
    let first = place.load("a.csv", "id,name\n1,one\n").unwrap();
    let second = place.load("b.csv", "id,name\n2,two\n").unwrap();
    let list = place.json(&["archive", "list"], 0).unwrap();
    let runs: Vec<_> = list.as_array().unwrap().iter().map(|run| (run["run"].as_str().unwrap(), run["status"].as_str().unwrap())).collect();
    assert_eq!(runs, [(first.as_str(), "loaded"), (second.as_str(), "loaded")]);
    assert!(list[0]["pages"].as_u64().unwrap() >= 1 && list[0]["replayable"] == true, "{list:#}");
    assert!(place.json(&["archive", "list", "--since", "2099-01-01"], 0).unwrap().as_array().unwrap().is_empty());
    assert!(place.json(&["archive", "list", "--source", "other"], 0).unwrap().as_array().unwrap().is_empty());

    let said = place.ends(&["archive", "show", &first], 0).unwrap();
    assert!(said.stdout.contains("data/a.csv") && said.stdout.contains("list data/*.csv: 1 file"), "{}", said.stdout);
    let said = place.ends(&["archive", "show", &first, "0"], 0).unwrap();
    assert!(said.stdout.contains("sha256") && said.stdout.contains("a_20"), "{}", said.stdout);
    assert_eq!(place.ends(&["archive", "show", &first, "0", "--body"], 0).unwrap().stdout, "id,name\n1,one\n");
    let said = place.ends(&["archive", "show", &first, "9"], 1).unwrap();
    assert!(said.stderr.contains("the run has no page 9"), "{}", said.stderr);
}

#[test]
fn a_flipped_byte_and_a_missing_page_are_found() {
    let place = Place::new(APPEND).unwrap();
    let run = place.load("a.csv", "id,name\n1,one\n").unwrap();
    let said = place.ends(&["archive", "verify"], 0).unwrap();
    assert!(said.stderr.contains("all are what came"), "{}", said.stderr);

    let page = pages(&place).remove(0);
    let good = fs::read(&page).unwrap();
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&page, bad).unwrap();
        let said = place.ends(&["archive", "verify", &run], 9).unwrap();
        assert!(said.stdout.contains(&format!("run {run}, page 0 (a.csv)")), "byte {at}: {}", said.stdout);
        let said = place.call(&["replay", &run]).unwrap();
        assert!(said.code != 0 && said.stderr.contains("the page `"), "byte {at}: {} {}", said.code, said.stderr);
    }
    fs::remove_file(&page).unwrap();
    let said = place.ends(&["archive", "verify"], 9).unwrap();
    assert!(said.stdout.contains("is missing"), "{}", said.stdout);
    fs::write(&page, good).unwrap();
    place.ends(&["archive", "verify"], 0).unwrap();

    let plugin =
        fs::read_dir(place.path("store/plugins")).unwrap().flatten().find(|file| file.path().extension().is_some_and(|e| e == "wasm"));
    fs::write(plugin.unwrap().path(), "no component").unwrap();
    let faults = place.json(&["archive", "verify"], 9).unwrap();
    assert!(faults["faults"][0].as_str().unwrap().contains("holds another component"), "{faults:#}");
}

#[test]
fn pruned_runs_are_gone_and_the_others_are_whole() {
    let place = Place::new(APPEND).unwrap();
    let first = place.load("a.csv", "id,name\n1,one\n2,two\n").unwrap();
    place.ends(&["replay", &first], 0).unwrap();
    place.cleaner("guest-strict").unwrap();
    let second = place.load("b.csv", "id,name\n3,three\n4,four\n").unwrap();
    let of = |run: &str| {
        let all = folder::walk(&place.path("store"), &|_| true).unwrap();
        all.into_iter().filter(|file| file.iter().any(|part| part.to_string_lossy().contains(run))).count()
    };
    let before = (of(&first), of(&second), pages(&place).len());

    let would = place.json(&["archive", "prune", "--keep", "1", "--dry-run"], 0).unwrap();
    assert_eq!((of(&first), of(&second), pages(&place).len()), before);
    let freed = place.json(&["archive", "prune", "--keep", "1"], 0).unwrap();
    for key in ["runs", "components", "bytes"] {
        assert_eq!(would[key], freed[key], "{key}");
    }
    assert_eq!(freed["runs"].as_array().unwrap().len(), 1);
    // guest-transform was used by the first run only; source-files is still needed.
    assert_eq!(freed["components"].as_array().unwrap().len(), 1, "{freed:#}");
    assert_eq!((of(&first), of(&second)), (0, before.1));
    assert!(pages(&place).len() < before.2);

    place.ends(&["replay", &second], 0).unwrap();
    place.ends(&["archive", "verify"], 0).unwrap();
    let said = place.ends(&["replay", &first], 1).unwrap();
    assert!(said.stderr.contains("there is no record"), "{}", said.stderr);
    assert_eq!(place.rows("select count(*) from people").unwrap(), "3");
    place.ends(&["archive", "prune", "--before", "2099-01-01"], 0).unwrap();
    assert_eq!(pages(&place).len(), 0);
    assert_eq!(place.rows("select count(*) from people").unwrap(), "3");
}

#[test]
fn what_an_unfinished_load_needs_stays() {
    let tables = "[tables.one]\nstream = \"people\"\nmode = \"append\"\n[tables.two]\nsql = \"select id from people\"\nmode = \"append\"\n";
    let rows = (0..20_000).map(|id| format!("{id},name {id}\n")).collect::<String>();
    // The moment between intent and head is short: try until one run dies in it.
    for _ in 0..20 {
        let place = Place::new(tables).unwrap();
        place.workplace.write("input/a.csv", &format!("id,name\n{rows}")).unwrap();
        let mut child = place.workplace.start(&["run"]).unwrap();
        let intent = place.path("store/lake/_tidegate/intents/people.json");
        while !intent.is_file() && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        let _ = child.kill();
        child.wait().unwrap();
        if !intent.is_file() || place.path("store/lake/_tidegate/head.json").is_file() {
            continue;
        }
        let pruned = place.json(&["archive", "prune", "--keep", "0"], 0).unwrap();
        assert!(pruned["runs"].as_array().unwrap().is_empty(), "{pruned:#}");
        assert!(pruned["kept"][0][1].as_str().unwrap().contains("its load is not finished"), "{pruned:#}");
        let said = place.ends(&["run"], 0).unwrap();
        assert!(said.stderr.contains("finished what an earlier run had begun"), "{}", said.stderr);
        assert_eq!(place.rows("select count(*) from two").unwrap(), "20000");
        return;
    }
    panic!("no run died between its intent and its end");
}
