//! What another plugin would change, without loading anything.

use super::{Place, instead_of_cleaner};

const TABLES: &str = "[tables.people]\nsql = \"select id, name from people\"\nmode = \"merge\"\nkey = [\"id\"]\n\
                      [tables.letters]\nsql = \"select substr(name, 1, 1) as letter from people\"\nmode = \"append\"\n";

#[test]
fn another_plugin_shows_what_it_would_change() {
    let place = Place::new(TABLES).unwrap();
    let run = place.load("a.csv", "id,name\n1,one\n2,two\n3,THREE\n4,FOUR\n").unwrap();
    let before = place.rows("select * from people order by id").unwrap();

    let report = place.json(&["replay", &run, "--plugin", &instead_of_cleaner("guest-strict"), "--diff"], 0).unwrap();
    let people = &report["streams"][0];
    assert_eq!((&people["before"], &people["after"]), (&[4, 4, 0].into(), &[4, 2, 2].into()), "{report:#}");
    let tables = report["tables"].as_array().unwrap();
    let counts = |table: &serde_json::Value| ["before", "after", "added", "removed", "changed"].map(|name| table[name].as_u64().unwrap());
    assert_eq!(counts(&tables[0]), [4, 2, 0, 2, 1], "{report:#}");
    assert_eq!(tables[0]["columns"], serde_json::json!([["name", 1]]), "{report:#}");
    assert_eq!(tables[0]["samples"], serde_json::json!({ "added": [], "removed": ["1", "3"], "changed": ["2"] }), "{report:#}");
    // The T of TWO takes the place of that of THREE.
    assert_eq!(counts(&tables[1]), [4, 2, 0, 2, 0], "{report:#}");
    assert_eq!(tables[1]["samples"]["removed"], serde_json::json!(["letter=o", "letter=t"]), "{report:#}");
    let even = &report["measures"][0];
    assert_eq!((&even["rule"], &even["before"], &even["after"]), (&"even".into(), &[4, 4].into(), &[2, 4].into()), "{report:#}");

    let said = place.ends(&["replay", &run, "--plugin", &instead_of_cleaner("guest-strict"), "--diff"], 0).unwrap();
    for words in ["table people (by id)", "name in 1", "removed   3", "changed   2", "before  pass", "after   pass"] {
        assert!(said.stdout.contains(words), "it did not say `{words}`:\n{}", said.stdout);
    }
    assert!(said.stderr.contains("changed: guest-transform@") && said.stderr.contains("nothing was loaded"), "{}", said.stderr);
    assert_eq!(place.rows("select * from people order by id").unwrap(), before);
}

#[test]
fn the_way_back_adds_what_was_missing() {
    let place = Place::new(TABLES).unwrap();
    place.cleaner("guest-strict").unwrap();
    let run = place.load("a.csv", "id,name\n1,one\n2,two\n").unwrap();
    place.cleaner("guest-transform").unwrap();
    let report = place.json(&["replay", &run, "--current", "--diff"], 0).unwrap();
    let people = &report["tables"][0];
    assert_eq!((&people["added"], &people["removed"], &people["changed"]), (&1.into(), &0.into(), &1.into()), "{report:#}");
    assert_eq!(people["samples"]["added"], serde_json::json!(["1"]));
}

#[test]
fn the_same_plugin_changes_nothing() {
    let place = Place::new(TABLES).unwrap();
    let run = place.load("a.csv", "id,name\n1,one\n2,two\n").unwrap();
    let report = place.json(&["replay", &run, "--current", "--diff"], 0).unwrap();
    assert!(report["changed"].as_array().unwrap().is_empty() && report["measures"].as_array().unwrap().is_empty(), "{report:#}");
    for table in report["tables"].as_array().unwrap() {
        assert_eq!((&table["added"], &table["removed"], &table["changed"]), (&0.into(), &0.into(), &0.into()), "{report:#}");
    }
}
